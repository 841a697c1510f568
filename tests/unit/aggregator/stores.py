"""The stores that there are, opened alike, and what tests ask of them."""

from __future__ import annotations

import contextlib
import itertools
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Final, Protocol, TypeVar

from aggregator.core.precedence import close
from aggregator.core.recording import Write, Written
from aggregator.core.records import PlayRecord, Score, Scored, Unscored
from aggregator.core.store import Changes, Store
from aggregator.sqlite import SqliteStore
from playscore.faceoffs import FACEOFF_TAKER
from playscore.passing import PASSER
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM
from tests.unit.aggregator.memory_store import Disk, MemoryStore

_requests = itertools.count()
_disks: defaultdict[Path, Disk] = defaultdict(Disk)


def same_number(one: bytes, other: bytes) -> bool:
    """Distributions are numbers in these tests."""
    return close(float(one), float(other))


def sqlite(location: Path) -> Store:
    return SqliteStore(location, [PASSER, SHOOTER, GOALIE, SHOOTING_TEAM, FACEOFF_TAKER], same_number)


def memory(location: Path) -> Store:
    return MemoryStore(_disks[location], same_number)


STORES: Final[Mapping[str, Callable[[Path], Store]]] = {"sqlite": sqlite, "memory": memory}


class Opens(Protocol):
    """Opens a store at a location, the same one each time."""

    def __call__(self, location: Path) -> AbstractAsyncContextManager[Store]: ...


def opening(make: Callable[[Path], Store]) -> Opens:
    @contextlib.asynccontextmanager
    async def opened(location: Path) -> AsyncIterator[Store]:
        store = make(location)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return opened


def write(
    *records: PlayRecord, request_id: str = "", digest: bytes = b"", supports: Mapping[str, bytes] | None = None
) -> Write:
    request_id = request_id or f"request {next(_requests)}"
    return Write(request_id, digest, dict(enumerate(records)), supports=supports or {})


def counts(written: Written) -> tuple[int, int, int, int]:
    return written.inserted, written.replaced, written.unchanged, len(written.stale)


State = tuple[list[Scored], list[Unscored]]
_Record = TypeVar("_Record", Scored, Unscored)


def ordered(records: Iterable[_Record]) -> list[_Record]:
    return sorted(records, key=repr)


async def everything(store: Store) -> State:
    """What somebody who follows from the beginning ends up with, and reads the distributions of."""
    seen = Seen()
    async with contextlib.aclosing(store.follow(0)) as following:  # type: ignore[type-var]
        async for changes in following:
            seen.apply(changes)
            if changes.last:
                break
    reading = await store.read(seen.scores)
    assert {number: record.score for number, record in reading.scored.items()} == seen.scores
    return ordered(reading.scored.values()), ordered(seen.plays.values())


class Seen:
    """What a follower has seen."""

    def __init__(self) -> None:
        self.scores: dict[int, Score] = {}
        self.plays: dict[object, Unscored] = {}

    def apply(self, changes: Changes) -> None:
        for item in changes.withdrawn:
            self.scores.pop(item, None)
        self.scores.update(changes.scores)
        self.plays.update({play.key: play for play in changes.unscored})
