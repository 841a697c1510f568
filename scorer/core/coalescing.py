"""Items that arrive while others are being worked on are worked on together next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from playscore.errors import PlayscoreError, Reason

Item = TypeVar("Item")
Result = TypeVar("Result")

QUIET_TURNS = 8
"""Turns of the event loop a call takes from its socket to its handler."""


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting(Generic[Item, Result]):
    item: Item
    deadline: float
    result: asyncio.Future[Result]


class Coalescer(Generic[Item, Result]):
    """Gathers what comes while a batch is in flight into the next batch.

    No clock is waited for: a batch leaves once nothing more has come for `QUIET_TURNS` turns of the event loop, some
    microseconds each, so that calls that have reached the process get from its sockets to here. Batches start in the
    order of arrival. What was cancelled while it waited is left out. A batch may take as long as the member with the
    latest deadline; the others' callers give up by themselves.
    """

    def __init__(
        self,
        process: Callable[[Sequence[Item], float], Awaitable[Sequence[Result]]],
        *,
        max_batch: int,
        max_in_flight: int,
        max_waiting: int,
    ) -> None:
        """`process(items, deadline)` answers one result an item, in order; what it raises, all members raise."""
        self._process = process
        self._max_batch = max_batch
        self._max_in_flight = max_in_flight
        self._max_waiting = max_waiting
        self._waiting: deque[_Waiting[Item, Result]] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()
        self._gathering = False

    def submit(self, item: Item, deadline: float) -> asyncio.Future[Result]:
        """Queues one item, to be done before `deadline` (seconds of `time.monotonic`).

        Raises:
            PlayscoreError: OVERLOADED, as many as allowed are waiting.
        """
        if len(self._waiting) >= self._max_waiting:
            raise PlayscoreError(
                Reason.OVERLOADED,
                f"{self._max_waiting} plays are waiting for inference, as many as may",
                retry_after_seconds=0.1,
            )
        loop = asyncio.get_running_loop()
        result: asyncio.Future[Result] = loop.create_future()
        self._waiting.append(_Waiting(item, deadline, result))
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
        while self._waiting and len(batch) < self._max_batch:
            waiting = self._waiting.popleft()
            if not waiting.result.done():
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
