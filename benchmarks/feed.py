"""From the closing frame to the readable rating over the live feed, while workers die: `python -m benchmarks.feed`.

Simulated games are published at once in real time to a NATS server; three workers play them, with inference in the
scorer's process. Every ten seconds the worker that has run for longest is killed (SIGKILL), and another is started. A
play is timed from when the frame with its release was handed to the publisher to when a reader, who asks every 50 ms,
found it recorded and graded. In the end the same games are replayed without a feed, and the ratings compared.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from deploy.local.feed import worker_process
from deploy.local.ports import reserve
from deploy.local.process import ServerProcess
from deploy.local.stack import Inference, LocalStack
from pipeline.jetstream.bodies import cut
from pipeline.jetstream.broker import Broker, connected
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import GamePublisher
from pipeline.jetstream.status import FeedStatus, Standing, feed_status
from pipeline.jetstream.streams import StreamSettings, create_streams
from pipeline.pace import moments
from pipeline.replay import Addresses, replay
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import Game
from playscore.sources import Loss
from playscore.tracking_events import is_release
from playscore.wire.games import feed_of
from playscore.wire.tracking import event_from_message
from simulator import simulate_game
from tests.nats import Server

LEAGUE = "SIM"
KILL_EVERY_SECONDS = 10.0
READ_EVERY_SECONDS = 0.05
KICKOFFS_WITHIN_SECONDS = 2.0
SETTLE_SECONDS = 120.0

PlayId = tuple[str, str]


@dataclass(frozen=True)
class Slate:
    """Games of about the same length. See `playscore.sources.Source`."""

    games: dict[str, Game]

    @classmethod
    def of(cls, games: int, seconds: float) -> Slate:
        """So many games, each with that much film."""
        slate = {}
        for index in range(games):
            game = simulate_game(5, index, max(8, round(seconds / 3))).game
            hertz, filmed, plays = game.header.frame_rate_hertz or 10.0, 0.0, []
            for play in game.plays:
                if filmed >= seconds:
                    break
                filmed += len(play.frames) / hertz
                plays.append(play)
            slate[game.header.game_id] = replace(game, plays=plays)
        return cls(slate)

    @property
    def game_ids(self) -> tuple[str, ...]:
        return tuple(self.games)

    def game(self, game_id: str) -> Game:
        return self.games[game_id]

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        return feed_of(self.games[game_id])

    def losses(self) -> Sequence[Loss]:
        return ()


@dataclass
class Watch:
    """When plays closed, and when they could be read."""

    closed: dict[PlayId, float] = field(default_factory=dict)
    readable: dict[PlayId, float] = field(default_factory=dict)

    async def follow(self, ratings: AggregatorClient) -> None:
        """Reads again and again, until canceled."""
        while True:
            begun = time.monotonic()
            try:
                plays = [listed.record async for listed in ratings.list_plays(LEAGUE, role=common.ROLE_PASSER)]
            except (PlayscoreError, ConnectionError, TimeoutError):
                plays = []
            now = time.monotonic()
            for record in plays:
                self.readable.setdefault((record.key.game_id, record.key.play_id), now)
            await asyncio.sleep(max(0.0, begun + READ_EVERY_SECONDS - now))

    def seconds(self) -> list[float]:
        """From closing to reading, of plays that were both closed and read."""
        return [self.readable[play] - closed for play, closed in self.closed.items() if play in self.readable]


async def publish(game: Game, broker: Broker, watch: Watch) -> None:
    """Publishes a game in its own time."""
    name = GameName(game.header.league, game.header.game_id)
    publisher = await GamePublisher.of(name, broker)
    await asyncio.sleep(random.random() * KICKOFFS_WITHIN_SECONDS)
    async for moment in moments(feed_of(game), 1.0):
        for together in cut(moment):
            for message in together:
                if any(is_release(event_from_message(event)) for event in message.frames.events):
                    watch.closed.setdefault((name.game_id, message.frames.segment_id), time.monotonic())
            await publisher.send(together)


class Workers:
    """Worker processes that are replaced when they are killed."""

    def __init__(self, folder: Path, url: str, services: Addresses, closing: AsyncExitStack) -> None:
        self._folder = folder
        self._url = url
        self._services = services
        self._closing = closing
        self._made = 0
        self.running: list[ServerProcess] = []
        self.killed = 0

    async def start(self) -> None:
        """One more, ready."""
        self._made += 1
        port, metrics_port = self._closing.enter_context(reserve(0, 0))
        name = f"worker-{self._made}"
        worker = worker_process(name, self._url, self._services, port, metrics_port, self._folder / f"{name}.log")
        await worker.start()
        self._closing.push_async_callback(worker.stop)
        await worker.wait_ready(60)
        self.running.append(worker)

    async def kill_one(self) -> None:
        """Kills the worker that has run for longest, and starts another."""
        await self.running.pop(0).kill()
        self.killed += 1
        await self.start()


async def run(games: int, seconds: float, lease: float, workers: int, sync: str) -> None:
    """Plays and prints."""
    slate = Slate.of(games, seconds)
    plays = sum(len(game.plays) for game in slate.games.values())
    server = Server(sync)
    server.start()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        async with AsyncExitStack() as closing:
            closing.callback(server.remove)
            stack = await closing.enter_async_context(LocalStack(inference=Inference.ONNXRUNTIME, logs=folder))
            services = Addresses(stack.featurizer, stack.scorer, stack.aggregator)
            broker = await closing.enter_async_context(connected(server.address, "benchmark"))
            ratings = await closing.enter_async_context(AggregatorClient(stack.aggregator))
            await create_streams(broker, StreamSettings(lease_seconds=lease))
            fleet = Workers(folder, server.url, services, closing)
            for _ in range(workers):
                await fleet.start()
            watch = Watch()
            reading = asyncio.create_task(watch.follow(ratings))
            publishing = [asyncio.create_task(publish(game, broker, watch)) for game in slate.games.values()]
            while True:
                _, left = await asyncio.wait(publishing, timeout=KILL_EVERY_SECONDS)
                if not left:
                    break
                await fleet.kill_one()
            async with asyncio.timeout(SETTLE_SECONDS):
                status = await played(broker, games)
            await asyncio.sleep(4 * READ_EVERY_SECONDS)
            reading.cancel()
            recorded = sum(sum(game.state.plays.values()) for game in status.games)
            not_recorded = sum(game.state.plays.get("not recorded", 0) for game in status.games)
            over_feed, doubled = await standings(ratings)
        async with LocalStack(inference=Inference.ONNXRUNTIME, logs=folder) as stack:
            undisturbed = Addresses(stack.featurizer, stack.scorer, stack.aggregator)
            await replay(slate, slate.game_ids, undisturbed)
            async with AggregatorClient(stack.aggregator) as ratings:
                replayed, _ = await standings(ratings)
    differ = [who for who in replayed.keys() | over_feed.keys() if not close(replayed.get(who), over_feed.get(who))]
    times = np.array(watch.seconds()) if watch.seconds() else np.array([np.nan])
    print(
        f"{games} games of {seconds:g} s of film at real time, {plays} plays; {workers} workers, {fleet.killed} killed"
    )
    print(f"lease {lease:g} s; sync {sync}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(
        f"closing frame to readable rating: p50 {np.percentile(times, 50):.2f} s   p90 {np.percentile(times, 90):.2f} s"
        f"   p99 {np.percentile(times, 99):.2f} s   max {times.max():.2f} s   of {len(times)} plays"
    )
    print(
        f"plays lost {plays - recorded + not_recorded}; plays doubled {doubled};"
        f" players whose rating differs from a replay's by more than 1e-4: {len(differ)} of {len(replayed)}"
    )


async def played(broker: Broker, games: int) -> FeedStatus:
    """The status of the feed once all games are played."""
    while (status := await feed_status(broker)).count(Standing.PLAYED) < games:  # noqa: ASYNC110 (of another process)
        await asyncio.sleep(0.2)
    return status


async def standings(ratings: AggregatorClient) -> tuple[dict[str, tuple[int, float]], int]:
    """Plays and rating of every passer, and how many plays are recorded twice."""
    listed = ratings.list_plays(LEAGUE, role=common.ROLE_PASSER, include_ungraded=True)
    keys = Counter([(each.record.key.game_id, each.record.key.play_id) async for each in listed])
    told = {
        rating.subject.subject_id: (rating.plays, rating.passing.rating)
        async for rating in ratings.list_ratings(LEAGUE, role=common.ROLE_PASSER, min_plays=1)
    }
    return told, sum(count > 1 for count in keys.values())


def close(one: tuple[int, float] | None, other: tuple[int, float] | None) -> bool:
    return one is not None and other is not None and one[0] == other[0] and abs(one[1] - other[1]) <= 1e-4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--lease", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--sync", default="2m", help="how often the broker syncs to disk, or always")
    arguments = parser.parse_args()
    asyncio.run(run(arguments.games, arguments.seconds, arguments.lease, arguments.workers, arguments.sync))


if __name__ == "__main__":
    main()
