"""Work that must not block the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

MAX_RECORDS_AT_ONCE: Final = 200
"""Records handled in the event loop; more go to a thread."""

_Result = TypeVar("_Result")


async def in_thread(records: int, work: Callable[[], _Result]) -> _Result:
    """The result of work on that many records. Larger work runs in a thread."""
    return work() if records <= MAX_RECORDS_AT_ONCE else await asyncio.to_thread(work)
