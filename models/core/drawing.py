"""Figures as SVG text. The same figures give the same text."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

INK = "#333333"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "playscore",
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.edgecolor": "#777777",
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": "#777777",
    "ytick.color": "#777777",
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "legend.frameon": False,
}


@contextmanager
def figure(width: float, height: float) -> Iterator[tuple[Figure, Callable[[], str]]]:
    """A figure to draw in, sized in inches, and a function that returns its SVG after the block."""
    written = io.StringIO()
    with mpl.rc_context(_STYLE):
        drawn = Figure(figsize=(width, height), layout="constrained")
        yield drawn, written.getvalue
        drawn.savefig(written, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})


def inlined(svg: str) -> str:
    """An SVG to put on a page with others: without its head, and without names that could occur twice."""
    return re.sub(r'<g id="[^"]*"', "<g", svg[svg.index("<svg") :])
