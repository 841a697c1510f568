"""Work that may take long, done in slices, so that no call holds the event loop.

The first slice runs in the event loop, so that a small call costs nothing more; it waits for a later turn of the loop
where the slices of other calls have taken their part of this one, and callers take turns at that. What is left runs in
one thread, where callers take turns, a slice each. A call that ends early, because its deadline passed or its caller
went away, is not worked on any further.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from playscore.steps import Steps
from servicekit.callers import current_caller
from servicekit.threads import FairThreads
from servicekit.turns import Turns

R = TypeVar("R")

SLICE_SECONDS: Final = 0.005
"""After which work is interrupted where it next can be, and after which no other begins in a turn of the event loop."""

_THREAD: Final = FairThreads(1)


async def in_slices(steps: Steps[R], *, in_loop: bool = True) -> R:
    """The result of work, whose errors are raised as they are.

    Args:
        steps: the work; closed before this returns, or soon after.
        in_loop: whether the first slice may run in the event loop; not where a single step may take long.
    """
    loop = asyncio.get_running_loop()
    ended = await _turn_of(loop).slice(steps) if in_loop else None
    if ended is not None:
        return ended.value
    context = contextvars.copy_context()
    try:
        while ended is None:
            ended = await loop.run_in_executor(_THREAD, context.run, _slice, steps)
    except asyncio.CancelledError:
        _THREAD.submit(steps.close)  # after the slice that may be running
        raise
    return ended.value


@dataclass(frozen=True, slots=True)
class _Ended(Generic[R]):
    value: R


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    steps: Steps[Any]
    context: contextvars.Context
    slice: asyncio.Future[_Ended[Any] | None]


class _Turn:
    """What slices may still take of the present turn of an event loop, and those that wait for the next."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left = SLICE_SECONDS
        self._waiting: Turns[_Waiting] = Turns()

    async def slice(self, steps: Steps[R]) -> _Ended[R] | None:
        """Works for one slice; None if the work is not at its end."""
        if self._left > 0.0 and not self._waiting:
            return self._slice(steps)
        waiting = _Waiting(steps, contextvars.copy_context(), self._loop.create_future())
        caller = current_caller.get().party
        self._waiting.put(caller, waiting)
        try:
            return await waiting.slice
        except asyncio.CancelledError:
            self._waiting.remove(caller, waiting)
            steps.close()
            raise

    def _slice(self, steps: Steps[R]) -> _Ended[R] | None:
        if self._left == SLICE_SECONDS:
            self._loop.call_soon(self._next)
        begin = time.perf_counter()
        try:
            return _slice(steps)
        finally:
            self._left -= time.perf_counter() - begin

    def _next(self) -> None:
        self._left = SLICE_SECONDS
        while self._left > 0.0 and (waiting := self._waiting.take()) is not None:
            if waiting.slice.done():
                continue  # its call was canceled
            try:
                waiting.slice.set_result(waiting.context.run(self._slice, waiting.steps))
            except Exception as error:
                waiting.slice.set_exception(error)


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, _Turn] = WeakKeyDictionary()


def _turn_of(loop: asyncio.AbstractEventLoop) -> _Turn:
    if loop not in _turns:
        _turns[loop] = _Turn(loop)
    return _turns[loop]


def _slice(steps: Steps[R]) -> _Ended[R] | None:
    """Works for a slice; None if the work is not at its end."""
    end = time.perf_counter() + SLICE_SECONDS
    try:
        while time.perf_counter() < end:
            next(steps)
    except StopIteration as stop:
        return _Ended(stop.value)
    return None
