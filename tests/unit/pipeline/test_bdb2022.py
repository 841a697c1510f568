"""Big Data Bowl 2022: special teams are read whole, and none of their plays is a pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from playscore.game import PlayStatus, TrackedObject
from playscore.passing import PlayKind, situation_of
from tests.unit.pipeline import film
from tests.unit.pipeline.film import FRAMES

KINDS = {
    "Punt": PlayKind.SPECIAL_TEAMS,
    "Kickoff": PlayKind.SPECIAL_TEAMS,
    "Field Goal": PlayKind.SPECIAL_TEAMS,
    "Extra Point": PlayKind.CONVERSION_TRY,
    None: PlayKind.SPECIAL_TEAMS,
}
FORMATS = pytest.mark.parametrize("file_format", ["csv", "parquet"])


@FORMATS
def test_a_punt_is_read_whole(tmp_path: Path, file_format: str) -> None:
    game = film.only_game(tmp_path, film.bdb2022(), file_format)
    assert (game.header.season, game.header.home_team_id, game.header.away_team_id) == (2022, "LV", "DEN")
    assert {player.player_id: (player.team_id, player.position) for player in game.roster} == {
        "101": ("LV", "QB"), "102": ("LV", "WR"), "103": ("LV", "RB"), "201": ("DEN", "CB"),
    }  # fmt: skip
    (play,) = game.plays
    situation = situation_of(play.context)
    assert (situation.yards_to_end_zone, situation.game_clock_seconds, situation.home_score) == (75.0, 754.0, 3)
    assert play.frames.frame_numbers.tolist() == list(range(1, FRAMES + 1))
    assert play.frames.player_ids == ("101", "102", "103", "201")
    (ball,) = play.tracks
    assert ball.tracked is TrackedObject.BALL


@FORMATS
@pytest.mark.parametrize(("told", "kind"), KINDS.items())
def test_every_play_says_what_it_is_and_none_has_a_passer(
    tmp_path: Path, file_format: str, told: str | None, kind: PlayKind
) -> None:
    tables = film.bdb2022()
    tables["plays"][0]["specialTeamsPlayType"] = told
    play = film.only_play(tmp_path, tables, file_format)
    situation = situation_of(play.context)
    assert (situation.kind, situation.passer_id, situation.target_id, play.outcome) == (kind, "", "", None)


@pytest.mark.parametrize("result", ["C", "I", "R"])
def test_a_fake_that_ends_in_a_pass_stays_a_play_of_the_special_teams(tmp_path: Path, result: str) -> None:
    tables = film.bdb2022()
    tables["plays"][0] |= {"passResult": result, "playDescription": film.PASS}
    play = film.only_play(tmp_path, tables)
    assert (situation_of(play.context).kind, play.outcome) == (PlayKind.SPECIAL_TEAMS, None)


def test_a_kick_that_was_taken_back_says_so(tmp_path: Path) -> None:
    tables = film.bdb2022()
    tables["plays"][0]["playDescription"] += " PENALTY on DEN, Offside, 5 yards, enforced at LV 25 - No Play."
    assert film.only_play(tmp_path, tables).context.status is PlayStatus.NULLIFIED


def test_without_a_table_of_games_the_teams_are_the_sides(tmp_path: Path) -> None:
    tables = film.bdb2022()
    del tables["games"]
    assert film.only_game(tmp_path, tables).header.team_ids == ("home", "away")


def test_plays_that_were_not_tracked_are_there(tmp_path: Path) -> None:
    tables = film.bdb2022(54, 75)
    tables["tracking2020"] = [row for row in tables["tracking2020"] if row["playId"] == 54]
    plays = film.plays_of(film.opened(tmp_path, tables))
    assert {name: len(play.frames) for name, play in plays.items()} == {"54": FRAMES, "75": 0}
