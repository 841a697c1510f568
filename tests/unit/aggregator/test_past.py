"""States of the past cost what is asked for, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from aggregator.core import past
from aggregator.core.past import Past
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import StatePiece
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.memory_store import Disk, MemoryStore
from tests.unit.aggregator.scores import LEAGUE, TASKS, unscored


class GatedStore(MemoryStore):
    """A store whose states take until they are let through."""

    def __init__(self) -> None:
        super().__init__(Disk())
        self.gate = asyncio.Event()
        self.began = asyncio.Semaphore(0)
        self.begun = 0
        self.finished = 0

    async def state(self, at: Revision | None = None, *, league: str | None = None) -> AsyncIterator[StatePiece]:
        self.begun += 1
        self.began.release()
        await self.gate.wait()
        yield StatePiece(at or Revision(1), unscored=[unscored(f"{league}")])
        self.finished += 1


async def test_a_reading_that_nobody_waits_for_any_more_ends_and_the_next_one_begins() -> None:
    store = GatedStore()
    states = Past(store, Snapshot(TASKS))
    gone = asyncio.create_task(states.at(Revision(1), LEAGUE))
    await store.began.acquire()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    follower = asyncio.create_task(states.at(Revision(1), LEAGUE))
    await store.began.acquire()
    store.gate.set()
    assert (await follower).queries.revision == Revision(1)
    assert store.finished == 1


async def test_a_reading_goes_on_while_one_of_its_callers_waits() -> None:
    store = GatedStore()
    states = Past(store, Snapshot(TASKS))
    gone, stays = (asyncio.create_task(states.at(Revision(1), LEAGUE)) for _ in range(2))
    await store.began.acquire()
    gone.cancel()
    store.gate.set()
    await stays
    assert store.begun == store.finished == 1


async def test_callers_of_too_many_states_at_once_are_refused_with_a_hint() -> None:
    store = GatedStore()
    states = Past(store, Snapshot(TASKS))
    waiting = [asyncio.create_task(states.at(Revision(1), f"L{n}")) for n in range(past.MAX_READINGS)]
    await store.began.acquire()
    with pytest.raises(PlayscoreError) as refused:
        await states.at(Revision(1), "one too many")
    assert refused.value.reason is Reason.OVERLOADED
    assert refused.value.retry_after_seconds
    store.gate.set()
    await asyncio.gather(*waiting)


async def test_states_of_leagues_that_were_never_heard_of_are_let_go_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MAX_STATES_KEPT", 3)
    store = GatedStore()
    store.gate.set()
    states = Past(store, Snapshot(TASKS))
    for number in range(10):
        await states.at(Revision(1), f"L{number}")
    for number in (9, 8, 7):
        await states.at(Revision(1), f"L{number}")
    assert store.begun == 10
    await states.at(Revision(1), "L0")
    assert store.begun == 11


async def test_plays_that_were_not_scored_count_among_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MAX_PLAYS_KEPT", 2)
    store = GatedStore()
    store.gate.set()
    states = Past(store, Snapshot(TASKS))
    for number in range(4):
        await states.at(Revision(1), f"L{number}")
    await states.at(Revision(1), "L3")
    assert store.begun == 4
    await states.at(Revision(1), "L0")
    assert store.begun == 5
