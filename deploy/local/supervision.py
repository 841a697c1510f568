"""Restarting servers that die."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from deploy.local.process import Crash, ServerError, ServerProcess

READY_SECONDS = 90.0
"""How long a server may take to become ready."""


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before a restart: twice as long each time, until the server has stayed up for a while."""

    first_seconds: float = 0.5
    max_seconds: float = 30.0
    steady_seconds: float = 60.0
    """A server that was up for this long is restarted as fast as the first time."""

    def after(self, pause: float, up_seconds: float) -> float:
        """Seconds to wait now. `pause` is how long the wait was last time, 0 for the first."""
        if not pause or up_seconds >= self.steady_seconds:
            return self.first_seconds
        return min(2 * pause, self.max_seconds)


async def keep_running(
    server: ServerProcess,
    say: Callable[[str], None],
    backoff: Backoff,
    ready_seconds: float = READY_SECONDS,
) -> NoReturn:
    """Restarts a server whenever it dies, and says so. Runs until cancelled."""
    pause = 0.0
    crash = await server.crash()
    while True:
        pause = backoff.after(pause, crash.up_seconds)
        say(f"{server.name} {crash.how}; it is down, restarting in {pause:g} s{server.last_words()}")
        await asyncio.sleep(pause)
        crash = await _restart(server, say, ready_seconds) or await server.crash()


async def _restart(server: ServerProcess, say: Callable[[str], None], ready_seconds: float) -> Crash | None:
    """None once it serves again or has died again; otherwise why it does not serve."""
    try:
        if not server.running:
            await server.start()
    except ServerError as error:
        return Crash(f"did not start ({error})", 0.0)
    try:
        await server.wait_ready(ready_seconds)
    except ServerError:
        if not server.running:
            return None
        await server.kill()
        return Crash(f"was not ready after {ready_seconds:g} s", 0.0)
    say(f"{server.name} serves again")
    return None
