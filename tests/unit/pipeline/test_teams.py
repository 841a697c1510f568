"""Clubs that moved, or are spelt two ways, meet: in every layout, between files and within one."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pipeline.readers.teams import Teams, club
from playscore.passing import situation_of
from playscore.sources import open_source
from tests.unit.pipeline import film, tables

SPELLINGS = [
    ("LV", "OAK"), ("LAC", "SD"), ("LAR", "STL"), ("LA", "LAR"), ("ARI", "ARZ"), ("BAL", "BLT"), ("CLE", "CLV"),
    ("HOU", "HST"), ("JAX", "JAC"), ("WAS", "WSH"),
]  # fmt: skip
LAYOUTS = [film.bdb2019, film.bdb2023, film.bdb2025]
TEAM_COLUMNS = ("team", "club", "possessionTeam", "defensiveTeam", "yardlineSide", "homeTeamAbbr", "visitorTeamAbbr")


def renamed(rows: list[film.Row], names: dict[str, str]) -> list[film.Row]:
    return [
        {column: names.get(value, value) if column in TEAM_COLUMNS else value for column, value in row.items()}
        for row in rows
    ]


def _kind(file: str) -> str:
    return "tracking" if file == "week1" else file


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_a_club_is_the_same_however_it_is_spelt(one: str, other: str) -> None:
    assert club(one) == club(other) == club(f" {other.lower()} ")


def test_no_two_clubs_are_the_same() -> None:
    clubs = re.findall(
        r"\w+",
        "ARI ATL BAL BUF CAR CHI CIN CLE DAL DEN DET GB HOU IND JAX KC LAC LAR LV MIA MIN NE NO NYG NYJ PHI PIT SEA SF"
        " TB TEN WAS",
    )
    assert len({club(name) for name in clubs}) == len(clubs) == 32


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_a_team_is_called_as_its_game_calls_it(one: str, other: str) -> None:
    teams = Teams(one, "DEN")
    assert [teams.named(name) for name in (one, other, other.lower(), "DEN", "SEA", "", None)] == [
        one, one, one, "DEN", "", "", "",
    ]  # fmt: skip


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("one", "other"), SPELLINGS[:3])
@pytest.mark.parametrize("file", ["tracking", "plays", "games"])
@pytest.mark.parametrize("side", [film.HOME, film.AWAY])
def test_files_may_spell_a_team_differently(
    tmp_path: Path, layout: Callable[[], film.Tables], one: str, other: str, file: str, side: str
) -> None:
    rest = {film.HOME: "SEA", film.AWAY: "MIA"}
    written = {
        name: renamed(rows, rest | {side: other if file in _kind(name) else one}) for name, rows in layout().items()
    }
    game = film.only_game(tmp_path, written)
    (play,) = game.plays
    assert play.context.attacking_team_id == game.header.home_team_id
    assert situation_of(play.context).passer_id == "101"
    assert situation_of(play.context).yards_to_end_zone == 75.0
    assert {player.team_id for player in game.roster} == set(game.header.team_ids)
    assert len(play.frames.player_ids) == len(film.PEOPLE)


@pytest.mark.parametrize("games", [True, False])
def test_one_file_may_spell_a_team_two_ways(tmp_path: Path, games: bool) -> None:
    written = film.bdb2023()
    for row in written["week1"]:
        if row["team"] == film.HOME and row["frameId"] > 4:
            row["team"] = "OAK"
    if not games:
        del written["games"]
    game = film.only_game(tmp_path, written)
    assert set(game.header.team_ids) == {"LV", "DEN"}
    assert (~(game.plays[0].frames.x != game.plays[0].frames.x)).all()


def test_without_a_table_of_games_the_two_most_often_named_play(tmp_path: Path) -> None:
    written = film.bdb2023()
    del written["games"]
    written["week1"][0]["team"] = "ZZZ"
    source = film.opened(tmp_path, written)
    assert source.game(str(film.GAME)).header.team_ids == ("DEN", "LV")
    assert film.reasons(source) == {"the team is neither of those that play": 1}


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_the_hackathons_yard_line_may_spell_a_team_differently(tmp_path: Path, one: str, other: str) -> None:
    tables.hackathon2015(tmp_path, [], schedule_homeTeamAbbr=one, yardlineSide=other)
    (play,) = film.plays_of(open_source(tmp_path)).values()
    assert situation_of(play.context).yards_to_end_zone == 70.0


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_highlights_filed_under_two_spellings_are_one_teams(tmp_path: Path, one: str, other: str) -> None:
    tables.ngs_highlights(tmp_path, None, frames=4, yardlineSide=other)
    file = tmp_path / "highlights.parquet"
    samples = pl.read_parquet(file)
    spelt = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit(one)).otherwise(pl.lit(other))
    samples = samples.with_columns(
        pl.when(pl.col("teamAbbr") == "MIN").then(spelt).otherwise("teamAbbr").alias("teamAbbr")
    )
    samples.write_parquet(file)
    source = open_source(tmp_path)
    (play,) = film.plays_of(source).values()
    assert situation_of(play.context).yards_to_end_zone == 61.0
    assert situation_of(play.context).passer_id == "101"
    assert len(source.game(source.game_ids[0]).roster) == len(tables.PLAYERS)


@pytest.mark.parametrize(
    ("named", "teams"),
    [
        ({"OAK": 3, "LV": 5, "DEN": 4}, ("DEN", "LV")),
        ({"LV": 5, "DEN": 4, "ZZZ": 1}, ("DEN", "LV")),
        ({"LV": 5, "OAK": 4}, None),
        ({"LV": 5}, None),
        ({}, None),
    ],
)
def test_teams_by_how_often_they_are_named(named: dict[str, int], teams: tuple[str, str] | None) -> None:
    found = Teams.most_often(named.items())
    assert (found and found.names) == teams


@pytest.mark.parametrize(("home", "visitor"), [("SEA", "MIA"), ("LV", "OAK")])
def test_a_table_of_games_that_the_tracking_contradicts_does_not_name_the_teams(
    tmp_path: Path, home: str, visitor: str
) -> None:
    written = film.bdb2025()
    written["games"][0] |= {"homeTeamAbbr": home, "visitorTeamAbbr": visitor}
    source = film.opened(tmp_path, written)
    game = source.game(str(film.GAME))
    assert set(game.header.team_ids) == {"LV", "DEN"}
    assert situation_of(game.plays[0].context).passer_id == "101"
    assert film.reasons(source) == {"the table of games names other teams than the tracking": 1}
