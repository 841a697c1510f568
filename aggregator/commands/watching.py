"""Follows a watch for ever, and tells when it breaks off."""

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
    Reason.RESUME_TOKEN_INVALID,  # of a service that does not know its predecessor's: the watch begins anew
)


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A watch broke off, and is taken up again."""

    why: str


Update: TypeAlias = RatingsUpdate | Interrupted


async def follow(watch: RatingsWatch) -> AsyncIterator[Update]:
    """The updates of a watch that does not mend itself (`reconnect_seconds=0`), and its breaks, for ever.

    Raises:
        ConnectionError, TimeoutError: there is nobody to begin with.
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
