"""The play-by-play of the NHL."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from playscore import faceoffs
from playscore.errors import PlayscoreError
from playscore.faceoffs import FaceoffOutcome, FaceoffResult
from playscore.game import AttackingDirection, Sport
from playscore.shots import (
    HockeyEventKind,
    NetState,
    PrecedingEvent,
    ShotKind,
    ShotListing,
    ShotOutcome,
    ShotResult,
    outcome_of,
)
from playscore.sources import open_source
from tests.unit.pipeline.hockey_tables import (
    IDS,
    Row,
    faceoffs_of,
    hockeyr,
    only_game,
    shots_of,
    situation,
    source_of,
)

RESULTS = {
    "GOAL": ShotResult.GOAL,
    "SHOT": ShotResult.SAVED,
    "MISSED_SHOT": ShotResult.MISSED,
    "BLOCKED_SHOT": ShotResult.BLOCKED,
}


def opening() -> list[Row]:
    return [
        hockeyr("FACEOFF", 0.0, "away", index=0, x=0.0, y=0.0),
        hockeyr("HIT", 10.0, "home", index=1, x=50.0, y=40.0),
        hockeyr("MISSED_SHOT", 20.0, "home", index=2, x=60.0, y=-10.0, player=1),
    ]


def chance(event: str, **more: Any) -> Row:
    """A shot by Ann Ames after half a minute."""
    return hockeyr(event, 30.0, "home", index=3, x=70.0, y=5.0, **more)


def ending() -> list[Row]:
    return [hockeyr("GOAL", 50.0, "away", index=4, x=-80.0, y=1.0), hockeyr("PERIOD_END", 1200.0, index=5)]


@pytest.mark.parametrize("event", RESULTS)
def test_every_shot_and_faceoff_is_a_play(tmp_path: Path, event: str) -> None:
    game = only_game(tmp_path, "hockeyr", [*opening(), chance(event), *ending()])
    assert (game.header.sport, game.header.league, game.header.season) == (Sport.ICE_HOCKEY, "NHL", 2030)
    assert game.header.frame_rate_hertz is None
    assert {name: play.outcome for name, play in shots_of(game).items()} == {
        "2": ShotOutcome(ShotResult.MISSED),
        "3": ShotOutcome(RESULTS[event]),
        "4": ShotOutcome(ShotResult.GOAL),
    }
    assert list(faceoffs_of(game)) == ["0"]
    told = shots_of(game)["3"].context
    shot = situation(game, "3")
    assert (told.attacking_team_id, told.attacking_direction) == ("EVR", AttackingDirection.POSITIVE_X)
    assert (shot.shooter_id, shot.goalie_id) == (IDS["Ann.Ames"], IDS["Lea.Lind"])
    assert (shot.period, shot.game_clock_seconds, shot.x, shot.y) == (1, 1170.0, 70.0, 5.0)
    assert (shot.shooting_skaters, shot.defending_skaters, shot.listing) == (5, 5, ShotListing.UNBLOCKED)


@pytest.mark.parametrize("pulled", ["", "home", "away"])
@pytest.mark.parametrize("event", ["SHOT", "MISSED_SHOT", "BLOCKED_SHOT"])
def test_a_situation_does_not_know_how_the_shot_ended(tmp_path: Path, event: str, pulled: str) -> None:
    """A goal is listed with its type, its score, and without a goalie on an empty net: nothing of it may be seen."""
    scored = chance("GOAL", pulled=pulled, secondary_type="Snap Shot", empty_net=str(pulled == "away"))
    missed = chance(event, pulled=pulled)
    as_goal = situation(only_game(tmp_path / "goal", "hockeyr", [*opening(), scored, *ending()]), "3")
    as_other = situation(only_game(tmp_path / "other", "hockeyr", [*opening(), missed, *ending()]), "3")
    if pulled == "away" and event == "SHOT":
        assert as_other.net_state is NetState.EMPTY  # nobody can have saved it, but the lists say so
    assert replace(as_goal, goalie_id="") == replace(as_other, goalie_id="")
    assert as_goal.shot_type is None


def test_the_goal_before_a_shot_counts_and_its_own_does_not(tmp_path: Path) -> None:
    rows = [*opening(), chance("GOAL"), hockeyr("SHOT", 40.0, "away", index=9, x=-70.0, y=0.0)]
    game = only_game(tmp_path, "hockeyr", rows)
    assert (situation(game, "3").shooting_score, situation(game, "3").defending_score) == (0, 0)
    assert (situation(game, "9").shooting_score, situation(game, "9").defending_score) == (0, 1)


@pytest.mark.parametrize("event", ["GOAL", "MISSED_SHOT"])
def test_six_skaters_without_a_goalie_have_left_their_net(tmp_path: Path, event: str) -> None:
    shot = situation(only_game(tmp_path, "hockeyr", [*opening(), chance(event, pulled="away"), *ending()]), "3")
    assert (shot.net_state, shot.goalie_id, shot.defending_skaters) == (NetState.EMPTY, "", 6)


@pytest.mark.parametrize("event", RESULTS)
def test_a_goalie_whom_the_lists_have_among_the_skaters_guards_the_net(tmp_path: Path, event: str) -> None:
    row = chance(event, away_goalie=None, away_skaters=6.0, away_on_6="Lea.Lind")
    shot = situation(only_game(tmp_path, "hockeyr", [*opening(), row, *ending(), named()]), "3")
    assert (shot.net_state, shot.goalie_id, shot.defending_skaters) == (NetState.GUARDED, IDS["Lea.Lind"], 5)


def named() -> Row:
    return hockeyr("SHOT", 60.0, "home", index=20, x=60.0, y=0.0)


@pytest.mark.parametrize("event", RESULTS)
@pytest.mark.parametrize("lost", [{"listed": False}, {"away_goalie": None}, {"away_goalie": None, "away_skaters": 7.0}])
def test_lists_that_lack_the_goalie_say_nothing_of_the_net(tmp_path: Path, event: str, lost: dict[str, Any]) -> None:
    shot = situation(only_game(tmp_path, "hockeyr", [*opening(), chance(event, **lost), *ending()]), "3")
    assert shot.net_state is None
    assert shot.defending_skaters == (5 if lost == {"away_goalie": None} else None)


def test_strength_0v0_is_not_known(tmp_path: Path) -> None:
    shot = situation(only_game(tmp_path, "hockeyr", [*opening(), chance("SHOT", listed=False), *ending()]), "3")
    assert (shot.shooting_skaters, shot.defending_skaters) == (None, None)
    assert (shot.shooter_seconds_on_ice, shot.shooting_seconds_on_ice) == (None, None)


def test_what_happened_before_comes_latest_first_with_its_place_and_team(tmp_path: Path) -> None:
    shot = situation(only_game(tmp_path, "hockeyr", [*opening(), chance("SHOT"), *ending()]), "3")
    assert shot.preceding_events == (
        PrecedingEvent(HockeyEventKind.MISSED_SHOT, 10.0, "EVR", 60.0, -10.0),
        PrecedingEvent(HockeyEventKind.HIT, 20.0, "EVR", 50.0, 40.0),
        PrecedingEvent(HockeyEventKind.FACEOFF, 30.0, "LUM", 0.0, 0.0),
    )


def test_a_challenge_of_a_goal_is_not_told_before_it(tmp_path: Path) -> None:
    challenge = hockeyr("CHALLENGE", 30.0, "away", index=8)
    told = situation(only_game(tmp_path / "one", "hockeyr", [*opening(), challenge, chance("GOAL"), *ending()]), "3")
    untold = situation(only_game(tmp_path / "two", "hockeyr", [*opening(), chance("GOAL"), *ending()]), "3")
    assert told == untold


def test_events_of_another_period_and_of_a_clock_that_began_again_did_not_come_before(tmp_path: Path) -> None:
    rows = [
        *opening(),
        hockeyr("FACEOFF", 0.0, "home", index=6, x=0.0, y=0.0, period=2),
        hockeyr("HIT", 900.0, "home", index=7, x=0.0, y=0.0, period=2),
        hockeyr("SHOT", 5.0, "home", index=8, x=80.0, y=0.0, period=2),
    ]
    before = situation(only_game(tmp_path, "hockeyr", rows), "8").preceding_events
    assert [event.kind for event in before] == [HockeyEventKind.FACEOFF]


def test_sixteen_events_are_told_at_most(tmp_path: Path) -> None:
    hits = [hockeyr("HIT", float(second), "home", index=50 + second, x=0.0, y=0.0) for second in range(40)]
    rows = [*hits, hockeyr("SHOT", 60.0, "home", index=100, x=80.0, y=0.0)]
    before = situation(only_game(tmp_path, "hockeyr", rows), "100").preceding_events
    assert [event.seconds_before for event in before] == [float(second) for second in range(21, 37)]


def test_who_has_been_on_since_the_period_began(tmp_path: Path) -> None:
    shot = situation(only_game(tmp_path, "hockeyr", [*opening(), chance("SHOT"), *ending()]), "3")
    assert shot.shooter_seconds_on_ice == shot.shooting_seconds_on_ice == shot.defending_seconds_on_ice == 30.0


def test_who_is_first_listed_at_an_event_came_on_halfway_since_the_one_before(tmp_path: Path) -> None:
    on = {"home_on_1": "Nan.Neu"}
    rows = [*(row | (on if row["period_seconds"] < 20.0 else {}) for row in opening()), chance("SHOT"), *ending()]
    assert situation(only_game(tmp_path, "hockeyr", rows), "3").shooter_seconds_on_ice == 15.0


def test_a_list_that_is_missing_breaks_a_shift_off(tmp_path: Path) -> None:
    rows = [*opening(), hockeyr("HIT", 25.0, "home", index=9, listed=False), chance("SHOT"), *ending()]
    shot = situation(only_game(tmp_path, "hockeyr", rows), "3")
    assert (shot.shooter_seconds_on_ice, shot.shooting_seconds_on_ice) == (None, None)


def test_a_blocked_shot_is_the_shooters_whoever_it_is_listed_under(tmp_path: Path) -> None:
    blocked = chance("BLOCKED_SHOT", event_team_type="away")
    rows = [*opening(), hockeyr("HIT", 15.0, "home", index=7, player=0), blocked, *ending()]
    game = only_game(tmp_path, "hockeyr", rows)
    told = shots_of(game)["3"].context
    assert (told.attacking_team_id, told.attacking_direction) == ("EVR", AttackingDirection.POSITIVE_X)
    before = situation(game, "4").preceding_events[0]
    assert (before.kind, before.team_id) == (HockeyEventKind.BLOCKED_SHOT, "EVR")
    assert {player.player_id: player.team_id for player in game.roster}[IDS["Ann.Ames"]] == "EVR"


@pytest.mark.parametrize("words", ["Ann Ames Goalpost Lea Lind", "Ann Ames Hit Crossbar", "Ann Ames Hit Left Post"])
def test_the_frame_of_the_net_is_hit(tmp_path: Path, words: str) -> None:
    game = only_game(tmp_path, "hockeyr", [*opening(), chance("MISSED_SHOT", description=words), *ending()])
    assert shots_of(game)["3"].outcome == ShotOutcome(ShotResult.POST)


def test_shootout_and_penalty_shots_are_told_so_and_do_not_count_as_goals_before(tmp_path: Path) -> None:
    shootout: dict[str, Any] = {"period": 5, "period_type": "SHOOTOUT"}
    rows = [
        *opening(),
        chance("GOAL", secondary_type="Penalty Shot"),
        hockeyr("GOAL", 0.0, "home", index=6, x=80.0, y=0.0, **shootout),
        hockeyr("SHOT", 0.0, "away", index=7, x=-80.0, y=0.0, **shootout),
    ]
    game = only_game(tmp_path, "hockeyr", rows)
    kinds = {name: situation(game, name).kind for name in shots_of(game)}
    assert kinds == {
        "2": ShotKind.IN_PLAY,
        "3": ShotKind.PENALTY_SHOT,
        "6": ShotKind.SHOOTOUT,
        "7": ShotKind.SHOOTOUT,
    }
    assert (situation(game, "7").shooting_score, situation(game, "7").defending_score) == (0, 1)


def test_a_second_overtime_is_no_shootout(tmp_path: Path) -> None:
    late = hockeyr("SHOT", 10.0, "home", index=9, x=80.0, y=0.0, period=5, period_type="OVERTIME")
    assert situation(only_game(tmp_path, "hockeyr", [*opening(), *ending(), late]), "9").kind is ShotKind.IN_PLAY


@pytest.mark.parametrize(("side", "result"), [("home", FaceoffResult.WON), ("away", FaceoffResult.LOST)])
def test_a_faceoff_is_seen_by_the_home_teams_taker(tmp_path: Path, side: str, result: FaceoffResult) -> None:
    rows = [hockeyr("FACEOFF", 0.0, side, index=0, x=0.0, y=0.0), *opening()[1:], chance("GOAL"), *ending()]
    play = faceoffs_of(only_game(tmp_path, "hockeyr", rows))["0"]
    told = faceoffs.situation_of(play.context)
    assert play.context.attacking_team_id == "EVR"
    assert play.outcome == FaceoffOutcome(result)
    assert (told.taker_id, told.opponent_id) == (IDS["Ann.Ames"], IDS["Flo.Fink"])
    assert (told.taker_faceoffs, told.taker_wins, told.opponent_faceoffs, told.opponent_wins) == (0, 0, 0, 0)


def test_takers_bring_the_record_of_the_season_before_a_faceoff(tmp_path: Path) -> None:
    """Over games in the order of their dates, whatever the order of the rows; last season's do not count."""

    def game(number: int, date: str, season: int, *sides: str) -> list[Row]:
        told = {"game_id": number, "game_date": date, "season": season}
        return [
            hockeyr("FACEOFF", 10.0 * place, side, index=place, x=0.0, y=0.0) | told for place, side in enumerate(sides)
        ]

    later = game(2030020009, "2030-10-20", 20302031, "home", "away")
    first = game(2030020010, "2030-10-10", 20302031, "home", "home", "away")
    last_season = game(2029020001, "2029-10-10", 20292030, "away", "away")
    source = source_of(tmp_path, "hockeyr", [*later, *first, *last_season])
    told = [
        faceoffs.situation_of(play.context)
        for game_id in ("2030020010", "2030020009")
        for play in source.game(game_id).plays
    ]
    assert [(each.taker_faceoffs, each.taker_wins) for each in told] == [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3)]
    assert [(each.opponent_faceoffs, each.opponent_wins) for each in told] == [(0, 0), (1, 0), (2, 0), (3, 1), (4, 1)]


