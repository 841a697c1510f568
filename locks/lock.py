"""The locks that there are, and how one is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
WHOLE: Final = "benchmarks"
"""The lock that holds all others that `pyproject.toml` asks for."""
EXTRAS: Final[Mapping[str, Sequence[str]]] = {
    WHOLE: ("dev", "bench", "sbom"),
    "development": ("dev",),
    "training": ("train", "compare"),
    "services": ("services", "tracing"),
    "featurizer": ("featurizer", "tracing"),
    "scorer": ("scorer", "tracing"),
    "aggregator": ("aggregator", "tracing"),
    "worker": ("worker", "tracing"),
}
"""By lock, the extras of playscore that it installs."""
ALONE: Final = ("build", "sbom")
"""The locks of tools that are installed without playscore: what builds it, and what lists the contents of an image."""
TRITON: Final = ROOT / "deploy" / "local" / "triton-requirements.txt"
"""The lock of Triton's own environment. It comes with the package, which installs Triton elsewhere too."""

_PIN: Final = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock."""

    name: str
    """Normalized."""
    version: str
    hashes: tuple[str, ...]


def path_of(lock: str) -> Path:
    """The file of a lock of `EXTRAS` or `ALONE`."""
    return ROOT / "locks" / f"{lock}.txt"


def normalized(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read(path: Path) -> dict[str, Locked]:
    """The packages of a lock, by normalized name. Raises ValueError for a line that is neither a pin nor a comment."""
    text = path.read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if not (words := line.split("#", 1)[0].split()):
            continue
        pinned, *options = words
        match = _PIN.fullmatch(pinned)
        if match is None or not all(option.startswith("--hash=sha256:") for option in options):
            raise ValueError(f"{path.name}: {line} is not NAME==VERSION with hashes")
        name = normalized(match["name"])
        found[name] = Locked(name, match["version"], tuple(option.removeprefix("--hash=") for option in options))
    return found
