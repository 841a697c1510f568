"""Delimited text as columns of strings, whatever wrote it: packed or not, any delimiter, with an index column or none.

A row is a line, or a few where a quoted cell goes on. A line with a quote that is not closed, or with more cells than
the header, is no row; it must not swallow the rows after it.
"""

from __future__ import annotations

import codecs
import csv
import mmap
import re
import shutil
import tempfile
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl

from pipeline.readers.packed import ENDINGS, head, is_packed, unpack, unreadable
from pipeline.readers.quotes import closed
from playscore.errors import PlayscoreError

SUFFIXES: Final = (".csv", ".tsv", ".txt")
NULLS: Final = ("", "-", "NA", "N/A", "n/a", "#N/A", "None", "nan", "NaN", "null", "NULL", "NaT", "<NA>")
ROW: Final = "_row"
"""The column of row numbers: lines of the file, the header being 1."""
CUT_OFF: Final = "_cut_off"
"""The column of what a row has beyond the header's columns; null in rows that fit."""

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD_BYTES: Final = 1 << 16
_FIRST_LINES: Final = 20
"""By most of which it is told whether there is an index column without a name."""


def is_text(file: Path) -> bool:
    """Whether a file's name says that it is delimited text."""
    name = file.name.lower()
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name.endswith(SUFFIXES)


