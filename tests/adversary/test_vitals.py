"""What counts as growing."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.adversary.vitals import Held, Vitals, held_by

MEBIBYTE = 2**20
FLAT = 100 * MEBIBYTE


def grown(resident: Callable[[int], int], descriptors: Callable[[int], int] = lambda _: 20, pid: int = 1) -> Vitals:
    """A process that was looked at for an hour, once a minute."""
    held = [Held(60.0 * minute, frozenset({pid}), resident(minute), descriptors(minute)) for minute in range(60)]
    return Vitals({"aggregator": held})


def test_a_process_that_fills_its_caches_and_then_stays_does_not_grow() -> None:
    growth = grown(lambda minute: FLAT + min(minute, 15) * MEBIBYTE).growth()["aggregator"]
    assert (growth.grown_bytes, growth.grown_descriptors) == (0, 0)


def test_one_that_takes_more_and_more_does() -> None:
    growth = grown(lambda minute: FLAT + minute * MEBIBYTE, lambda minute: 20 + minute).growth()["aggregator"]
    assert growth.grown_bytes == pytest.approx(35 * MEBIBYTE, rel=0.1)
    assert growth.grown_descriptors == pytest.approx(35, rel=0.1)


def test_a_moment_of_more_is_no_growth() -> None:
    growth = grown(lambda minute: FLAT + (500 * MEBIBYTE if minute == 58 else 0)).growth()["aggregator"]
    assert growth.grown_bytes == 0


def test_of_a_process_that_was_started_again_nothing_is_said() -> None:
    before, after = grown(lambda _: FLAT, pid=1), grown(lambda _: 2 * FLAT, pid=2)
    joined = before.samples["aggregator"][:40] + after.samples["aggregator"][40:]
    assert not Vitals({"aggregator": joined}).growth()


def test_what_this_process_holds_can_be_seen() -> None:
    held = held_by(os.getpgrp())
    if held is None:  # the leader of this group has ended
        pytest.skip("this process belongs to a group without a leader")
    assert held.resident_bytes > 0
    assert held.descriptors > 0
