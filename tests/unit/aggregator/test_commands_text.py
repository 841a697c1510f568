"""What the command line draws in plain text."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from aggregator.commands.text import Heading, Scale, cut, sparkline, table, width
from playscore.terminal_text import printable

TEXTS = st.text(max_size=30)
NUMBERS = st.floats(-1e6, 1e6)


def test_columns_of_wide_and_combining_characters_line_up() -> None:
    names = ["José", "Jose\u0301", "大谷翔平", "Smith"]
    lines = list(table((Heading("name"), Heading("plays", right=True)), [(name, "7") for name in names]))
    assert {width(line) for line in lines} == {len("name    ") + len("  plays")}
    assert lines[3] == "大谷翔平      7"


@given(TEXTS)
def test_nothing_that_a_terminal_would_obey_is_printed(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert all(each.isprintable() or each in "\u200c\u200d" for each in shown)
    assert not any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in shown)


def test_an_escape_sequence_in_a_name_does_not_reach_the_terminal() -> None:
    (_, line) = table((Heading("name"),), [("\x1b[31mEvil\u202e\x07",)])
    assert line == "�[31mEvil��"


@given(TEXTS, st.integers(1, 20))
def test_a_cut_text_fits_and_says_that_it_is_cut(text: str, columns: int) -> None:
    text = printable(text)
    shown = cut(text, columns)
    assert width(shown) <= columns
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))


def test_a_table_leaves_out_what_it_can_do_without_before_it_cuts_names() -> None:
    headings = (Heading("passer", shrinks=True), Heading("rating", right=True), Heading("drawn", optional=True))
    row = ("Constantinople Longname", "91.2", "├────●────┤")
    assert list(table(headings, [row], 80))[1] == "Constantinople Longname    91.2  ├────●────┤"
    assert list(table(headings, [row], 31))[1] == "Constantinople Longname    91.2"
    assert list(table(headings, [row], 20))[1] == "Constantino…    91.2"


def test_where_narrowing_is_not_enough_spare_columns_go_and_the_others_keep_their_width() -> None:
    headings = (
        Heading("game", spare=1),
        Heading("play"),
        Heading("situation", shrinks=True),
        Heading("yards", spare=2),
    )
    row = ("2030010101", "64", "3rd & 7, under pressure", "19")
    assert list(table(headings, [row], 40))[1] == "2030010101  64    3rd & 7, under…  19"
    assert list(table(headings, [row], 30))[1] == "64    3rd & 7, under p…  19"
    assert list(table(headings, [row], 20))[1] == "64    3rd & 7, unde…"


def test_a_column_without_any_value_is_left_out() -> None:
    assert list(table((Heading("play"), Heading("yards")), [("1", ""), ("2", "")])) == ["play", "1", "2"]


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS).map(sorted), NUMBERS, NUMBERS)
def test_an_interval_is_drawn_within_its_scale_with_its_value_in_it(
    interval: list[float], one: float, other: float
) -> None:
    low, value, high = interval
    drawn = Scale(min(one, other), max(one, other)).interval(low, value, high)
    assert len(drawn) == 21
    assert drawn.count("●") == 1
    assert drawn.strip(" ├─●┤") == ""


def test_intervals_below_each_other_are_on_one_scale() -> None:
    scale = Scale(50, 90, columns=9)
    assert scale.interval(50, 60, 70) == "├─●─┤    "
    assert scale.interval(70, 80, 90) == "    ├─●─┤"


@given(st.lists(st.floats(0, 1), max_size=20))
def test_a_sparkline_has_a_bar_for_each_height_and_the_highest_for_the_highest(heights: list[float]) -> None:
    drawn = sparkline(heights)
    assert len(drawn) == len(heights)
    assert [each == " " for each in drawn] == [height <= 0 for height in heights]
    if any(heights):
        assert drawn[heights.index(max(heights))] == "█"