@dataclass(frozen=True)
class TextFile:
    """One file of delimited text."""

    path: Path

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns; an index column that has none is "". Raises FIELD_INVALID for what is no table."""
        return self._shape[1]

    def rows(self) -> pl.LazyFrame:
        """Its rows as strings, null where nothing is known, with their number and what they have beyond the header."""
        delimiter, names = self._shape
        schema = dict.fromkeys((*names, CUT_OFF), pl.String())
        return pl.scan_csv(
            self._closed[0],
            glob=False,
            has_header=False,
            skip_lines=1,
            schema=schema,
            separator=delimiter,
            eol_char=self._line_end,
            null_values=list(NULLS),
            missing_columns="insert",
            extra_columns="ignore",
            truncate_ragged_lines=True,
            infer_schema=False,
            row_index_name=ROW,
            row_index_offset=2,
        )

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """What was made of its rows. Raises FIELD_INVALID that names the file, and the byte that is not UTF-8."""
        try:
            return rows.collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
            raise self._not_utf8() or unreadable(self.path, str(error).partition("\n")[0]) from error

    @property
    def unclosed(self) -> tuple[int, ...]:
        """Numbers of the lines with a quote that is not closed; `rows` shows them blank."""
        return self._closed[1]

    @cached_property
    def _closed(self) -> tuple[Path, tuple[int, ...]]:
        """The text with every quote closed, and the numbers of the lines that are blank for it."""
        open_lines = frozenset(self._open_lines)
        if not open_lines:
            return self._plain, ()
        end = self._line_end.encode()
        copy = self._folder / "closed"
        unclosed: list[int] = []
        with self._plain.open("rb") as source, copy.open("wb") as target:
            lines = source if self._line_end == "\n" else (line + end for line in source.read().split(end))
            for number, (line, is_given_up) in enumerate(closed(lines, open_lines, self._is_row, end), 1):
                target.write(line)
                if is_given_up:
                    unclosed.append(number)
        return copy, tuple(unclosed)

    @property
    def _open_lines(self) -> list[int]:
        """Numbers of the lines in which a quote is not closed, or closed before its cell ends."""
        try:
            with self._plain.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
                if content.find(b'"') < 0:
                    return []
        except (OSError, ValueError) as error:  # it is gone, or empty by now
            raise unreadable(self.path, str(error)) from error
        lines = pl.scan_csv(
            self._plain,
            glob=False,
            has_header=False,
            separator="\x1f",
            quote_char=None,
            eol_char=self._line_end,
            schema={"line": pl.String()},
            truncate_ragged_lines=True,
            row_index_name=ROW,
            row_index_offset=1,
        )
        between = re.escape(self._shape[0])
        cell = rf'(?:"(?:[^"]|"")*"|[^"{between}\r][^{between}]*|)'
        line = pl.col("line")
        is_open = (line.str.count_matches('"', literal=True) % 2 == 1) | ~line.str.contains(
            rf"^{cell}(?:{between}{cell})*\r?$"
        )
        has_quotes = lines.filter(line.str.contains('"', literal=True))
        return self.collect(has_quotes.filter(is_open).select(ROW))[ROW].to_list()

    def _is_row(self, line: bytes) -> bool:
        delimiter, names = self._shape
        try:
            return len(_cells(line.decode(errors="replace"), delimiter, strict=True)) == len(names)
        except csv.Error:
            return False

    @cached_property
    def _plain(self) -> Path:
        if not is_packed(self.path):
            return self.path
        copy = self._folder / "plain"
        unpack(self.path, copy)
        return copy

    @cached_property
    def _folder(self) -> Path:
        """Of copies; it goes with this object."""
        folder = Path(tempfile.mkdtemp(prefix="playscore-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    @cached_property
    def _head(self) -> str:
        """How the text begins. Its first line is UTF-8; whether the rest is, reading it tells."""
        begin = head(self.path, _HEAD_BYTES)
        header = re.split(rb"[\r\n]", begin, maxsplit=1)[0]
        try:
            header.decode()
        except UnicodeDecodeError as error:
            raise _wrong_byte(self.path, error.start, begin[error.start]) from error
        return begin.decode(errors="replace").removeprefix("\ufeff")

    @cached_property
    def _line_end(self) -> str:
        return "\r" if "\r" in self._head and "\n" not in self._head else "\n"

    @cached_property
    def _shape(self) -> tuple[str, tuple[str, ...]]:
        """The delimiter, and the names of the columns."""
        header, *rest = self._head.split(self._line_end)
        if not header.strip():
            raise unreadable(self.path, "it is empty; a table begins with the names of its columns")
        if "\0" in header:
            raise unreadable(self.path, "it is no text in UTF-8; it may be UTF-16: save it as UTF-8")
        try:
            delimiter = max(_DELIMITERS, key=lambda each: (len(_cells(header, each)), -_DELIMITERS.index(each)))
            if len(_cells(header, delimiter)) == 1:
                delimiter = " "
            names = [name.strip() for name in _cells(header, delimiter)]
            first = [line for line in rest[:-1] if line.strip()][:_FIRST_LINES]
            longer = [line for line in first if len(_cells(line, delimiter)) == len(names) + 1]
            if 2 * len(longer) > len(first) and not longer[0].rstrip("\r").endswith(delimiter):
                names = ["", *names]  # an index column without a name, as R writes it
        except csv.Error as error:
            raise unreadable(self.path, f"it is no table: {error}") from error
        return delimiter, _distinct(names)

    def _not_utf8(self) -> PlayscoreError | None:
        """What is wrong if the text is not UTF-8; None if it is, or is not there."""
        if not self._plain.exists():
            return None
        decoder = codecs.getincrementaldecoder("utf-8")()
        place = 0
        with self._plain.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                pending = len(decoder.getstate()[0])
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    return _wrong_byte(self.path, place - pending + error.start, error.object[error.start])
                place += len(chunk)
        return None


def _wrong_byte(file: Path, place: int, value: int) -> PlayscoreError:
    """FIELD_INVALID for a text in another encoding; `place` counts bytes of the unpacked text from 0."""
    return unreadable(file, f"it is not UTF-8: byte {place} is 0x{value:02X}; save it as UTF-8")


def _cells(line: str, delimiter: str, *, strict: bool = False) -> list[str]:
    """The cells of a line. If `strict`, raises csv.Error for a quote that is closed before its cell ends, or never."""
    return next(csv.reader([line.replace("\r", " ")], delimiter=delimiter, strict=strict), [])


def _distinct(names: list[str]) -> tuple[str, ...]:
    """The names, where one comes again with its place: the first one keeps it."""
    return tuple(
        name if name not in names[:place] else f"{name}_duplicated_{place}" for place, name in enumerate(names)
    )
