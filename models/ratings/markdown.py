"""Tables and figures in Markdown, for the pages of the rating study."""

from __future__ import annotations

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table with these heads; every row has a cell for each."""
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row)) + " |" for row in rows)])


def interval(figure: Sequence[float], digits: int = 3, *, signed: bool = False) -> str:
    """`0.425 [0.371, 0.470]` for [value, lower, upper]."""
    sign = "+" if signed else ""
    value, low, high = (f"{number:{sign}.{digits}f}" for number in figure)
    return f"{value} [{low}, {high}]"


def gain(figure: Sequence[float], digits: int = 3) -> str:
    """A difference with its sign, in bold if its interval excludes 0."""
    text = interval(figure, digits, signed=True)
    return f"**{text}**" if figure[1] > 0 or figure[2] < 0 else text


def listed(items: Sequence[str]) -> str:
    """`a`, `a and b`, or `a, b and c`."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
