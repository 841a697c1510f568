"""The embedded store: one SQLite file, one process.

A thread writes; whatever waits when it comes round shares one transaction and so one sync to disk. Another thread reads
what changed. `-lock` beside the file keeps a second process out.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import queue
import sqlite3
import threading
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

from aggregator.core.records import ModelVersion, PlayKey, Role, Score, Subject, Unscored, same_measures
from aggregator.core.store import Changes, Effect, Refused, Write, Written
from playscore.errors import PlayscoreError, Reason

APPLICATION_ID = 0x706C6179
SCHEMA_VERSION = 1
ANSWERS_KEPT_SECONDS = 7 * 24 * 3600
"""How long a request that comes again has the answer it had. Later it is written again, which changes nothing."""
_GROUP_ITEMS = 20_000
_PIECE_CHANGES = 1_000
_RETRY_SECONDS = 1.0

_SCHEMA = """
CREATE TABLE store (id TEXT NOT NULL) STRICT;

CREATE TABLE scores (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    role INTEGER NOT NULL,
    model TEXT NOT NULL,
    model_version INTEGER NOT NULL,
    subject_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    outcome_revision INTEGER NOT NULL,
    subject_name TEXT NOT NULL,
    team_id TEXT NOT NULL,
    measures TEXT NOT NULL,    -- JSON object, keys sorted
    attributes TEXT NOT NULL,  -- JSON object, keys sorted, without what is not known
    UNIQUE (league, game_id, play_id, role, model, model_version, subject_id)
) STRICT;

CREATE TABLE unscored (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    league TEXT NOT NULL,
    game_id TEXT NOT NULL,
    play_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    reason INTEGER NOT NULL,   -- number of playscore.tracking.v1.Reason
    detail TEXT NOT NULL,
    subjects TEXT NOT NULL,    -- JSON list of [role, subject_id, name, team_id]
    UNIQUE (league, game_id, play_id)
) STRICT;

CREATE TABLE changes (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('score', 'withdrawn', 'unscored')),
    item INTEGER NOT NULL      -- id in scores or in unscored
) STRICT;

