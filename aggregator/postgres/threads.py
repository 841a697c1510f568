"""Work that must not keep the event loop from others."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

MAX_RECORDS_AT_ONCE: Final = 200
"""Records that are handled in the event loop; more go to a thread."""

_Result = TypeVar("_Result")


async def in_thread(records: int, work: Callable[[], _Result]) -> _Result:
    """Do the work, in a thread if it is of many records."""
    return work() if records <= MAX_RECORDS_AT_ONCE else await asyncio.to_thread(work)
