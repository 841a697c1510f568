"""A trend is in the order of time, and names its latest plays in a filter that is not too long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.filter import parse_filter
from aggregator.passing.fields import SCHEMA
from board.report.trend import Trend
from board.text_order import natural
from playscore.aggregator.v1 import aggregator_pb2 as aggregator


def week(season: int, number: int | None, plays: int = 10) -> aggregator.Rating:
    value = (
        aggregator.FieldValue(field="week") if number is None else aggregator.FieldValue(field="week", integer=number)
    )
    return aggregator.Rating(group=[aggregator.FieldValue(field="season", integer=season), value], plays=plays)


def game(name: str, plays: int = 10) -> aggregator.Rating:
    return aggregator.Rating(
        group=[aggregator.FieldValue(field="season"), aggregator.FieldValue(field="game_id", text=name)], plays=plays
    )


def test_weeks_follow_each_other_through_seasons() -> None:
    trend = Trend("week", [week(2022, 1), week(2021, 10), week(2021, 9), week(2022, None)])
    assert [(point.season, point.week) for point in trend.points] == [(2021, 9), (2021, 10), (2022, None), (2022, 1)]


def test_numbers_in_the_names_of_games_are_numbers() -> None:
    trend = Trend("game_id", map(game, ["g10", "g9", "g9b", "g009a"]))
    assert [point.game_id for point in trend.points] == ["g9", "g009a", "g9b", "g10"]


def test_the_latest_plays_are_those_of_the_last_weeks() -> None:
    trend = Trend("week", [week(2021, number) for number in range(1, 19)])
    assert trend.latest(15) == "(season = 2021 AND week = 18) OR (season = 2021 AND week = 17)"
    assert Trend("game_id", [game("a"), game("b")]).latest(5) == 'game_id = "b"'


@given(
    st.lists(st.tuples(st.text('ab1*"\\', min_size=1, max_size=128), st.integers(1, 300)), max_size=60),
    st.integers(1, 5000),
)
def test_whatever_the_games_are_called_the_filter_is_one(games: list[tuple[str, int]], wanted: int) -> None:
    trend = Trend("game_id", [game(name, plays) for name, plays in dict(games).items()])
    text = trend.latest(wanted)
    assert len(text) <= 2048 - 200
    if games:
        parse_filter(text, SCHEMA)


@given(st.lists(st.text(max_size=12), max_size=6))
def test_every_identifier_has_a_place(identifiers: list[str]) -> None:
    assert sorted(identifiers, key=natural) == sorted(sorted(identifiers), key=natural)
