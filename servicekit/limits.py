"""What a service refuses so that the rest gets through: calls beyond its limit, and calls that would wait forever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Collection
from typing import Any

from playscore.errors import PlayscoreError, Reason
from servicekit.calls import Call, Proceed


class Limits:
    """Knows the calls in flight. Refuses one too many before its request is read. Health and reflection are exempt.

    Watches (`Method.is_watch`) have a limit of their own: they wait most of the time, and must not keep calls out.
    """

    def __init__(self, *, max_concurrent_calls: int, max_concurrent_watches: int, require_deadline: bool) -> None:
        self._max_concurrent_calls = max_concurrent_calls
        self._max_concurrent_watches = max_concurrent_watches
        self._require_deadline = require_deadline
        self._calls: set[asyncio.Task[Any]] = set()
        self._watches: set[asyncio.Task[Any]] = set()
        self._unavailable: str | None = "is starting"
        self._ended: set[asyncio.Task[Any]] = set()

    def admit(self) -> None:
        """From now on takes calls; until then they are refused as UNAVAILABLE."""
        self._unavailable = None

    def end_watches(self) -> None:
        """Ends the watches as UNAVAILABLE, for the caller to resume elsewhere: none would finish by itself."""
        self._end(self._watches)

    def end_all(self) -> int:
        """Ends the calls in flight as UNAVAILABLE, for the caller to repeat or resume elsewhere. Returns how many."""
        return self._end(self._calls | self._watches)

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Refuses a call or lets it through."""
        if call.method.is_infrastructure:
            return await proceed()
        if self._unavailable is not None:
            raise self._refusal(self._unavailable)
        watch = call.method.is_watch
        in_flight, most = (
            (self._watches, self._max_concurrent_watches) if watch else (self._calls, self._max_concurrent_calls)
        )
        if len(in_flight) >= most:
            raise PlayscoreError(
                Reason.OVERLOADED,
                f"{most} {'watches' if watch else 'calls'} are in flight, which is as many as this replica takes",
                retry_after_seconds=_spread(),
            )
        if self._require_deadline and not _lasting(call) and call.context.time_remaining() is None:
            raise PlayscoreError(Reason.DEADLINE_REQUIRED, f"{call.method} takes calls with a deadline only; set one")
        task = asyncio.current_task()
        assert task is not None
        in_flight.add(task)
        try:
            return await proceed()
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            task.uncancel()
            raise self._refusal(self._unavailable) from None
        finally:
            in_flight.discard(task)

    def _end(self, tasks: Collection[asyncio.Task[Any]]) -> int:
        self._unavailable = "is draining"
        ending = set(tasks) - self._ended
        self._ended |= ending
        for task in ending:
            task.cancel()
        return len(ending)

    @staticmethod
    def _refusal(why: str | None) -> PlayscoreError:
        return PlayscoreError(Reason.NOT_SERVING, f"the service {why}; repeat the call", retry_after_seconds=_spread())


def _spread() -> float:
    """Seconds to come back after, so that those refused together come back apart."""
    return random.uniform(0.1, 0.5)


def _lasting(call: Call) -> bool:
    """A watch, or the stream of a game, lasts as long as there is something to tell: no deadline would be right."""
    return call.method.kind in ("server_stream", "bidi_stream")
