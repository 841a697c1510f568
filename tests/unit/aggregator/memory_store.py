"""A store in memory: the least that a store is, since the rules of records are not the store's."""

from __future__ import annotations

import asyncio
import itertools
import operator
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Standing, Write, Written, repeated, settle
from aggregator.core.records import PlayRecord, RecordKey, Scored, Unscored
from aggregator.core.store import Changes, Reading
from playscore.errors import PlayscoreError, Reason

_stores = itertools.count()


@dataclass
class Disk:
    """What outlives a store that is closed."""

    store_id: str = field(default_factory=lambda: f"memory {next(_stores)}")
    records: dict[RecordKey, tuple[int, PlayRecord]] = field(default_factory=dict)
    supports: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, tuple[bytes, Written]] = field(default_factory=dict)
    log: list[tuple[int, RecordKey | None]] = field(default_factory=list)
    """Numbers and keys of records that changed; no key: the record went."""
    numbers: itertools.count[int] = field(default_factory=itertools.count)


class MemoryStore:
    """See `aggregator.core.store.Store`."""

    def __init__(self, disk: Disk, same_distribution: SameDistribution = operator.eq) -> None:
        self._disk = disk
        self._same_distribution = same_distribution
        self._open = False
        self._changed = asyncio.Event()

    @property
    def store_id(self) -> str:
        return self._disk.store_id

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False

    async def record(self, write: Write) -> Written:
        if not self._open:
            raise PlayscoreError(Reason.STORE_UNAVAILABLE, "the store is not open")
        disk = self._disk
        if write.request_id in disk.answers:
            return repeated(write, *disk.answers[write.request_id])
        plays = {record.play for record in write.records.values()}
        standing = Standing([record for _, record in disk.records.values() if record.play in plays], disk.supports)
        settlement = settle(write, standing, self._same_distribution)
        disk.supports.update(settlement.supports)
        for withdrawn in settlement.withdrawn:
            number, _ = disk.records.pop(withdrawn.key)
            disk.log.append((number, None))
        for key, record in settlement.put.items():
            number = disk.records[key][0] if key in disk.records else next(disk.numbers)
            disk.records[key] = number, record
            disk.log.append((number, key))
        written = settlement.written(len(disk.log))
        disk.answers[write.request_id] = write.digest, written
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return written

    async def follow(self, after: int) -> AsyncIterator[Changes]:
        while True:
            changed, disk = self._changed, self._disk
            log = disk.log[after:]
            after += len(log)
            now = {key: disk.records[key] for _, key in log if key is not None and key in disk.records}
            yield Changes(
                seq=after,
                last=True,
                scores=[(number, record.score) for number, record in now.values() if isinstance(record, Scored)],
                withdrawn=[number for number, key in log if key is None],
                unscored=[record for _, record in now.values() if isinstance(record, Unscored)],
            )
            await changed.wait()

    async def read(self, scores: Collection[int]) -> Reading:
        disk = self._disk
        found = {
            number: record
            for number, record in disk.records.values()
            if number in scores and isinstance(record, Scored)
        }
        needed = {record.distribution.support_id for record in found.values() if record.distribution is not None}
        return Reading(len(disk.log), found, {name: disk.supports[name] for name in needed if name in disk.supports})