CREATE TABLE requests (
    request_id TEXT PRIMARY KEY,
    digest BLOB NOT NULL,
    inserted INTEGER NOT NULL,
    replaced INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    stale INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    refused TEXT NOT NULL,     -- JSON list of [index, in_unscored, name of the reason, detail]
    seq INTEGER NOT NULL,
    recorded_unix REAL NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX requests_by_age ON requests (recorded_unix);
"""

_Answer = Written | PlayscoreError


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    write: Write
    answer: asyncio.Future[Written]


class SqliteStore:
    """See `aggregator.core.store.Store`. Opened once; of one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
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
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if application != APPLICATION_ID and (application or version or tables):
            raise self._unavailable("it is a database of something else")
        if version > SCHEMA_VERSION:
            raise self._unavailable(
                f"a newer release wrote it: its schema is version {version}, this release knows {SCHEMA_VERSION}"
            )
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise self._unavailable(f"its journal is {mode!r}, for its file system cannot keep a write-ahead log")
        if not version:
            connection.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} INSERT INTO store VALUES ('{uuid.uuid4().hex}');"
                f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )

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
        items = _items(first.write)
        while items < _GROUP_ITEMS:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
            if waiting is None:
                return group, True
            group.append(waiting)
            items += _items(waiting.write)
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
            "SELECT digest, inserted, replaced, unchanged, stale, withdrawn, refused, seq FROM requests"
            " WHERE request_id = ?",
            (write.request_id,),
        ).fetchone()
        if known is not None:
            digest, inserted, replaced, unchanged, stale, withdrawn, refused, seq = known
            if digest == write.digest:
                return Written(inserted, replaced, unchanged, stale, withdrawn, _refused(refused), seq)
            return PlayscoreError(
                Reason.IDEMPOTENCY_KEY_REUSED,
                f"request_id {write.request_id!r} was another request's; a new request needs a new one",
            )
        written = self._put_items(connection, write)
        connection.execute(
            "INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                write.request_id,
                write.digest,
                written.inserted,
                written.replaced,
                written.unchanged,
                written.stale,
                written.withdrawn,
                _json([[each.index, each.in_unscored, each.reason.name, each.detail] for each in written.refused]),
                written.seq,
                time.time(),
            ),
        )
        return written

    def _put_items(self, connection: sqlite3.Connection, write: Write) -> Written:
        effects: Counter[Effect] = Counter()
        withdrawn, refused = 0, list(write.refused)
        puts = (
            *((index, False, partial(self._put_score, connection, score)) for index, score in write.scores.items()),
            *((index, True, partial(self._put_unscored, connection, play)) for index, play in write.unscored.items()),
        )
        for index, in_unscored, put in puts:
            try:
                effect, others = put()
            except PlayscoreError as conflict:
                refused.append(Refused(index, in_unscored, conflict.reason, conflict.detail))
            else:
                effects[effect] += 1
                withdrawn += others
        return Written(
            inserted=effects[Effect.INSERTED],
            replaced=effects[Effect.REPLACED],
            unchanged=effects[Effect.UNCHANGED],
            stale=effects[Effect.STALE],
            withdrawn=withdrawn,
            refused=sorted(refused, key=lambda each: (each.in_unscored, each.index)),
            seq=self._seq,
        )

    def _put_score(self, connection: sqlite3.Connection, score: Score) -> tuple[Effect, int]:
        """What became of it, and how many scores it withdrew."""
        play, subject, model = score.play, score.subject, score.model
        key = (play.league, play.game_id, play.play_id, subject.role.value, model.name, model.version)
        at = (score.revision, score.outcome_revision)
        content = (subject.name, subject.team_id, _json(score.measures), _json(score.attributes))
        standing = connection.execute(
            "SELECT id, subject_id, revision, outcome_revision, subject_name, team_id, measures, attributes FROM scores"
            " WHERE league = ? AND game_id = ? AND play_id = ? AND role = ? AND model = ? AND model_version = ?",
            key,
        ).fetchall()
        # All that stand have one revision, and none is below that of the unscored play.
        revision = standing[0][2] if standing else self._unscored_revision(connection, play)
        if score.revision < revision:
            return Effect.STALE, 0
        known = next((row for row in standing if row[1] == subject.subject_id), None)
        if known is not None and at <= known[2:4]:
            if at < known[2:4]:
                return Effect.STALE, 0
            same = (*content[:2], content[3]) == (*known[4:6], known[7])
            if same and same_measures(score.measures, json.loads(known[6])):
                return Effect.UNCHANGED, 0
            raise _conflict(f"another score of {subject.subject_id!r} at outcome_revision {at[1]}", play, at[0])
        overtaken = [row[0] for row in standing if row is not known and row[2] < score.revision]
        for item in overtaken:
            connection.execute("DELETE FROM scores WHERE id = ?", (item,))
            self._log(connection, "withdrawn", item)
        (item,) = connection.execute(
            "INSERT INTO scores VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (league, game_id, play_id, role, model, model_version, subject_id) DO UPDATE SET"
            " revision = excluded.revision, outcome_revision = excluded.outcome_revision,"
            " subject_name = excluded.subject_name, team_id = excluded.team_id,"
            " measures = excluded.measures, attributes = excluded.attributes"
            " RETURNING id",
            (*key, subject.subject_id, *at, *content),
        ).fetchone()
        self._log(connection, "score", item)
        return Effect.INSERTED if known is None else Effect.REPLACED, len(overtaken)

    def _unscored_revision(self, connection: sqlite3.Connection, play: PlayKey) -> int:
        """At which the play is unscored, 0 where it is not."""
        row = connection.execute(
            "SELECT revision FROM unscored WHERE league = ? AND game_id = ? AND play_id = ?",
            (play.league, play.game_id, play.play_id),
        ).fetchone()
        return row[0] if row else 0

    def _put_unscored(self, connection: sqlite3.Connection, unscored: Unscored) -> tuple[Effect, int]:
        """What became of it, and how many scores it withdrew."""
        play, revision = unscored.play, unscored.revision
        key = (play.league, play.game_id, play.play_id)
        content = (unscored.reason, unscored.detail, _json([_subject_row(each) for each in unscored.subjects]))
        known = connection.execute(
            "SELECT revision, reason, detail, subjects FROM unscored WHERE league = ? AND game_id = ? AND play_id = ?",
            key,
        ).fetchone()
        if known is not None and revision <= known[0]:
            if revision < known[0]:
                return Effect.STALE, 0
            if (content[0], content[2]) == (known[1], known[3]):
                return Effect.UNCHANGED, 0
            raise _conflict("another reason why it was not scored", play, revision)
        (item,) = connection.execute(
            "INSERT INTO unscored VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (league, game_id, play_id) DO UPDATE SET revision = excluded.revision,"
            " reason = excluded.reason, detail = excluded.detail, subjects = excluded.subjects"
            " RETURNING id",
            (*key, revision, *content),
        ).fetchone()
        self._log(connection, "unscored", item)
        withdrawn = connection.execute(
            "DELETE FROM scores WHERE league = ? AND game_id = ? AND play_id = ? AND revision < ? RETURNING id",
            (*key, revision),
        ).fetchall()
        for (score,) in withdrawn:
            self._log(connection, "withdrawn", score)
        return Effect.INSERTED if known is None else Effect.REPLACED, len(withdrawn)

    def _log(self, connection: sqlite3.Connection, kind: str, item: int | None) -> None:
        self._seq += 1
        connection.execute("INSERT INTO changes VALUES (?, ?, ?)", (self._seq, kind, item))

    # --- Reading, in its thread ---

    def _changes(self, after: int) -> Changes:
        """The next piece of what changed."""
        reading = self._reading
        if reading is None:
            raise self._unavailable("the store is not open")
        with self._store_errors(), _transaction(reading, "DEFERRED"):
            (count, seq) = reading.execute(
                "SELECT count(*), coalesce(max(seq), ?)"
                " FROM (SELECT seq FROM changes WHERE seq > ? ORDER BY seq LIMIT ?)",
                (after, after, _PIECE_CHANGES),
            ).fetchone()
            items = "SELECT item FROM changes WHERE kind = ? AND seq > ? AND seq <= ?"
            scores = reading.execute(f"SELECT * FROM scores WHERE id IN ({items})", ("score", after, seq))
            unscored = reading.execute(f"SELECT * FROM unscored WHERE id IN ({items})", ("unscored", after, seq))
            withdrawn = reading.execute(items, ("withdrawn", after, seq))
            return Changes(
                seq=seq,
                last=count < _PIECE_CHANGES,
                scores=[_score(row) for row in scores],
                withdrawn=[item for (item,) in withdrawn],
                unscored=[_unscored(row) for row in unscored],
            )

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


