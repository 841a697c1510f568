"""Shots on goal of the NHL."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from playscore.errors import PlayscoreError
from playscore.game import AttackingDirection, HomeSide
from playscore.shots import ShotKind, ShotListing, ShotOutcome, ShotResult, ShotType
from playscore.sources import open_source
from tests.unit.pipeline.hockey_tables import Row, only_game, shots_of, situation, source_of


def shot(number: int, *, home: bool = True, x: float | None = 70.0, goal: bool = False, **more: Any) -> Row:
    return {
        "gameId": 2024020060, "date": "2024-10-16", "season": 20242025, "period": 1,
        "shootingTeam": "ANA" if home else "UTA", "isHomeShooting": home, "x": x, "y": float(number), "isGoal": goal,
        "isOnGoal": True, "shotType": "wrist", "goalieInNetId": 8480843, "goalieName": "Lukas Dostal",
        "sourceFile": "ANA.json", "seqInFile": number,
    } | more  # fmt: skip


def others() -> list[Row]:
    """Three shots of the home team at +x, two of the visitors at -x."""
    return [shot(1), shot(2), shot(3), shot(4, home=False, x=-60.0), shot(5, home=False, x=-75.0)]


def test_every_shot_is_a_play_with_its_type_and_goalie(tmp_path: Path) -> None:
    game = only_game(tmp_path, "nhl_sog", [*others(), shot(9, goal=True, shotType="tip-in", x=80.0)])
    assert (game.header.season, game.header.team_ids) == (2024, ("ANA", "UTA"))
    assert [play.outcome for play in shots_of(game).values()] == [
        *[ShotOutcome(ShotResult.SAVED)] * 5,
        ShotOutcome(ShotResult.GOAL),
    ]
    told = situation(game, "9")
    assert (told.shot_type, told.x, told.y, told.goalie_id) == (ShotType.TIP_IN, 80.0, 9.0, "8480843")
    assert (told.listing, told.shooter_id, told.period) == (ShotListing.ON_GOAL, "", 1)
    assert {player.player_id: (player.display_name, player.position) for player in game.roster} == {
        "8480843": ("Lukas Dostal", "G")
    }


@pytest.mark.parametrize("lost", [{"goalieInNetId": None, "goalieName": ""}, {"shotType": ""}, {"shotType": None}])
def test_a_situation_does_not_know_how_the_shot_ended(tmp_path: Path, lost: dict[str, Any]) -> None:
    """Only goals lack a goalie or a type: but for who the goalie was, such a goal looks like any shot of type OTHER."""
    goal = situation(only_game(tmp_path / "goal", "nhl_sog", [*others(), shot(9, goal=True, **lost)]), "9")
    save = situation(only_game(tmp_path / "save", "nhl_sog", [*others(), shot(9)]), "9")
    kept = ShotType.OTHER if "shotType" in lost else ShotType.WRIST
    assert goal == replace(save, shot_type=kept, goalie_id="" if "goalieName" in lost else save.goalie_id)
    assert (goal.net_state, goal.goalie_catches) == (None, None)


def test_most_shots_of_a_period_tell_the_ends_and_teams_change_them(tmp_path: Path) -> None:
    second = [row | {"period": 2, "seqInFile": row["seqInFile"] + 20, "x": -row["x"]} for row in others()]
    from_own_half = shot(9, x=-30.0)
    shots = shots_of(only_game(tmp_path, "nhl_sog", [*others(), from_own_half, *second]))
    ways = {name: play.context.attacking_direction for name, play in shots.items()}
    right, left = AttackingDirection.POSITIVE_X, AttackingDirection.NEGATIVE_X
    assert (ways["1"], ways["4"], ways["9"], ways["21"], ways["24"]) == (right, left, right, left, right)


def test_where_as_many_shots_say_one_as_the_other_the_ends_are_not_known(tmp_path: Path) -> None:
    rows = [shot(1), shot(2, x=-70.0), *(shot(n, period=2) for n in (3, 4, 5)), shot(6, home=False, period=2, x=-1.0)]
    assert shots_of(only_game(tmp_path, "nhl_sog", rows))["1"].context.attacking_direction is None


def test_a_shot_that_is_listed_twice_counts_once(tmp_path: Path) -> None:
    source = source_of(tmp_path, "nhl_sog", [*others(), shot(1)])
    assert list(shots_of(source.game("2024020060"))) == ["1", "2", "3", "4", "5"]
    assert [(loss.reason, loss.count) for loss in source.losses()] == [("the shot is listed twice", 1)]


def test_two_shots_from_one_place_are_two(tmp_path: Path) -> None:
    source = source_of(tmp_path, "nhl_sog", [*others(), shot(1) | {"seqInFile": 77}])
    assert list(shots_of(source.game("2024020060"))) == ["1", "2", "3", "4", "5", "77"]
    assert not source.losses()


def test_the_table_of_games_names_a_team_that_did_not_shoot(tmp_path: Path) -> None:
    rows = others()[:3]
    listed = [{"gameId": 2024020060, "homeTeam": "ANA", "awayTeam": "UTA", "date": "2024-10-16"}]
    game = only_game(tmp_path / "listed", "nhl_sog", {"shots": rows, "games": listed})
    assert game.header.team_ids == ("ANA", "UTA")
    with pytest.raises(PlayscoreError, match="only one team shot"):
        only_game(tmp_path / "unlisted", "nhl_sog", rows)


def angled(number: int, **more: Any) -> Row:
    return {
        "game_id": 2023020001, "is_goal": 0, "x_coord": -60, "y_coord": number, "distance": 30.0, "angle": 10.0,
        "shot_type": "snap", "situation_code": 1551, "period": 1,
    } | more  # fmt: skip


def test_shots_of_teams_without_names_go_to_the_nearer_net(tmp_path: Path) -> None:
    rows = [angled(1), angled(2, x_coord=60, is_goal=1), angled(3, shot_type="unknown", is_goal=1)]
    game = only_game(tmp_path, "nhl_sog_angles", rows)
    assert (game.header.season, game.header.home_side) == (2023, HomeSide.UNKNOWN)
    plays = shots_of(game)
    assert [play.context.attacking_direction for play in plays.values()] == [
        AttackingDirection.NEGATIVE_X,
        AttackingDirection.POSITIVE_X,
        AttackingDirection.NEGATIVE_X,
    ]
    assert {play.context.attacking_team_id for play in plays.values()} == {game.header.home_team_id}
    assert situation(game, "1").listing is ShotListing.ON_GOAL
    assert (situation(game, "1").shot_type, situation(game, "3").shot_type) == (ShotType.SNAP, ShotType.OTHER)
    assert plays["2"].outcome == ShotOutcome(ShotResult.GOAL)


def test_shots_one_against_one_are_penalty_shots_or_of_the_shootout(tmp_path: Path) -> None:
    rows = [angled(1, situation_code=1010), angled(2, situation_code=101), angled(3, situation_code=101, period=5)]
    game = only_game(tmp_path, "nhl_sog_angles", rows)
    assert [situation(game, str(number)).kind for number in (1, 2, 3)] == [
        ShotKind.PENALTY_SHOT,
        ShotKind.PENALTY_SHOT,
        ShotKind.SHOOTOUT,
    ]


@pytest.mark.real_data
def test_every_shot_on_goal_of_games_of_two_real_seasons_is_a_play(real_data: Path, tmp_path: Path) -> None:
    for name in ("nhl_sog_2024_26", "nhl_games_2024_26", "nhl_goalies_2024_26"):
        (tmp_path / f"{name}.parquet").symlink_to(real_data / "hockey" / f"{name}.parquet")
    source = open_source(tmp_path)
    chosen = source.game_ids[::4]
    rows = pl.read_parquet(tmp_path / "nhl_sog_2024_26.parquet", columns=["gameId"])
    assert sum(len(source.game(game_id).plays) for game_id in chosen) == rows["gameId"].cast(str).is_in(chosen).sum()
    assert not source.losses()


@pytest.mark.real_data
def test_every_shot_of_the_real_shots_with_angles_is_a_play(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "shots.parquet").symlink_to(real_data / "hockey" / "nhl_sog_2023_24_first500games.parquet")
    source = open_source(tmp_path)
    assert sum(len(source.game(game_id).plays) for game_id in source.game_ids) == 26_948
