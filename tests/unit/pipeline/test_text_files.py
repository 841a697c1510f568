"""Delimited text as people export it: one table, whatever wrote it."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.text_files import CUT_OFF, NULLS, ROW, TextFile, is_text
from playscore.errors import PlayscoreError, Reason

TEXT = "frameId,name,x\n1,Able,40.5\n2,Baker,41.5\n"
ROWS = [{"frameId": "1", "name": "Able", "x": "40.5"}, {"frameId": "2", "name": "Baker", "x": "41.5"}]


def written(folder: Path, text: str | bytes, name: str = "week1.csv") -> TextFile:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return TextFile(file)


def table(file: TextFile) -> pl.DataFrame:
    """The rows that hold anything, and fit."""
    columns = [name for name in file.columns if name]
    rows = file.collect(file.rows()).filter(pl.col(CUT_OFF).is_null())
    return rows.filter(pl.any_horizontal(pl.col(columns).is_not_null())).select(*columns, ROW)


def rows(file: TextFile) -> list[dict[str, Any]]:
    return table(file).drop(ROW).to_dicts()


def refusal(file: TextFile) -> str:
    """What is said of a file that cannot be read; it names the file."""
    with pytest.raises(PlayscoreError) as refused:
        rows(file)
    assert refused.value.reason is Reason.FIELD_INVALID
    assert str(file.path) in str(refused.value)
    return str(refused.value)


def halves(text: bytes, pack: Callable[[bytes], bytes]) -> bytes:
    return pack(text[:30]) + pack(text[30:])


PACKED = {
    "gzip": gzip.compress(TEXT.encode()),
    "gzip of several members": halves(TEXT.encode(), gzip.compress),
    "zstd": zstandard.compress(TEXT.encode()),
    "zstd of several frames": halves(TEXT.encode(), zstandard.compress),
}


@pytest.mark.parametrize("name", ["week1.csv.gz", "week1.csv.zst", "week1.csv"])
@pytest.mark.parametrize("packed", PACKED.values(), ids=PACKED)
def test_packed_text_is_told_by_its_bytes_whatever_its_name_says(tmp_path: Path, packed: bytes, name: str) -> None:
    assert rows(written(tmp_path, packed, name)) == ROWS


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_packed_text_that_is_cut_off_is_not_read_short(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    long = TEXT + "".join(f"{frame},Cook{frame * frame},{frame}.25\n" for frame in range(3, 50_000))
    refusal(written(tmp_path, pack(long.encode())[:-2_000]))


def test_packed_text_that_is_damaged_is_refused(tmp_path: Path) -> None:
    damaged = bytearray(gzip.compress(TEXT.encode()))
    damaged[len(damaged) // 2] ^= 0xFF
    refusal(written(tmp_path, bytes(damaged)))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_the_delimiter_is_told_by_the_header(tmp_path: Path, delimiter: str, quoting: Any) -> None:
    target = io.StringIO()
    csv.writer(target, delimiter=delimiter, quoting=quoting).writerows([list(ROWS[0]), *(row.values() for row in ROWS)])
    assert rows(written(tmp_path, target.getvalue())) == ROWS


@pytest.mark.parametrize("header", ["frameId, name, x", "frameId , name , x", '"frameId","name","x"'])
def test_blanks_and_quotes_around_names_of_columns_are_not_theirs(tmp_path: Path, header: str) -> None:
    assert rows(written(tmp_path, TEXT.replace("frameId,name,x", header))) == ROWS


@pytest.mark.parametrize(
    ("header", "first", "second"),
    [(",frameId,name,x", "0,", "1,"), ('"",frameId,name,x', '"1",', '"2",'), ("frameId,name,x", '"1",', '"2",')],
    ids=["pandas", "R, write.csv", "R, write.table"],
)
def test_an_index_column_without_a_name_is_none_of_the_tables(
    tmp_path: Path, header: str, first: str, second: str
) -> None:
    assert rows(written(tmp_path, f"{header}\n{first}1,Able,40.5\n{second}2,Baker,41.5\n")) == ROWS


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("begin", ["", "\ufeff"])
@pytest.mark.parametrize("finish", [True, False])
def test_lines_may_end_in_any_way_and_a_mark_may_come_first(
    tmp_path: Path, ends: str, begin: str, finish: bool
) -> None:
    text = begin + TEXT.replace("\n", ends)
    assert rows(written(tmp_path, text if finish else text.removesuffix(ends))) == ROWS


@pytest.mark.parametrize(
    ("line", "read"),
    [
        ('3,"Cook, Carl",7', {"frameId": "3", "name": "Cook, Carl", "x": "7"}),
        ('3,"Carl ""Cookie"" Cook",7', {"frameId": "3", "name": 'Carl "Cookie" Cook', "x": "7"}),
        ('3,"Carl\nCook",7', {"frameId": "3", "name": "Carl Cook", "x": "7"}),
        ("3,Cook", {"frameId": "3", "name": "Cook", "x": None}),
        ("3,NA,", {"frameId": "3", "name": None, "x": None}),
    ],
)
def test_a_row_is_what_its_quotes_make_of_it(tmp_path: Path, line: str, read: dict[str, str | None]) -> None:
    head, last = TEXT.rsplit("\n", 2)[:2]
    assert rows(written(tmp_path, f"{head}\n{line}\n{last}\n")) == [ROWS[0], read, ROWS[1]]


@pytest.mark.parametrize("line", ['3,"Cook,7', '3,Co"ok,7', '"3,Cook,7', '3,Cook,7"'])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_quote_that_is_not_closed_spoils_its_line_and_no_other(tmp_path: Path, line: str, place: int) -> None:
    lines = TEXT.splitlines()
    lines.insert(place, line)
    file = written(tmp_path, "\n".join(lines) + "\n")
    assert rows(file) == ROWS
    assert file.unclosed == (place + 1,)


@pytest.mark.parametrize("line", ["3,Cook,7,8", "3,Cook,7,8,9,10", ",3,Cook,7"])
@pytest.mark.parametrize("place", [1, 2, 3])
def test_a_row_with_more_cells_than_the_header_is_none(tmp_path: Path, line: str, place: int) -> None:
    lines = [*TEXT.splitlines(), "4,Drake,43.5"]
    lines.insert(place, line)
    file = written(tmp_path, "\n".join(lines) + "\n")
    assert rows(file) == [*ROWS, {"frameId": "4", "name": "Drake", "x": "43.5"}]
    assert file.collect(file.rows()).filter(pl.col(CUT_OFF).is_not_null())[ROW].to_list() == [place + 1]


def test_rows_are_counted_as_an_editor_counts_lines(tmp_path: Path) -> None:
    file = written(tmp_path, 'frameId,name,x\n1,Able,40.5\n\n3,"not closed,1\n4,"Ben\nBaker",2\n6,Cook,3\n')
    assert dict(table(file).select("frameId", ROW).iter_rows()) == {"1": 2, "4": 5, "6": 7}


def test_a_name_of_a_column_that_comes_again_is_another_column(tmp_path: Path) -> None:
    assert written(tmp_path, "x,y,x\n1,2,3\n").columns == ("x", "y", "x_duplicated_2")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("before", [0, 100_000])
def test_the_byte_that_is_not_utf_8_is_told(tmp_path: Path, pack: Callable[[bytes], bytes], before: int) -> None:
    text = (TEXT + "3,Baker,1.5\n" * before).encode() + "4,Andr\xe9,2.5\n".encode("latin-1")
    place = text.index(0xE9)
    assert f"not UTF-8: byte {place} is 0xE9" in refusal(written(tmp_path, pack(text)))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_another_encoding_is_told(tmp_path: Path, encoding: str) -> None:
    assert "UTF-8" in refusal(written(tmp_path, TEXT.encode(encoding)))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"PK\x03\x04" + bytes(range(256)) * 5, bytes(100)])
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes) -> None:
    refusal(written(tmp_path, content))


def test_a_file_that_is_gone_is_refused(tmp_path: Path) -> None:
    file = written(tmp_path, TEXT)
    assert file.columns
    lazy = file.rows()
    file.path.unlink()
    with pytest.raises(PlayscoreError, match=r"week1\.csv cannot be read"):
        file.collect(lazy)


@pytest.mark.parametrize("name", ["week[1].csv", "week*.csv", "week?.csv.gz", "week {1}.csv"])
def test_a_files_name_is_no_pattern(tmp_path: Path, name: str) -> None:
    written(tmp_path, TEXT.replace("Able", "Nobody"), "week1.csv")
    assert rows(written(tmp_path, TEXT, name)) == ROWS


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.tsv", "a.txt", "a.csv.gz", "A.TSV.ZST", "a.csv.zstd"])
def test_text_is_told_by_its_name(name: str) -> None:
    assert is_text(Path(name))


@pytest.mark.parametrize("name", ["a.parquet", "a.gz", "csv", "a.csv.zip", "a.json"])
def test_other_names_are_no_texts(name: str) -> None:
    assert not is_text(Path(name))


CELL = st.text(st.sampled_from("ab1.,;\t|\"' é"), min_size=1, max_size=6).filter(lambda cell: cell not in NULLS)


@given(
    cells=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_what_a_writer_writes_is_read(cells: list[tuple[str, str, str]], delimiter: str, ends: str) -> None:
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, lineterminator=ends, quoting=csv.QUOTE_ALL)
    writer.writerows([("frameId", "name", "x"), *cells])
    with tempfile.TemporaryDirectory() as folder:
        assert [tuple(row.values()) for row in rows(written(Path(folder), target.getvalue()))] == cells
