"""The snapshot follows its store, through the store's failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence

import pytest

import aggregator.core.following
from aggregator.core.following import Follower
from aggregator.core.recording import Write, Written
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes, Reading
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.scores import TASKS, graded_table, league_of, score


class Scripted:
    """A store whose followers see what the test says, one list a try."""

    store_id = "scripted"

    def __init__(self, *tries: Sequence[Changes | PlayscoreError]) -> None:
        self._tries = iter(tries)
        self.asked_after: list[int] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def record(self, write: Write) -> Written:
        raise NotImplementedError

    async def read(self, scores: Collection[int]) -> Reading:
        raise NotImplementedError

    async def follow(self, after: int) -> AsyncIterator[Changes]:
        self.asked_after.append(after)
        for step in next(self._tries):
            if isinstance(step, PlayscoreError):
                raise step
            yield step
        await asyncio.Event().wait()


def changes(seq: int, *, last: bool = True) -> Changes:
    return Changes(seq, last, [(seq, score(seq))], (), ())


BROKEN = PlayscoreError(Reason.STORE_UNAVAILABLE, "the disk is gone")


async def test_it_is_open_when_it_has_everything_there_was() -> None:
    snapshot = Snapshot(TASKS)
    follower = Follower(Scripted([changes(1, last=False), changes(2, last=False), changes(3)]), snapshot)
    await follower.open()
    assert snapshot.seq == 3
    assert len(league_of(snapshot).tables) == 1
    assert follower.following()
    await follower.close()


async def test_a_store_that_cannot_be_read_at_first_is_an_error() -> None:
    follower = Follower(Scripted([BROKEN]), Snapshot(TASKS))
    with pytest.raises(PlayscoreError):
        await follower.open()
    await follower.close()


async def test_after_a_failure_it_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregator.core.following, "_RETRY_SECONDS", 0.05)
    snapshot, store = Snapshot(TASKS), Scripted([changes(1), BROKEN], [changes(2)])
    follower = Follower(store, snapshot)
    await follower.open()
    await asyncio.sleep(0)
    assert not follower.following()
    await follower.reach(2, 5)
    assert follower.following()
    assert store.asked_after == [0, 1]
    await follower.close()


async def test_a_state_that_does_not_come_is_not_waited_for_for_ever() -> None:
    follower = Follower(Scripted([changes(1)]), Snapshot(TASKS))
    await follower.open()
    await follower.reach(1, 0)
    with pytest.raises(PlayscoreError) as raised:
        await follower.reach(2, 0.01)
    assert raised.value.reason is Reason.NOT_FRESH_ENOUGH
    assert raised.value.retry_after_seconds
    await follower.close()


async def test_a_state_is_held_to_exactly_or_not_at_all() -> None:
    follower = Follower(Scripted([changes(1), changes(3, last=False), changes(4)]), Snapshot(TASKS))
    await follower.open()
    await follower.reach(4, 5)
    await follower.reach_exactly(4, 0)
    with pytest.raises(PlayscoreError) as raised:
        await follower.reach_exactly(3, 0)
    assert raised.value.reason is Reason.REVISION_NOT_KEPT
    with pytest.raises(PlayscoreError) as raised:
        await follower.reach_exactly(5, 0.01)
    assert raised.value.reason is Reason.NOT_FRESH_ENOUGH
    await follower.close()


async def test_readers_never_see_a_part_of_what_goes_on_in_the_next_piece() -> None:
    snapshot, go_on = Snapshot(TASKS), asyncio.Event()

    class Slow(Scripted):
        async def follow(self, after: int) -> AsyncIterator[Changes]:
            yield changes(1)
            yield changes(2, last=False)
            yield changes(3, last=False)
            await go_on.wait()
            yield changes(4)
            await asyncio.Event().wait()

    follower = Follower(Slow(), snapshot)
    await follower.open()
    with pytest.raises(PlayscoreError):
        await follower.reach(2, 0.01)
    assert snapshot.seq == 1
    go_on.set()
    await follower.reach_exactly(4, 5)
    assert len(graded_table(snapshot)) == 4
    await follower.close()
