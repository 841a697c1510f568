"""The Big Data Cup's events and tracking."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from playscore import faceoffs
from playscore.errors import PlayscoreError
from playscore.faceoffs import FaceoffOutcome, FaceoffResult
from playscore.game import AttackingDirection
from playscore.shots import (
    HockeyEventKind,
    NetState,
    PrecedingEvent,
    ShotListing,
    ShotOutcome,
    ShotResult,
    ShotType,
)
from playscore.sources import layouts, open_source
from tests.unit.pipeline.hockey_tables import (
    Row,
    faceoffs_of,
    only_game,
    shots_of,
    situation,
    source_of,
)

GAME = "2030-11-16 Team H @ Team K"
AT_HOME = {"GoalieTeamOnRightSideOfRink1stPeriod": "Away"}
"""The home team attacks toward +x in the first period."""


def event(
    name: str, clock: str, team: str | None, x: float, y: float, *, period: int | str = 1, date: str = "2030-11-16",
    **more: Any,
) -> Row:  # fmt: skip
    return {
        "Date": date, "Home_Team": "Team K", "Away_Team": "Team H", "Period": period, "Clock": clock,
        "Home_Team_Skaters": 5, "Away_Team_Skaters": 5, "Home_Team_Goals": 0, "Away_Team_Goals": 0, "Team": team,
        "Player_Id": "22", "Event": name, "X_Coordinate": x, "Y_Coordinate": y, "Detail_1": None, "Detail_2": None,
        "Detail_3": 0, "Detail_4": 0, "Player_Id_2": None, "X_Coordinate_2": None, "Y_Coordinate_2": None,
    } | more  # fmt: skip


def opening() -> list[Row]:
    """A face-off, an entry and a pass: the events numbered 1 to 3."""
    return [
        event("Faceoff Win", "20:00", "Team K", 0.0, 0.5, Detail_1="Backhand", Player_Id_2="63.0"),
        event("Zone Entry", "19:50", "Team K", 25.0, -10.0, Detail_1="Carried", Player_Id_2="8"),
        event("Play", "19:46", "Team K", 60.0, 30.0, Detail_1="Direct", Player_Id_2="9", X_Coordinate_2=70.0,
              Y_Coordinate_2=-5.0),
    ]  # fmt: skip


def shot(end: str, clock: str = "19:45", **more: Any) -> Row:
    if end == "Goal":
        return event("Goal", clock, "Team K", 75.0, -6.0, Detail_1="Snapshot", Detail_2="On Net", **more)
    return event("Shot", clock, "Team K", 75.0, -6.0, Detail_1="Snapshot", Detail_2=end, **more)


def later() -> Row:
    return event("Shot", "10:00", "Team H", -60.0, 0.0, Detail_1="Slapshot", Detail_2="On Net", Player_Id="7")


def tracked(clock: str, frames: Iterable[int], *, period: str = "1", jersey: str = "22", **puck: Any) -> list[Row]:
    """Rows of one player and the puck while the clock shows `clock`."""
    rows: list[Row] = []
    for frame in frames:
        shared = {"Image Id": f"{GAME}_{frame}", "Period": period, "Game Clock": clock, "Goal Score": None}
        rows.append(
            shared | {
                "Player or Puck": "Player", "Team": "Home", "Player Id": 9743.0, "Player Jersey Number": jersey,
                "Rink Location X (Feet)": 70.0, "Rink Location Y (Feet)": -5.0, "Rink Location Z (Feet)": 1.0,
            }
        )  # fmt: skip
        rows.append(
            shared | {
                "Player or Puck": "Puck", "Team": None, "Player Id": None, "Player Jersey Number": None,
                "Rink Location X (Feet)": 74.0, "Rink Location Y (Feet)": -6.0, "Rink Location Z (Feet)": 0.02,
            } | puck
        )  # fmt: skip
    return rows


def tables(events: list[Row], tracking: list[Row] | None = None, camera: str | None = "Away") -> dict[str, list[Row]]:
    told = {"events": events}
    if tracking:
        told["tracking_P1"] = tracking
    if camera:
        told["camera"] = [{"Game": GAME, "GoalieTeamOnRightSideOfRink1stPeriod": camera}]
    return told


@pytest.mark.parametrize(
    ("end", "result"),
    [
        ("On Net", ShotResult.SAVED),
        ("Missed", ShotResult.MISSED),
        ("Blocked", ShotResult.BLOCKED),
        ("Goal", ShotResult.GOAL),
    ],
)
def test_every_shot_and_faceoff_is_a_play_with_what_happened_before(
    tmp_path: Path, end: str, result: ShotResult
) -> None:
    game = only_game(tmp_path, "bdc2026", tables([*opening(), shot(end, Detail_4=1), later()]))
    assert (game.header.game_id, game.header.season, game.header.frame_rate_hertz) == (GAME, 2030, None)
    assert game.header.team_ids == ("Team K", "Team H")
    assert (list(shots_of(game)), list(faceoffs_of(game))) == (["4", "5"], ["1"])
    assert shots_of(game)["4"].outcome == ShotOutcome(result)
    told = situation(game, "4")
    assert (told.x, told.y, told.period, told.game_clock_seconds) == (75.0, -6.0, 1, 1185.0)
    assert (told.shooter_id, told.shot_type, told.one_timer) == ("Team K 22", ShotType.SNAP, True)
    assert told.listing is ShotListing.UNBLOCKED
    assert told.preceding_events == (
        PrecedingEvent(HockeyEventKind.PASS, 1.0, "Team K", 70.0, -5.0),
        PrecedingEvent(HockeyEventKind.ZONE_ENTRY, 5.0, "Team K", 25.0, -10.0),
        PrecedingEvent(HockeyEventKind.FACEOFF, 15.0, "Team K", 0.0, 0.5),
    )


@pytest.mark.parametrize("end", ["On Net", "Missed", "Blocked"])
@pytest.mark.parametrize("traffic", [0, 1])
def test_a_situation_does_not_know_how_the_shot_ended(tmp_path: Path, end: str, traffic: int) -> None:
    as_goal = situation(only_game(tmp_path / "goal", "bdc2026", tables([*opening(), shot("Goal"), later()])), "4")
    ended = shot(end, Detail_3=traffic)
    assert as_goal == situation(only_game(tmp_path / "other", "bdc2026", tables([*opening(), ended, later()])), "4")


def test_a_goal_counts_from_the_next_event_on(tmp_path: Path) -> None:
    rows = [row | {"Home_Team_Goals": 2} for row in [*opening(), shot("Goal")]]
    told = situation(only_game(tmp_path, "bdc2026", tables([*rows, later() | {"Home_Team_Goals": 3}])), "5")
    assert (told.shooting_score, told.defending_score) == (0, 3)


def test_six_skaters_have_left_their_net(tmp_path: Path) -> None:
    game = only_game(tmp_path, "bdc2026", tables([*opening(), shot("Missed", Away_Team_Skaters=6), later()]))
    assert (situation(game, "4").net_state, situation(game, "5").net_state) == (NetState.EMPTY, None)


@pytest.mark.parametrize("camera", ["Away", "Home", None])
@pytest.mark.parametrize("period", [1, 2, 3, "OT"])
def test_ends_change_each_period(tmp_path: Path, camera: str | None, period: int | str) -> None:
    """Without a table of cameras, most shots tell."""
    right = (camera != "Home") == (period in (1, 3))
    x = 70.0 if right else -70.0
    rows = [*opening()[:1], *(event("Shot", "10:00", "Team K", x, 0.0, period=period, Detail_2="Missed"),) * 4]
    game = only_game(tmp_path, "bdc2026", tables(rows, camera=camera))
    expected = AttackingDirection.POSITIVE_X if right else AttackingDirection.NEGATIVE_X
    assert shots_of(game)["2"].context.attacking_direction is expected
    assert situation(game, "2").period == (4 if period == "OT" else period)


def test_a_dumped_entry_is_a_puck_shot_in(tmp_path: Path) -> None:
    rows = [
        *opening()[:1],
        event("Zone Entry", "19:50", "Team K", 25.0, 0.0, Detail_1="Dumped"),
        shot("Missed"),
        later(),
    ]
    before = situation(only_game(tmp_path, "bdc2026", tables([*rows, later()])), "3").preceding_events
    assert before[0].kind is HockeyEventKind.DUMP_IN


@pytest.mark.parametrize(("team", "result"), [("Team K", FaceoffResult.WON), ("Team H", FaceoffResult.LOST)])
def test_a_faceoff_is_seen_by_the_home_teams_taker(tmp_path: Path, team: str, result: FaceoffResult) -> None:
    drop = event("Faceoff Win", "20:00", team, 0.0, 0.5, Player_Id="22", Player_Id_2="63.0")
    play = faceoffs_of(only_game(tmp_path, "bdc2026", tables([drop, *opening()[1:], shot("Missed"), later()])))["1"]
    told = faceoffs.situation_of(play.context)
    takers = ("Team K 22", "Team H 63") if team == "Team K" else ("Team K 63", "Team H 22")
    assert (told.taker_id, told.opponent_id) == takers
    assert (play.context.attacking_team_id, play.outcome) == ("Team K", FaceoffOutcome(result))


def test_takers_bring_their_record_of_earlier_games(tmp_path: Path) -> None:
    won = event("Faceoff Win", "20:00", "Team K", 0.0, 0.5, Player_Id_2="63")
    earlier = [row | {"Date": "2030-10-01"} for row in [won, won, *opening()[1:], shot("Missed")]]
    source = source_of(tmp_path, "bdc2026", tables([won, *opening()[1:], shot("Missed"), later(), *earlier]))
    told = faceoffs.situation_of(faceoffs_of(source.game(GAME))["1"].context)
    assert (told.taker_faceoffs, told.taker_wins, told.opponent_faceoffs, told.opponent_wins) == (2, 2, 2, 0)


def test_a_tracked_shot_shares_the_film_of_its_period_and_is_released_in_the_middle_of_its_second(
    tmp_path: Path,
) -> None:
    film = tracked("19:46", range(5000, 5030)) + tracked("19:45", range(5030, 5060))
    game = only_game(tmp_path, "bdc2026", tables([*opening(), shot("Goal"), later()], film))
    play = shots_of(game)["4"]
    assert game.header.frame_rate_hertz == 30.0
    assert (play.context.segment_id, play.context.release_frame) == ("period 1", 5045)
    assert play.frames.frame_numbers.tolist() == list(range(5000, 5060))
    assert play.frames.player_ids == ("Team K 22",)
    (puck,) = play.tracks
    assert (puck.rate_hertz, puck.sample_numbers.tolist()) == (30.0, list(range(5000, 5060)))
    assert puck.z is not None
    np.testing.assert_allclose([puck.x[0], puck.y[0], puck.z[0]], (74.0, -6.0, 0.02), rtol=1e-6)
    assert situation(game, "4").shooter_id in play.frames.player_ids


def test_a_shot_whose_second_was_not_tracked_has_no_film(tmp_path: Path) -> None:
    film = tracked("19:45", range(5030, 5060))
    game = only_game(tmp_path, "bdc2026", tables([*opening(), shot("Goal"), later()], film))
    play = shots_of(game)["5"]
    assert (play.context.segment_id, play.context.release_frame, len(play.frames)) == ("", None, 0)


@pytest.mark.parametrize(("after_faceoff", "frame"), [(False, 5015), (True, 9085)])
def test_where_the_clock_stood_still_a_shot_is_before_the_whistle_or_after_the_faceoff(
    tmp_path: Path, after_faceoff: bool, frame: int
) -> None:
    film = tracked("19:45", [*range(5000, 5600), *range(9000, 9100)])
    drop = [event("Faceoff Win", "19:45", "Team K", 69.0, 22.0, Player_Id_2="63")] if after_faceoff else []
    game = only_game(tmp_path, "bdc2026", tables([*opening(), *drop, shot("Missed"), later()], film))
    play = next(iter(shots_of(game).values()))
    assert play.context.release_frame == frame


def test_a_lost_puck_has_no_samples_and_doubled_rows_stay_doubled(tmp_path: Path) -> None:
    lost: dict[str, Any] = {"Rink Location X (Feet)": None, "Rink Location Y (Feet)": None}
    film = tracked("19:45", range(5000, 5010)) + tracked("19:45", range(5010, 5020), **lost)
    film += film[:4]
    play = shots_of(only_game(tmp_path, "bdc2026", tables([*opening(), shot("Missed"), later()], film)))["4"]
    (puck,) = play.tracks
    assert puck.sample_numbers.tolist() == [5000, 5000, 5001, 5001, *range(5002, 5010)]
    assert play.frames.frame_numbers.tolist() == [5000, 5000, 5001, 5001, *range(5002, 5020)]


def test_goalies_are_known_and_players_without_a_jersey_by_their_track(tmp_path: Path) -> None:
    film = tracked("19:45", range(5000, 5010), jersey="Go") + tracked("19:45", range(5000, 5010), jersey="n/a")
    game = only_game(tmp_path, "bdc2026", tables([*opening(), shot("Missed"), later()], film))
    positions = {player.player_id: player.position for player in game.roster}
    assert positions["Team K Go"] == "G"
    assert positions["Team K track 9743"] == ""


def test_tracking_alone_is_a_game_without_plays_and_said_so(tmp_path: Path) -> None:
    film = [
        {name: value for name, value in row.items() if name != "Player Jersey Number"}
        for row in tracked("18:43", range(100, 130))
    ]
    source = source_of(tmp_path, "bdc2025", {"power_play": film})
    game = source.game(GAME)
    assert (list(game.plays), [player.player_id for player in game.roster]) == ([], ["Team K 9743"])
    assert {loss.reason: loss.count for loss in source.losses()} == {
        "the frame is of a period in which no shot is listed": 30
    }


def test_tracking_beside_events_is_one_layout(tmp_path: Path) -> None:
    source_of(tmp_path, "bdc2026", tables([*opening(), shot("Goal"), later()], tracked("19:45", range(10))))
    assert [name for name, layout in layouts().items() if not layout.recognize(tmp_path).missing] == ["bdc2026"]


def test_rows_that_belong_to_nothing_are_counted(tmp_path: Path) -> None:
    film = tracked("19:45", range(5000, 5010))
    film[0]["Team"] = "Referees"
    film[2]["Period"] = "intermission"
    rows = [*opening(), shot("Missed"), later(), event("Anthem", "20:00", None, 0.0, 0.0)]
    source = source_of(tmp_path, "bdc2026", tables(rows, film))
    source.game(GAME)
    assert {loss.reason: loss.count for loss in source.losses()} == {
        "the team is neither of those that play": 1,
        "Period is none that is known": 1,
        "Event is none that is known": 1,
    }


def test_a_game_between_one_team_is_refused(tmp_path: Path) -> None:
    rows = [row | {"Away_Team": "Team K"} for row in [*opening(), shot("Missed"), later()]]
    source = source_of(tmp_path, "bdc2026", {"events": rows})
    with pytest.raises(PlayscoreError, match="Team K @ Team K"):
        source.game("2030-11-16 Team K @ Team K")


@pytest.mark.real_data
def test_every_shot_of_the_real_games_is_a_play_and_three_are_tracked(real_data: Path, tmp_path: Path) -> None:
    for file in (real_data / "hockey" / "stathletes_noncommercial").glob("bdc2026_*"):
        (tmp_path / file.name).symlink_to(file)
    source = open_source(tmp_path)
    games = [source.game(game_id) for game_id in source.game_ids]
    shots = [play for game in games for play in shots_of(game).values()]
    assert len(shots) == 790 + 38
    assert sum(len(faceoffs_of(game)) for game in games) == 408
    assert [play.outcome for play in shots if len(play.frames)] == [
        ShotOutcome(ShotResult.BLOCKED),
        ShotOutcome(ShotResult.BLOCKED),
        ShotOutcome(ShotResult.GOAL),
    ]


@pytest.mark.real_data
def test_the_real_power_play_is_tracked_and_lists_no_shot(real_data: Path, tmp_path: Path) -> None:
    for file in (real_data / "hockey" / "stathletes_noncommercial").glob("bdc2025_*"):
        (tmp_path / file.name).symlink_to(file)
    source = open_source(tmp_path)
    (game_id,) = source.game_ids
    assert list(source.game(game_id).plays) == []
    assert "the frame is of a period in which no shot is listed" in {loss.reason for loss in source.losses()}
