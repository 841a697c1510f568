from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline.readers.bdb2023 import TABLES as BDB2023_TABLES
from playscore.errors import PlayscoreError
from playscore.game import AttackingDirection, Game, HomeSide, Play, TrackedObject, TrackingEvent
from playscore.passing import FootballSituation, PassOutcome, PassResult, PlayKind, situation_of
from playscore.sources import Loss, layouts, open_source, select_games
from tests.unit.pipeline import tables


def only_game(folder: Path) -> Game:
    source = open_source(folder)
    (game_id,) = source.game_ids
    return source.game(game_id)


def only_play(folder: Path) -> Play:
    (play,) = only_game(folder).plays
    return play


def only_situation(folder: Path) -> FootballSituation:
    return situation_of(only_play(folder).context)


def line(player: int, statistic: int, yards: float = 0) -> dict[str, Any]:
    return {"nflId": player, "playerName": tables.PLAYERS[player][0], "statId": statistic, "yards": yards}


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_bdb2019_names_passer_and_target_by_the_sentence(tmp_path: Path, file_format: str) -> None:
    tables.bdb2019(tmp_path, file_format)
    game = only_game(tmp_path)
    header = game.header
    assert (header.season, header.week, header.home_team_id, header.away_team_id) == (2017, 1, "KC", "NE")
    assert {player.player_id: player.team_id for player in game.roster} == {"101": "KC", "102": "KC", "201": "NE"}
    (play,) = game.plays
    situation = situation_of(play.context)
    assert (situation.kind, situation.passer_id, situation.target_id) == (PlayKind.PASS, "101", "102")
    assert (situation.game_clock_seconds, situation.yards_to_end_zone, situation.yards_to_go) == (725.0, 75.0, 10.0)
    assert (situation.home_score, situation.away_score, situation.charted_air_yards) == (3, 0, 7.0)
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 9.0)
    assert play.context.attacking_direction is None
    assert play.frames.frame_numbers.tolist() == [1, 2, 3]
    assert play.frames.player_ids == ("101", "102", "201")
    (ball,) = play.tracks
    assert (ball.tracked, ball.rate_hertz, ball.z) == (TrackedObject.BALL, 10.0, None)
    assert ball.sample_numbers.tolist() == [1, 2, 3]
    np.testing.assert_allclose(ball.x, [53.1, 53.2, 53.3])
    assert play.frames.orientation_degrees is None
    assert play.frames.acceleration is None
    assert play.frames.events == (TrackingEvent(1, "ball_snap"),)


@pytest.mark.parametrize(
    ("play", "outcome"),
    [
        ({"PassResult": "I", "PlayResult": 15}, PassOutcome(PassResult.INCOMPLETE, 0.0)),
        ({"PassResult": "IN", "PlayResult": -3}, PassOutcome(PassResult.INTERCEPTED, 0.0)),
        ({"PassResult": "S", "PlayResult": -8}, PassOutcome(PassResult.SACK, -8.0)),
        ({"PassResult": "C", "PlayResult": 24, "isPenalty": True}, PassOutcome(PassResult.COMPLETE, 9.0)),
        ({"PassResult": None, "playDescription": "P.Able left end to KC 30 for 5 yards."}, None),
        ({"PassResult": "I", "playDescription": "P.Able spiked the ball to stop the clock."}, None),
    ],
)
def test_the_yards_are_those_of_the_pass(tmp_path: Path, play: dict[str, Any], outcome: PassOutcome | None) -> None:
    tables.bdb2019(tmp_path, **play)
    assert only_play(tmp_path).outcome == outcome


@pytest.mark.parametrize(
    ("play", "kind"),
    [
        (
            {
                "PassResult": None,
                "playDescription": "TWO-POINT CONVERSION ATTEMPT. P.Able pass to B.Baker is complete.",
            },
            PlayKind.CONVERSION_TRY,
        ),
        ({"PassResult": "C", "playDescription": None, "down": 0, "yardsToGo": 0}, PlayKind.CONVERSION_TRY),
        ({"PassResult": "I", "playDescription": "P.Able spiked the ball to stop the clock."}, PlayKind.SPIKE),
        ({"PassResult": None, "playDescription": "P.Able kneels to KC 24 for -1 yards."}, PlayKind.KNEEL),
        ({"PassResult": None, "isSTPlay": True, "playDescription": None}, PlayKind.SPECIAL_TEAMS),
    ],
)
def test_what_the_books_call_no_attempt_is_called_so(tmp_path: Path, play: dict[str, Any], kind: PlayKind) -> None:
    tables.bdb2019(tmp_path, **play)
    read = only_play(tmp_path)
    assert (situation_of(read.context).kind, read.outcome) == (kind, None)


@pytest.mark.parametrize(
    ("side", "number", "offense", "distance"),
    [("KC", 25, "KC", 75), ("NE", 25, "KC", 25), ("NE", 25, "NE", 75), (None, None, "KC", 50), ("SF", 25, "KC", None)],
)
def test_yards_to_the_end_zone_follow_from_side_and_number(
    tmp_path: Path, side: str | None, number: int | None, offense: str, distance: float | None
) -> None:
    tables.bdb2019(tmp_path, yardlineSide=side, yardlineNumber=number, possessionTeam=offense)
    assert only_situation(tmp_path).yards_to_end_zone == distance


