"""How late the event loop is: what every caller waits for, whatever they ask."""

from __future__ import annotations

import asyncio
from typing import Final

from servicekit.metrics import LOOP_LAG_SECONDS

EVERY_SECONDS: Final = 0.1


async def observe_lag() -> None:
    """Measures it until cancelled."""
    now = asyncio.get_running_loop().time
    while True:
        due = now() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        LOOP_LAG_SECONDS.observe(max(0.0, now() - due))
