"""Follows a watch across broken connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from playscore.client import RatingsUpdate, RatingsWatch, backoff
from playscore.errors import PlayscoreError, Reason

_COMES_BACK: Final = (
    Reason.NOT_SERVING,
    Reason.OVERLOADED,
    Reason.NOT_FRESH_ENOUGH,
    Reason.STORE_UNAVAILABLE,
    Reason.RESUME_TOKEN_INVALID,  # of a service that does not know the one before: the watch restarts
)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The watch was interrupted and will reconnect."""

    why: str


Update: TypeAlias = RatingsUpdate | Interrupted


async def follow(watch: RatingsWatch) -> AsyncIterator[Update]:
    """The updates and interruptions of a watch, indefinitely.

    The watch must not reconnect by itself (`reconnect_seconds=0`).

    Raises:
        ConnectionError, TimeoutError: the service could not be reached the first time.
        PlayscoreError: the service refuses the watch.
    """
    pauses = backoff()
    while True:
        try:
            update = await anext(watch)
        except PlayscoreError as refusal:
            if refusal.reason not in _COMES_BACK:
                raise
            why = refusal.detail
        except (ConnectionError, TimeoutError) as failure:
            if watch.checkpoint is None:
                raise
            why = str(failure)
        else:
            pauses = backoff()
            yield update
            continue
        yield Interrupted(why)
        await asyncio.sleep(next(pauses))
