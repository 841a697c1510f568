"""What a service refuses so that the rest gets through: calls beyond its limit, and calls that would wait forever."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from playscore.errors import PlayscoreError, Reason
from servicekit.calls import Call, Proceed


class Limits:
    """Knows the calls in flight. Refuses one too many before its request is read. Health and reflection are exempt."""

    def __init__(self, *, max_concurrent_calls: int, require_deadline: bool) -> None:
        self._max_concurrent_calls = max_concurrent_calls
        self._require_deadline = require_deadline
        self._in_flight: dict[asyncio.Task[Any], Call] = {}
        self._unavailable: str | None = "is starting"
        self._ended: set[asyncio.Task[Any]] = set()

    def admit(self) -> None:
        """From now on takes calls; until then they are refused as UNAVAILABLE."""
        self._unavailable = None

    def end_all(self) -> int:
        """Ends the calls in flight as UNAVAILABLE, for the caller to repeat or resume elsewhere. Returns how many."""
        self._unavailable = "is draining"
        self._ended = set(self._in_flight)
        for task in self._ended:
            task.cancel()
        return len(self._ended)

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Refuses a call or lets it through."""
        if call.method.is_infrastructure:
            return await proceed()
        if self._unavailable is not None:
            raise self._refusal(self._unavailable)
        if len(self._in_flight) >= self._max_concurrent_calls:
            raise PlayscoreError(
                Reason.OVERLOADED,
                f"{self._max_concurrent_calls} calls are in flight, which is as many as this replica takes",
                retry_after_seconds=random.uniform(0.1, 0.5),  # spread, so that those refused together come back apart
            )
        if self._require_deadline and not _lasting(call) and call.context.time_remaining() is None:
            raise PlayscoreError(Reason.DEADLINE_REQUIRED, f"{call.method} takes calls with a deadline only; set one")
        task = asyncio.current_task()
        assert task is not None
        self._in_flight[task] = call
        try:
            return await proceed()
        except asyncio.CancelledError:
            if task not in self._ended:
                raise
            task.uncancel()
            raise self._refusal(self._unavailable) from None
        finally:
            del self._in_flight[task]

    @staticmethod
    def _refusal(why: str | None) -> PlayscoreError:
        return PlayscoreError(Reason.NOT_SERVING, f"the service {why}; repeat the call", retry_after_seconds=0.2)


def _lasting(call: Call) -> bool:
    """A watch, or the stream of a game, lasts as long as there is something to tell: no deadline would be right."""
    return call.method.kind in ("server_stream", "bidi_stream")
