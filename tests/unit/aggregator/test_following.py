"""The snapshot follows its store, through the store's failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime

import pytest

import aggregator.core.following
from aggregator.core.filter import EVERYTHING
from aggregator.core.following import Follower
from aggregator.core.operations import Applied, EraseRequest, Operation, SwitchRequest
from aggregator.core.recording import Write, Written
from aggregator.core.revision import NOTHING, Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes, Reading, StatePiece
from aggregator.core.table import MAX_PUT_AT_ONCE, Grouped
from aggregator.core.tallies import GroupValues
from playscore.errors import PlayscoreError, Reason
from tests.processes import until
from tests.unit.aggregator.scores import TASKS, columns_of, graded_table, score


class Scripted:
    """A store that holds what the test says, and whose followers see what it says, one list a try."""

    store_id = "scripted"
    secret = b""

    def __init__(
        self, holds: Sequence[StatePiece | PlayscoreError], *tries: Sequence[Changes | PlayscoreError]
    ) -> None:
        self._holds = holds
        self._tries = iter(tries)
        self.asked_after: list[Revision] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def probe(self) -> None:
        raise NotImplementedError

    async def record(self, write: Write) -> Written:
        raise NotImplementedError

    async def switch(self, switching: SwitchRequest) -> Applied:
        raise NotImplementedError

    async def erase(self, erasing: EraseRequest) -> Applied:
        raise NotImplementedError

    async def operations(self) -> Sequence[Operation]:
        raise NotImplementedError

    async def state(self, at: Revision | None = None, *, league: str | None = None) -> AsyncIterator[StatePiece]:
        for step in self._holds:
            if isinstance(step, PlayscoreError):
                raise step
            yield step

    async def read(self, scores: Collection[int], at: Revision) -> Reading:
        raise NotImplementedError

    async def present(self) -> Revision:
        raise NotImplementedError

    async def revision_at(self, time: datetime) -> Revision:
        raise NotImplementedError

    async def follow(self, after: Revision) -> AsyncIterator[Changes]:
        self.asked_after.append(after)
        yield Changes(after, last=True)
        for step in next(self._tries):
            if isinstance(step, PlayscoreError):
                raise step
            yield step
        await asyncio.Event().wait()


def changes(number: int, *, last: bool = True) -> Changes:
    """That lead to the state after that many changes."""
    return Changes(after(number), last, [(number, score(number))])


def after(number: int) -> Revision:
    return Revision(number + 1)


BROKEN = PlayscoreError(Reason.STORE_UNAVAILABLE, "the disk is gone")


EMPTY = [StatePiece(NOTHING)]


def held(*numbers: int) -> StatePiece:
    """Of the state after three changes."""
    return StatePiece(after(3), columns_of([(number, score(number)) for number in numbers]))


async def test_it_is_open_when_it_has_everything_there_was() -> None:
    snapshot = Snapshot(TASKS)
    store = Scripted([held(1, 2), held(3)], [])
    follower = Follower(store, snapshot)
    await follower.open()
    assert snapshot.revision == after(3)
    assert len(graded_table(snapshot)) == 3
    assert follower.following()
    await asyncio.sleep(0)
    assert store.asked_after == [after(3)]
    await follower.close()


async def test_a_store_that_cannot_be_read_at_first_is_an_error() -> None:
    halfway: list[StatePiece | PlayscoreError] = [held(1), BROKEN]
    for holds in (halfway[1:], halfway):
        follower = Follower(Scripted(holds), Snapshot(TASKS))
        with pytest.raises(PlayscoreError):
            await follower.open()
        await follower.close()


async def test_after_a_failure_it_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregator.core.following, "_RETRY_SECONDS", 0.05)
    snapshot, store = Snapshot(TASKS), Scripted(EMPTY, [changes(1), BROKEN], [changes(2)])
    follower = Follower(store, snapshot)
    await follower.open()
    await follower.reach(after(1), 5)
    await until(lambda: not follower.following())
    await follower.reach(after(2), 5)
    assert follower.following()
    assert store.asked_after == [NOTHING, after(1)]
    await follower.close()


async def test_a_state_that_does_not_come_is_not_waited_for_for_ever() -> None:
    follower = Follower(Scripted(EMPTY, [changes(1)]), Snapshot(TASKS))
    await follower.open()
    await follower.reach(after(1), 5)
    with pytest.raises(PlayscoreError) as raised:
        await follower.reach(after(2), 0.01)
    assert raised.value.reason is Reason.NOT_FRESH_ENOUGH
    assert raised.value.retry_after_seconds
    await follower.close()


async def test_a_state_without_a_late_transaction_is_not_fresh_enough_for_who_has_seen_it() -> None:
    late = Changes(Revision(5, frozenset({3})), True, [(1, score(1))])
    follower = Follower(Scripted(EMPTY, [late]), Snapshot(TASKS))
    await follower.open()
    await follower.reach(Revision(5, frozenset({2, 3})), 5)
    for seen in (Revision(5), Revision(4)):
        with pytest.raises(PlayscoreError) as raised:
            await follower.reach(seen, 0.01)
        assert raised.value.reason is Reason.NOT_FRESH_ENOUGH
    await follower.close()


async def test_readers_never_see_a_part_of_what_goes_on_in_the_next_piece() -> None:
    snapshot, go_on = Snapshot(TASKS), asyncio.Event()

    class Slow(Scripted):
        async def follow(self, after: Revision) -> AsyncIterator[Changes]:
            yield changes(1)
            yield changes(2, last=False)
            yield changes(3, last=False)
            await go_on.wait()
            yield changes(4)
            await asyncio.Event().wait()

    follower = Follower(Slow(EMPTY), snapshot)
    await follower.open()
    await follower.reach(after(1), 5)
    with pytest.raises(PlayscoreError):
        await follower.reach(after(2), 0.01)
    assert snapshot.revision == after(1)
    go_on.set()
    await follower.reach(after(4), 5)
    assert snapshot.revision == after(4)
    assert len(graded_table(snapshot)) == 4
    await follower.close()


async def test_many_scores_at_once_come_to_what_they_come_to_one_by_one() -> None:
    many = 2 * MAX_PUT_AT_ONCE + 2
    first = [(n, score(n, n % 7 / 7 if n % 2 else None, subject=f"p{n % 5}")) for n in range(many)]
    later = [(n, score(n, 0.5, subject=f"p{n % 5}", revision=2)) for n in range(0, many, 2)]
    pieces = [
        Changes(Revision(3), last=True, scores=first[:3]),
        Changes(Revision(many + 1), last=False, scores=first),
        Changes(Revision(2 * many), last=True, scores=later, withdrawn=[1, 3]),
    ]
    one_by_one = Snapshot(TASKS)
    for piece in pieces:
        one_by_one.apply(Changes(piece.revision, last=True, withdrawn=piece.withdrawn))
        for item in piece.scores:
            one_by_one.apply(Changes(piece.revision, last=True, scores=[item]))
    snapshot = Snapshot(TASKS)
    follower = Follower(Scripted([], pieces), snapshot)
    await follower.open()
    await follower.reach(Revision(2 * many), 60.0)
    await follower.close()
    tables = graded_table(snapshot), graded_table(one_by_one)
    mine, theirs = (by_group(table.grouped(EVERYTHING)) for table in tables)
    assert mine == theirs
    assert len(tables[0]) == len(tables[1]) == many - 2


def by_group(grouped: Grouped) -> dict[GroupValues, tuple[float, ...]]:
    columns = [grouped.totals.plays, *grouped.totals.sums.values()]
    return dict(zip(grouped.groups, zip(*(column.tolist() for column in columns), strict=True), strict=True))
