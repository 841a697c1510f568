from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from deploy.local.ports import reserve
from pipeline.commands import Services, StartServices, replay_command
from pipeline.readers.feed_files import LAYOUT as FEED
from pipeline.readers.feed_files import FeedWriter
from pipeline.replay import Addresses
from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.sources import layouts, open_source
from tests.unit.pipeline import tables

ADDRESSES = [part for name in ("featurizer", "scorer", "aggregator") for part in (f"--{name}", "127.0.0.1:1")]


def none_start(store: Path | None) -> AbstractAsyncContextManager[Services]:
    raise AssertionError("services are started")


def invoke(*arguments: str, start: StartServices = none_start) -> Result:
    return CliRunner().invoke(replay_command(start), arguments)


def refused(*arguments: str) -> str:
    """What the command says to a usage that is wrong, without starting anything."""
    result = invoke(*arguments)
    assert result.exit_code == 2, result.output
    return " ".join(result.output.replace("│", " ").split())


@pytest.fixture
def games(tmp_path: Path) -> Path:
    """A folder of games."""
    folder = tmp_path / "games"
    folder.mkdir()
    tables.bdb2019(folder)
    return folder


@pytest.fixture
def corrections(tmp_path: Path) -> Path:
    """A file of corrections of them."""
    file = tmp_path / "corrections.jsonl"
    message = FeedMessage()
    message.game.league, message.game.game_id = "NFL", "2017090700"
    message.official_result.play_id = "75"
    message.official_result.pass_outcome.yards_gained = 11.0
    message.official_result.pass_outcome.outcome_revision = 2
    with FeedWriter(file) as writer:
        writer.write(message)
    return file


def test_something_to_play_is_asked_for() -> None:
    assert "give --data: the games to play, or --corrections" in refused()


def test_addresses_are_given_together_or_not_at_all(games: Path) -> None:
    assert "together, or none of them" in refused("--data", str(games), "--scorer", "127.0.0.1:50052")


def test_running_services_have_a_store_of_their_own(games: Path) -> None:
    told = refused("--data", str(games), "--store", "x.db", *ADDRESSES)
    assert "--store is for services of its own" in told


def test_corrections_alone_are_of_scores_that_must_be_somewhere(corrections: Path) -> None:
    told = refused("--corrections", str(corrections))
    assert "say where the corrected scores are: --data, --store, or the services' addresses" in told


def test_corrections_that_are_not_there_are_refused(games: Path) -> None:
    assert "does not exist" in refused("--data", str(games), "--corrections", "nowhere.feed")


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan"])
def test_a_speed_is_a_number_above_0_or_max(games: Path, speed: str) -> None:
    assert "neither a number above 0 nor max" in refused("--data", str(games), "--speed", speed)


def test_an_unknown_layout_is_refused_with_those_there_are(games: Path) -> None:
    told = refused("--data", str(games), "--layout", "bdb2040")
    assert f"'bdb2040' is not one of {', '.join(layouts())}" in told


@pytest.mark.parametrize("count", ["-1", "some"])
def test_a_number_of_plays_that_qualify_is_a_whole_number_from_0(games: Path, count: str) -> None:
    assert "--min-plays" in refused("--data", str(games), "--min-plays", count)


@pytest.mark.parametrize("seconds", ["-1", "soon"])
def test_services_may_stay_away_for_some_seconds_or_none(games: Path, seconds: str) -> None:
    assert "--give-up-after" in refused("--data", str(games), "--give-up-after", seconds)


def test_a_recording_ends_in_one_of_the_forms(games: Path, tmp_path: Path) -> None:
    record = tmp_path / "recorded.txt"
    result = invoke("--data", str(games), "--record", str(record))
    assert isinstance(result.exception, PlayscoreError)
    assert "recorded.txt: a file of feed messages ends in .feed or .jsonl" in str(result.exception)
    assert not record.exists()


def test_a_recording_does_not_replace_what_is_played(corrections: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recorded"
    folder.mkdir()
    file = corrections.rename(folder / "game.jsonl")
    before = file.read_bytes()
    for played in (("--data", str(file)), ("--data", str(folder)), ("--corrections", str(file), "--store", "x.db")):
        assert "would replace what is played" in refused(*played, "--record", str(folder / "." / "game.jsonl"))
    assert file.read_bytes() == before


def test_games_that_are_not_there_are_refused_with_those_that_are(games: Path, corrections: Path) -> None:
    for played in (("--data", str(games)), ("--corrections", str(corrections))):
        result = invoke(*played, "--games", "7, 2017090700")
        assert isinstance(result.exception, PlayscoreError)
        assert str(result.exception) == "no game 7; there are 2017090700"


def test_services_of_its_own_keep_their_scores_by_data_and_layout(games: Path, tmp_path: Path) -> None:
    stores: list[Path | None] = []

    def start(store: Path | None) -> AbstractAsyncContextManager[Services]:
        stores.append(store)
        raise RuntimeError("that is enough")

    invoke("--data", str(games), start=start)
    invoke("--data", str(games), "--layout", "bdb2019", start=start)
    invoke("--data", str(games), "--store", str(tmp_path / "own.db"), start=start)
    assert stores == [Path("out/replay/games.db"), Path("out/replay/games-bdb2019.db"), tmp_path / "own.db"]


def test_services_that_stay_away_are_given_up_and_what_was_done_is_said(games: Path, tmp_path: Path) -> None:
    record, report = tmp_path / "recorded.feed", tmp_path / "new" / "report.json"

    with reserve(0, 0, 0) as ports:

        @contextlib.asynccontextmanager
        async def nobody(store: Path | None) -> AsyncIterator[Services]:
            featurizer, scorer, aggregator = (f"127.0.0.1:{port}" for port in ports)
            yield Addresses(featurizer, scorer, aggregator)

        options = ("--give-up-after", "0.2", "--record", str(record), "--json", str(report))
        result = invoke("--data", str(games), *options, start=nobody)
    assert result.exit_code == 1
    told = " ".join(result.output.split())
    assert "1 play of 1 game" in told
    assert "given up: a service has not answered for 0.2 s" in told
    assert "0 of 1 plays are done" in told
    assert json.loads(report.read_text())["plays"] == []
    assert list(FEED.open(record).feed("2017090700")) == list(open_source(games).feed("2017090700"))
