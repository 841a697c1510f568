"""Replays through real processes: Triton, featurizer, scorer, aggregator."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from pipeline.layouts import open_source
from pipeline.replay import Addresses, Replay, replay
from pipeline.results import PlayResult
from simulator.bdb2019 import write
from simulator.games import simulate

pytestmark = pytest.mark.triton

PLAYS = 40
GAMES = 2


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("games")
    write(simulate(3, GAMES, PLAYS), folder)
    return folder


@pytest.fixture
async def own_stack(releases: Path, tmp_path: Path) -> AsyncIterator[LocalStack]:
    """A stack whose servers the test may kill."""
    async with LocalStack(store=tmp_path / "own.db", logs=tmp_path / "logs", releases=releases) as running:
        yield running


def addresses(stack: LocalStack) -> Addresses:
    return Addresses(stack.featurizer, stack.scorer, stack.aggregator)


def ratings(done: Replay) -> dict[str, Any]:
    """Ratings up to what a batch of another size changes in the last digits of an inference."""
    return {
        rating.subject.subject_id: (rating.plays, pytest.approx(rating.passing.rating, abs=1e-4), rating.rank)
        for rating in done.ratings
    }


@pytest.fixture(scope="module")
async def undisturbed(games: Path, releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Replay:
    scratch = tmp_path_factory.mktemp("undisturbed")
    async with LocalStack(store=scratch / "own.db", logs=scratch / "logs", releases=releases) as stack:
        source = open_source(games)
        return await replay(source, source.game_ids, addresses(stack))


@pytest.mark.parametrize("victim", ["featurizer", "scorer", "triton", "aggregator"])
async def test_a_server_killed_in_the_middle_leaves_the_ratings_of_an_undisturbed_run(
    games: Path, own_stack: LocalStack, undisturbed: Replay, victim: str
) -> None:
    under_way = asyncio.Event()
    finished: list[PlayResult] = []

    def on_finished(result: PlayResult) -> None:
        finished.append(result)
        if len(finished) == 10:
            under_way.set()

    source = open_source(games)
    playing = asyncio.create_task(
        replay(source, source.game_ids, addresses(own_stack), speed=60.0, on_finished=on_finished)
    )
    await under_way.wait()
    await own_stack.servers[victim].kill()
    await asyncio.sleep(1.0)
    assert not playing.done()
    await own_stack.servers[victim].start()
    done = await playing
    assert done.lost == 0
    assert done.endings() == undisturbed.endings()
    assert ratings(done) == ratings(undisturbed)


async def test_the_command_reports_every_play_and_the_same_command_again_changes_no_rating(
    games: Path, own_stack: LocalStack, tmp_path: Path
) -> None:
    reports = []
    for name in ("first.json", "second.json"):
        command = [
            *(
                sys.executable,
                "-c",
                "from playscore.cli import main; main()",
                "replay",
                "--data",
                str(games),
                "--json",
                str(tmp_path / name),
            ),
            *("--laws", "--featurizer", own_stack.featurizer, "--scorer", own_stack.scorer),
            *("--aggregator", own_stack.aggregator),
        ]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        output, _ = await process.communicate()
        assert process.returncode == 0, output.decode()
        reports.append(json.loads((tmp_path / name).read_text()))
    first, second = reports
    assert first["ratings"] == second["ratings"]
    assert first["coverage"] == second["coverage"]
    assert b"0 new" in output

    assert len(first["plays"]) == PLAYS * GAMES
    endings = Counter(play["outcome"] for play in first["plays"])
    assert set(endings) <= {"scored", "rejected", "no_release", "not_a_pass"}
    coverage = first["coverage"]["NFL"]
    assert coverage["plays"] == PLAYS * GAMES
    assert coverage["scored"] == endings["scored"]
    for play in first["plays"]:
        assert (play["reason"] is None) == (play["outcome"] == "scored")
        if play["outcome"] == "scored":
            assert 0 <= play["score"] <= 1
            assert len(play["law"]["edges"]) == len(play["law"]["probabilities"]) + 1
            assert play["quantiles"]["0.05"] <= play["quantiles"]["0.5"] <= play["quantiles"]["0.95"]
    for stage in ("featurize", "score", "record", "play"):
        assert first["stages"][stage]["count"] == endings["scored"]