def _conflict(stands: str, play: PlayKey, revision: int) -> PlayscoreError:
    return PlayscoreError(
        Reason.REVISION_CONFLICT,
        f"{stands} stands at revision {revision} of play {play.play_id!r} of game {play.game_id!r}; "
        "a correction needs a higher one",
    )


def _items(write: Write) -> int:
    return len(write.scores) + len(write.unscored)


def _json(content: Any) -> str:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _refused(text: str) -> list[Refused]:
    return [Refused(index, in_unscored, Reason[name], detail) for index, in_unscored, name, detail in json.loads(text)]


def _score(row: tuple[Any, ...]) -> tuple[int, Score]:
    item, league, game_id, play_id, role, model, version, subject_id, *at, name, team_id, measures, attributes = row
    revision, outcome_revision = at
    return item, Score(
        play=PlayKey(league, game_id, play_id),
        subject=Subject(Role(role), subject_id, name, team_id),
        model=ModelVersion(model, version),
        revision=revision,
        outcome_revision=outcome_revision,
        measures=json.loads(measures),
        attributes=json.loads(attributes),
    )


def _unscored(row: tuple[Any, ...]) -> Unscored:
    _, league, game_id, play_id, revision, reason, detail, subjects = row
    return Unscored(
        play=PlayKey(league, game_id, play_id),
        revision=revision,
        reason=reason,
        detail=detail,
        subjects=tuple(Subject(Role(role), *rest) for role, *rest in json.loads(subjects)),
    )


def _subject_row(subject: Subject) -> list[int | str]:
    return [subject.role.value, subject.subject_id, subject.name, subject.team_id]
