"""Work in threads is done in turns of its callers."""

from __future__ import annotations

from concurrent.futures import Future
from contextvars import copy_context
from threading import Event

import pytest

from servicekit.callers import Caller, current_caller
from servicekit.threads import FairThreads


def test_one_callers_work_does_not_wait_for_all_that_another_has_handed_in() -> None:
    done: list[str] = []
    free = Event()
    with FairThreads(1) as threads:

        def hand_in(caller: str) -> Future[None]:
            def submit() -> Future[None]:
                current_caller.set(Caller(caller))
                return threads.submit(done.append, caller)

            return copy_context().run(submit)

        threads.submit(free.wait)
        greedy = [hand_in("greedy") for _ in range(50)]
        modest = hand_in("modest")
        free.set()
        for each in (modest, *greedy):
            each.result(60)
    assert done.index("modest") <= 1


def test_what_work_raises_is_raised_to_whoever_handed_it_in() -> None:
    with FairThreads(1) as threads, pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result(60)


def test_work_that_nobody_waits_for_any_more_is_not_done() -> None:
    free, done = Event(), Event()
    with FairThreads(1) as threads:
        threads.submit(free.wait)
        given_up = threads.submit(done.set)
        assert given_up.cancel()
        free.set()
    assert not done.is_set()
