"""How fast the live feed takes messages, by how durable they are: `python -m benchmarks.publishing`.

Games are published at once, one message of each under way, as fast as the broker acknowledges them: a frame a message,
as at real time, and ten. A record is one player in one frame.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence

import numpy as np
import uvloop

from pipeline.jetstream.broker import connected
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import GamePublisher
from pipeline.jetstream.streams import StreamSettings, create_streams
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.wire.games import feed_of
from playscore.wire.tracking import frames_from_message, frames_to_message
from simulator import simulate_game
from tests.nats import Server


def film(index: int, plays: int, frames_a_message: int) -> list[tuple[FeedMessage, int]]:
    """The film of a simulated game in messages of so many frames, with the records in each."""
    cut = []
    for message in feed_of(simulate_game(9, index, plays).game):
        if not message.frames.frame_numbers:
            continue
        frames = frames_from_message(message.frames)
        for start in range(0, len(frames), frames_a_message):
            part = frames.rows(start, start + frames_a_message)
            told = FeedMessage(game=message.game, frames=frames_to_message(message.frames.segment_id, part))
            cut.append((told, int(np.isfinite(part.x).sum())))
    return cut


async def publish(name: GameName, told: Sequence[tuple[FeedMessage, int]], publisher: GamePublisher) -> list[float]:
    """Seconds that each message took."""
    took = []
    for message, _ in told:
        begun = time.perf_counter()
        await publisher.send([message])
        took.append(time.perf_counter() - begun)
    return took


async def measure(sync: str, frames_a_message: int, games: int, plays: int) -> None:
    """Publishes and prints."""
    server = Server(sync)
    server.start()
    try:
        async with connected(server.address, "benchmark") as broker:
            await create_streams(broker, StreamSettings())
            slate = {GameName("SIM", str(index)): film(index, plays, frames_a_message) for index in range(games)}
            publishers = {name: await GamePublisher.of(name, broker) for name in slate}
            begun = time.perf_counter()
            took = await asyncio.gather(*(publish(name, told, publishers[name]) for name, told in slate.items()))
            seconds = time.perf_counter() - begun
    finally:
        server.remove()
    records = sum(count for told in slate.values() for _, count in told)
    messages = sum(map(len, slate.values()))
    milliseconds = np.concatenate([np.array(each) for each in took]) * 1e3
    print(
        f"sync {sync:7} {records / messages:5.0f} records a message: {records / seconds:8.0f} records/s"
        f" {messages / seconds:6.0f} messages/s   acknowledged within p50 {np.percentile(milliseconds, 50):.1f} ms"
        f"   p99 {np.percentile(milliseconds, 99):.1f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=16)
    parser.add_argument("--plays", type=int, default=20)
    arguments = parser.parse_args()
    for sync in ("2m", "always"):
        for frames in (1, 10):
            uvloop.run(measure(sync, frames, arguments.games, arguments.plays))


if __name__ == "__main__":
    main()
