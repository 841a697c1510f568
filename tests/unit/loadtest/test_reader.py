"""The reader finds a play soon after it can be read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from loadtest.reader import Reader
from loadtest.schedule import ClosedPlay
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client.aggregator import ListedPlay
from playscore.common.v1 import common_pb2 as common
from tests.processes import until

NEVER, SOON = (ClosedPlay(common.ROLE_GOALIE, "g", play_id) for play_id in ("never", "soon"))


class Ratings:
    """An aggregator that has one play."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def list_plays(self, league: str, *, split: str, **_: Any) -> AsyncIterator[ListedPlay]:
        self.asked.append(split)
        if f'"{SOON.play_id}"' in split:
            key = common.PlayKey(league=league, game_id=SOON.game_id, play_id=SOON.play_id)
            yield ListedPlay(aggregator.ScoreRecord(key=key), None)


async def test_a_play_that_never_comes_does_not_keep_the_next_waiting() -> None:
    reader = Reader(Ratings(), "L")  # type: ignore[arg-type]
    asking = asyncio.create_task(reader.run())
    reader.expect(NEVER, time.perf_counter() - 100_000.0)  # the next question would come after an hour
    await asyncio.sleep(0.05)
    reader.expect(SOON, time.perf_counter())
    await until(lambda: SOON in reader.readable)
    assert reader.awaited == (NEVER,)
    asking.cancel()


async def test_nobody_is_asked_before_half_of_the_shortest_latency_so_far() -> None:
    now = 0.0
    ratings = Ratings()
    reader = Reader(ratings, "L", lambda: now)  # type: ignore[arg-type]
    reader.expect(SOON, 0.0)
    now = 0.040
    await reader.ask()
    assert reader.readable == {SOON: (0.0, 0.040)}
    reader.expect(NEVER, 1.0)
    now = 1.019
    await reader.ask()
    assert len(ratings.asked) == 1
    now = 1.021
    await reader.ask()
    assert len(ratings.asked) == 2
    now = 2.0
    reader.expect(SOON, 1.99)
    await reader.ask()
    assert SOON in reader.awaited, "half of the shortest latency has not passed"
