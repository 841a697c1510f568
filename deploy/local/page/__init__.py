"""The page that the demo writes: one HTML file that needs nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any


def render(data: Mapping[str, Any]) -> str:
    """The page of a slate of games. `page.js` says what it reads from `data`."""
    here = files("deploy.local.page")
    embedded = json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    parts = {
        "/* style */": here.joinpath("page.css").read_text(),
        "/* script */": here.joinpath("page.js").read_text(),
        "/* football */": here.joinpath("football.js").read_text(),
        "/* hockey */": here.joinpath("hockey.js").read_text(),
        "/* data */": embedded,
    }
    page = here.joinpath("page.html").read_text()
    for mark, part in parts.items():
        page = page.replace(mark, part, 1)
    return page
