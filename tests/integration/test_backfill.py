"""Backfills through real services, inference in the scorer's process: what they record, and how they go on."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import LocalStack
from pipeline.backfill.game_report import GameReport, Status
from pipeline.backfill.journal import Journal
from pipeline.backfill.run import Backfilled, Callbacks, backfill
from pipeline.backfill.share import Share
from pipeline.replay import Addresses, replay
from pipeline.results import PlayResult
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game
from playscore.release import ModelVersion
from playscore.sources import Loss, Source, open_source
from simulator.bdb2019 import write
from simulator.defects import Defects
from simulator.games import simulate
from simulator.hockey.layouts import write as write_hockey
from tests.integration.services_in_process import Makers, making, stored
from tests.processes import Command
from tests.recorded import Told, held, of_kind, same

GAMES = 6
PLAYS = 14
OLDER = ModelVersion("passing", 2)


@pytest.fixture(scope="module")
def football(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("football")
    write(simulate(3, GAMES, PLAYS, defects=Defects()), folder)
    return folder


@pytest.fixture(scope="module")
def hockey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hockey")
    write_hockey("feed", folder, games=2, seed=4, season=2030, period_seconds=20)
    return folder


@pytest.fixture(scope="module")
async def makers(releases: Path) -> AsyncIterator[Makers]:
    async with making(releases) as services:
        yield services


@pytest.fixture
async def services(makers: Makers, releases: Path, tmp_path: Path) -> AsyncIterator[Addresses]:
    async with stored(makers, releases, tmp_path / "scores.db") as addresses:
        yield addresses


@pytest.fixture(scope="module")
async def live(makers: Makers, releases: Path, football: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a store holds of the football games after they were streamed."""
    async with stored(makers, releases, tmp_path_factory.mktemp("live") / "scores.db") as addresses:
        source = open_source(football)
        done = await replay(source, source.game_ids, addresses)
        assert not done.lost
        return await held(addresses.aggregator, "SIM")


async def test_backfilled_games_match_a_live_run(services: Addresses, football: Path, live: Told) -> None:
    source = open_source(football)
    done = await backfill(source, source.game_ids, services)
    assert done.by_status == {Status.DONE: GAMES}
    assert done.counts.plays == done.played == done.written.inserted == GAMES * PLAYS
    assert done.counts.scored
    assert done.counts.rejected
    assert await held(services.aggregator, "SIM") == same(live)


async def test_backfilled_shots_and_face_offs_match_a_live_run(
    makers: Makers, services: Addresses, releases: Path, hockey: Path, tmp_path: Path
) -> None:
    source = open_source(hockey)
    async with stored(makers, releases, tmp_path / "live.db") as live:
        await replay(source, source.game_ids, live)
        done = await backfill(source, source.game_ids, services)
        assert not done.failed
        assert await held(services.aggregator, "SIH") == same(await held(live.aggregator, "SIH"))


@pytest.mark.triton
async def test_games_that_were_streamed_are_the_same_backfilled_through_triton(
    stack: LocalStack, football: Path
) -> None:
    services = Addresses(stack.featurizer, stack.scorer, stack.aggregator)
    source = open_source(football)
    await replay(source, source.game_ids, services)
    done = await backfill(source, source.game_ids, services)
    assert done.written.unchanged == done.counts.plays == GAMES * PLAYS


@pytest.mark.parametrize("after", [1, 40])
async def test_a_backfill_that_is_broken_off_and_goes_on_is_one_that_was_not(
    services: Addresses, football: Path, live: Told, tmp_path: Path, after: int
) -> None:
    recorded = 0
    under_way = asyncio.Event()

    def on_play(_: PlayResult) -> None:
        nonlocal recorded
        recorded += 1
        if recorded == after:
            under_way.set()

    source = open_source(football)

    async def run(callbacks: Callbacks) -> Backfilled:
        journal = Journal(tmp_path / "state", Share(), str(football))
        return await backfill(source, source.game_ids, services, journal=journal, games_at_once=2, callbacks=callbacks)

    broken = asyncio.create_task(run(Callbacks(on_play=on_play)))
    await under_way.wait()
    broken.cancel()
    with suppress(asyncio.CancelledError):
        await broken
    done = await run(Callbacks())
    assert done.by_status.total() == GAMES
    assert not done.failed
    assert done.counts.plays == GAMES * PLAYS
    assert await held(services.aggregator, "SIM") == same(live)


