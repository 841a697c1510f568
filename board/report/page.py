"""The report as one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from board.single_file import PAGES, joined, read, single_file

MODULES: Final = (
    "elements.js", "interval.js", "distribution.js", "ratings.js", "plays.js", "charts.js", "report.js"
)  # fmt: skip
LIBRARIES: Final = ("vendor/d3.min.js", "vendor/plot.umd.min.js")


def render(data: Mapping[str, Any]) -> str:
    """The page of a report. `report.js` says what it reads from `data`."""
    return single_file(
        read("report.html"),
        style=read("theme.css", "pages.css"),
        libraries=read(*LIBRARIES),
        licenses=read("vendor/LICENSES.txt"),
        script=joined(PAGES, MODULES),
        data=data,
    )
