"""A store in memory: the least that a store is, since the rules of records are not the store's."""

from __future__ import annotations

import asyncio
import itertools
import operator
import os
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from aggregator.core.erasing import ErasedPlayer
from aggregator.core.operations import Applied, Effect, EraseRequest, Erasure, Operation, SwitchRequest
from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Existing, Write, Written, check_repeated, repeated, settle
from aggregator.core.records import PlayRecord, RecordKey, Scored, Unscored
from aggregator.core.revision import Revision
from aggregator.core.store import Changes, LeagueModel, Reading, ScoreColumns, StatePiece
from aggregator.rows import JSON_COLUMNS, SCORE_COLUMNS, STATE_COLUMNS, score_columns, score_row
from playscore.errors import PlayscoreError, Reason

_stores = itertools.count()
_Item = TypeVar("_Item")


@dataclass
class Kept:
    """A record's states, each with the change that made it; None where it was withdrawn."""

    key: RecordKey
    states: list[tuple[int, PlayRecord | None]] = field(default_factory=list)

    @property
    def now(self) -> PlayRecord | None:
        return self.states[-1][1] if self.states else None

    def at(self, at: Revision) -> PlayRecord | None:
        return next((record for seq, record in reversed(self.states) if at.has(seq)), None)

    @property
    def earlier(self) -> int:
        return sum(record is not None for _, record in self.states[:-1])


