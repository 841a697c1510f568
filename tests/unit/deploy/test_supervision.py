"""Servers that die are restarted, later each time."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from deploy.local.process import ServerProcess
from deploy.local.supervision import Backoff, keep_running

AT_ONCE = Backoff(first_seconds=0.01, max_seconds=0.02)
SECONDS = 30.0


@given(st.integers(1, 40))
def test_a_server_that_dies_at_once_waits_twice_as_long_each_time_up_to_the_limit(times: int) -> None:
    backoff, pause = Backoff(), 0.0
    for time in range(times):
        pause = backoff.after(pause, up_seconds=1.0)
        assert pause == min(0.5 * 2**time, 30.0)


@given(st.floats(0.5, 30.0), st.floats(60.0, 1e9))
def test_a_server_that_stayed_up_is_restarted_as_fast_as_the_first_time(pause: float, up_seconds: float) -> None:
    assert Backoff().after(pause, up_seconds) == Backoff().first_seconds


class Told:
    """What a supervised server was said to do, line by line."""

    def __init__(self) -> None:
        self.lines: asyncio.Queue[str] = asyncio.Queue()

    def __call__(self, line: str) -> None:
        self.lines.put_nowait(line)

    async def next(self) -> str:
        return await asyncio.wait_for(self.lines.get(), SECONDS)


@asynccontextmanager
async def supervised(
    tmp_path: Path, program: str, is_ready: Callable[[], bool] = lambda: True, ready_seconds: float = SECONDS
) -> AsyncIterator[tuple[ServerProcess, Told]]:
    async def ready() -> bool:
        return is_ready()

    told = Told()
    server = ServerProcess("echo", [sys.executable, "-c", program], {}, tmp_path / "echo.log", ready)
    supervising = asyncio.create_task(keep_running(server, told, AT_ONCE, ready_seconds))
    try:
        await server.start()
        yield server, told
    finally:
        supervising.cancel()
        await server.kill()


SLEEPS = "print('sleeping', flush=True); import time; time.sleep(60)"


async def test_a_server_that_was_killed_serves_again_and_both_is_said(tmp_path: Path) -> None:
    async with supervised(tmp_path, SLEEPS) as (server, told):
        first = server.pid
        os.kill(first, signal.SIGKILL)
        assert (await told.next()).startswith(
            f"echo was killed by SIGKILL; it is down, restarting in 0.01 s; its log is {server.log}"
        )
        assert await told.next() == "echo serves again"
        assert server.running
        assert server.pid != first


async def test_a_server_that_dies_while_starting_is_tried_again_and_again(tmp_path: Path) -> None:
    async with supervised(tmp_path, "raise SystemExit('no room')", is_ready=lambda: False) as (_, told):
        for pause in ("0.01", "0.02", "0.02"):
            said = await told.next()
            assert f"echo ended with exit code 1; it is down, restarting in {pause} s" in said
            assert said.endswith("    no room")


async def test_a_server_that_does_not_become_ready_again_is_killed_and_tried_again(tmp_path: Path) -> None:
    async with supervised(tmp_path, SLEEPS, is_ready=lambda: False, ready_seconds=0.1) as (server, told):
        os.kill(server.pid, signal.SIGKILL)
        await told.next()
        for _ in range(2):
            assert (await told.next()).startswith("echo was not ready after 0.1 s; it is down")


async def test_a_server_that_was_stopped_on_purpose_stays_down(tmp_path: Path) -> None:
    async with supervised(tmp_path, SLEEPS) as (server, told):
        await server.stop()
        await server.start()
        os.kill(server.pid, signal.SIGKILL)
        assert "SIGKILL" in await told.next()  # and not a word about the SIGTERM before
        assert await told.next() == "echo serves again"