def test_names_are_spelled_as_people_do(tmp_path: Path) -> None:
    rows = [*opening(), chance("SHOT", event_player_1_name="J.T..Miller", event_player_1_id="9"), *ending()]
    names = {player.player_id: player.display_name for player in only_game(tmp_path, "hockeyr", rows).roster}
    assert (names["9"], names[IDS["Lea.Lind"]]) == ("J.T. Miller", "Lea Lind")


def test_rows_that_are_no_events_are_counted(tmp_path: Path) -> None:
    rows = [
        *opening(),
        chance("SHOT"),
        chance("SHOT"),
        hockeyr("FAILED_SHOT_ATTEMPT", 31.0, "home", index=6),
        hockeyr("UNKNOWN", 32.0, "home", index=7),
        hockeyr("GAME_END", 1200.0, index=8),
    ]
    source = source_of(tmp_path, "hockeyr", rows)
    assert len(shots_of(source.game("2030020001"))) == 2
    assert {loss.reason: loss.count for loss in source.losses()} == {
        "the event is listed twice": 1,
        "the attempt ended without a shot": 1,
        "event_type is none that is known": 1,
    }


def test_a_game_of_a_row_or_two_is_a_slip_of_another(tmp_path: Path) -> None:
    full = [hockeyr("HIT", float(second), "home", index=second, x=0.0, y=0.0) for second in range(60)]
    source = source_of(tmp_path, "hockeyr", [*full, hockeyr("HIT", 99.0, "home", index=99) | {"game_id": 20300200011}])
    assert source.game_ids == ("2030020001",)
    assert [(loss.reason, loss.count) for loss in source.losses()] == [("the game has too few events to be one", 1)]


