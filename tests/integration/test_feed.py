"""The live feed: a real NATS server, real workers, services in this process with inference by onnxruntime.

Whatever dies or comes late, an aggregator holds in the end what it holds of the same games after a replay.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from nats.js import errors as js_errors

from pipeline.backfill.game_report import GameReport, Status
from pipeline.backfill.run import Callbacks as BackfillCallbacks
from pipeline.jetstream.backfill import backfill
from pipeline.jetstream.broker import Broker, connected
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import Callbacks, GamePublisher, Published, publish, publish_game
from pipeline.jetstream.states import States
from pipeline.jetstream.status import FeedStatus, GameStatus, Standing, feed_status
from pipeline.jetstream.streams import (
    FEED_STREAM,
    STATES,
    WORK_STREAM,
    WORKERS,
    StreamSettings,
    create_streams,
    existing_streams,
)
from pipeline.jetstream.work_queue import WorkQueue
from pipeline.jetstream.worker import Worker, WorkSettings
from pipeline.pace import paced
from pipeline.replay import Addresses, replay
from pipeline.task import Scored
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, FeaturizerClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1.feed_pb2 import EndGame, FeedMessage, OfficialResult, PlayContext
from playscore.football.v1.football_pb2 import FootballSituation
from playscore.game import Game
from playscore.passing import outcome_of
from playscore.sources import Loss
from playscore.wire.games import feed_of
from simulator.source import SimulatedGames
from tests import nats
from tests.integration.services import NotingRatings, RulePassing
from tests.integration.services_in_process import Makers, making, stored
from tests.processes import SECONDS, Command
from tests.recorded import Told, held, of_kind, same

GAMES = 5
PLAYS = 8
LEASE_SECONDS = 2.0
SOURCE = SimulatedGames(GAMES, PLAYS)
FAST = 20.0
"""Times real time: a game takes some seconds."""


@pytest.fixture(scope="module")
async def makers(releases: Path) -> AsyncIterator[Makers]:
    async with making(releases) as services:
        yield services


@pytest.fixture
async def services(makers: Makers, releases: Path, tmp_path: Path) -> AsyncIterator[Addresses]:
    async with stored(makers, releases, tmp_path / "scores.db") as addresses:
        yield addresses


@pytest.fixture(scope="module")
async def replayed(makers: Makers, releases: Path, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What a store holds of the games after a replay."""
    async with stored(makers, releases, tmp_path_factory.mktemp("replayed") / "scores.db") as addresses:
        done = await replay(SOURCE, SOURCE.game_ids, addresses)
        assert not done.lost
        return await held(addresses.aggregator, "SIM")


@asynccontextmanager
async def feed_on(server: nats.Server, settings: StreamSettings) -> AsyncIterator[Broker]:
    """An empty feed."""
    async with connected(server.address, "test") as broker:
        for stream in (FEED_STREAM, WORK_STREAM, f"KV_{STATES}"):
            try:
                await broker.js.delete_stream(stream)
            except js_errors.NotFoundError:
                continue
        await create_streams(broker, settings)
        yield broker


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with feed_on(nats.server(), StreamSettings(lease_seconds=LEASE_SECONDS)) as empty:
        yield empty


