"""Standings after a replay, in a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from pipeline.replay import Standings
from pipeline.standings_table import show_standings
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common


def printed(role: common.Role.ValueType, *ratings: aggregator.Rating, width: int = 80) -> list[str]:
    out = io.StringIO()
    ranking = aggregator.Ranking(min_plays=8, qualified=1)
    standings = Standings(list(ratings), ranking, aggregator.GetCoverageResponse())
    show_standings("SIM", role, standings, Console(file=out, width=width))
    return out.getvalue().splitlines()


def a_passer(name: str, **rating: float) -> aggregator.Rating:
    told = {"rating": 87, "rating_low": 77, "rating_high": 97, "yards_per_play": 7.1, "expected_yards_per_play": 6.2}
    return aggregator.Rating(
        subject=common.Subject(role=common.ROLE_PASSER, subject_id="p1", subject_name=name, team_id="KC"),
        plays=20, qualified=True, rank=1, passing=aggregator.PassingRating(**{**told, **rating}),
    )  # fmt: skip


@pytest.mark.parametrize("name", ["[red]Rich[/red] [link=http://x]x[/link]", "[/]", ":smile: [bold"])
def test_names_are_shown_as_they_are_written(name: str) -> None:
    assert any(name in line for line in printed(common.ROLE_PASSER, a_passer(name), width=120))


@pytest.mark.parametrize("name", ["\x1b[31mred", "\u202evil", "one\ntwo", "\x9b2J"])
def test_names_control_nothing(name: str) -> None:
    assert all(line.isprintable() for line in printed(common.ROLE_PASSER, a_passer(name), width=120))


def test_a_long_name_is_cut_and_no_number_is() -> None:
    (row,) = [line for line in printed(common.ROLE_PASSER, a_passer("Maximilian " * 9)) if "Maximilian" in line]
    assert "…" in row
    assert row.split("…")[1].split() == ["KC", "20", "87", "77", "to", "97", "7.1", "6.2"]


def test_a_rating_at_the_end_of_its_scale_is_not_shown_as_sure() -> None:
    lines = printed(common.ROLE_PASSER, a_passer("P. One", rating=99, rating_low=98.8, rating_high=99))
    assert any("top of scale" in line for line in lines)


def test_teams_have_one_column_of_their_own_and_nothing_is_minus_zero() -> None:
    team = aggregator.Rating(
        subject=common.Subject(role=common.ROLE_SHOOTING_TEAM, subject_id="BOS", team_id="BOS"),
        plays=30,
        shots=aggregator.ShotRating(
            goals=2, expected_goals=2, goals_above_expected_low=-0.001, goals_above_expected_high=1.15
        ),
    )
    lines = printed(common.ROLE_SHOOTING_TEAM, team)
    (row,) = [line for line in lines if "BOS" in line]
    assert row.count("BOS") == 1
    assert "+0.00 to +1.15" in row
    assert not any("-0.00" in line for line in lines)