def test_bdb2023_has_all_eight_measures_and_the_direction(tmp_path: Path) -> None:
    tables.bdb2023(tmp_path)
    play = only_play(tmp_path)
    assert play.context.attacking_direction is AttackingDirection.NEGATIVE_X
    assert (situation_of(play.context).passer_id, situation_of(play.context).target_id) == ("101", "102")
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 31.0)
    frames = play.frames
    for measure in (frames.speed, frames.acceleration, frames.direction_degrees, frames.orientation_degrees):
        assert measure is not None
        assert np.isfinite(measure).all()
    assert frames.times_unix_micros is not None
    assert np.diff(frames.times_unix_micros).tolist() == [100_000]


def test_without_names_the_only_quarterback_on_the_field_passed(tmp_path: Path) -> None:
    tables.bdb2023(tmp_path, anonymous=True)
    game = only_game(tmp_path)
    assert situation_of(game.plays[0].context).passer_id == "101"
    assert situation_of(game.plays[0].context).target_id == ""
    assert {player.display_name for player in game.roster} == {""}


def test_without_a_table_of_games_nobody_knows_who_plays_at_home(tmp_path: Path) -> None:
    tables.bdb2023(tmp_path, games=False)
    header = only_game(tmp_path).header
    assert header.home_side is HomeSide.UNKNOWN
    assert {header.home_team_id, header.away_team_id} == {"LV", "BAL"}
    assert (header.season, header.week) == (2021, None)
    tables.bdb2023(tmp_path)
    assert only_game(tmp_path).header.home_side is HomeSide.STATED


def test_a_game_that_no_table_of_plays_knows_is_read_by_its_tracking(tmp_path: Path) -> None:
    tables.bdb2023(tmp_path, games=False, frames=30)
    samples = pl.read_parquet(tmp_path / "week1.parquet")
    unknown = samples.with_columns(gameId=pl.lit(2021091999, pl.Int64))
    samples.vstack(unknown).write_parquet(tmp_path / "week1.parquet")
    game = open_source(tmp_path).game("2021091999")
    assert game.header.team_ids == ("BAL", "LV")
    assert [(play.context.play_id, len(play.frames), play.outcome) for play in game.plays] == [("54", 30, None)]


@pytest.mark.parametrize(
    ("statistics", "outcome"),
    [
        ([line(101, 15, 7), line(101, 111, 6), line(102, 115)], PassOutcome(PassResult.COMPLETE, 7.0)),
        ([line(101, 16, 70), line(101, 111, 6), line(102, 115)], PassOutcome(PassResult.COMPLETE, 70.0)),
        ([line(101, 14), line(101, 112, 6), line(102, 115)], PassOutcome(PassResult.INCOMPLETE, 0.0)),
        ([line(101, 19), line(101, 112, 6), line(102, 115)], PassOutcome(PassResult.INTERCEPTED, 0.0)),
    ],
)
def test_hackathon2015_reads_the_official_statistics(
    tmp_path: Path, statistics: list[dict[str, Any]], outcome: PassOutcome
) -> None:
    tables.hackathon2015(tmp_path, statistics)
    game = only_game(tmp_path)
    (play,) = game.plays
    situation = situation_of(play.context)
    assert play.outcome == outcome
    assert (situation.passer_id, situation.target_id, situation.charted_air_yards) == ("101", "102", 6.0)
    assert (situation.game_clock_seconds, situation.yards_to_end_zone) == (59.0, 70.0)
    assert {player.display_name for player in game.roster} >= {"Paul Able", "Ben Baker"}


def test_hackathon2015_frames_are_numbered_by_time(tmp_path: Path) -> None:
    tables.hackathon2015(tmp_path, [line(101, 14)])
    game = only_game(tmp_path)
    assert game.plays[0].frames.frame_numbers.tolist() == [0, 1, 4]
    assert game.header.coordinates is not None
    assert game.header.coordinates.angle_convention is None


@pytest.mark.parametrize(
    ("play_type", "kind"),
    [
        ("play_type_rush", PlayKind.RUN),
        ("play_type_punt", PlayKind.SPECIAL_TEAMS),
        ("play_type_XP", PlayKind.CONVERSION_TRY),
        ("play_type_timeout", PlayKind.OTHER),
    ],
)
def test_hackathon2015_says_what_a_play_is(tmp_path: Path, play_type: str, kind: PlayKind) -> None:
    tables.hackathon2015(tmp_path, [], playType=play_type, playDescription=None)
    assert only_situation(tmp_path).kind is kind


def test_a_try_for_two_points_is_told_by_the_statistics_alone(tmp_path: Path) -> None:
    tables.hackathon2015(tmp_path, [line(101, 77), line(102, 104)], playDescription=None)
    assert only_situation(tmp_path).kind is PlayKind.CONVERSION_TRY


