"""Work that takes long leaves the event loop to others, and ends with the call that asked for it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator

import pytest

from playscore.steps import at_once
from servicekit import slices
from servicekit.slices import SLICE_SECONDS, in_slices
from tests.processes import until


def work(until: Callable[[], bool], threads: set[int]) -> Generator[None, None, str]:
    while not until():
        threads.add(threading.get_ident())
        time.sleep(SLICE_SECONDS)
        yield
    return "done"


def few(steps: int) -> Generator[None, None, int]:
    for _ in range(steps):
        yield
    return threading.get_ident()


async def test_others_run_while_work_is_not_done() -> None:
    others = threading.Event()
    threads: set[int] = set()
    working = asyncio.create_task(in_slices(work(others.is_set, threads)))
    await until(lambda: len(threads) == 2)
    others.set()  # which nobody would, did the work hold the loop
    assert await working == "done"


async def test_works_of_several_calls_take_turns() -> None:
    turns: list[str] = []

    def naming(name: str) -> Generator[None, None, None]:
        while not {"a", "b"} <= set(turns):
            turns.append(name)
            time.sleep(SLICE_SECONDS)
            yield

    await asyncio.gather(in_slices(naming("a")), in_slices(naming("b")))
    assert {"a", "b"} <= set(turns)


class Clock:
    """Shows time that passes only where a test says so: a machine may stop anybody for longer than a slice."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(slices, "time", clock)
    return clock


async def test_little_work_stays_in_the_loop(clock: Clock) -> None:
    assert await in_slices(few(100)) == threading.get_ident()
    assert await in_slices(few(100), in_loop=False) != threading.get_ident()


async def test_little_work_of_many_calls_stays_in_the_loop_and_leaves_it_to_others(clock: Clock) -> None:
    def little() -> Generator[None, None, int]:
        for _ in range(4):
            clock.now += SLICE_SECONDS / 20
            yield
        return threading.get_ident()

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(others())
    assert set(await asyncio.gather(*(in_slices(little()) for _ in range(50)))) == {threading.get_ident()}
    counting.cancel()
    assert turns >= 5


async def test_what_a_canceled_call_waits_with_is_not_begun() -> None:
    begun = False

    def steps() -> Generator[None, None, None]:
        nonlocal begun
        begun = True
        yield

    def all_of_this_turn() -> Generator[None, None, None]:
        time.sleep(SLICE_SECONDS)
        yield

    working = asyncio.create_task(in_slices(all_of_this_turn()))
    waiting = asyncio.create_task(in_slices(steps()))
    await asyncio.sleep(0)  # until both have had their turn
    waiting.cancel()
    await working
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.01)
    assert not begun


async def test_work_ends_with_its_call() -> None:
    threads: set[int] = set()
    ended = threading.Event()

    def steps() -> Generator[None, None, str]:
        try:
            return (yield from work(lambda: False, threads))
        finally:
            ended.set()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10 * SLICE_SECONDS):
            await in_slices(steps())
    await until(ended.is_set)


async def test_errors_are_raised_as_they_are() -> None:
    def wrong(after: int) -> Generator[None, None, None]:
        yield from work(iter([False] * after + [True]).__next__, set())
        raise LookupError("nobody")

    for after in (0, 3):
        with pytest.raises(LookupError, match="nobody"):
            await in_slices(wrong(after))
    with pytest.raises(LookupError):
        at_once(wrong(0))
