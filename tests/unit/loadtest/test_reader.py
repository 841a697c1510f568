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

    async def list_plays(self, league: str, *, split: str, **_: Any) -> AsyncIterator[ListedPlay]:
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
