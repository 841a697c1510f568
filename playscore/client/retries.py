"""Which failures are transient, and when a call that met one is made again: after a growing pause, within a budget."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

import grpc

from playscore.errors import PlayscoreError

RETRIED_PART: Final = 0.1
"""Of the calls of late that may be made again."""
RETRIED_ANYWAY: Final = 5.0
"""Retries that are allowed however few calls there were: enough for a service that restarts."""
REMEMBERED_SECONDS: Final = 60.0
"""In which a call counts for less and less (to 37 %)."""


@dataclass(slots=True)
class RetryBudget:
    """Keeps retries from multiplying the load of a service in trouble, from the first call on.

    Of the calls of the last minute or so at most a tenth is made again, or five where there were few.
    """

    clock: Callable[[], float] = time.monotonic
    _calls: float = 0.0
    _retries: float = 0.0
    _at: float = field(default=-math.inf)

    def called(self) -> None:
        """A call is made, for the first time."""
        self._forget()
        self._calls += 1.0

    def take(self) -> bool:
        """Whether one of the calls may be made again, which then counts as done."""
        self._forget()
        if self._retries + 1.0 > max(RETRIED_ANYWAY, RETRIED_PART * self._calls):
            return False
        self._retries += 1.0
        return True

    def _forget(self) -> None:
        now = self.clock()
        kept = math.exp((self._at - now) / REMEMBERED_SECONDS)
        self._calls, self._retries, self._at = self._calls * kept, self._retries * kept, now


def backoff(first_seconds: float = 0.05, max_seconds: float = 2.0) -> Iterator[float]:
    """Pauses before the first retry, the second and so on: doubling, each drawn between half of it and all of it."""
    pause = first_seconds
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(2 * pause, max_seconds)


def pause_after(failure: Exception, pause: float) -> float:
    """Seconds until a call that failed is made again: `pause`, and no sooner than the failure asks for.

    Those who were told the same do not come back together.
    """
    hint = getattr(failure, "retry_after_seconds", None)
    return pause if hint is None else max(pause, hint * random.uniform(1.0, 1.5))


def is_retryable(code: grpc.StatusCode, failure: Exception) -> bool:
    """Whether a failure is transient: UNAVAILABLE, or overload where the service says when to come back."""
    if code is grpc.StatusCode.UNAVAILABLE:
        return True
    return (
        code is grpc.StatusCode.RESOURCE_EXHAUSTED
        and isinstance(failure, PlayscoreError)
        and failure.retry_after_seconds is not None
    )
