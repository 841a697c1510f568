"""Wisehockey's events with everybody's places."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playscore.faceoffs import FaceoffOutcome, FaceoffResult
from playscore.game import AttackingDirection, LengthUnit
from playscore.shots import HockeyEventKind, NetState, ShotListing, ShotOutcome, ShotResult
from playscore.sources import open_source
from tests.unit.pipeline.hockey_tables import Row, faceoffs_of, only_game, shots_of, situation

START = 1_703_704_509_760
NET = 89 * 0.3048 / 26.0
"""By how much places are stretched along the ice."""
PEOPLE = {
    "11": ("#1 Ann Ames", "Home", "-25,0.2"),
    "12": ("#12 Bea Bohr", "Home", "20,5"),
    "13": ("#13 Cat Cole", "Home", "15,-5"),
    "21": ("#30 Kim Kern", "Away", "25.5,0.1"),
    "22": ("#22 Linus Lind", "Away", "17,3"),
}


def row(event: str, second: float, team: str | None = "Home", place: str | None = "20,5", **more: Any) -> Row:
    told: Row = {
        "Period": "1", "MatchClock": str(int(second)), "Timestamp": str(START + round(1000 * second)),
        "EventType": event, "TeamStrength": "5v5", "HomeGoalieOnIce": "TRUE", "AwayGoalieOnIce": "TRUE",
        "EventStartCoordinate": place, "EventEndCoordinate": None, "EventPrimaryTeam": team,
        "EventPrimaryPlayerId": "12" if team == "Home" else "22" if team else None,
        "EventPrimaryPlayerName": "#12 Bea Bohr" if team == "Home" else "#22 Linus Lind" if team else None,
        "EventSecondaryPlayerId": None, "EventSecondaryPlayerName": None, "EventSecondaryTeam": None,
        "ShotResult": None, "ShotSpeed": None, "ShotXG": None, "PassResult": None, "BluelineCrossingResult": None,
        "BluelineCrossingDirection": None, "DumpType": None,
    }  # fmt: skip
    for place_number in range(1, 13):
        for what in ("Id", "Name", "Team", "Coordinates", "Velocity", "Direction"):
            told[f"StartPlayer{what}{place_number}"] = None
    for number, (player, (name, side, at)) in enumerate(PEOPLE.items(), 1):
        told |= {
            f"StartPlayerId{number}": player, f"StartPlayerName{number}": name, f"StartPlayerTeam{number}": side,
            f"StartPlayerCoordinates{number}": at, f"StartPlayerVelocity{number}": "3.5",
            f"StartPlayerDirection{number}": "0,1",
        }  # fmt: skip
    return told | more


def opening() -> list[Row]:
    return [
        row("Faceoff", 0.0, "Home", None),
        row("BluelineCrossing", 4.0, "Home", "7,3", BluelineCrossingDirection="TowardsOpponent",
            BluelineCrossingResult="PossessionMaintained"),
        row("Pass", 5.0, "Home", "12,-6", PassResult="Successful", EventEndCoordinate="19,5"),
    ]  # fmt: skip


def shot(result: str, **more: Any) -> list[Row]:
    """A shot by Bea Bohr, six seconds in; one that scored is listed again as a goal."""
    listed = [row("Shot", 6.0, "Home", "20,5", ShotResult=result, **more)]
    return [*listed, row("Goal", 6.4, "Home", "26,0")] if result == "Goal" else listed


def later() -> Row:
    return row("Shot", 20.0, "Away", "-18,0", ShotResult="Saved")


@pytest.mark.parametrize(
    ("told", "result"),
    [
        ("Goal", ShotResult.GOAL),
        ("Saved", ShotResult.SAVED),
        ("Missed", ShotResult.MISSED),
        ("Blocked", ShotResult.BLOCKED),
    ],
)
def test_every_shot_is_one_play_with_its_moment_on_film(tmp_path: Path, told: str, result: ShotResult) -> None:
    game = only_game(tmp_path, "wisehockey", [*opening(), *shot(told), later()])
    assert game.header.coordinates is not None
    assert (game.header.coordinates.length_unit, game.header.frame_rate_hertz) == (LengthUnit.METER, 10.0)
    assert game.header.season == 2023
    plays = shots_of(game)
    assert [play.outcome for play in plays.values()] == [ShotOutcome(result), ShotOutcome(ShotResult.SAVED)]
    play = plays["4"]
    assert (play.context.release_frame, play.context.attacking_direction) == (60, AttackingDirection.POSITIVE_X)
    line, column = play.frames.frame_numbers.tolist().index(60), play.frames.player_ids.index("12")
    np.testing.assert_allclose([play.frames.x[line, column], play.frames.y[line, column]], [20 * NET, 5], rtol=1e-5)
    assert play.frames.speed is not None
    assert play.frames.direction_degrees is not None
    assert (play.frames.speed[line, column], play.frames.direction_degrees[line, column]) == (3.5, 90.0)
    assert not play.tracks
    shot_told = situation(game, "4")
    assert (shot_told.x, shot_told.y) == pytest.approx((20 * NET, 5))
    assert (shot_told.shooter_id, shot_told.goalie_id, shot_told.net_state) == ("12", "21", NetState.GUARDED)
    assert (shot_told.shooting_skaters, shot_told.listing) == (5, ShotListing.UNBLOCKED)
    assert [event.kind for event in shot_told.preceding_events] == [
        HockeyEventKind.PASS,
        HockeyEventKind.ZONE_ENTRY,
        HockeyEventKind.FACEOFF,
    ]


@pytest.mark.parametrize("told", ["Saved", "Missed", "Blocked"])
@pytest.mark.parametrize("guarded", ["TRUE", "FALSE"])
def test_a_situation_does_not_know_how_the_shot_ended(tmp_path: Path, told: str, guarded: str) -> None:
    """The speed of goals is 0 more often than that of others, and the vendor has a chance of its own."""
    as_goal = shot("Goal", AwayGoalieOnIce=guarded, ShotSpeed="0", ShotXG="0.9")
    as_other = shot(told, AwayGoalieOnIce=guarded, ShotSpeed="106.4", ShotXG="0.01")
    goal = situation(only_game(tmp_path / "goal", "wisehockey", [*opening(), *as_goal, later()]), "4")
    other = situation(only_game(tmp_path / "other", "wisehockey", [*opening(), *as_other, later()]), "4")
    assert goal == other
    assert goal.net_state is (NetState.GUARDED if guarded == "TRUE" else NetState.EMPTY)
    assert goal.goalie_id == ("21" if guarded == "TRUE" else "")


def test_who_stands_at_the_nets_is_a_goalie_and_jerseys_stand_before_names(tmp_path: Path) -> None:
    game = only_game(tmp_path, "wisehockey", [*opening(), *shot("Saved"), later()])
    told = {player.player_id: (player.display_name, player.jersey_number, player.position) for player in game.roster}
    assert told["21"] == ("Kim Kern", 30, "G")
    assert told["12"] == ("Bea Bohr", 12, "")


def test_skaters_are_those_of_who_shot(tmp_path: Path) -> None:
    rows = [*opening(), *shot("Saved", TeamStrength="5v4"), later() | {"TeamStrength": "5v4"}]
    game = only_game(tmp_path, "wisehockey", rows)
    strengths = [
        (each.shooting_skaters, each.defending_skaters) for each in (situation(game, "4"), situation(game, "5"))
    ]
    assert strengths == [(5, 4), (4, 5)]


def test_a_moment_without_places_has_no_frame(tmp_path: Path) -> None:
    lost = {f"StartPlayerCoordinates{number}": None for number in range(1, 13)}
    game = only_game(tmp_path, "wisehockey", [*opening(), *shot("Saved", **lost), later()])
    play = shots_of(game)["4"]
    assert play.frames.frame_numbers.tolist() == [0, 40, 50, 200]
    assert situation(game, "4").goalie_id == "21"  # the only one that the visitors have


def test_fewer_players_and_a_period_that_is_missing_do_no_harm(tmp_path: Path) -> None:
    few = {f"StartPlayer{what}{number}": None for what in ("Id", "Coordinates") for number in (3, 5)}
    third = [row | {"Period": "3"} for row in shot("Missed", **few)]
    game = only_game(tmp_path, "wisehockey", [*opening(), *shot("Saved"), *third])
    assert [situation(game, name).period for name in shots_of(game)] == [1, 3]
    assert shots_of(game)["5"].context.segment_id != shots_of(game)["4"].context.segment_id


@pytest.mark.parametrize(("team", "result"), [("Home", FaceoffResult.WON), ("Away", FaceoffResult.LOST)])
def test_a_faceoff_names_its_winner_only(tmp_path: Path, team: str, result: FaceoffResult) -> None:
    rows = [row("Faceoff", 0.0, team, None), *opening()[1:], *shot("Saved"), later()]
    assert faceoffs_of(only_game(tmp_path, "wisehockey", rows))["1"].outcome == FaceoffOutcome(result)


def test_a_game_is_called_like_its_file(tmp_path: Path) -> None:
    rows = [each | {"_source_path": "data/Ames_Bohr_27_12.csv"} for each in [*opening(), *shot("Saved"), later()]]
    game = only_game(tmp_path, "wisehockey", rows)
    assert game.header.game_id == "Ames_Bohr_27_12"
    same = only_game(tmp_path / "other", "wisehockey", [*opening(), *shot("Saved"), later()])
    assert same.header == replace(game.header, game_id="events")


@pytest.mark.real_data
def test_every_shot_of_the_real_games_is_a_play(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "events.parquet").symlink_to(real_data / "hockey" / "wisehockey_events.parquet")
    source = open_source(tmp_path)
    shots = [play for game_id in source.game_ids for play in shots_of(source.game(game_id)).values()]
    assert len(shots) == 220
    assert sum(play.outcome == ShotOutcome(ShotResult.GOAL) for play in shots) == 12
