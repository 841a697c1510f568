"""Waiting for a service that is away: killed, starting, overloaded."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from playscore.client import backoff
from playscore.errors import PlayscoreError, Reason

PASSING = frozenset(
    {
        Reason.OVERLOADED,
        Reason.NOT_SERVING,
        Reason.INFERENCE_UNAVAILABLE,
        Reason.STORE_UNAVAILABLE,
        Reason.NOT_FRESH_ENOUGH,
    }
)
"""Reasons that go away by themselves."""

Answer = TypeVar("Answer")

log = structlog.get_logger()


def passes(failure: BaseException) -> bool:
    """The failure is one of a service that will come back, not of what it was asked."""
    if isinstance(failure, PlayscoreError):
        return failure.reason in PASSING
    return isinstance(failure, ConnectionError | TimeoutError)


async def until_it_answers(attempt: Callable[[], Awaitable[Answer]]) -> Answer:
    """Awaits `attempt()` again and again while its failures pass; raises those that do not."""
    for failures, pause in enumerate(backoff(0.1, 2.0)):
        try:
            answer = await attempt()
        except (PlayscoreError, ConnectionError, TimeoutError) as failure:
            if not passes(failure):
                raise
            if failures == 0:
                log.warning("waiting for a service", failure=str(failure))
            await asyncio.sleep(pause)
        else:
            if failures:
                log.info("the service answers again", failures=failures)
            return answer
    raise AssertionError("backoff never ends")
