"""Simulated games in the tables of the Big Data Bowl 2019."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from playscore.passing import PassResult, outcome_of, situation_of
from playscore.sources import open_source
from simulator import Defects, simulate_game
from simulator.bdb2019 import write
from simulator.commands import simulate

HEADER = "time,x,y,s,dis,dir,event,nflId,displayName,jerseyNumber,team,frame.id,gameId,playId"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bdb2019")
    write([simulate_game(1, 0), simulate_game(1, 1)], path)
    return path


def test_a_game_is_one_tracking_file_beside_three_tables(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {
        "tracking_gameId_2030907000.csv",
        "tracking_gameId_2030907001.csv",
        "plays.csv",
        "games.csv",
        "players.csv",
    }


def test_tracking_has_the_columns_and_rows_of_the_layout(folder: Path) -> None:
    path = folder / "tracking_gameId_2030907000.csv"
    assert path.read_text().split("\n", 1)[0] == HEADER
    table = pl.read_csv(path, null_values="NA", infer_schema_length=None)
    assert table.group_by("playId", "frame.id").len()["len"].unique().to_list() == [23]
    ball = table.filter(pl.col("team") == "ball")
    assert ball["nflId"].null_count() == ball["dir"].null_count() == len(ball)
    assert set(table["team"]) == {"home", "away", "ball"}
    assert table["time"].str.contains(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$").all()


def test_passer_and_target_can_be_read_from_the_description(folder: Path) -> None:
    plays = pl.read_csv(folder / "plays.csv", null_values="NA")
    simulated = simulate_game(1, 0)
    roster = {player.player_id: player.display_name for player in simulated.game.roster}
    texts = dict(plays.filter(pl.col("gameId") == 2030907000).select("playId", "playDescription").iter_rows())
    for play in simulated.game.plays:
        if play.context.play_id not in simulated.distributions:
            continue
        text = texts[int(play.context.play_id)]
        pattern = r"\) (\S+) pass (?:incomplete )?(?:short|deep) (?:left|middle|right) (?:to|intended for) (\w\.\w+)"
        found = re.search(pattern, text)
        assert found, text
        for name, player in zip(
            found.groups(), (situation_of(play.context).passer_id, situation_of(play.context).target_id), strict=True
        ):
            first, last = roster[player].split(" ")
            assert name == f"{first[0]}.{last}"


def test_names_in_descriptions_are_one_player_in_a_game() -> None:
    for index in range(8):
        names = [player.display_name.split(" ") for player in simulate_game(1, index, 1).game.roster]
        assert len({f"{first[0]}.{last}" for first, last in names}) == len(names)


def test_outcomes_are_written(folder: Path) -> None:
    plays = pl.read_csv(folder / "plays.csv", null_values="NA").filter(pl.col("gameId") == 2030907000)
    code = {
        PassResult.COMPLETE: "C",
        PassResult.INCOMPLETE: "I",
        PassResult.INTERCEPTED: "IN",
        PassResult.SACK: "S",
        PassResult.SCRAMBLE: "R",
    }
    for play, row in zip(simulate_game(1, 0).game.plays, plays.iter_rows(named=True), strict=True):
        outcome = outcome_of(play)
        if outcome is None or outcome.result is None:
            assert row["PassResult"] is None
        else:
            assert (row["PassResult"], row["PlayResult"]) == (code[outcome.result], outcome.yards_gained)


def test_defects_can_be_written(tmp_path: Path) -> None:
    write([simulate_game(1, 0, defects=Defects())], tmp_path, "parquet")
    assert len(pl.read_parquet(tmp_path / "tracking_gameId_2030907000.parquet")) > 0


def test_the_command_writes_games(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        simulate, ["--games", "1", "--plays", "5", "--seed", "4", "--out", str(tmp_path / "out")]
    )
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "tracking_gameId_2030907000.csv").exists()


@pytest.mark.real_data
def test_the_tables_have_the_columns_of_the_real_ones_and_the_league(folder: Path, real_data: Path) -> None:
    for table, own in (("plays", []), ("games", ["league"]), ("players", [])):
        real = pl.read_parquet_schema(real_data / "nfl" / f"bdb2019_{table}.parquet")
        assert (folder / f"{table}.csv").read_text().split("\n", 1)[0].split(",") == [*own, *real]


def test_games_that_never_happened_are_of_a_league_of_their_own(folder: Path) -> None:
    source = open_source(folder)
    assert {source.game(game_id).header.league for game_id in source.game_ids} == {"SIM"}
