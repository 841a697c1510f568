"""The embedded store: one SQLite file, one process.

A thread writes; whatever waits when it comes round shares one transaction and so one sync to disk. Another thread reads
what changed. `-lock` beside the file keeps a second process out.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import functools
import json
import operator
import os
import queue
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Rejected, Stale, Standing, Write, Written, repeated, settle
from aggregator.core.records import Distribution, PlayKey, PlayRecord, Score, Scored, Unscored
from aggregator.core.store import Changes, Reading
from aggregator.sqlite_schema import prepare, to_json
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion
from playscore.subjects import Role, Subject

ANSWERS_KEPT_SECONDS: Final = 7 * 24 * 3600
"""How long a request that comes again has the answer it had. Later it is written again, which changes nothing."""
_GROUP_RECORDS: Final = 20_000
_PIECE_CHANGES: Final = 1_000
_RETRY_SECONDS: Final = 1.0

_OF_PLAY = "league = ? AND game_id = ? AND play_id = ?"
_SCORES_OF_PLAY = f"SELECT * FROM scores WHERE {_OF_PLAY}"
_SCORES_NUMBERED = "SELECT * FROM scores WHERE id IN (SELECT value FROM json_each(?))"
_UNSCORED_OF_PLAY = f"SELECT * FROM unscored WHERE {_OF_PLAY}"
_DISTRIBUTIONS = "SELECT * FROM distributions WHERE score IN (SELECT value FROM json_each(?))"

_Answer = Written | PlayscoreError


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    write: Write
    answer: asyncio.Future[Written]


class SqliteStore:
    """See `aggregator.core.store.Store`. Opened once; of one event loop.

    Args:
        path: of the file.
        roles: those of its subjects, whom it keeps by their roles' numbers.
        same_distribution: whether the contents of two distributions that differ are the same after all.
    """

    def __init__(self, path: Path, roles: Iterable[Role], same_distribution: SameDistribution = operator.eq) -> None:
        self._path = path
        self._roles = {role.number: role for role in roles}
        self._same_distribution = same_distribution
        self._store_id = ""
        self._lock: IO[str] | None = None
        self._writing: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_on, name="sqlite-writer")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-reader")
        self._committed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seq = 0

    @property
    def store_id(self) -> str:
        """See Store."""
        return self._store_id

    async def open(self) -> None:
        """See Store. STORE_UNAVAILABLE where the file is in use, is no store, or is a newer release's."""
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._open)
        except BaseException:
            self._let_go()
            raise
        self._writer.start()

    async def close(self) -> None:
        """See Store."""
        if self._writer.is_alive():
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._reader.shutdown)
        self._let_go()

    async def record(self, write: Write) -> Written:
        """See Store."""
        if not self._writer.is_alive():
            raise self._unavailable("the store is not open")
        answer: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._queue.put(_Waiting(write, answer))
        return await answer

    async def follow(self, after: int) -> AsyncIterator[Changes]:
        """See Store."""
        loop = asyncio.get_running_loop()
        while True:
            committed = self._committed
            last = False
            while not last:
                changes = await loop.run_in_executor(self._reader, self._changes, after)
                after, last = changes.seq, changes.last
                yield changes
            await committed.wait()

    async def read(self, scores: Collection[int]) -> Reading:
        """See Store."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, list(scores))

    # --- Opening ---

    def _open(self) -> None:
        with self._store_errors():
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = self._locked()
            self._writing = self._connected()
            self._prepare(self._writing)
            self._reading = self._connected()
            (self._store_id,) = self._writing.execute("SELECT id FROM store").fetchone()
            (self._seq,) = self._writing.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()

    def _locked(self) -> IO[str]:
        lock = self._path.with_name(self._path.name + "-lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read(20).strip() or "unknown"
            lock.close()
            raise self._unavailable(
                f"another process ({holder}) has it open; SQLite is for one aggregator, use a shared store for more"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        return lock

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        try:
            prepare(connection)
        except PlayscoreError as refusal:
            raise self._unavailable(refusal.detail) from None
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise self._unavailable(f"its journal is {mode!r}, for its file system cannot keep a write-ahead log")

    def _let_go(self) -> None:
        for connection in (self._reading, self._writing):
            if connection is not None:
                connection.close()
        if self._lock is not None:
            self._lock.close()
        self._reading = self._writing = self._lock = None

    # --- Writing, in its thread ---

    def _write_on(self) -> None:
        assert self._writing is not None
        assert self._loop is not None
        while (first := self._queue.get()) is not None:
            group, ends = self._grouped(first)
            answers = self._written(self._writing, [waiting.write for waiting in group])
            with contextlib.suppress(RuntimeError):  # the loop has ended, and with it whoever waited
                self._loop.call_soon_threadsafe(self._answer, group, answers)
            if ends:
                return

    def _grouped(self, first: _Waiting) -> tuple[list[_Waiting], bool]:
        """What waits now, up to a bound, and whether the end was among it."""
        group = [first]
        records = len(first.write.records)
        while records < _GROUP_RECORDS:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
            records += len(waiting.write.records)
        return group, False

    def _answer(self, group: Sequence[_Waiting], answers: Sequence[_Answer]) -> None:
        for waiting, answer in zip(group, answers, strict=True):
            if waiting.answer.done():
                continue
            if isinstance(answer, Written):
                waiting.answer.set_result(answer)
            else:
                waiting.answer.set_exception(answer)
        committed, self._committed = self._committed, asyncio.Event()
        committed.set()

    def _written(self, connection: sqlite3.Connection, writes: Sequence[Write]) -> list[_Answer]:
        """Write in one transaction; where that fails, each in its own, so that none fails for another's sake."""
        seq = self._seq
        try:
            with self._store_errors(), _transaction(connection, "IMMEDIATE"):
                connection.execute(
                    "DELETE FROM requests WHERE recorded_unix < ?", (time.time() - ANSWERS_KEPT_SECONDS,)
                )
                return [self._put(connection, write) for write in writes]
        except Exception as error:
            self._seq = seq
            if len(writes) > 1:
                return [answer for write in writes for answer in self._written(connection, [write])]
            if isinstance(error, PlayscoreError):
                return [error]
            return [PlayscoreError(Reason.INTERNAL, f"{self._path}: {error!r}")]

    def _put(self, connection: sqlite3.Connection, write: Write) -> _Answer:
        known = connection.execute(
            "SELECT digest, inserted, replaced, unchanged, withdrawn, stale, rejected, seq FROM requests"
            " WHERE request_id = ?",
            (write.request_id,),
        ).fetchone()
        if known is not None:
            digest, inserted, replaced, unchanged, withdrawn, stale, rejected, seq = known
            answer = Written(inserted, replaced, unchanged, withdrawn, _stale(stale), self._rejected(rejected), seq)
            try:
                return repeated(write, digest, answer)
            except PlayscoreError as reused:
                return reused
        standing = self._standing(connection, write)
        settlement = settle(write, standing, self._same_distribution)
        if settlement.supports:
            connection.executemany("INSERT INTO supports VALUES (?, ?)", settlement.supports.items())
        for withdrawn in settlement.withdrawn:
            self._withdraw(connection, withdrawn.score)
        stood = {record.key for record in standing.records}
        for record in settlement.put.values():
            if isinstance(record, Scored):
                self._put_scored(connection, record, anew=record.key not in stood)
            else:
                self._put_unscored(connection, record)
        written = settlement.written(self._seq)
        connection.execute(
            "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                write.request_id,
                write.digest,
                written.inserted,
                written.replaced,
                written.unchanged,
                written.withdrawn,
                to_json([[each.index, each.revision, each.outcome_revision] for each in written.stale]),
                to_json([_rejected_row(each) for each in written.rejected]),
                written.seq,
                time.time(),
            ),
        )
        return written

    def _standing(self, connection: sqlite3.Connection, write: Write) -> Standing:
        """What stands of a write's plays."""
        records: list[PlayRecord] = []
        for play in dict.fromkeys(record.play for record in write.records.values()):
            records += self._scored(connection, _SCORES_OF_PLAY, play).values()
            records += map(self._unscored, connection.execute(_UNSCORED_OF_PLAY, play))
        return Standing(records, _supports(connection, write.supports_needed))

    def _put_scored(self, connection: sqlite3.Connection, scored: Scored, *, anew: bool) -> None:
        score = scored.score
        (item,) = connection.execute(
            "INSERT INTO scores VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (league, game_id, play_id, role, model, model_version, subject_id) DO UPDATE SET"
            " task = excluded.task, revision = excluded.revision, outcome_revision = excluded.outcome_revision,"
            " subject_name = excluded.subject_name, team_id = excluded.team_id,"
            " measures = excluded.measures, attributes = excluded.attributes, outcome = excluded.outcome"
            " RETURNING id",
            (
                *(*score.play, score.task, score.subject.role.number),
                *(score.model.name, score.model.version, score.subject.subject_id),
                score.revision,
                score.outcome_revision,
                score.subject.subject_name,
                score.subject.team_id,
                None if score.measures is None else to_json(score.measures),
                to_json(score.attributes),
                to_json(score.outcome),
            ),
        ).fetchone()
        if scored.distribution is not None:
            connection.execute(
                "INSERT OR REPLACE INTO distributions VALUES (?, ?, ?)",
                (item, scored.distribution.content, scored.distribution.support_id),
            )
        elif not anew:
            connection.execute("DELETE FROM distributions WHERE score = ?", (item,))
        self._log(connection, "score", item)

    def _put_unscored(self, connection: sqlite3.Connection, unscored: Unscored) -> None:
        play = unscored.play
        (item,) = connection.execute(
            "INSERT INTO unscored VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (league, game_id, play_id, task) DO UPDATE SET"
            " revision = excluded.revision, outcome_revision = excluded.outcome_revision,"
            " reason = excluded.reason, detail = excluded.detail, subjects = excluded.subjects"
            " RETURNING id",
            (
                *(*play, unscored.task),
                unscored.revision,
                unscored.outcome_revision,
                unscored.reason,
                unscored.detail,
                to_json([_subject_row(each) for each in unscored.subjects]),
            ),
        ).fetchone()
        self._log(connection, "unscored", item)

    def _withdraw(self, connection: sqlite3.Connection, score: Score) -> None:
        (item,) = connection.execute(
            f"DELETE FROM scores WHERE {_OF_PLAY} AND role = ? AND model = ? AND model_version = ? AND subject_id = ?"
            " RETURNING id",
            (
                *(*score.play, score.subject.role.number),
                *(score.model.name, score.model.version, score.subject.subject_id),
            ),
        ).fetchone()
        connection.execute("DELETE FROM distributions WHERE score = ?", (item,))
        self._log(connection, "withdrawn", item)

    def _log(self, connection: sqlite3.Connection, kind: str, item: int) -> None:
        self._seq += 1
        connection.execute("INSERT INTO changes VALUES (?, ?, ?)", (self._seq, kind, item))

    # --- Reading, in its thread ---

    def _changes(self, after: int) -> Changes:
        """The next piece of what changed."""
        with self._reads() as reading:
            (seq,) = reading.execute(
                "SELECT coalesce(max(seq), ?) FROM (SELECT seq FROM changes WHERE seq > ? ORDER BY seq LIMIT ?)",
                (after, after, _PIECE_CHANGES),
            ).fetchone()
            (last,) = reading.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()
            items = "SELECT item FROM changes WHERE kind = ? AND seq > ? AND seq <= ?"
            scores = reading.execute(f"SELECT * FROM scores WHERE id IN ({items})", ("score", after, seq))
            unscored = reading.execute(f"SELECT * FROM unscored WHERE id IN ({items})", ("unscored", after, seq))
            withdrawn = reading.execute(items, ("withdrawn", after, seq))
            return Changes(
                seq=seq,
                last=last <= seq,
                scores=[self._score(row) for row in scores],
                withdrawn=[item for (item,) in withdrawn],
                unscored=[self._unscored(row) for row in unscored],
            )

    def _read(self, scores: Sequence[int]) -> Reading:
        """Scores with their distributions, as they are now."""
        with self._reads() as reading:
            (seq,) = reading.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()
            scored = self._scored(reading, _SCORES_NUMBERED, (json.dumps(scores),))
            needed = {each.distribution.support_id for each in scored.values() if each.distribution is not None}
            return Reading(seq, scored, _supports(reading, needed))

    @contextlib.contextmanager
    def _reads(self) -> Iterator[sqlite3.Connection]:
        reading = self._reading
        if reading is None:
            raise self._unavailable("the store is not open")
        with self._store_errors(), _transaction(reading, "DEFERRED"):
            yield reading

    # --- Rows ---

    def _role(self, number: int) -> Role:
        return self._roles.get(number) or Role(number, f"role {number}")

    def _score(self, row: tuple[Any, ...]) -> tuple[int, Score]:
        item, league, game_id, play_id, task, role, model, version, subject_id, *rest = row
        revision, outcome_revision, name, team_id, measures, attributes, outcome = rest
        return item, Score(
            play=PlayKey(league, game_id, play_id),
            task=task,
            subject=Subject(self._role(role), subject_id, name, team_id),
            model=_model(model, version),
            revision=revision,
            outcome_revision=outcome_revision,
            measures=None if measures is None else json.loads(measures),
            attributes=json.loads(attributes),
            outcome=json.loads(outcome) if outcome != "{}" else {},
        )

    def _scored(self, connection: sqlite3.Connection, query: str, parameters: Sequence[str]) -> dict[int, Scored]:
        """Scores with their distributions, by their numbers."""
        rows = connection.execute(query, parameters).fetchall()
        if not rows:
            return {}
        scores = dict(map(self._score, rows))
        expected = connection.execute(_DISTRIBUTIONS, (json.dumps(list(scores)),))
        distributions = {item: Distribution(content, support_id) for item, content, support_id in expected}
        return {item: Scored(score, distributions.get(item)) for item, score in scores.items()}

    def _unscored(self, row: tuple[Any, ...]) -> Unscored:
        _, league, game_id, play_id, task, revision, outcome_revision, reason, detail, subjects = row
        return Unscored(
            play=PlayKey(league, game_id, play_id),
            task=task,
            revision=revision,
            outcome_revision=outcome_revision,
            reason=reason,
            detail=detail,
            subjects=self._subjects(json.loads(subjects)),
        )

    def _rejected(self, text: str) -> list[Rejected]:
        return [
            Rejected(index, play and PlayKey(*play), task, revision, Reason[reason], detail, self._subjects(subjects))
            for index, play, task, revision, reason, detail, subjects in json.loads(text)
        ]

    def _subjects(self, rows: Sequence[Sequence[Any]]) -> tuple[Subject, ...]:
        return tuple(Subject(self._role(role), *rest) for role, *rest in rows)

    # --- Errors ---

    @contextlib.contextmanager
    def _store_errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(str(error)) from error

    def _unavailable(self, detail: str) -> PlayscoreError:
        return PlayscoreError(
            Reason.STORE_UNAVAILABLE, f"store {self._path}: {detail}", retry_after_seconds=_RETRY_SECONDS
        )


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@functools.lru_cache(maxsize=64)
def _model(name: str, version: int) -> ModelVersion:
    return ModelVersion(name, version)


def _supports(connection: sqlite3.Connection, support_ids: Collection[str]) -> dict[str, bytes]:
    """Those of the supports that are there."""
    if not support_ids:
        return {}
    return dict(
        connection.execute(
            "SELECT support_id, content FROM supports WHERE support_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(support_ids)),),
        )
    )


def _stale(text: str) -> list[Stale]:
    return [Stale(*row) for row in json.loads(text)]


def _rejected_row(rejected: Rejected) -> list[Any]:
    return [
        rejected.index,
        rejected.play,
        rejected.task,
        rejected.revision,
        rejected.reason.name,
        rejected.detail,
        [_subject_row(each) for each in rejected.subjects],
    ]


def _subject_row(subject: Subject) -> list[int | str]:
    return [subject.role.number, subject.subject_id, subject.subject_name, subject.team_id]
