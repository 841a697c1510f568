"""Big Data Bowl 2025: from the huddle on, with what each player did in a table of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from playscore.game import AttackingDirection, HomeSide, PlayStatus, TrackedObject, TrackingEvent
from playscore.passing import PassOutcome, PassResult, PlayKind, situation_of
from tests.unit.pipeline import film
from tests.unit.pipeline.film import FRAMES, SNAP, Tables

FORMATS = pytest.mark.parametrize("file_format", ["csv", "parquet"])
COLUMNS_TELL = {"playDescription": None}


def play_told(*deeds: dict[str, Any], **told: Any) -> Tables:
    """One play; `deeds` are what the players did, all else at rest."""
    tables = film.bdb2025()
    tables["plays"][0] |= told
    for row in tables["player_play"]:
        row.update(hadDropback=0, passingYards=0, wasTargettedReceiver=0)
        for deed in deeds:
            row.update(deed if deed["nflId"] == row["nflId"] else {})
    return tables


@FORMATS
def test_a_play_is_told_by_its_tables(tmp_path: Path, file_format: str) -> None:
    game = film.only_game(tmp_path, film.bdb2025(), file_format)
    header = game.header
    assert (header.season, header.week, header.home_team_id, header.away_team_id) == (2022, 1, "LV", "DEN")
    assert header.home_side is HomeSide.STATED
    assert {(player.player_id, player.display_name, player.team_id, player.position) for player in game.roster} == {
        ("101", "Paul Able", "LV", "QB"), ("102", "Ben Baker", "LV", "WR"), ("103", "Dan Drake", "LV", "RB"),
        ("201", "Carl Cook", "DEN", "CB"),
    }  # fmt: skip
    (play,) = game.plays
    situation = situation_of(play.context)
    assert (situation.kind, situation.passer_id, situation.target_id) == (PlayKind.PASS, "101", "102")
    assert (situation.quarter, situation.down, situation.yards_to_go, situation.yards_to_end_zone) == (1, 2, 8.0, 75.0)
    assert (situation.home_score, situation.away_score, situation.game_clock_seconds) == (3, 0, 754.0)
    assert situation.charted_air_yards == 5.0
    assert play.context.status is None
    assert play.context.attacking_direction is AttackingDirection.POSITIVE_X
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 9.0)
    assert play.frames.frame_numbers.tolist() == list(range(1, FRAMES + 1))
    assert play.frames.times_unix_micros is not None
    for measure in ("speed", "acceleration", "direction_degrees", "orientation_degrees"):
        assert getattr(play.frames, measure) is not None
    (ball,) = play.tracks
    assert (ball.tracked, len(ball.sample_numbers)) == (TrackedObject.BALL, FRAMES)


@FORMATS
@pytest.mark.parametrize("absent", [("player_play",), ("players",), ("games",), ("player_play", "players", "games")])
def test_tables_that_may_be_missing_take_nothing_from_the_pass(
    tmp_path: Path, file_format: str, absent: tuple[str, ...]
) -> None:
    tables = {name: rows for name, rows in film.bdb2025().items() if name not in absent}
    play = film.only_play(tmp_path, tables, file_format)
    situation = situation_of(play.context)
    assert (situation.passer_id, situation.target_id) == ("101", "102")
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 9.0)


@pytest.mark.parametrize("written", ["SNAP", "snap", " SNAP "])
def test_the_type_of_the_frame_tells_the_snap_where_no_event_does(tmp_path: Path, written: str) -> None:
    tables = film.bdb2025()
    for row in tables["tracking_week_1"]:
        row["event"] = None
        row["frameType"] = written if row["frameType"] == "SNAP" else row["frameType"]
    assert film.only_play(tmp_path, tables).frames.events == (TrackingEvent(SNAP, "ball_snap"),)


def test_the_event_tells_the_snap_where_there_is_one(tmp_path: Path) -> None:
    tables = film.bdb2025()
    for row in tables["tracking_week_1"]:
        row["event"] = "ball_snap" if row["frameId"] == SNAP + 2 else None
    assert film.only_play(tmp_path, tables).frames.events == (TrackingEvent(SNAP + 2, "ball_snap"),)


def test_each_play_has_the_snap_of_its_own_frames(tmp_path: Path) -> None:
    tables = film.bdb2025(54, 75)
    for row in tables["tracking_week_1"]:
        row["event"] = None
        if row["playId"] == 75:
            row["frameType"] = "SNAP" if row["frameId"] == 4 else "BEFORE_SNAP"
    snaps = {name: play.frames.events for name, play in film.plays_of(film.opened(tmp_path, tables)).items()}
    assert snaps == {"54": (TrackingEvent(SNAP, "ball_snap"),), "75": (TrackingEvent(4, "ball_snap"),)}


@FORMATS
@pytest.mark.parametrize(("written", "status"), [("Y", PlayStatus.NULLIFIED), ("TRUE", PlayStatus.NULLIFIED), ("1", PlayStatus.NULLIFIED), ("N", None), ("FALSE", None), (None, None)])  # fmt: skip  # noqa: E501
def test_a_column_says_that_a_play_does_not_count(
    tmp_path: Path, file_format: str, written: str | None, status: PlayStatus | None
) -> None:
    play = film.only_play(tmp_path, play_told(playNullifiedByPenalty=written), file_format)
    assert play.context.status is status
    assert (play.outcome is None) == (status is PlayStatus.NULLIFIED)


@FORMATS
@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ({"qbSpike": "TRUE"}, PlayKind.SPIKE),
        ({"qbSpike": 1}, PlayKind.SPIKE),
        ({"qbKneel": 1}, PlayKind.KNEEL),
        ({"qbKneel": 1, "passResult": None} | COLUMNS_TELL, PlayKind.KNEEL),
        ({"qbSpike": "FALSE", "qbKneel": 0}, PlayKind.PASS),
        ({"qbSpike": None, "qbKneel": None}, PlayKind.PASS),
        ({"passResult": None, "playDescription": "P.Able up the middle to LV 27 for 2 yards."}, PlayKind.RUN),
        (
            {"playDescription": "TWO-POINT CONVERSION ATTEMPT. P.Able pass to B.Baker is complete."},
            PlayKind.CONVERSION_TRY,
        ),
        ({"down": 0, "yardsToGo": 0} | COLUMNS_TELL, PlayKind.CONVERSION_TRY),
    ],
)
def test_columns_and_sentence_say_what_a_play_is(
    tmp_path: Path, file_format: str, told: dict[str, Any], kind: PlayKind
) -> None:
    play = film.only_play(tmp_path, play_told(**told), file_format)
    situation = situation_of(play.context)
    assert situation.kind is kind
    assert (situation.passer_id != "") == (kind is PlayKind.PASS)
    assert (play.outcome is not None) == (kind is PlayKind.PASS)


@FORMATS
@pytest.mark.parametrize(
    ("deeds", "sentence", "passer", "target"),
    [
        ([{"nflId": 101, "hadDropback": 1}, {"nflId": 102, "wasTargettedReceiver": 1}], None, "101", "102"),
        ([{"nflId": 101, "hadDropback": 1}, {"nflId": 103, "passingYards": 9}], None, "103", ""),
        ([{"nflId": 101, "hadDropback": 1, "passingYards": -3}], None, "101", ""),
        ([{"nflId": 103, "hadDropback": 1}], film.PASS, "101", "102"),
        ([{"nflId": 103, "passingYards": 9}], film.PASS, "103", "102"),
        ([{"nflId": 101, "hadDropback": 1}, {"nflId": 103, "hadDropback": 1}], None, "101", ""),
        ([{"nflId": 201, "passingYards": 9}], None, "101", ""),
        ([{"nflId": 102, "wasTargettedReceiver": 1}, {"nflId": 103, "wasTargettedReceiver": 1}], None, "101", ""),
        ([], None, "101", ""),
        ([{"nflId": 101, "passingYards": "?", "hadDropback": "TRUE"}], None, "101", ""),
    ],
    ids=[
        "dropped back", "credited with yards", "loses yards", "the sentence rather than who dropped back",
        "yards rather than the sentence", "two dropped back", "a defender", "two targets", "nothing",
        "yards unreadable",
    ],
)  # fmt: skip
def test_deeds_sentence_and_position_tell_who_threw_and_to_whom(
    tmp_path: Path, file_format: str, deeds: list[dict[str, Any]], sentence: str | None, passer: str, target: str
) -> None:
    situation = film.only_situation(tmp_path, play_told(*deeds, playDescription=sentence), file_format)
    assert (situation.passer_id, situation.target_id) == (passer, target)


@pytest.mark.parametrize(("credited", "yards"), [(12, 12.0), (0, 9.0), (None, 9.0)])
def test_the_yards_are_the_passers_own_where_he_is_credited(tmp_path: Path, credited: int | None, yards: float) -> None:
    play = film.only_play(tmp_path, play_told({"nflId": 101, "passingYards": credited}))
    assert play.outcome == PassOutcome(PassResult.COMPLETE, yards)


@pytest.mark.parametrize(("leaves_at", "passer"), [(SNAP, "101"), (SNAP + 1, "")])
def test_who_has_left_the_huddle_by_the_snap_did_not_pass(tmp_path: Path, leaves_at: int, passer: str) -> None:
    tables = film.bdb2025()
    del tables["player_play"]
    tables["plays"][0] |= COLUMNS_TELL
    tables["players"].append({"nflId": 104, "position": "QB", "displayName": "Ed Eager"})
    first = [row for row in tables["tracking_week_1"] if row["nflId"] == 101 and row["frameId"] < leaves_at]
    substitute = {"nflId": 104, "displayName": "Ed Eager", "jerseyNumber": 4, "event": None}
    tables["tracking_week_1"] += [row | substitute for row in first]
    assert film.only_situation(tmp_path, tables).passer_id == passer


def test_a_week_is_read_game_by_game(tmp_path: Path) -> None:
    week = film.bdb2025(54, game=1)
    for name, rows in film.bdb2025(75, 76, game=2).items():
        week[name] = [*week[name], *rows]
    source = film.opened(tmp_path, week)
    plays = {game: [play.context.play_id for play in source.game(game).plays] for game in source.game_ids}
    assert plays == {"1": ["54"], "2": ["75", "76"]}
    assert source.losses() == ()