async def test_workers_share_a_backfill_without_knowing_of_each_other(
    services: Addresses, football: Path, live: Told, tmp_path: Path
) -> None:
    source = open_source(football)

    async def work(share: Share) -> Backfilled:
        own = [game_id for game_id in source.game_ids if share.holds(game_id)]
        return await backfill(source, own, services, journal=Journal(tmp_path / "state", share, str(football)))

    done = await asyncio.gather(*(work(Share(index, 3)) for index in range(3)))
    assert sum(each.written.inserted for each in done) == GAMES * PLAYS
    assert await held(services.aggregator, "SIM") == same(live)
    again = Journal(tmp_path / "state", Share(), str(football))
    assert all(again.done(game_id) for game_id in source.game_ids)


async def test_a_game_that_is_noted_but_not_in_the_store_is_played_again(
    makers: Makers, services: Addresses, releases: Path, football: Path, live: Told, tmp_path: Path
) -> None:
    source = open_source(football)

    async def run(addresses: Addresses) -> Backfilled:
        return await backfill(
            source, source.game_ids, addresses, journal=Journal(tmp_path / "state", Share(), str(football))
        )

    assert (await run(services)).by_status == {Status.DONE: GAMES}
    assert (await run(services)).by_status == {Status.ALREADY_DONE: GAMES}
    async with stored(makers, releases, tmp_path / "other.db") as other:
        assert (await run(other)).by_status == {Status.DONE: GAMES}
        assert await held(other.aggregator, "SIM") == same(live)


async def test_a_release_scores_in_the_shadow_of_the_one_that_counts(
    services: Addresses, football: Path, live: Told, tmp_path: Path
) -> None:
    source = open_source(football)
    state = tmp_path / "state"

    async def run(*models: ModelVersion) -> Backfilled:
        journal = Journal(state, Share(), str(football))
        return await backfill(source, source.game_ids, services, models=models, journal=journal)

    await run()
    shadow = await run(OLDER)
    assert shadow.by_status == {Status.DONE: GAMES}
    assert shadow.written.inserted == shadow.counts.scored
    assert shadow.written.unchanged == sum(shadow.counts.rejected.values())
    assert await held(services.aggregator, "SIM") == same(live)
    beside = await held(services.aggregator, "SIM", common.ModelVersion(name=OLDER.name, version=OLDER.version))
    assert of_kind("coverage", beside) == {**of_kind("coverage", live), "1 coverage.model.version": OLDER.version}
    scores, others = of_kind("playScore", live), of_kind("playScore", beside)
    assert others.keys() == scores.keys()
    assert others != same(scores)


@pytest.mark.parametrize(
    ("models", "reason", "words"),
    [
        ([ModelVersion("passing", 99)], Reason.MODEL_NOT_FOUND, "does not serve passing:99; it serves .*passing:3"),
        ([OLDER, ModelVersion("passing", 3)], Reason.FIELD_INVALID, "passing:2 and passing:3 score the same plays"),
    ],
)
async def test_models_that_cannot_score_are_refused_before_a_game_is_read(
    services: Addresses, football: Path, models: Sequence[ModelVersion], reason: Reason, words: str
) -> None:
    source = open_source(football)
    with pytest.raises(PlayscoreError, match=words) as refused:
        await backfill(source, source.game_ids, services, models=models)
    assert refused.value.reason is reason


async def test_an_aggregator_without_the_release_ends_it_before_a_play_is_recorded(
    makers: Makers, releases: Path, football: Path, tmp_path: Path
) -> None:
    newest = tmp_path / "releases"
    for name in ("passing/3", "shots/1", "faceoffs/1"):
        (newest / name).parent.mkdir(parents=True)
        (newest / name).symlink_to(releases / name)
    source = open_source(football)
    async with stored(makers, newest, tmp_path / "scores.db") as services:
        with pytest.raises(PlayscoreError, match="passing:2") as refused:
            await backfill(source, source.game_ids, services, models=[OLDER])
        assert refused.value.reason is Reason.MODEL_NOT_FOUND
        async with AggregatorClient(services.aggregator) as ratings:
            with pytest.raises(PlayscoreError, match="nothing is recorded"):
                await ratings.get_coverage("SIM")


