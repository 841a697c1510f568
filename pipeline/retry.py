"""Waiting for a service that is away: killed, starting, overloaded."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import structlog

from playscore.client import backoff, pause_after
from playscore.errors import PlayscoreError, Reason

TRANSIENT = frozenset(
    {
        Reason.OVERLOADED,
        Reason.NOT_SERVING,
        Reason.INFERENCE_UNAVAILABLE,
        Reason.STORE_UNAVAILABLE,
        Reason.NOT_FRESH_ENOUGH,
    }
)
"""Reasons that go away by themselves."""

GIVE_UP_SECONDS = 60.0
"""How long a service may stay away."""

Answer = TypeVar("Answer")

log = structlog.get_logger()


def is_transient(failure: BaseException) -> bool:
    """Whether the failure is one of a service that will come back, not of what it was asked."""
    if isinstance(failure, PlayscoreError):
        return failure.reason in TRANSIENT
    return isinstance(failure, ConnectionError | TimeoutError)


@dataclass(slots=True)
class Absence:
    """How long a service has been away: since the first question that it did not answer, or since it broke off."""

    give_up_seconds: float = GIVE_UP_SECONDS
    failures: int = 0
    """In a row."""
    _since: float | None = None
    """Seconds of `time.monotonic`."""

    def asked(self) -> None:
        """Something is asked of the service."""
        if self._since is None:
            self._since = time.monotonic()

    def ended(self) -> None:
        """The service answers."""
        self.failures, self._since = 0, None

    def check(self, failure: Exception) -> None:
        """Take in one more failure. Raises ConnectionError once the service has been away for too long."""
        self.asked()
        self.failures += 1
        assert self._since is not None
        if time.monotonic() - self._since >= self.give_up_seconds:
            raise ConnectionError(
                f"given up: a service has not answered for {self.give_up_seconds:g} s ({failure})"
            ) from failure


async def until_it_answers(
    attempt: Callable[[], Awaitable[Answer]], give_up_seconds: float = GIVE_UP_SECONDS
) -> Answer:
    """Awaits `attempt()` again and again while its failures are transient, no sooner than they ask for.

    Raises those that are not, and ConnectionError once there was no answer for `give_up_seconds`.
    """
    absence = Absence(give_up_seconds)
    for pause in backoff(0.1, 2.0):
        absence.asked()
        try:
            answer = await attempt()
        except (PlayscoreError, ConnectionError, TimeoutError) as failure:
            if not is_transient(failure):
                raise
            if not absence.failures:
                log.warning("waiting for a service", failure=str(failure))
            absence.check(failure)
            await asyncio.sleep(pause_after(failure, pause))
        else:
            if absence.failures:
                log.info("the service answers again")
            return answer
    raise AssertionError("backoff never ends")
