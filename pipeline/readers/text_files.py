"""Delimited text as columns of strings, whatever wrote it: packed or not, any delimiter, with an index column or none.

A row is a line. A line with a quote that is not closed, or with more cells than the header, is no row; it must not
swallow the rows after it.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import mmap
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import polars as pl
import zstandard

from playscore.errors import PlayscoreError, Reason

SUFFIXES: Final = (".csv", ".tsv", ".txt")
PACKED: Final = (".gz", ".zst", ".zstd")
NULLS: Final = ("", "NA", "N/A", "#N/A", "None", "nan", "NaN", "null", "NULL", "NaT", "<NA>")
ROW: Final = "_row"
"""The column of row numbers: lines of the file, the header being 1."""
CUT_OFF: Final = "_cut_off"
"""The column of what a row has beyond the header's columns; null in rows that fit."""

T = TypeVar("T")

_DELIMITERS: Final = (",", ";", "\t", "|")
_HEAD_BYTES: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"


def is_text(file: Path) -> bool:
    """Whether a file's name says that it is delimited text."""
    name = file.name.lower()
    for packed in PACKED:
        name = name.removesuffix(packed)
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
            self._lines,
            has_header=False,
            skip_lines=1,
            schema=schema,
            separator=delimiter,
            eol_char=self._line_end,
            null_values=list(NULLS),
            missing_columns="insert",
            truncate_ragged_lines=True,
            infer_schema=False,
            row_index_name=ROW,
            row_index_offset=2,
        )

    def collect(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """What was made of its rows. Raises FIELD_INVALID that names the file, and the byte that is not UTF-8."""
        try:
            return rows.collect()
        except (pl.exceptions.PolarsError, OSError) as error:
            raise self._not_utf8() or unreadable(self.path, str(error).partition("\n")[0]) from error

    @cached_property
    def unclosed(self) -> tuple[int, ...]:
        """Numbers of the lines with a quote that is not closed; `rows` shows them blank."""
        text = self._plain
        if text.stat().st_size == 0:
            return ()
        with text.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            if content.find(b'"') < 0:
                return ()
        lines = pl.scan_csv(
            text,
            has_header=False,
            separator="\x1f",
            quote_char=None,
            eol_char=self._line_end,
            schema={"line": pl.String()},
            truncate_ragged_lines=True,
            row_index_name=ROW,
            row_index_offset=1,
        )
        odd = lines.filter(pl.col("line").str.count_matches('"', literal=True) % 2 == 1)
        return tuple(self.collect(odd.select(ROW))[ROW].to_list())

    @cached_property
    def _lines(self) -> Path:
        """The text to parse: without the lines that would spoil others."""
        unclosed = frozenset(self.unclosed)
        if not unclosed:
            return self._plain
        end = self._line_end.encode()
        repaired = self._folder / "repaired"
        with self._plain.open("rb") as source, repaired.open("wb") as target:
            lines = source if self._line_end == "\n" else (line + end for line in source.read().split(end))
            for number, line in enumerate(lines, 1):
                target.write(end if number in unclosed else line)
        return repaired

    @cached_property
    def _plain(self) -> Path:
        """The text, unpacked."""
        with self.path.open("rb") as stream:
            magic = stream.read(4)
        if not magic.startswith((_GZIP, _ZSTD)):
            return self.path
        plain = self._folder / "plain"
        with self._opened() as packed, plain.open("wb") as target:
            self._unpacking(lambda: shutil.copyfileobj(packed, target, 1 << 20))
        if magic.startswith(_ZSTD) and not _ends_whole(self.path):
            raise unreadable(self.path, "it cannot be unpacked: it is cut off")
        return plain

    @cached_property
    def _folder(self) -> Path:
        """Of copies; it goes with this object."""
        folder = Path(tempfile.mkdtemp(prefix="playscore-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _opened(self) -> Any:
        with self.path.open("rb") as stream:
            magic = stream.read(4)
        if magic.startswith(_GZIP):
            return gzip.open(self.path)
        if magic.startswith(_ZSTD):
            decompressor = zstandard.ZstdDecompressor()
            return decompressor.stream_reader(self.path.open("rb"), read_across_frames=True, closefd=True)
        return self.path.open("rb")

    def _unpacking(self, action: Callable[[], T]) -> T:
        try:
            return action()
        except (OSError, EOFError, zstandard.ZstdError) as error:
            raise unreadable(self.path, f"it cannot be unpacked: {error}") from error

    @cached_property
    def _head(self) -> str:
        """How the text begins. Its first line is UTF-8; whether the rest is, reading it tells."""
        with self._opened() as stream:
            head: bytes = self._unpacking(lambda: stream.read(_HEAD_BYTES))
        header = re.split(rb"[\r\n]", head, maxsplit=1)[0]
        try:
            header.decode()
        except UnicodeDecodeError as error:
            raise _wrong_byte(self.path, error.start, head[error.start]) from error
        return head.decode(errors="replace").removeprefix("\ufeff")

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
            first = next((line for line in rest[:-1] if line.strip()), "")
            if first and len(_cells(first, delimiter)) == len(names) + 1 and not first.rstrip("\r").endswith(delimiter):
                names = ["", *names]  # an index column without a name, as R writes it
        except csv.Error as error:
            raise unreadable(self.path, f"it is no table: {error}") from error
        return delimiter, _distinct(names)

    def _not_utf8(self) -> PlayscoreError | None:
        """What is wrong if the text is not UTF-8; None if it is."""
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


def _ends_whole(file: Path) -> bool:
    """Whether the last frame of zstd in a file is whole; its stream reader does not tell."""
    frame = zstandard.ZstdDecompressor().decompressobj()
    with file.open("rb") as stream:
        while data := stream.read(1 << 20):
            while data:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                frame.decompress(data)
                data = frame.unused_data if frame.eof else b""
    return bool(frame.eof)


def unreadable(file: Path, why: str) -> PlayscoreError:
    """FIELD_INVALID for a file that cannot be read."""
    return PlayscoreError(Reason.FIELD_INVALID, f"{file} cannot be read: {why}")


def _wrong_byte(file: Path, place: int, value: int) -> PlayscoreError:
    """FIELD_INVALID for a text in another encoding; `place` counts bytes of the unpacked text from 0."""
    return unreadable(file, f"it is not UTF-8: byte {place} is 0x{value:02X}; save it as UTF-8")


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(line.rstrip("\r")), delimiter=delimiter), [])


def _distinct(names: list[str]) -> tuple[str, ...]:
    """The names, where one comes again with its place: the first one keeps it."""
    return tuple(
        name if name not in names[:place] else f"{name}_duplicated_{place}" for place, name in enumerate(names)
    )
