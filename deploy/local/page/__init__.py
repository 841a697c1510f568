"""The page that the demo writes: one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from board.single_file import PAGES, joined, read, single_file

SCRIPTS = ("page", "football", "hockey")


def render(data: Mapping[str, Any]) -> str:
    """The page of a slate of games. `page.js` says what it reads from `data`."""
    here = files("deploy.local.page")
    scripts = [joined(PAGES, ["elements.js"]), *(here.joinpath(f"{name}.js").read_text() for name in SCRIPTS)]
    return single_file(
        here.joinpath("page.html").read_text(),
        style="\n".join([read("theme.css"), here.joinpath("page.css").read_text()]),
        script="\n".join(scripts),
        data=data,
    )
