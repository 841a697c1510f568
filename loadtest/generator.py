"""Publishes messages when they are due, whatever becomes of those before: an open loop."""

from __future__ import annotations

import asyncio
import gc
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from loadtest.schedule import ClosedPlay, Due
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import GamePublisher

Clock = Callable[[], float]


class Generator:
    """Hands each message over at its intended time; then it is its game's turn to send it.

    A game has one message under way at a time, as every source must (docs/live_feed.md). So a slow broker makes
    messages wait, which counts as latency of theirs: that runs from the intended time. What counts as lag is how late
    this process comes to a message by itself.

    Args:
        broker: which has the feed.
        due: what to publish, in the order of time.
        on_complete: told each play that a message completes, with the intended time of that message on the clock.
        clock: seconds.
    """

    def __init__(
        self,
        broker: Broker,
        due: Sequence[Due],
        on_complete: Callable[[ClosedPlay, float], None] = lambda play, intended: None,
        clock: Clock = time.perf_counter,
    ) -> None:
        self.lags: list[float] = []
        """How late each message was handed over, seconds; those that were due at the begin are left out."""
        self._broker = broker
        self._due = due
        self._on_complete = on_complete
        self._clock = clock
        self._waiting: defaultdict[GameName, asyncio.Queue[Due | None]] = defaultdict(asyncio.Queue)

    async def run(self, begun: float) -> None:
        """Publishes everything; returns once the broker has it. Raises ConnectionError where the broker stays away.

        Args:
            begun: the begin of the schedule, on the clock.
        """
        publishers = {game: await GamePublisher.of(game, self._broker) for game in {due.game for due in self._due}}
        gc.collect()
        gc.freeze()  # the schedule stays; to look at it again would take longer than a message may be late
        try:
            async with asyncio.TaskGroup() as sending:
                for game, publisher in publishers.items():
                    sending.create_task(self._send(publisher, self._waiting[game]))
                await self._hand_over(begun)
                for waiting in self._waiting.values():
                    waiting.put_nowait(None)
        except* ConnectionError as failures:
            raise failures.exceptions[0] from None
        finally:
            gc.unfreeze()

    async def _hand_over(self, begun: float) -> None:
        for place, due in enumerate(self._due):
            intended = begun + due.seconds
            if (wait := intended - self._clock()) > 0:
                await asyncio.sleep(wait)
            elif place % 16 == 0:
                await asyncio.sleep(0)
            if due.seconds:
                self.lags.append(max(0.0, self._clock() - intended))
            self._waiting[due.game].put_nowait(due)
            for play in due.completes:
                self._on_complete(play, intended)

    @staticmethod
    async def _send(publisher: GamePublisher, waiting: asyncio.Queue[Due | None]) -> None:
        while (due := await waiting.get()) is not None:
            await publisher.send_body(due.body, due.messages)