def worker(folder: Path, url: str, services: Addresses, *options: str) -> Command:
    """A worker process."""
    return Command(
        folder,
        *(sys.executable, "-m", "playscore", "work", "--broker", url, *options),
        *("--featurizer", services.featurizer, "--scorer", services.scorer, "--aggregator", services.aggregator),
        environment={"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )


async def until(broker: Broker, holds: Callable[[FeedStatus], bool]) -> FeedStatus:
    """The status of the feed once it is as wanted."""
    end = time.monotonic() + SECONDS
    while not holds(status := await feed_status(broker)):
        assert time.monotonic() < end, status
        await asyncio.sleep(0.1)
    return status


def all_played(status: FeedStatus) -> bool:
    return bool(status.games) and all(game.standing is Standing.PLAYED for game in status.games)


def of_game(status: FeedStatus, name: GameName) -> GameStatus:
    return next(game for game in status.games if game.name == name)


async def publish_all(broker: Broker, speed: float | None = None, callbacks: Callbacks | None = None) -> Published:
    return await publish(SOURCE, SOURCE.game_ids, broker, speed=speed, callbacks=callbacks or Callbacks())


async def publish_part(broker: Broker, begin: float, end: float) -> None:
    """A part of the feed of every game, from 0 to 1, in pieces of a second of film."""
    for game_id in SOURCE.game_ids:
        told = [message async for message in paced(SOURCE.feed(game_id), 1000.0)]
        part = told[int(begin * len(told)) : int(end * len(told))]
        await publish_game(GameName("SIM", game_id), part, broker)


class TestPublishing:
    """What a source says is in the feed once."""

    @pytest.mark.parametrize("speed", [None, 1000.0])
    async def test_publishing_twice_is_one_thing(self, broker: Broker, speed: float | None) -> None:
        first = await publish_all(broker, speed)
        kept = (await feed_status(broker)).stream.state.messages
        assert sum(game.sent for game in first.games) == kept > 0
        again = await publish_all(broker, speed)
        assert [game.sent for game in again.games] == [0] * GAMES
        assert sum(game.known for game in again.games) == kept
        assert (await feed_status(broker)).stream.state.messages == kept

    async def test_what_was_published_long_ago_is_known(self) -> None:
        forgetful = StreamSettings(duplicates_seconds=0.1)
        async with feed_on(nats.server(), forgetful) as broker:
            first = await publish_all(broker)
            again = await publish_all(broker)
        assert [game.sent for game in again.games] == [0] * GAMES
        assert {game.name: game.last for game in again.games} == {game.name: game.last for game in first.games}

    async def test_a_publisher_that_is_broken_off_goes_on(self, broker: Broker) -> None:
        under_way = asyncio.Event()
        sent: list[GameName] = []

        def on_stored(name: GameName, messages: Sequence[FeedMessage]) -> None:
            sent.append(name)
            if len(sent) == 40:
                under_way.set()

        broken = asyncio.create_task(publish_all(broker, FAST, Callbacks(on_stored=on_stored)))
        await under_way.wait()
        broken.cancel()
        await asyncio.wait([broken])
        done = await publish_all(broker, FAST)
        kept = (await feed_status(broker)).stream.state.messages
        assert sum(game.known for game in done.games) >= 40
        assert sum(game.known + game.sent for game in done.games) == kept

    async def test_a_message_that_the_broker_does_not_take_fails_its_game_alone(self, broker: Broker) -> None:
        whole = SOURCE.game_ids[0]

        class Oversized(Spoiled):
            def feed(self, game_id: str) -> Iterator[FeedMessage]:
                yield from SOURCE.feed(game_id)
                if game_id != whole:
                    context = PlayContext(play_id="x" * 2**21)
                    yield FeedMessage(game=common.GameKey(league="SIM", game_id=game_id), context=context)

        done = await publish(Oversized(), SOURCE.game_ids[:2], broker)
        assert [game.name.game_id for game in done.games] == [whole]
        assert "max_payload" in done.failed[SOURCE.game_ids[1]]

    async def test_without_a_feed_a_caller_is_told_to_make_one(self, broker: Broker) -> None:
        await broker.js.delete_stream(WORK_STREAM)
        with pytest.raises(PlayscoreError, match="playscore feed create"):
            await existing_streams(broker)


class Spoiled:
    """The simulated games, to be changed."""

    game_ids = SOURCE.game_ids

    def game(self, game_id: str) -> Game:
        return SOURCE.game(game_id)

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        return SOURCE.feed(game_id)

    def losses(self) -> Sequence[Loss]:
        return ()


class TestWorkers:
    """Real processes that share games."""

    async def test_a_worker_that_is_killed_loses_its_games_to_another(
        self, broker: Broker, services: Addresses, replayed: Told, tmp_path: Path
    ) -> None:
        url = nats.server().url
        async with worker(tmp_path / "one", url, services) as one:
            await publish_part(broker, 0, 0.6)
            await until(broker, lambda status: status.in_progress == GAMES)
            async with worker(tmp_path / "two", url, services) as two:
                await two.says('"serving"')
                one.signal(signal.SIGKILL)
                await one.ended()
                await publish_part(broker, 0.6, 1)
                await until(broker, all_played)
                assert two.stderr.count('"game settled"') == GAMES
        assert await held(services.aggregator, "SIM") == same(replayed)

    async def test_a_worker_that_drains_hands_its_games_over_at_once(
        self, services: Addresses, replayed: Told, tmp_path: Path
    ) -> None:
        endless = StreamSettings(lease_seconds=10 * SECONDS)
        async with feed_on(nats.server(), endless) as broker:
            url = nats.server().url
            async with worker(tmp_path / "one", url, services) as one:
                await publish_part(broker, 0, 0.6)
                await until(broker, lambda status: status.in_progress == GAMES)
                async with worker(tmp_path / "two", url, services) as two:
                    await two.says('"serving"')
                    one.signal(signal.SIGTERM)
                    assert await one.ended() == 0
                    assert one.stderr.count('"game handed over"') == GAMES
                    await publish_part(broker, 0.6, 1)
                    await until(broker, all_played)
        assert await held(services.aggregator, "SIM") == same(replayed)

    async def test_a_broker_that_is_killed_and_comes_back_costs_nothing(
        self, services: Addresses, replayed: Told, tmp_path: Path
    ) -> None:
        server = nats.Server()
        server.start()
        try:
            async with (
                feed_on(server, StreamSettings(lease_seconds=LEASE_SECONDS)) as broker,
                worker(tmp_path / "one", server.url, services) as one,
                worker(tmp_path / "two", server.url, services) as two,
            ):
                publishing = asyncio.create_task(publish_all(broker, FAST / 2))
                await until(broker, lambda status: status.in_progress == GAMES)
                for _ in range(2):
                    server.kill()
                    await asyncio.to_thread(server.start)
                    await until(broker, lambda status: status.in_progress > 0)
                done = await publishing
                assert not done.given_up
                await until(broker, all_played)
                for each in (one, two):
                    each.signal(signal.SIGTERM)
                    assert await each.ended() == 0
        finally:
            server.remove()
        assert await held(services.aggregator, "SIM") == same(replayed)

    async def test_what_is_said_of_a_game_long_finished_is_played(
        self, broker: Broker, services: Addresses, replayed: Told, tmp_path: Path
    ) -> None:
        game = SOURCE.game(SOURCE.game_ids[0])
        name = GameName(game.header.league, game.header.game_id)
        graded_late, filmed_late = passes(game)[:2]
        told = list(feed_of(game))
        result = [message for message in told if message.official_result.play_id == graded_late]
        film = [message for message in told if message.frames.segment_id == filmed_late]
        early = [message for message in told if message not in result and message not in film]
        async with (
            worker(tmp_path / "one", nats.server().url, services, "--linger", "0.1"),
            AggregatorClient(services.aggregator) as ratings,
        ):

            async def say(messages: Iterable[FeedMessage]) -> None:
                last = (await publish_game(name, messages, broker)).last
                await until(broker, lambda status: all_played(status) and of_game(status, name).state.read == last)

            await say(early)
            record = await record_of(ratings, name, graded_late)
            assert record is not None
            assert not record.pass_measure.HasField("play_score")
            assert await record_of(ratings, name, filmed_late) is None

            await say(result)
            record = await record_of(ratings, name, graded_late)
            assert record is not None
            assert record.pass_measure.HasField("play_score")

            await say(film)
            now = await held(services.aggregator, "SIM")
            assert of_kind(name.game_id, now) == same(of_kind(name.game_id, replayed))

            correction = PlayContext(play_id=graded_late, revision=2, football=FootballSituation(down=4))
            await say([FeedMessage(game=name.key, context=correction)])
            record = await record_of(ratings, name, graded_late)
            assert record is not None
            assert (record.revision, record.pass_attributes.down) == (2, 4)
            assert record.pass_measure.HasField("play_score")

    async def test_a_backfill_spreads_over_the_workers(
        self, broker: Broker, services: Addresses, replayed: Told, tmp_path: Path
    ) -> None:
        url = nats.server().url
        async with (
            worker(tmp_path / "one", url, services, "--games-at-once", "1", "--linger", "0.5") as one,
            worker(tmp_path / "two", url, services, "--games-at-once", "1", "--linger", "0.5") as two,
        ):
            await one.says('"serving"')
            await two.says('"serving"')
            reports: list[GameReport] = []
            done = await backfill(SOURCE, SOURCE.game_ids, broker, BackfillCallbacks(on_game=reports.append))
            again = await backfill(SOURCE, SOURCE.game_ids, broker, BackfillCallbacks())
            assert min(each.stderr.count('"game settled"') for each in (one, two)) >= 1
        assert done.by_status == {Status.DONE: GAMES}
        assert again.by_status == {Status.ALREADY_DONE: GAMES}
        assert sorted(report.game_id for report in reports) == list(SOURCE.game_ids)
        assert done.counts == again.counts
        assert done.counts.plays == GAMES * PLAYS
        assert done.counts.scored + sum(done.counts.rejected.values()) == GAMES * PLAYS
        assert await held(services.aggregator, "SIM") == same(replayed)


def passes(game: Game) -> list[str]:
    """The plays that were thrown and gained what counts."""
    thrown = ("COMPLETE", "INCOMPLETE", "INTERCEPTED")
    outcomes = {play.context.play_id: outcome_of(play) for play in game.plays}
    return [play for play, outcome in outcomes.items() if outcome and outcome.result and outcome.result.name in thrown]


async def record_of(ratings: AggregatorClient, name: GameName, play_id: str) -> aggregator.ScoreRecord | None:
    """What is recorded of a play; None where it has no score."""
    split = f'game_id = "{name.game_id}" AND play_id = "{play_id}"'
    plays = ratings.list_plays(name.league, role=common.ROLE_PASSER, split=split, include_ungraded=True)
    records = [listed.record async for listed in plays]
    return max(records, key=lambda record: record.revision, default=None)


@dataclass
class CarelessPassing(RulePassing):
    """Fails as a whole where it meets a play of a poisoned game."""

    poisoned: set[str] = field(default_factory=set)
    scored: Counter[tuple[str, str]] = field(default_factory=Counter)

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        if any(tensor.key.game_id in self.poisoned for tensor, _ in plays):
            raise PlayscoreError(Reason.INTERNAL, "a defect")
        self.scored.update((tensor.key.game_id, tensor.key.play_id) for tensor, _ in plays)
        return await super().score(plays)


@dataclass
class Bench:
    """A worker in this process, over the real featurizer and stand-ins for scorer and aggregator."""

    broker: Broker
    client: FeaturizerClient
    passing: CarelessPassing = field(default_factory=CarelessPassing)
    ratings: NotingRatings = field(default_factory=NotingRatings)

    @asynccontextmanager
    async def working(self, settings: WorkSettings) -> AsyncIterator[Worker]:
        """It works inside the block, and drains after."""
        self.passing.ratings = self.ratings
        streams = await existing_streams(self.broker)
        states = await States.of(self.broker, streams)
        working = Worker(self.broker, streams, states, self.client, self.ratings, (self.passing,), settings)
        running = asyncio.create_task(working.run())
        try:
            yield working
        finally:
            working.drain()
            running.cancel()
            await asyncio.wait([running], timeout=SECONDS)
            assert running.cancelled(), running


@pytest.fixture
async def bench(broker: Broker, makers: Makers) -> AsyncIterator[Bench]:
    async with FeaturizerClient(makers.featurizer) as client:
        yield Bench(broker, client)


class TestOneWorker:
    """What it does with what is wrong, late or silent."""

    async def test_a_game_that_fails_is_set_aside_and_holds_up_no_other(self, bench: Bench) -> None:
        poison = SOURCE.game_ids[1]
        bench.passing.poisoned = {poison}
        settings = WorkSettings(linger_seconds=0.1, max_failures=3, first_pause_seconds=0.05)
        async with bench.working(settings):
            await publish_all(bench.broker)
            status = await until(
                bench.broker,
                lambda status: status.count(Standing.PLAYED) == GAMES - 1 and status.count(Standing.ASIDE) == 1,
            )
            aside = of_game(status, GameName("SIM", poison))
            assert "3 runs failed" in aside.state.aside
            assert "a defect" in aside.state.aside
            assert {game_id for game_id, _ in bench.ratings.plays} >= set(SOURCE.game_ids) - {poison}

            bench.passing.poisoned = set()
            queue, states = WorkQueue(bench.broker), await States.of(bench.broker, await existing_streams(bench.broker))
            await queue.offer(await states.retry(aside.name))
            status = await until(bench.broker, all_played)
        assert of_game(status, aside.name).failures is None
        assert len(bench.ratings.plays) == GAMES * PLAYS

    async def test_what_cannot_be_read_is_passed_over_and_shown(self, bench: Bench) -> None:
        game = GameName("SIM", SOURCE.game_ids[0])
        js = bench.broker.js
        torn = await js.publish(game.feed, b"\x7fno feed message")
        nameless = await js.publish("feed.SIM.=zz", b"")
        stray = FeedMessage(game=common.GameKey(league="SIM", game_id="another"), end_game=EndGame())
        await publish_game(game, [stray], bench.broker)
        async with bench.working(WorkSettings(linger_seconds=0.1)):
            await publish_all(bench.broker)
            status = await until(bench.broker, lambda status: all_played(status) and len(status.unreadable) == 2)
        assert [message.sequence for message in status.unreadable] == [torn.seq, nameless.seq]
        assert [message.subject for message in status.unreadable] == [game.feed, "feed.SIM.=zz"]
        assert of_game(status, game).state.refused_messages == 1
        assert len(bench.ratings.plays) == GAMES * PLAYS

    async def test_results_that_come_at_any_moment_are_played(self, bench: Bench) -> None:
        """Also between a worker's last look at the feed and the game's leaving the queue."""
        game = SOURCE.game(SOURCE.game_ids[0])
        name = GameName(game.header.league, game.header.game_id)
        told = list(feed_of(game))
        late = [message for message in told if message.HasField("official_result")]
        random = np.random.default_rng(1)
        async with bench.working(WorkSettings(linger_seconds=0.0)):
            await publish_game(name, [message for message in told if message not in late], bench.broker)
            await until(bench.broker, all_played)
            for revision in range(1, 13):
                for message in late:
                    again = FeedMessage()
                    again.CopyFrom(message)
                    again.official_result.pass_outcome.outcome_revision = revision
                    published = await publish_game(name, [again], bench.broker)
                    await asyncio.sleep(random.exponential(0.02))
            status = await until(
                bench.broker, lambda status: all_played(status) and of_game(status, name).state.read == published.last
            )
        assert of_game(status, name).failures is None
        graded = bench.ratings.graded.values()
        assert {record.outcome_revision for record in graded} == {12}
        assert graded

    async def test_a_game_that_falls_silent_is_let_go_until_more_comes(self, bench: Bench) -> None:
        game = SOURCE.game(SOURCE.game_ids[0])
        name = GameName(game.header.league, game.header.game_id)
        told = list(feed_of(game))
        half = next(
            place for place, message in enumerate(told) if place > len(told) // 2 and message.HasField("frames")
        )
        async with bench.working(WorkSettings(games_at_once=1, quiet_seconds=1.0, linger_seconds=0.1)):
            await publish_game(name, told[:half], bench.broker)
            await until(bench.broker, lambda status: of_game(status, name).standing is Standing.QUIET)
            other = GameName("SIM", SOURCE.game_ids[1])
            await publish_game(other, SOURCE.feed(other.game_id), bench.broker)
            await until(bench.broker, lambda status: status.count(Standing.PLAYED) == 1)
            await publish_game(name, told[half:], bench.broker)
            await until(bench.broker, all_played)
        assert len(bench.ratings.plays) == 2 * PLAYS
        assert not bench.ratings.conflicting

    async def test_a_game_goes_on_from_where_its_plays_were_recorded(self, bench: Bench) -> None:
        game = SOURCE.game(SOURCE.game_ids[0])
        name = GameName(game.header.league, game.header.game_id)
        told = list(feed_of(game))
        ends = [place for place, message in enumerate(told) if message.HasField("end_play")]
        half, later = ends[PLAYS // 2], ends[PLAYS // 2 + 1]
        states = await States.of(bench.broker, await existing_streams(bench.broker))
        async with bench.working(WorkSettings()):
            publisher = await GamePublisher.of(name, bench.broker)
            await publisher.send(told[: half + 1])
            await bench.ratings.has_play((name.game_id, told[half].end_play.play_id))
            await until_checkpoint(states, name, publisher, told[half + 1 : later])
        before = Counter(bench.passing.scored)
        corrected = next(message for message in told if message.official_result.play_id in {play for _, play in before})
        correction = FeedMessage()
        correction.CopyFrom(corrected)
        correction.official_result.pass_outcome.outcome_revision = 2
        async with bench.working(WorkSettings(linger_seconds=0.1)):
            await publisher.send([correction])
            key = name.game_id, correction.official_result.play_id
            await bench.ratings.is_graded_by(key, 2)  # though its game goes on
            await publisher.send(told[later:])
            status = await until(bench.broker, all_played)
        assert {play: count for play, count in bench.passing.scored.items() if play in before} == before
        assert sum(of_game(status, name).state.plays.values()) == PLAYS
        assert len(bench.ratings.plays) == PLAYS

    async def test_film_of_a_play_that_is_recorded_has_its_game_played_again(self, bench: Bench) -> None:
        game = SOURCE.game(SOURCE.game_ids[0])
        name = GameName(game.header.league, game.header.game_id)
        told = list(feed_of(game))
        filmed_late = passes(game)[0]
        film = [message for message in told if message.frames.segment_id == filmed_late]
        async with bench.working(WorkSettings(linger_seconds=0.1)):
            await publish_game(name, [message for message in told if message not in film], bench.broker)
            await until(bench.broker, all_played)
            assert (name.game_id, filmed_late) in bench.ratings.unscored
            last = (await publish_game(name, film, bench.broker)).last
            await until(bench.broker, lambda status: all_played(status) and of_game(status, name).state.read == last)
        assert (name.game_id, filmed_late) in bench.ratings.graded

    async def test_workers_that_both_hold_a_game_do_no_harm(self, bench: Bench) -> None:
        """As happens where one is stalled for longer than the lease, and goes on."""
        other = Bench(bench.broker, bench.client, bench.passing, bench.ratings)
        settings = WorkSettings(linger_seconds=0.1)
        async with bench.working(settings), other.working(settings):
            publishing = asyncio.create_task(publish_all(bench.broker, FAST))
            await until(bench.broker, lambda status: status.in_progress == GAMES)
            # The broker is told that each game is free, which those who hold it do not know.
            for reply in await replies(bench.broker):
                await bench.broker.nc.publish(reply, b"-NAK")
            await publishing
            await until(bench.broker, lambda status: all_played(status) and status.waiting == status.in_progress == 0)
        assert len(bench.ratings.plays) == GAMES * PLAYS


async def until_checkpoint(
    states: States, name: GameName, publisher: GamePublisher, messages: Sequence[FeedMessage]
) -> None:
    """Returns once there is a checkpoint of a game, for which something is said, and has said all of the messages."""
    async with asyncio.timeout(SECONDS):
        revision = 0
        while not (await states.checkpoint(name)).position:
            revision += 1  # says nothing new, but that the source is there
            await publisher.send([FeedMessage(game=name.key), *[FeedMessage(game=name.key)] * revision])
            await asyncio.sleep(0.2)
        await publisher.send(messages)


async def replies(broker: Broker) -> list[str]:
    """Where games that are held are acknowledged: whoever knows it can."""
    info = await broker.js.consumer_info(WORK_STREAM, WORKERS)
    assert info.delivered is not None
    status = await broker.js.stream_info(WORK_STREAM)
    places = range(status.state.first_seq, status.state.last_seq + 1)
    return [f"$JS.ACK.{WORK_STREAM}.{WORKERS}.1.{place}.{place}.0.0" for place in places]
