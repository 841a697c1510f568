"""`python -m locks [OPTION OF uv pip compile]...`: resolves `pyproject.toml` into the locks, then lists the licenses.

What is locked stays at its version while that fits; `--upgrade-package NAME` or `--upgrade` says otherwise. Packages
come from where pip is set to look; the locks name no place.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from locks.licenses import write_licenses
from locks.lock import ALONE, EXTRAS, ROOT, TRITON, WHOLE, path_of

# Linux on x86-64 is what there is Triton for. Of Python 3.11 and 3.12 the former needs more.
_TARGET: Final = ("--python-version", "3.11.5", "--python-platform")
_PLATFORM: Final = "x86_64-manylinux_2_28"
_TRITON_PLATFORM: Final = "x86_64-manylinux_2_35"
_SILENT: Final = ("--quiet", "--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")


def main(options: Sequence[str]) -> None:
    """Writes every lock."""
    project = ROOT / "pyproject.toml"
    for lock, extras in EXTRAS.items():
        chosen = [word for extra in extras for word in ("--extra", extra)]
        alike = [] if lock == WHOLE else ["--constraint", str(path_of(WHOLE))]
        _compile(project, path_of(lock), *chosen, *alike, *options)
    asked = tomllib.loads(project.read_text())
    tools = (asked["build-system"]["requires"], asked["project"]["optional-dependencies"]["sbom"])
    for lock, needed in zip(ALONE, tools, strict=True):
        _compile("-", path_of(lock), "--constraint", str(path_of(WHOLE)), *options, given="\n".join(needed))
    _compile(ROOT / "locks" / "triton.in", TRITON, "--no-deps", *options, platform=_TRITON_PLATFORM)
    write_licenses()


def _compile(source: Path | str, lock: Path, *options: str, given: str = "", platform: str = _PLATFORM) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [uv, "pip", "compile", str(source), "--generate-hashes", "--output-file", str(lock)]
    subprocess.run([*command, *_TARGET, platform, *_SILENT, *_places(), *options], input=given, text=True, check=True)


def _places() -> list[str]:
    """Where pip is set to look for packages, as options of uv.

    Extra indexes are left out: a mirror of a part of the index would know a part of the hashes.
    """
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], stdout=subprocess.PIPE, text=True, check=True
    ).stdout
    places: list[str] = []
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in ("index-url", "find-links"):
            for place in value.strip("'").split():
                places += [f"--{option}", place]
    return places


if __name__ == "__main__":
    main(sys.argv[1:])
