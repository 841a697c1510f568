"""Lines of delimited text with a quote open at the end: a cell goes on in the next line, or somebody forgot one."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator
from typing import Final

MAX_LINES: Final = 20
"""That one row may take."""


def closed(
    lines: Iterable[bytes], open_lines: Container[int], is_row: Callable[[bytes], bool], end: bytes
) -> Iterator[tuple[bytes, bool]]:
    """The lines, as many as there are, in which every quote is closed; and which of them are blank for want of one.

    Args:
        lines: of a text, with their ends.
        open_lines: numbers, from 1, of those in which a quote is not closed.
        is_row: whether a line has as many cells as a row of the table.
        end: of a line.

    A line with an open quote and the lines after it, up to the next such line, are one row if together they
    have its cells: they come as one line, and blank ones. Else the first is blank.
    """
    pending: list[bytes] = []
    for number, line in enumerate(lines, 1):
        if not pending:
            if number in open_lines:
                pending = [line]
            else:
                yield line, False
            continue
        if number not in open_lines:
            pending.append(line)
            if len(pending) == MAX_LINES:
                yield from _given_up(pending, end)
                pending = []
            continue
        row = b" ".join(part.rstrip(b"\r\n") for part in (*pending, line))
        if is_row(row):
            yield row + end, False
            yield from ((end, False) for _ in pending)
            pending = []
        else:
            yield from _given_up(pending, end)
            pending = [line]
    yield from _given_up(pending, end)


def _given_up(pending: list[bytes], end: bytes) -> Iterator[tuple[bytes, bool]]:
    if pending:
        yield end, True
        yield from ((line, False) for line in pending[1:])
