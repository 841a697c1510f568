"""How a command that starts processes ends when it gets a signal.

Its task is cancelled, so everything it opened is closed: servers stop, temporary folders go. A second signal does not
wait for that: see `wiped_at_once`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_SHOW_CURSOR = b"\x1b[?25h"

_wipes: list[Callable[[], None]] = []


@contextlib.contextmanager
def wiped_at_once(wipe: Callable[[], None]) -> Iterator[None]:
    """Inside the block, a second signal calls `wipe`, which must not need the event loop, and ends the process."""
    _wipes.append(wipe)
    try:
        yield
    finally:
        _wipes.remove(wipe)


@contextlib.asynccontextmanager
async def ended_by_signals() -> AsyncIterator[None]:
    """Inside the block, SIGINT, SIGTERM and SIGHUP cancel the task that entered it. Signals that were ignored stay so.

    A second signal ends the process at once. After a signal, errors of the teardown are not reported.

    Raises:
        click.exceptions.Exit: a signal came; the exit code is 128 plus its number.
    """
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    received: list[signal.Signals] = []

    def begin_to_end() -> None:
        say(f"stopping ({received[0].name}); a second signal kills everything at once")
        loop.set_exception_handler(lambda _loop, _context: None)
        task.cancel()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number))
        if len(received) > 1:
            _end_at_once(number)
        loop.call_soon_threadsafe(begin_to_end)

    former = {
        number: signal.signal(number, on_signal) for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    except (asyncio.CancelledError, Exception):
        if not received:
            raise
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    if received:
        raise click.exceptions.Exit(128 + received[0])


def say(line: str) -> None:
    """Prints a line on standard error. Does nothing once the terminal is gone: a shutdown must go on without it."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


def _end_at_once(number: int) -> None:
    for wipe in reversed(_wipes):
        wipe()
    with contextlib.suppress(OSError):
        if os.isatty(1):
            os.write(1, _SHOW_CURSOR)
    os._exit(128 + number)
