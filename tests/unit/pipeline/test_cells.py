"""Cells as values: all the ways in which a value is written mean the same, and what none explains is unreadable."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.cells import DTYPES, Kind, clock_seconds, nullified, typed, unreadable

SECOND = 1_000_000
AFTERNOON = 1_662_915_900_100_000
"""2022-09-11 17:05:00.1 UTC."""


def read(column: pl.Series, kind: Kind) -> list[Any]:
    values = typed(nullified(column), kind)
    assert values.dtype == DTYPES[kind]
    return values.to_list()


def cell(written: Any, kind: Kind) -> Any:
    (value,) = read(pl.Series([written]), kind)
    return value


def is_unreadable(written: Any, kind: Kind) -> bool:
    """Whether the cell says something that is not understood; one that says nothing is not."""
    column = nullified(pl.Series([written]))
    (doubtful,) = unreadable(column, typed(column, kind))
    return bool(doubtful)


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        (Kind.ID, "54", "54"),
        (Kind.ID, " 54 ", "54"),
        (Kind.ID, "54.0", "54"),
        (Kind.ID, "2.0220911e9", "2022091100"),
        (Kind.ID, 54, "54"),
        (Kind.ID, 54.0, "54"),
        (Kind.ID, "2022_01_AAA_BBB", "2022_01_AAA_BBB"),
        (Kind.ID, "00-0033873", "00-0033873"),
        (Kind.ID, "0054", "0054"),
        (Kind.NAME, "Avél O’Brooth Jr.", "Avél O’Brooth Jr."),
        (Kind.TEXT, "a\tb", "a\tb"),
        (Kind.INTEGER, "7", 7),
        (Kind.INTEGER, "7.0", 7),
        (Kind.INTEGER, "7,0", 7),
        (Kind.INTEGER, " -7 ", -7),
        (Kind.INTEGER, 7.0, 7),
        (Kind.FRAME, "0", 0),
        (Kind.FRAME, "10000000", 10_000_000),
        (Kind.NUMBER, "40.5", 40.5),
        (Kind.NUMBER, "40,5", 40.5),
        (Kind.NUMBER, " .5", 0.5),
        (Kind.NUMBER, "4.05e1", 40.5),
        (Kind.NUMBER, "-3", -3.0),
        (Kind.NUMBER, 3, 3.0),
        (Kind.YARD_LINE, "50", 50.0),
        (Kind.YARD_LINE, "0", 0.0),
        (Kind.FLAG, "TRUE", True),
        (Kind.FLAG, "y", True),
        (Kind.FLAG, "1", True),
        (Kind.FLAG, 1.0, True),
        (Kind.FLAG, "False", False),
        (Kind.FLAG, "N", False),
        (Kind.FLAG, 0, False),
        (Kind.FLAG, True, True),
    ],
)
def test_what_a_cell_says(kind: Kind, written: Any, value: Any) -> None:
    assert cell(written, kind) == value
    assert not is_unreadable(written, kind)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Kind.ID, "a\nb"),
        (Kind.ID, "5\x00"),
        (Kind.ID, "x" * 129),
        (Kind.ID, "54.5"),
        (Kind.ID, 54.5),
        (Kind.ID, [54]),
        (Kind.ID, b"54"),
        (Kind.NAME, "x" * 257),
        (Kind.NAME, "Ab\x7fle"),
        (Kind.INTEGER, "seven"),
        (Kind.INTEGER, "7.5"),
        (Kind.INTEGER, "99999999999"),
        (Kind.INTEGER, "1,234,567"),
        (Kind.FRAME, "-1"),
        (Kind.FRAME, "10000001"),
        (Kind.FRAME, "20.5"),
        (Kind.NUMBER, "abc"),
        (Kind.NUMBER, "inf"),
        (Kind.NUMBER, float("inf")),
        (Kind.NUMBER, "1e39"),
        (Kind.NUMBER, "1.2.3"),
        (Kind.NUMBER, [1.0]),
        (Kind.YARD_LINE, "51"),
        (Kind.YARD_LINE, "-5"),
        (Kind.FLAG, "maybe"),
        (Kind.FLAG, 7),
        (Kind.TIME, "abc"),
        (Kind.TIME, "2022-13-45 00:00:00"),
        (Kind.CLOCK, "99:99"),
        (Kind.CLOCK, "901"),
        (Kind.CLOCK, "-5"),
        (Kind.CLOCK, "15:01"),
        (Kind.CLOCK, "12:60"),
        (Kind.CLOCK, "soon"),
    ],
)
def test_what_no_cell_of_its_kind_says_is_unreadable(kind: Kind, written: Any) -> None:
    assert cell(written, kind) is None
    assert is_unreadable(written, kind)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("written", ["", "NA", "N/A", "None", "nan", "NULL", " NA ", "-", None, float("nan")])
def test_a_cell_that_says_nothing_is_unknown_and_not_unreadable(kind: Kind, written: Any) -> None:
    assert cell(written, kind) is None
    assert not is_unreadable(written, kind)


@pytest.mark.parametrize(
    "written",
    [
        "2022-09-11T17:05:00.100",
        "2022-09-11 17:05:00.1",
        "2022-09-11 17:05:00.100000",
        "2022-09-11T17:05:00.100Z",
        "2022-09-11 17:05:00.100+00:00",
        "2022-09-11 17:05:00.100 UTC",
        "2022-09-11 17:05:00,100",
        "2022/09/11 17:05:00.100",
        "09/11/2022 17:05:00.100",
        "09/11/2022 05:05:00.100 PM",
        "11.09.2022 17:05:00.100",
        "20220911T170500.100",
        "1662915900.1",
        "1662915900100",
        1662915900100000,
        1662915900100000000,
        datetime(2022, 9, 11, 17, 5, 0, 100_000),
    ],
)
def test_a_time_is_the_same_however_it_is_written(written: Any) -> None:
    assert cell(written, Kind.TIME) == AFTERNOON


def test_a_time_without_seconds_or_a_date_is_one() -> None:
    assert cell("2022-09-11 17:05:00", Kind.TIME) == AFTERNOON - SECOND // 10
    later, earlier = read(pl.Series(["17:05:01.500", "17:05:00.100"]), Kind.TIME)
    assert later - earlier == 1_400_000


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("12:34", 754),
        ("2:05", 125),
        (":05", 5),
        (" 12:34 ", 754),
        ("754", 754),
        ("754.0", 754),
        ("12:34:00", 754),
        ("00:12:34", 754),
        ("0:12:34", 754),
        ("00:12:34.000", 754),
        ("15:00", 900),
        ("15:00:00", 900),
        ("0:00", 0),
        ("1900-01-01 00:12:34", 754),
        ("1900-01-01T12:34:00", 754),
        ("1970-01-01T00:12:34Z", 754),
        ("1/1/1900 0:12:34", 754),
        ("12:34:00 PM", 754),
        ("3:00:00 PM", 900),
        ("0 days 00:12:34", 754),
        (754, 754),
        (754.0, 754),
        (timedelta(seconds=754), 754),
        (time(0, 12, 34), 754),
        (datetime(1900, 1, 1, 0, 12, 34), 754),
    ],
)
def test_a_clock_is_the_same_in_any_of_the_shapes_that_people_export(written: Any, seconds: float) -> None:
    assert cell(written, Kind.CLOCK) == seconds


@pytest.mark.parametrize(("other", "seconds"), [("09:30:00", 12.0), ("00:09:30", 720.0)])
def test_what_an_ambiguous_clock_says_its_column_tells(other: str, seconds: float) -> None:
    assert clock_seconds(["00:12:00", other])["00:12:00"] == seconds


def test_an_ambiguous_clock_alone_is_not_guessed() -> None:
    assert clock_seconds(["00:12:00"]) == {"00:12:00": None}


@pytest.mark.parametrize("written", ["0.523611", 0.523611])
def test_a_part_of_a_day_is_no_clock(written: Any) -> None:
    assert cell(written, Kind.CLOCK) is None


WHOLE = st.integers(0, 2**31 - 1)


@given(WHOLE, st.integers(0, 3), st.sampled_from(["", " "]))
def test_an_identifier_is_the_same_however_its_number_is_written(number: int, zeros: int, blank: str) -> None:
    ways = [
        str(number),
        f"{number}.{'0' * zeros}" if zeros else str(number),
        f"{blank}{number}{blank}",
        f"{number:.12e}",
        f"{number:.12E}",
        number,
        float(number),
    ]
    assert {cell(way, Kind.ID) for way in ways} == {str(number)}


@given(st.decimals(-999, 999, places=2))
def test_a_number_is_the_same_however_it_is_written(number: Any) -> None:
    ways = [f"{number}", f"{number}".replace(".", ","), f" {number} ", f"{number:e}", float(number)]
    assert {cell(way, Kind.NUMBER) for way in ways} == {float(number)}


@given(st.integers(0, 900))
def test_a_clock_that_is_left_whole_is_read_back(seconds: int) -> None:
    minutes, rest = divmod(seconds, 60)
    ways = [f"{minutes}:{rest:02}", f"{minutes:02}:{rest:02}", str(seconds), f"{seconds}.0", seconds, float(seconds)]
    assert {cell(way, Kind.CLOCK) for way in ways} == {float(seconds)}


@given(st.lists(st.text(max_size=8) | st.none(), max_size=5), st.sampled_from(list(Kind)))
def test_any_text_is_read_or_is_not_and_never_fails(written: list[str | None], kind: Kind) -> None:
    column = nullified(pl.Series(written, dtype=pl.String))
    values = typed(column, kind)
    doubtful = unreadable(column, values)
    assert len(values) == len(doubtful) == len(written)
    assert not (doubtful & values.is_not_null()).any()
