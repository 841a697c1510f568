"""Tables and drawings in plain text, for terminals of any width and names of any script."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from playscore.terminal_text import printable

_GAP: Final = "  "
_LEAST_SHRUNK: Final = 8
_BLOCKS: Final = "▁▂▃▄▅▆▇█"


def width(text: str) -> int:
    """The width of text in columns of a terminal."""
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def cut(text: str, columns: int) -> str:
    """The text, or as much of its beginning as fits before an ellipsis."""
    if width(text) <= columns:
        return text
    kept, left = [], columns - 1
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept.append(character)
    return "".join(kept) + "…"


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading and layout of a column."""

    title: str
    right: bool = False
    """Values are aligned to the right, as numbers are."""
    shrinks: bool = False
    """Values may be cut if the table is too wide."""
    optional: bool = False
    """The column is left out if the table is too wide."""
    spare: int = 0
    """Where narrowing would not make the table fit, columns are left out from 1 on; 0: never."""


def table(headings: Sequence[Heading], rows: Sequence[Sequence[str]], columns: int | None = None) -> Iterator[str]:
    """Lines of a table, the headings first, at most `columns` wide if possible.

    Columns that are empty throughout are left out.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = fitted(headings, cells, columns)
    for line in ([heading.title for heading in headings], *cells):
        yield _GAP.join(
            _padded(cut(line[place], widths[place]), widths[place], right=headings[place].right) for place in widths
        ).rstrip()


def fitted(headings: Sequence[Heading], rows: Sequence[Sequence[str]], columns: int | None) -> dict[int, int]:
    """The columns of a table that have values, by their places, with widths that make it at most `columns` wide.

    Optional columns are left out, then spare ones, then others are narrowed, until the table fits or cannot get
    narrower.
    """
    shown = [place for place, _ in enumerate(headings) if not rows or any(row[place] for row in rows)]
    widths = {place: max(map(width, [headings[place].title, *(row[place] for row in rows)])) for place in shown}
    if columns is None:
        return widths

    def excess(*, narrowed: bool = False) -> int:
        least = (min(widths[place], _LEAST_SHRUNK) if headings[place].shrinks else widths[place] for place in widths)
        return sum(least if narrowed else widths.values()) + len(_GAP) * (len(widths) - 1) - columns

    for place in [place for place in widths if headings[place].optional][::-1]:
        if excess() > 0:
            del widths[place]
    for place in sorted((place for place in widths if headings[place].spare), key=lambda place: headings[place].spare):
        if excess(narrowed=True) > 0:
            del widths[place]
    shrinking = [place for place in widths if headings[place].shrinks]
    while excess() > 0 and shrinking:
        widest = max(shrinking, key=lambda place: widths[place])
        if widths[widest] <= _LEAST_SHRUNK:
            break
        widths[widest] -= 1
    return widths


def _padded(text: str, columns: int, *, right: bool) -> str:
    space = " " * (columns - width(text))
    return space + text if right else text + space


@dataclass(frozen=True, slots=True)
class Scale:
    """Draws intervals below each other, on one scale."""

    low: float
    high: float
    columns: int = 21

    def interval(self, low: float, value: float, high: float) -> str:
        """An interval and the value in it: `  ├───●────┤   `."""
        ends = self._place(low), self._place(high)
        line = [" "] * self.columns
        line[ends[0] : ends[1] + 1] = "─" * (ends[1] + 1 - ends[0])
        line[ends[0]], line[ends[1]] = "├", "┤"
        line[self._place(value)] = "●"
        return "".join(line)

    def _place(self, number: float) -> int:
        if not self.high > self.low:
            return self.columns // 2
        share = (number - self.low) / (self.high - self.low)
        return round(min(max(share, 0.0), 1.0) * (self.columns - 1))


def sparkline(heights: Sequence[float]) -> str:
    """A bar for each height, scaled to the highest; a blank for zero."""
    highest = max(heights, default=0.0)
    if highest <= 0:
        return " " * len(heights)
    return "".join(" " if each <= 0 else _BLOCKS[min(int(each / highest * 8), 7)] for each in heights)


def bar(share: float, columns: int = 10) -> str:
    """A share of 1 as a bar."""
    full = round(min(max(share, 0.0), 1.0) * columns)
    return "█" * full + "░" * (columns - full)
