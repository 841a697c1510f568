"""The league's official statistics of a play, and JSON that is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.official_statistics import OfficialPass, Statistic, official_pass, statistics_of
from playscore.passing import PassOutcome, PassResult

PASSER, TARGET = "101", "102"


def line(statistic: int, player: str = PASSER, yards: float | None = 0.0) -> Statistic:
    return Statistic(player, statistic, yards)


@pytest.mark.parametrize(
    ("statistic", "yards", "outcome"),
    [
        (15, 9.0, PassOutcome(PassResult.COMPLETE, 9.0)),
        (16, 61.0, PassOutcome(PassResult.COMPLETE, 61.0)),
        (14, 0.0, PassOutcome(PassResult.INCOMPLETE, 0.0)),
        (14, 15.0, PassOutcome(PassResult.INCOMPLETE, 0.0)),
        (19, 30.0, PassOutcome(PassResult.INTERCEPTED, 0.0)),
        (20, -7.0, PassOutcome(PassResult.SACK, -7.0)),
        (15, None, PassOutcome(PassResult.COMPLETE, None)),
    ],
)
def test_a_statistic_tells_how_the_pass_ended(statistic: int, yards: float | None, outcome: PassOutcome) -> None:
    lines = [line(79, "201"), line(statistic, yards=yards), line(111, yards=12.0), line(115, TARGET)]
    assert official_pass(lines) == OfficialPass(PASSER, TARGET, 12.0, outcome)


def test_of_a_pass_that_nobody_was_to_catch_there_is_no_target() -> None:
    told = official_pass([line(14)])
    assert told is not None
    assert (told.target_id, told.air_yards) == ("", None)


@pytest.mark.parametrize("statistics", [(), (10,), (77, 104), (78,), (3, 4)])
def test_runs_and_tries_are_no_passes(statistics: tuple[int, ...]) -> None:
    assert official_pass(line(statistic) for statistic in statistics) is None


@pytest.mark.parametrize(
    "text",
    [
        '[{"nflId": 101, "playerName": "P.Able", "statId": 15, "yards": 9}]',
        '[{"nflId": 101.0, "playerName": "P.Able", "statId": "15", "yards": "9.0"}]',
        '[{"nflId": "101", "playerName": "P.Able", "statId": 15.0, "yards": 9, "more": [1]}]',
        '{"101": [{"playerName": "P.Able", "statId": 15, "yards": 9}]}',
        '[null, 3, [], {"nflId": 101, "playerName": "P.Able", "statId": 15, "yards": 9}, {"statId": null}, {}]',
        '{"101": [{"playerName": "P.Able", "statId": 15, "yards": 9}, 7, {"statId": "x"}], "102": null, "103": {}}',
    ],
)
def test_lines_are_read_in_every_way_in_which_they_are_written(text: str) -> None:
    assert statistics_of(text, "nflId") == (Statistic("101", 15, 9.0, "P.Able"),)


@pytest.mark.parametrize("text", [None, "", "[]", "{}"])
def test_no_statistics_are_none(text: str | None) -> None:
    assert statistics_of(text, "nflId") == ()


@pytest.mark.parametrize(
    "text",
    ["{", '[{"statId": 15', "[{'statId': 15}]", "3", '"x"', "true", "null", "NA", "[" * 100_000, '{"a":' * 9_999],
)
def test_what_is_no_json_of_statistics_is_told(text: str) -> None:
    assert statistics_of(text, "nflId") is None


@pytest.mark.parametrize("yards", ['"x"', "null", "1e400", "NaN", "[]", "{}"])
def test_yards_that_are_no_number_are_unknown(yards: str) -> None:
    assert statistics_of(f'[{{"nflId": 101, "statId": 15, "yards": {yards}}}]', "nflId") == (line(15, yards=None),)


@pytest.mark.parametrize("statistic", ['"x"', "1e400", "NaN", "[15]"])
def test_a_line_without_a_statistic_is_none(statistic: str) -> None:
    assert statistics_of(f'[{{"nflId": 101, "statId": {statistic}}}]', "nflId") == ()


def test_half_of_a_character_is_nobodys_name() -> None:
    """JSON can write it, text cannot hold it."""
    lines = statistics_of(r'[{"nflId": "\ud800", "playerName": "\ud800", "statId": 15, "yards": 9}]', "nflId")
    assert lines is not None
    for read in lines:
        (read.player_id + read.player_name).encode()


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["nflId", "statId", "yards", "playerName"]) | st.text(max_size=3), inner)
    ),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_told(value: Any) -> None:
    lines = statistics_of(json.dumps(value), "nflId")
    assert lines is None or all(isinstance(read.statistic, int) for read in lines)
    if lines:
        official_pass(lines)
