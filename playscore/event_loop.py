"""Runs a coroutine in an event loop of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(
    main: Coroutine[Any, Any, T], *, loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
) -> T:
    """What `main` returns, for commands whose results are large.

    At its end `asyncio.run` asks `signal` for the handler of SIGINT, which formats that handler, the main task and its
    result into an error message that nobody sees. A report of a thousand plays takes it seconds.
    """
    results: list[T] = []

    async def without_result() -> None:
        results.append(await main)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(without_result())
    return results[0]