def test_most_rows_tell_who_plays(tmp_path: Path) -> None:
    rows = [*opening(), chance("SHOT"), *ending()]
    rows[0]["home_abbreviation"] = "EVRY"
    assert only_game(tmp_path, "hockeyr", rows).header.team_ids == ("EVR", "LUM")


@pytest.mark.parametrize("home", [None, "LUM"])
def test_a_game_without_two_teams_is_refused(tmp_path: Path, home: str | None) -> None:
    rows = [row | {"home_abbreviation": home} for row in [*opening(), chance("SHOT"), *ending()]]
    with pytest.raises(PlayscoreError, match="game 2030020001 cannot be read: it is between"):
        only_game(tmp_path, "hockeyr", rows)


@pytest.mark.parametrize(("shooter", "team"), [(IDS["Ann.Ames"], "EVR"), ("77", "")])
def test_a_shot_that_is_listed_under_no_team_is_that_of_the_shooter(tmp_path: Path, shooter: str, team: str) -> None:
    rows = [
        *opening(),
        hockeyr("HIT", 25.0, "home", index=9),
        chance("SHOT") | {"event_team_type": None, "event_player_1_id": shooter},
        *ending(),
    ]
    told = shots_of(only_game(tmp_path, "hockeyr", rows))["3"].context
    assert (told.attacking_team_id, told.attacking_direction is None) == (team, team == "")


@pytest.mark.real_data
def test_every_shot_and_faceoff_of_real_games_is_a_play(real_data: Path, tmp_path: Path) -> None:
    (tmp_path / "pbp.parquet").symlink_to(real_data / "hockey" / "nhl_pbp_hockeyR.parquet")
    source = open_source(tmp_path)
    chosen = source.game_ids[::4]
    games = [source.game(game_id) for game_id in chosen]
    results = [outcome_of(play) for game in games for play in shots_of(game).values()]
    rows = pl.read_parquet(tmp_path / "pbp.parquet", columns=["game_id", "event_type"])
    events = Counter(rows.filter(pl.col("game_id").cast(str).is_in(chosen))["event_type"])
    assert len(results) == sum(events[kind] for kind in ("SHOT", "GOAL", "MISSED_SHOT", "BLOCKED_SHOT"))
    assert sum(len(faceoffs_of(game)) for game in games) == events["FACEOFF"]
