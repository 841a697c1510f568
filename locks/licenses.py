"""`python -m locks.licenses`: writes THIRD_PARTY.md, the licenses of everything that is locked, from its metadata."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

from locks.lock import ALONE, EXTRAS, ROOT, TRITON, normalized, path_of, read

PAGE: Final = ROOT / "THIRD_PARTY.md"
_LONGEST_NAME: Final = 80
"""Of a license; what is longer is its text."""
_STATED: Final = {"torch": "BSD-3-Clause", "interpret-core": "MIT"}
"""Of packages whose metadata do not say it in a word: what their projects state."""
_HEAD: Final = """\
# Third-party licenses

What playscore installs besides itself, exactly as it is locked, and under which licenses. The packages are installed
from an index, not copied into this repository; what is copied (libraries of the pages) is listed in
[board/pages/vendor/LICENSES.txt](board/pages/vendor/LICENSES.txt). Callers install much less than this: the
requirements of the package itself in `pyproject.toml`.

`make locks` writes this page from the metadata of the packages.

| package | version | license | locks |
|---|---|---|---|
"""


def write_licenses() -> None:
    """Writes the page. Every locked package must be installed, in this environment or in that of Triton."""
    PAGE.write_text(_HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows()), encoding="utf-8")


def rows() -> Iterator[tuple[str, str, str, str]]:
    """Package, version, license and locks of everything that is locked, by name."""
    uses: dict[tuple[str, str], list[str]] = {}
    for lock, path in {**{lock: path_of(lock) for lock in (*EXTRAS, *ALONE)}, "triton": TRITON}.items():
        for locked in read(path).values():
            uses.setdefault((locked.name, locked.version), []).append(lock)
    site_packages = next((ROOT / ".triton").glob("lib/python3.*/site-packages"))
    carried = {normalized(each.name): each for each in importlib.metadata.distributions(path=[str(site_packages)])}
    for (name, version), locks in sorted(uses.items()):
        of_triton = locks == ["triton"]
        distribution = carried[name] if of_triton else importlib.metadata.distribution(name)
        yield name, version, license_of(distribution), ", ".join(locks)


def license_of(distribution: Distribution) -> str:
    """The license as the metadata state it: an expression, else a name, else classifiers."""
    if known := _STATED.get(normalized(distribution.name)):
        return known
    metadata = distribution.metadata
    stated = [*metadata.get_all("License-Expression", []), *metadata.get_all("License", [])]
    named = str(next(iter(stated), "")).strip()
    if named and "\n" not in named and len(named) <= _LONGEST_NAME and named.upper() != "UNKNOWN":
        return named.replace("|", "/")
    classified = [
        line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line.startswith("License")
    ]
    if classified:
        return ", ".join(classified)
    first = next((line.strip() for line in named.splitlines() if re.search("licen[sc]e", line, re.IGNORECASE)), "")
    return first or _from_file(distribution) or "not stated"


def _from_file(distribution: Distribution) -> str:
    """The first line of the license that the package carries."""
    for file in distribution.files or ():
        if re.match(r"licen[sc]e|copying", Path(file).name, re.IGNORECASE):
            text = Path(str(distribution.locate_file(file))).read_text(errors="replace")
            return next((line.strip() for line in text.splitlines() if line.strip()), "")[:_LONGEST_NAME].replace(
                "|", "/"
            )
    return ""


if __name__ == "__main__":
    write_licenses()
