"""Items that arrive while a batch is in flight go into the next batch together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from playscore.errors import PlayscoreError, Reason
from servicekit.turns import Turns

Item = TypeVar("Item")
Result = TypeVar("Result")

QUIET_TURNS = 8
"""Turns of the event loop that a call takes from its socket to its handler."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Item, Result]):
    item: Item
    deadline: float
    result: asyncio.Future[Result]


class Coalescer(Generic[Item, Result]):
    """Collects the items that arrive while a batch is in flight into the next batch.

    It waits for no clock. A batch leaves once nothing has arrived for `QUIET_TURNS` turns of the event loop, a few
    microseconds each, which is enough for calls that have reached the process to get here. Callers take turns in a
    batch; the items of one go in order of arrival. Items that were cancelled or expired while waiting are left out. A
    batch may take until the latest deadline of its items; callers with earlier deadlines give up on their own.
    """

    def __init__(
        self,
        process: Callable[[Sequence[Item], float], Awaitable[Sequence[Result]]],
        *,
        max_batch: int,
        max_in_flight: int,
        max_waiting: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`process(items, deadline)` returns one result for each item, in order; if it raises, all its items do."""
        self._process = process
        self._max_batch = max_batch
        self._max_in_flight = max_in_flight
        self._max_waiting = max_waiting
        self._clock = clock
        self._waiting: Turns[_Waiting[Item, Result]] = Turns()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._gathering = False

    @property
    def waiting(self) -> int:
        """Items that are in no batch yet."""
        return len(self._waiting)

    def submit(self, item: Item, deadline: float, caller: str = "") -> asyncio.Future[Result]:
        """Queues one item, to be done before `deadline` (seconds of `time.monotonic`); after it, it is a TimeoutError.

        Raises:
            PlayscoreError: OVERLOADED if the queue is full.
        """
        if len(self._waiting) >= self._max_waiting:
            raise PlayscoreError(
                Reason.OVERLOADED,
                f"{self._max_waiting} plays are waiting for inference, which is the limit",
                retry_after_seconds=0.1,
            )
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        self._waiting.put(caller, _Waiting(item, deadline, result))
        self._gather()
        return result

    def _gather(self) -> None:
        if not self._gathering and self._waiting and len(self._in_flight) < self._max_in_flight:
            self._gathering = True
            self._turn(len(self._waiting), 0)

    def _turn(self, waiting: int, quiet: int) -> None:
        if waiting != len(self._waiting):
            waiting, quiet = len(self._waiting), 0
        if quiet < QUIET_TURNS and waiting < self._max_batch:
            asyncio.get_running_loop().call_soon(self._turn, waiting, quiet + 1)
        else:
            self._gathering = False
            self._start()

    def _start(self) -> None:
        batch: list[_Waiting[Item, Result]] = []
        now = self._clock()
        while len(batch) < self._max_batch and (waiting := self._waiting.take()) is not None:
            if waiting.result.done():
                continue
            if waiting.deadline <= now:
                waiting.result.set_exception(TimeoutError("the deadline passed while a play waited for inference"))
            else:
                batch.append(waiting)
        if batch:
            task = asyncio.get_running_loop().create_task(self._run(batch))
            self._in_flight.add(task)
            task.add_done_callback(self._finished)
            self._gather()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        self._gather()

    async def _run(self, batch: Sequence[_Waiting[Item, Result]]) -> None:
        try:
            results = await self._process(
                [waiting.item for waiting in batch], max(waiting.deadline for waiting in batch)
            )
        except Exception as error:
            for waiting in batch:
                if not waiting.result.done():
                    waiting.result.set_exception(error)
            return
        for waiting, result in zip(batch, results, strict=True):
            if not waiting.result.done():
                waiting.result.set_result(result)