def test_a_home_team_that_is_missing_is_the_one_that_had_the_ball_and_is_not_the_other(tmp_path: Path) -> None:
    tables.bdb2019(tmp_path)
    games = pl.read_parquet(tmp_path / "games.parquet")
    games.with_columns(homeTeamAbbr=pl.lit(None, pl.String)).write_parquet(tmp_path / "games.parquet")
    game = only_game(tmp_path)
    assert game.header.team_ids == ("KC", "NE")
    assert situation_of(game.plays[0].context).passer_id == "101"


def test_a_play_without_tracking_is_there_without_frames(tmp_path: Path) -> None:
    tables.hackathon2015(tmp_path, [line(101, 14)])
    plays = pl.read_parquet(tmp_path / "plays.parquet")
    plays.vstack(plays.with_columns(ngsPlayId=pl.lit(911, pl.Int64))).write_parquet(tmp_path / "plays.parquet")
    game = only_game(tmp_path)
    assert {play.context.play_id: len(play.frames) for play in game.plays} == {"5": 3, "911": 0}


def test_tracking_that_no_table_of_plays_knows_is_not_left_out(tmp_path: Path) -> None:
    tables.hackathon2015(tmp_path, [line(101, 14)], tenths=(0, 1, 2, 3))
    samples = pl.read_parquet(tmp_path / "samples.parquet")
    samples.vstack(samples.with_columns(ngsPlayId=pl.lit(6, pl.Int64))).write_parquet(tmp_path / "samples.parquet")
    assert [play.context.play_id for play in only_game(tmp_path).plays] == ["5", "6"]


def test_highlights_filed_twice_are_one_play_with_every_sample_twice(tmp_path: Path) -> None:
    credited = {
        "00-101": [{"statId": 16, "yards": 61}, {"statId": 111, "yards": 27}],
        "00-102": [{"statId": 115, "yards": 0}],
    }
    tables.ngs_highlights(tmp_path, credited)
    play = only_play(tmp_path)
    assert play.frames.frame_numbers.tolist() == [0, 0, 1, 1]
    assert play.context.attacking_direction is AttackingDirection.POSITIVE_X
    situation = situation_of(play.context)
    assert (situation.passer_id, situation.target_id, situation.charted_air_yards) == ("101", "102", 27.0)
    assert (situation.game_clock_seconds, situation.yards_to_end_zone) == (10.0, 61.0)
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 61.0)


def test_highlights_that_gsis_lacks_are_told_by_their_sentence(tmp_path: Path) -> None:
    tables.ngs_highlights(tmp_path, None, frames=4)
    play = only_play(tmp_path)
    assert (situation_of(play.context).passer_id, situation_of(play.context).target_id) == ("101", "102")
    assert play.outcome == PassOutcome(PassResult.COMPLETE, 61.0)


def test_several_layouts_in_a_folder_must_be_told_apart(tmp_path: Path) -> None:
    tables.hackathon2015(tmp_path, [line(101, 14)])
    tables.write(tmp_path, "week1", [dict.fromkeys(BDB2023_TABLES[0].columns, "1")])
    tables.write(tmp_path, "plays2023", [dict.fromkeys(BDB2023_TABLES[1].columns, "1")])
    tables.write(tmp_path, "players", [dict.fromkeys(BDB2023_TABLES[2].columns, "1")])
    found = [name for name, layout in layouts().items() if not layout.recognize(tmp_path).missing]
    assert found == ["bdb2023", "hackathon2015"]
    with pytest.raises(PlayscoreError, match="several layouts: bdb2023, hackathon2015; say which"):
        open_source(tmp_path)
    assert open_source(tmp_path, "hackathon2015").game_ids == ("1",)


def test_a_missing_table_is_named_with_its_columns(tmp_path: Path) -> None:
    tables.bdb2019(tmp_path)
    (tmp_path / "games.parquet").unlink()
    with pytest.raises(PlayscoreError, match=r"Nearest is bdb2019: no file is its table of games, .*homeTeamAbbr"):
        open_source(tmp_path)


def test_a_folder_without_tracking_or_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match=r"holds no tracking in a known layout \(.*bdb2023.*feed.*\)"):
        open_source(tmp_path)
    with pytest.raises(PlayscoreError, match="absent does not exist; name the folder or file"):
        open_source(tmp_path / "absent")


def test_a_game_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    tables.bdb2019(tmp_path)
    with pytest.raises(PlayscoreError, match="no game 7; there are 2017090700"):
        select_games(open_source(tmp_path), ["7"])


def test_a_cell_that_holds_something_else_is_unknown_and_counted(tmp_path: Path) -> None:
    tables.bdb2019(tmp_path, "csv", quarter="first")
    source = open_source(tmp_path)
    (play,) = source.game("2017090700").plays
    assert situation_of(play.context).quarter is None
    assert source.losses() == (Loss("quarter is not a whole number", 1, "plays.csv, row 2, column quarter: 'first'"),)
