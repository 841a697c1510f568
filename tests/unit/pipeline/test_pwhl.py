"""The play-by-play of the PWHL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from playscore import faceoffs
from playscore.faceoffs import FaceoffOutcome, FaceoffResult
from playscore.game import AttackingDirection
from playscore.shots import (
    HockeyEventKind,
    PrecedingEvent,
    ShotKind,
    ShotListing,
    ShotOutcome,
    ShotResult,
    ShotType,
)
from playscore.sources import open_source
from tests.unit.pipeline.hockey_tables import Row, faceoffs_of, only_game, shots_of, situation

HOME, AWAY = 6, 4


def row(event: str, seconds: int, team: int | None = HOME, x: float | None = 70.0, **more: Any) -> Row:
    told = event in ("shot", "faceoff")
    return {
        "game_id": 2, "event": event, "team_id": float(team) if team else None, "period_of_game": "1",
        "minute_start": seconds // 60, "second_start": seconds % 60, "player_id": 44, "player_name_first": "Ella",
        "player_name_last": "Able", "x_coord": x if told else None, "y_coord": 5.0 if told else None,
        "home_win": None, "event_type": "Wrist", "goal": None, "goalie_id": 64.0, "goalie_first": "Kim",
        "goalie_last": "Kern", "empty_net": None, "penalty_shot": None, "game_season": 2024, "home_team_id": HOME,
        "away_team_id": AWAY,
    } | more  # fmt: skip


def shot(seconds: int, *, goal: bool = False, **more: Any) -> list[Row]:
    """A shot of the home team; one that scored is listed again as a goal."""
    listed = [row("shot", seconds, goal=str(goal), **more)]
    return [*listed, row("goal", seconds, empty_net="0", penalty_shot="0")] if goal else listed


def opening() -> list[Row]:
    return [
        row("faceoff", 0, None, 0.0, home_win=1.0, event_type=None),
        *shot(20),
        row("shot", 40, AWAY, -60.0, goal="False", goalie_id=65.0, player_id=45),
    ]


def test_a_season_is_called_by_the_year_in_which_it_began(tmp_path: Path) -> None:
    of_2025 = [each | {"game_season": 2025} for each in opening()]
    assert only_game(tmp_path / "told", "pwhl", of_2025).header.season == 2024
    untold = [each | {"game_season": None} for each in opening()]
    assert only_game(tmp_path / "untold", "pwhl", untold).header.season is None


def test_a_goal_is_one_play(tmp_path: Path) -> None:
    game = only_game(tmp_path, "pwhl", [*opening(), *shot(62, goal=True), *shot(70)])
    assert (game.header.league, game.header.season, game.header.team_ids) == ("PWHL", 2023, ("6", "4"))
    assert [play.outcome for play in shots_of(game).values()] == [
        ShotOutcome(ShotResult.SAVED),
        ShotOutcome(ShotResult.SAVED),
        ShotOutcome(ShotResult.GOAL),
        ShotOutcome(ShotResult.SAVED),
    ]
    told = situation(game, "4")
    assert (told.period, told.game_clock_seconds, told.x, told.y) == (1, 1138.0, 70.0, 5.0)
    assert (told.shooter_id, told.goalie_id, told.shot_type) == ("44", "64", ShotType.WRIST)
    assert told.listing is ShotListing.ON_GOAL
    assert situation(game, "6").preceding_events[0] == PrecedingEvent(HockeyEventKind.GOAL, 8.0, "6", 70.0, 5.0)


def test_a_goal_that_is_listed_as_a_goal_only_is_a_play(tmp_path: Path) -> None:
    alone = row("goal", 62, empty_net="0", penalty_shot="1")
    game = only_game(tmp_path, "pwhl", [*opening(), alone])
    assert shots_of(game)["4"].outcome == ShotOutcome(ShotResult.GOAL)
    assert situation(game, "4").kind is ShotKind.PENALTY_SHOT


@pytest.mark.parametrize("told", [{}, {"empty_net": "1"}, {"event_type": "Default"}])
def test_a_situation_does_not_know_how_the_shot_ended(tmp_path: Path, told: dict[str, Any]) -> None:
    typed = {name: value for name, value in told.items() if name == "event_type"}
    scored = [row("shot", 62, goal="True", **typed), row("goal", 62, **{"empty_net": "0", "penalty_shot": "0"} | told)]
    goal = situation(only_game(tmp_path / "goal", "pwhl", [*opening(), *scored]), "4")
    save = situation(only_game(tmp_path / "save", "pwhl", [*opening(), *shot(62, **typed)]), "4")
    assert replace(goal, goalie_id="") == replace(save, goalie_id="")
    assert goal.net_state is None
    assert goal.goalie_id == ("" if "empty_net" in told else "64")


def test_most_shots_of_a_period_tell_the_ends(tmp_path: Path) -> None:
    game = only_game(tmp_path, "pwhl", [*opening(), *shot(50, x=-30.0), *shot(60)])
    ways = {name: play.context.attacking_direction for name, play in shots_of(game).items()}
    right, left = AttackingDirection.POSITIVE_X, AttackingDirection.NEGATIVE_X
    assert (ways["2"], ways["3"], ways["4"]) == (right, left, right)


def test_the_clock_of_an_overtime_is_not_known(tmp_path: Path) -> None:
    late = [row | {"period_of_game": "4"} for row in shot(62)]
    told = situation(only_game(tmp_path, "pwhl", [*opening(), *late]), "4")
    assert (told.period, told.game_clock_seconds, told.preceding_events) == (4, None, ())


@pytest.mark.parametrize(("won", "result"), [(1.0, FaceoffResult.WON), (0.0, FaceoffResult.LOST)])
def test_a_faceoff_names_the_home_teams_taker_only(tmp_path: Path, won: float, result: FaceoffResult) -> None:
    rows = [row("faceoff", 0, None, 52.0, home_win=won), *opening()[1:]]
    play = faceoffs_of(only_game(tmp_path, "pwhl", rows))["1"]
    told = faceoffs.situation_of(play.context)
    assert (told.taker_id, told.opponent_id, told.x) == ("44", "", None)
    assert play.outcome == FaceoffOutcome(result)


@pytest.mark.real_data
def test_every_shot_goal_and_faceoff_of_the_real_games_is_a_play(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "pbp.parquet").symlink_to(real_data / "hockey" / "pwhl_pbp_2024_26.parquet")
    source = open_source(tmp_path)
    games = [source.game(game_id) for game_id in source.game_ids]
    shots = [play for game in games for play in shots_of(game).values()]
    assert len(shots) == 15_673 + 1  # one goal, of a penalty shot, is not listed as a shot
    assert sum(play.outcome == ShotOutcome(ShotResult.GOAL) for play in shots) == 1_296
    assert sum(len(faceoffs_of(game)) for game in games) == 15_260
