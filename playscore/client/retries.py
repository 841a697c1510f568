"""Which failures are transient, and when a call that met one is made again: after a growing pause, within a budget."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

import grpc

from playscore.errors import PlayscoreError


@dataclass(slots=True)
class RetryBudget:
    """Keeps retries from multiplying the load of a service in trouble: the rule of gRPC's retry throttling (A6).

    A failure takes a token, a success earns part of one back; retries stop while the bucket is half empty or worse.
    """

    capacity: float = 20.0
    earned_by_success: float = 0.2
    tokens: float = 20.0

    def succeeded(self) -> None:
        """A call came back."""
        self.tokens = min(self.capacity, self.tokens + self.earned_by_success)

    def failed(self) -> None:
        """A call failed in a way that could be retried."""
        self.tokens = max(0.0, self.tokens - 1.0)

    def allows_retry(self) -> bool:
        """The bucket is more than half full."""
        return self.tokens > self.capacity / 2


def backoff(first_seconds: float = 0.05, max_seconds: float = 2.0) -> Iterator[float]:
    """Pauses before the first retry, the second and so on: doubling, each drawn between half of it and all of it."""
    pause = first_seconds
    while True:
        yield pause * random.uniform(0.5, 1.0)
        pause = min(2 * pause, max_seconds)


def is_retryable(code: grpc.StatusCode, failure: Exception) -> bool:
    """Whether a failure is transient: UNAVAILABLE, or overload where the service says when to come back."""
    if code is grpc.StatusCode.UNAVAILABLE:
        return True
    return (
        code is grpc.StatusCode.RESOURCE_EXHAUSTED
        and isinstance(failure, PlayscoreError)
        and failure.retry_after_seconds is not None
    )
