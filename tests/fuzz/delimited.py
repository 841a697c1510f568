"""Damage to tables in delimited text."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Final

import zstandard

from tests.fuzz.blame import Blame, PlayKey, identifier, plays_of, shown
from tests.fuzz.cells import TEXTS, other_text
from tests.fuzz.corpus import table_of, write


class Lines:
    """The lines of a table, and whose they are."""

    def __init__(self, file: Path, blame: Blame) -> None:
        self.text = file.read_bytes()
        self.lines = self.text.decode("utf-8", "surrogateescape").split("\n")
        self.header = cells_of(self.lines[0])
        self._file = file
        self._blame = blame

    @property
    def rows(self) -> list[list[str]]:
        """The cells of header and rows."""
        return [cells_of(line) for line in self.lines if line]

    def any(self, random: Random) -> int:
        """The place of a row."""
        return random.randrange(1, max(2, len(self.lines) - 1))

    def column(self, random: Random, place: int) -> list[str]:
        """Some cells of a column."""
        rows = [cells_of(self.lines[self.any(random)]) for _ in range(3)]
        return [row[place] if place < len(row) else "" for row in rows]

    def put(self, start: int, stop: int, *new: str) -> None:
        """Put other lines in place of some."""
        for line in (*self.lines[start:stop], *new):
            for part in line.split("\n"):
                self._blame.rows(self._file, self._plays(part))
        self.lines[start:stop] = new

    def save(self) -> None:
        """Write the file anew."""
        write(self._file, encoded("\n".join(self.lines)))

    def _plays(self, line: str) -> Iterable[PlayKey]:
        """Plays that a line may be a row of: if it is no proper row, any that it could name."""
        cells = cells_of(line)
        if len(cells) == len(self.header) and '"' not in line and "\r" not in line:
            yield from plays_of(dict(zip(self.header, cells, strict=True)))
            return
        named = {identifier(cell) for cell in (*cells, *line.replace('"', "").split(","))}
        for game in named:
            for play in named:
                yield game, play


def cell(random: Random, file: Path, blame: Blame) -> str:
    """A cell says something else, quoted as it must be or as it stands."""
    lines = Lines(file, blame)
    at = lines.any(random)
    cells = cells_of(lines.lines[at])
    if not cells:
        return "no cell"
    place = random.randrange(len(cells))
    before = cells[place]
    cells[place] = other_text(random, before, cells, lines.column(random, place))
    raw = random.random() < 0.7
    lines.put(at, at + 1, line_of(cells, place if raw else -1))
    lines.save()
    name = lines.header[place] if place < len(lines.header) else "?"
    blame.counts |= table_of(file) == "tracking" and name in _NUMBERS and cells[place] in _WORDS
    return f"row {at + 1}, {name}: {shown(before)} is {shown(cells[place])}{' as it stands' if raw else ''}"


_NUMBERS: Final = ("x", "y", "s", "frameId", "frame.id")
_WORDS: Final = ("garbage", "x", "?", "½", "漢字", "🏈", "pass_forward", "football", "ball_snap", "#REF!")


def row(random: Random, file: Path, blame: Blame) -> str:
    """A row, or two, are damaged."""
    lines = Lines(file, blame)
    at = lines.any(random)
    if at >= len(lines.lines):
        return "no row"
    what = random.choice(list(_ROWS))
    _ROWS[what](random, lines, at)
    lines.save()
    return f"row {at + 1} {what}"


def _moved(random: Random, lines: Lines, at: int) -> None:
    line = lines.lines[at]
    lines.put(at, at + 1)
    to = lines.any(random)
    lines.put(to, to, line)


def _swapped(random: Random, lines: Lines, at: int) -> None:
    cells = cells_of(lines.lines[at])
    lines.put(at, at + 1, line_of(random.sample(cells, len(cells)) if len(cells) < 3 else _exchanged(random, cells)))


def _exchanged(random: Random, cells: list[str]) -> list[str]:
    one, two = random.sample(range(len(cells)), 2)
    cells[one], cells[two] = cells[two], cells[one]
    return cells


def _shortened(random: Random, lines: Lines, at: int) -> None:
    cells = cells_of(lines.lines[at])
    lines.put(at, at + 1, line_of(cells[: random.randrange(len(cells) + 1)]))


def _shifted(random: Random, lines: Lines, at: int) -> None:
    cells = cells_of(lines.lines[at])
    lines.put(at, at + 1, line_of(random.choice((["", *cells[:-1]], [*cells[1:], ""]))))


def _split(random: Random, lines: Lines, at: int) -> None:
    line = lines.lines[at]
    place = random.randrange(len(line) + 1)
    lines.put(at, at + 1, line[:place], line[place:])


def _crossed(random: Random, lines: Lines, at: int) -> None:
    line, other = lines.lines[at], lines.lines[lines.any(random)]
    place = random.randrange(len(line) + 1)
    lines.put(at, at + 1, line[:place] + other[place:])


_GARBAGE: Final = ("garbage", "# a comment", "\x00" * 50, '"', '"' * 7, "\ufeff", "x" * 100_000, "," * 1_000)
_ROWS: Final[Mapping[str, Callable[[Random, Lines, int], None]]] = {
    "dropped": lambda random, lines, at: lines.put(at, at + 1),
    "doubled": lambda random, lines, at: lines.put(at, at, *[lines.lines[at]] * random.choice((1, 1, 49))),
    "moved": _moved,
    "cut": lambda random, lines, at: lines.put(
        at, at + 1, lines.lines[at][: random.randrange(len(lines.lines[at]) + 1)]
    ),
    "too long": lambda random, lines, at: lines.put(
        at, at + 1, lines.lines[at] + random.choice((",", ",x", ",,,,", ",1" * 100))
    ),
    "too short": _shortened,
    "swapped": _swapped,
    "shifted": _shifted,
    "blank": lambda random, lines, at: lines.put(
        at, at + 1, random.choice(("", " ", "," * (len(lines.header) - 1), "\t", "\r"))
    ),
    "glued to the next": lambda random, lines, at: lines.put(at, at + 2, "".join(lines.lines[at : at + 2])),
    "split": _split,
    "crossed with another": _crossed,
    "after a header": lambda random, lines, at: lines.put(at, at, lines.lines[0]),
    "after garbage": lambda random, lines, at: lines.put(at, at, random.choice(_GARBAGE)),
}


def table(random: Random, file: Path, blame: Blame) -> str:
    """The columns are damaged, or many rows."""
    lines = Lines(file, blame)
    header, *body = lines.rows
    what = random.choice(list(_TABLES))
    place = random.randrange(len(header))
    blame.whole(file)
    blame.takes |= what in _TAKING
    rows = _TABLES[what](random, header, body, place)
    write(file, encoded("".join(line_of(row) + "\n" for row in rows)))
    return f"{what}, {header[place]}"


def _renamed(random: Random, header: list[str], body: list[list[str]], place: int) -> list[list[str]]:
    name = header[place]
    new = random.choice(("", "x", name.upper(), header[place - 1], f" {name}", f"{name}2", "é"))
    return [[*header[:place], new, *header[place + 1 :]], *body]


def _of_other_values(random: Random, header: list[str], body: list[list[str]], place: int) -> list[list[str]]:
    other = random.randrange(len(header))
    return [header, *([*row[:place], *row[other : other + 1], *row[place + 1 :]] for row in body)]


def _of_one_value(random: Random, header: list[str], body: list[list[str]], place: int) -> list[list[str]]:
    text = random.choice(TEXTS)
    return [header, *([*row[:place], text, *row[place + 1 :]] for row in body)]


def _with_bad_cells(random: Random, header: list[str], body: list[list[str]], place: int) -> list[list[str]]:
    column = [row[place] for row in body if place < len(row)]
    share = random.choice((0.01, 0.1, 0.5))
    for row in body:
        if place < len(row) and random.random() < share:
            row[place] = other_text(random, row[place], row, column)
    return [header, *body]


_TABLES: Final[Mapping[str, Callable[[Random, list[str], list[list[str]], int], list[list[str]]]]] = {
    "a column less": lambda random, header, body, place: [row[:place] + row[place + 1 :] for row in (header, *body)],
    "a column renamed": _renamed,
    "a column doubled": lambda random, header, body, place: [
        [*row, *row[place : place + 1]] for row in (header, *body)
    ],
    "a column of other values": _of_other_values,
    "a column of one value": _of_one_value,
    "a column with bad cells": _with_bad_cells,
    "names exchanged": lambda random, header, body, place: [_exchanged(random, header), *body],
    "no header": lambda random, header, body, place: body,
    "two headers": lambda random, header, body, place: [header, header, *body],
    "header only": lambda random, header, body, place: [header],
    "some rows": lambda random, header, body, place: [header, *random.sample(body, min(len(body), 20))],
    "each row twice": lambda random, header, body, place: [header, *(row for row in body for _ in range(2))],
    "rows shuffled": lambda random, header, body, place: [header, *random.sample(body, len(body))],
}
_TAKING: Final = (
    "a column of other values", "a column of one value", "a column with bad cells", "names exchanged", "no header",
    "header only", "some rows",
)  # fmt: skip
"""Rows are missing afterwards, or identifiers may be other ones."""


def form(random: Random, file: Path, blame: Blame) -> str:
    """The same table is written in another form: it must read the same."""
    lines = Lines(file, blame)
    rows = lines.rows
    if len(lines.header) < 2 or any(len(row) != len(lines.header) for row in rows):
        return "no other form: it is damaged already"
    if any(mark in lines.text for mark in (b'"', b"\r", b"\x00", b";", b"\t", b"|")):
        return "no other form: it has quotes or delimiters"
    what = random.choice(list(_FORMS))
    ending, data = _FORMS[what](random, lines.text, rows)
    file.unlink()
    (file.parent / f"{table_of(file)}-of 2021 (1).{ending}").write_bytes(data)
    return f"written anew: {what}"


def _reordered(random: Random, text: bytes, rows: list[list[str]]) -> tuple[str, bytes]:
    order = random.sample(range(len(rows[0])), len(rows[0]))
    return "csv", encoded("".join(line_of([row[place] for place in order]) + "\n" for row in rows))


def _indexed(random: Random, text: bytes, rows: list[list[str]]) -> tuple[str, bytes]:
    return "csv", encoded("".join(line_of([str(at or ""), *row]) + "\n" for at, row in enumerate(rows)))


def _indexed_without_a_name(random: Random, text: bytes, rows: list[list[str]]) -> tuple[str, bytes]:
    return "csv", encoded("".join(line_of([str(at), *row] if at else row) + "\n" for at, row in enumerate(rows)))


def _quoted(random: Random, text: bytes, rows: list[list[str]]) -> tuple[str, bytes]:
    return "csv", encoded("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows))


_FORMS: Final[Mapping[str, Callable[[Random, bytes, list[list[str]]], tuple[str, bytes]]]] = {
    "gz": lambda random, text, rows: ("csv.gz", gzip.compress(text, mtime=0)),
    "zst": lambda random, text, rows: ("csv.zst", zstandard.compress(text)),
    "with a mark": lambda random, text, rows: ("csv", b"\xef\xbb\xbf" + text),
    "\\r\\n": lambda random, text, rows: ("CSV", text.replace(b"\n", b"\r\n")),
    "\\r": lambda random, text, rows: ("txt", text.replace(b"\n", b"\r")),
    "semicolons": lambda random, text, rows: ("csv", text.replace(b",", b";")),
    "tabs": lambda random, text, rows: ("tsv", text.replace(b",", b"\t")),
    "bars": lambda random, text, rows: ("txt", text.replace(b",", b"|")),
    "no last line end": lambda random, text, rows: ("csv", text.rstrip(b"\n")),
    "columns reordered": _reordered,
    "an index": _indexed,
    "an index without a name": _indexed_without_a_name,
    "quoted": _quoted,
}


def cells_of(line: str) -> list[str]:
    """The cells of a line."""
    with contextlib.suppress(csv.Error):
        return next(csv.reader([line]), [])
    return line.split(",")


def line_of(cells: Sequence[str], raw: int = -1) -> str:
    """A line of cells, each quoted if it must be; but the one that is to stand as it is."""
    return ",".join(cell if place == raw else _as_written(cell) for place, cell in enumerate(cells))


def _as_written(cell: str) -> str:
    if not any(mark in cell for mark in ',"\r\n'):
        return cell
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([cell])
    return buffer.getvalue()


def encoded(text: str) -> bytes:
    """Text as bytes; what was no text stays as it was."""
    return text.encode("utf-8", "surrogateescape")
