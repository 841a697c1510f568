"""Work that may take long, done in slices, so that no call holds the event loop.

The first slice runs in the event loop, so that a small
call costs nothing more. What is left runs in one thread, where callers take turns, a slice each. A call that ends
early, because its deadline passed or its caller went away, is not worked on any further.
"""

from __future__ import annotations

import asyncio
import contextvars
import time
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from playscore.steps import Steps
from servicekit.threads import FairThreads

R = TypeVar("R")

SLICE_SECONDS: Final = 0.005
"""After which work is interrupted where it next can be."""

_THREAD: Final = FairThreads(1)


async def in_slices(steps: Steps[R], *, in_loop: bool = True) -> R:
    """The result of work, whose errors are raised as they are.

    Args:
        steps: the work; closed before this returns, or soon after.
        in_loop: whether the first slice may run in the event loop; not where a single step may take long.
    """
    ended = _slice(steps) if in_loop else None
    if ended is not None:
        return ended.value
    loop, context = asyncio.get_running_loop(), contextvars.copy_context()
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


def _slice(steps: Steps[R]) -> _Ended[R] | None:
    """Works for SLICE_SECONDS; None if the work is not at its end."""
    end = time.perf_counter() + SLICE_SECONDS
    try:
        while time.perf_counter() < end:
            next(steps)
    except StopIteration as stop:
        return _Ended(stop.value)
    return None