@dataclass
class Damaged:
    """A source some games of which cannot be read."""

    whole: Source
    unreadable: Collection[str]

    @property
    def game_ids(self) -> tuple[str, ...]:
        return self.whole.game_ids

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        if game_id in self.unreadable:
            raise OSError(5, "Input/output error", f"{game_id}.csv")
        return self.whole.feed(game_id)

    def game(self, game_id: str) -> Game:
        return self.whole.game(game_id)

    def losses(self) -> Sequence[Loss]:
        return self.whole.losses()


async def test_a_game_that_cannot_be_read_fails_alone_and_is_not_noted_as_done(
    services: Addresses, football: Path, tmp_path: Path
) -> None:
    whole = open_source(football)
    lost = whole.game_ids[1]
    journal = Journal(tmp_path / "state", Share(), str(football))
    done = await backfill(Damaged(whole, {lost}), whole.game_ids, services, journal=journal)
    assert done.by_status == {Status.DONE: GAMES - 1, Status.FAILED: 1}
    assert list(done.failed) == [lost]
    assert "Input/output error" in done.failed[lost]
    assert done.counts.plays == (GAMES - 1) * PLAYS
    assert journal.done(lost) is None


async def test_games_of_other_seasons_are_left_out(services: Addresses, football: Path) -> None:
    source = open_source(football)
    done = await backfill(source, source.game_ids, services, seasons={1999})
    assert done.by_status == {Status.OTHER_SEASON: GAMES}
    assert done.counts.plays == done.left == 0


async def test_a_backfill_that_is_stopped_finishes_what_it_plays_and_begins_nothing_else(
    services: Addresses, football: Path
) -> None:
    stop = asyncio.Event()
    reports: list[GameReport] = []

    def on_game(report: GameReport) -> None:
        reports.append(report)
        stop.set()

    source = open_source(football)
    done = await backfill(
        source, source.game_ids, services, games_at_once=2, stop=stop, callbacks=Callbacks(on_game=on_game)
    )
    assert done.by_status == {Status.DONE: len(reports)}
    assert 1 <= len(reports) <= 2
    assert done.left == GAMES - len(reports)
    assert done.counts.plays == PLAYS * len(reports)


def command(football: Path, services: Addresses, *arguments: str) -> tuple[str, ...]:
    addresses = [
        word for name in ("featurizer", "scorer", "aggregator") for word in (f"--{name}", getattr(services, name))
    ]
    run = "from pipeline.backfill.commands import backfill; backfill()"
    return (sys.executable, "-c", run, "--data", str(football), "--json", "report", *addresses, *arguments)


def told(folder: Path) -> list[dict[str, Any]]:
    """The lines of a report so far."""
    file = folder / "report"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


async def test_a_process_killed_in_the_middle_goes_on_where_it_was(
    services: Addresses, football: Path, live: Told, tmp_path: Path
) -> None:
    state = ("--state", str(tmp_path / "state"), "--concurrency", "1")
    async with Command(tmp_path / "killed", *command(football, services, *state)) as killed:
        await killed.until(lambda: len(told(killed.folder)) >= 2)
        killed.signal(signal.SIGKILL)
        assert await killed.ended() == -signal.SIGKILL
    done_by_then = {line["game_id"] for line in told(killed.folder) if "game_id" in line}
    async with Command(tmp_path / "resumed", *command(football, services, *state)) as resumed:
        assert await resumed.ended() == 0, resumed.stderr
    *games, last = told(resumed.folder)
    summary = last["summary"]
    assert summary["by_status"][Status.ALREADY_DONE] >= len(done_by_then)
    assert {line["game_id"] for line in games if line["status"] == Status.ALREADY_DONE} >= done_by_then
    assert summary["plays"] == GAMES * PLAYS
    assert summary["plays"] == (
        summary["scored"]
        + summary["waiting"]
        + summary["superseded"]
        + sum(summary["rejected"].values())
        + summary["not_recorded"]
    )
    assert await held(services.aggregator, "SIM") == same(live)


async def test_a_terminated_process_finishes_its_games_and_has_the_exit_code_of_the_signal(
    services: Addresses, football: Path, tmp_path: Path
) -> None:
    async with Command(tmp_path / "run", *command(football, services, "--concurrency", "1")) as run:
        await run.until(lambda: len(told(run.folder)) >= 1)
        run.signal(signal.SIGTERM)
        assert await run.ended() == 128 + signal.SIGTERM
    *games, last = told(run.folder)
    assert all(game["status"] == Status.DONE for game in games)
    assert last["summary"]["left"] == GAMES - len(games) > 0