@dataclass
class Disk:
    """What outlives a store that is closed."""

    store_id: str = field(default_factory=lambda: f"memory {next(_stores)}")
    secret: bytes = field(default_factory=lambda: os.urandom(32))
    kept: dict[int, Kept] = field(default_factory=dict)
    """By the store's number."""
    standing: dict[RecordKey, int] = field(default_factory=dict)
    supports: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, tuple[bytes, Written]] = field(default_factory=dict)
    log: list[int | LeagueModel | EraseRequest] = field(default_factory=list)
    """What every change was of: a record by its number, or what an operator did."""
    commits: list[tuple[datetime, int]] = field(default_factory=list)
    """When changes were made, up to which."""
    done: dict[str, tuple[bytes, Operation]] = field(default_factory=dict)
    erased: list[ErasedPlayer] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        self.commits.append((datetime.now(UTC), 0))


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

    @property
    def secret(self) -> bytes:
        return self._disk.secret

    async def open(self) -> None:
        self._open = True

    async def close(self) -> None:
        self._open = False

    # --- Writing ---

    async def probe(self) -> None:
        self._opened()

    async def record(self, write: Write) -> Written:
        disk = self._opened()
        if write.request_id in disk.answers:
            return repeated(write, *disk.answers[write.request_id])
        plays = {record.play for record in write.records.values()}
        stands = [record for record in self._standing() if record.play in plays]
        settlement = settle(write, Existing(stands, disk.supports, disk.erased), self._same_distribution)
        disk.supports.update(settlement.supports)
        for withdrawn in settlement.withdrawn:
            self._change(disk.standing.pop(withdrawn.key), None)
        for key, record in settlement.put.items():
            if key not in disk.standing:
                disk.standing[key] = number = next(disk.numbers)
                disk.kept[number] = Kept(key)
            self._change(disk.standing[key], record)
        written = settlement.written(self._committed())
        disk.answers[write.request_id] = write.digest, written
        return written

    async def switch(self, request: SwitchRequest) -> Applied:
        disk = self._opened()
        if known := self._known(request):
            return known
        switched = {(each.league, each.task): each.model for each in _of(LeagueModel, disk.log)}
        effect = request.settle(switched.get((request.league, request.task)))
        disk.log.append(LeagueModel(request.league, request.task, request.model))
        return self._did(request, effect)

    async def erase(self, request: EraseRequest) -> Applied:
        disk = self._opened()
        if known := self._known(request):
            return known
        player = request.player
        effect = self._erase_league(request) if player is None else self._erase_player(player, request.justification)
        disk.log.append(request)
        return self._did(request, effect)

    def _erase_league(self, request: EraseRequest) -> Erasure:
        disk = self._disk
        gone = {number: kept for number, kept in disk.kept.items() if kept.key[0].league == request.league}
        records = [kept.now for kept in gone.values()]
        for number, kept in gone.items():
            del disk.kept[number]
            disk.standing.pop(kept.key, None)
        return Erasure(
            whole_league=True,
            justification=request.justification,
            scores=sum(isinstance(record, Scored) for record in records),
            superseded=sum(kept.earlier for kept in gone.values()),
            unscored=sum(isinstance(record, Unscored) for record in records),
            mentions=0,
        )

    def _erase_player(self, player: ErasedPlayer, justification: str) -> Erasure:
        disk = self._disk
        scores = superseded = unscored = mentions = 0
        for number, kept in list(disk.kept.items()):
            now, before = kept.now, kept.states[:-1]
            kept.states = [(seq, None if record is None else player.remains(record)) for seq, record in kept.states]
            if all(record is None for _, record in kept.states):
                superseded += sum(record is not None for _, record in before)
                del disk.kept[number]
                if now is not None:
                    scores += 1
                    del disk.standing[kept.key]
                    disk.log.append(number)
                continue
            if isinstance(now, Unscored):
                superseded += sum(one[1] is not other[1] for one, other in zip(before, kept.states, strict=False))
            if now is not kept.now:
                unscored += isinstance(now, Unscored)
                mentions += isinstance(now, Scored)
                self._change(number, kept.now)
        disk.answers.clear()
        disk.erased.append(player)
        return Erasure(False, justification, scores, superseded, unscored, mentions)

    def _change(self, number: int, record: PlayRecord | None) -> None:
        self._disk.log.append(number)
        self._disk.kept[number].states.append((len(self._disk.log), record))

    def _committed(self) -> Revision:
        disk = self._disk
        time, _ = disk.commits[-1]
        disk.commits.append((max(datetime.now(UTC), time + timedelta(microseconds=1)), len(disk.log)))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
        return Revision(len(disk.log) + 1)

    def _known(self, asked: SwitchRequest | EraseRequest) -> Applied | None:
        if asked.request_id not in self._disk.done:
            return None
        digest, operation = self._disk.done[asked.request_id]
        check_repeated(asked.request_id, asked.digest, digest)
        return operation.applied

    def _did(self, asked: SwitchRequest | EraseRequest, effect: Effect) -> Applied:
        done = Applied(effect, self._committed())
        time, _ = self._disk.commits[-1]
        self._disk.done[asked.request_id] = (
            asked.digest,
            Operation(time, asked.caller, asked.request_id, asked.league, done),
        )
        return done

    # --- Reading ---

    async def operations(self) -> Sequence[Operation]:
        return [operation for _, operation in reversed(self._opened().done.values())]

    async def state(self, at: Revision | None = None, *, league: str | None = None) -> AsyncIterator[StatePiece]:
        disk = self._opened()
        at = at or Revision(len(disk.log) + 1)
        self._check_reached(at)
        stood = {number: record for number, kept in disk.kept.items() if (record := kept.at(at)) is not None}
        stood = {number: record for number, record in stood.items() if league in (None, record.play.league)}
        switched = {(each.league, each.task): each for each in _of(LeagueModel, disk.log[: at.end - 1])}
        yield StatePiece(at, switched=[each for each in switched.values() if league in (None, each.league)])
        scores = {number: record for number, record in stood.items() if isinstance(record, Scored)}
        if scores:
            yield StatePiece(at, scores=_columns(scores))
        yield StatePiece(at, unscored=[record for record in stood.values() if isinstance(record, Unscored)])

    async def follow(self, after: Revision) -> AsyncIterator[Changes]:
        while True:
            changed, disk = self._changed, self._opened()
            log = disk.log[after.end - 1 :]
            after = Revision(len(disk.log) + 1)
            numbers = list(dict.fromkeys(_of(int, log)))
            erased = list(_of(EraseRequest, log))
            now = {number: disk.kept[number].now for number in numbers if number in disk.kept}
            yield Changes(
                revision=after,
                last=True,
                scores=[(number, record.score) for number, record in now.items() if isinstance(record, Scored)],
                withdrawn=[number for number in numbers if now.get(number) is None],
                unscored=[record for record in now.values() if isinstance(record, Unscored)],
                switched=list(_of(LeagueModel, log)),
                erased_leagues=[each.league for each in erased if each.player is None],
                erased_players=sum(each.player is not None for each in erased),
            )
            await changed.wait()

    async def read(self, scores: Collection[int], at: Revision) -> Reading:
        disk = self._opened()
        self._check_reached(at)
        then = {number: disk.kept[number].at(at) for number in scores if number in disk.kept}
        found = {number: record for number, record in then.items() if isinstance(record, Scored)}
        needed = {record.distribution.support_id for record in found.values() if record.distribution is not None}
        return Reading(found, {name: disk.supports[name] for name in needed if name in disk.supports})

    async def present(self) -> Revision:
        return Revision(len(self._opened().log) + 1)

    async def revision_at(self, time: datetime) -> Revision:
        by_then = [seq for committed, seq in self._opened().commits if committed <= time]
        if not by_then:
            raise PlayscoreError(Reason.REVISION_NOT_KEPT, f"there was no store at {time}")
        return Revision(by_then[-1] + 1)

    def _opened(self) -> Disk:
        if not self._open:
            raise PlayscoreError(Reason.STORE_UNAVAILABLE, "the store is not open")
        return self._disk

    def _standing(self) -> Iterator[PlayRecord]:
        for number in self._disk.standing.values():
            record = self._disk.kept[number].now
            assert record is not None
            yield record

    def _check_reached(self, at: Revision) -> None:
        if at.end > len(self._disk.log) + 1:
            raise PlayscoreError(Reason.NOT_FRESH_ENOUGH, f"{at.end} is still to come")


def _of(kind: type[_Item], log: Sequence[object]) -> Iterator[_Item]:
    return (each for each in log if isinstance(each, kind))


def _columns(scores: dict[int, Scored]) -> ScoreColumns:
    rows = [dict(zip(SCORE_COLUMNS, score_row(record.score), strict=True)) for record in scores.values()]
    for row in rows:
        row |= {name: row[name] and row[name].encode() for name in JSON_COLUMNS}
    return score_columns(
        [tuple({"id": number, **row}[name] for name in STATE_COLUMNS) for number, row in zip(scores, rows, strict=True)]
    )
