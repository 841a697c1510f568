"""Writes of the embedded store, by one thread."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, TypeAlias

from aggregator.core.erasing import ErasedPlayer
from aggregator.core.operations import Applied, Effect, EraseRequest, Erasure, SwitchRequest
from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Existing, Write, Written, check_repeated, repeated, settle
from aggregator.core.records import PlayRecord, Score, Scored, Unscored
from aggregator.core.revision import Revision
from aggregator.rows import (
    ANSWER_COLUMNS,
    SCORE_COLUMNS,
    UNSCORED_COLUMNS,
    RowReader,
    Tombstones,
    answer_row,
    effect_from_json,
    effect_json,
    keyed,
    score_row,
    to_json,
    tombstone,
    unscored_row,
)
from aggregator.sqlite.file import StoreFile, transaction
from aggregator.sqlite.reading import revision_at, supports, to_us
from aggregator.sqlite.schema import SERVED_VERSION
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion

ROOM_BYTES: Final = 64 << 20
"""What the file system must have left: some of the largest requests, and the log that they go through."""
ANSWERS_KEPT_SECONDS: Final = 7 * 24 * 3600
"""How long a repeated request gets its first answer. Later it is written again, which changes nothing."""

Answer: TypeAlias = Written | PlayscoreError

_SCORE = ", ".join(SCORE_COLUMNS)
_UNSCORED = ", ".join(UNSCORED_COLUMNS)
_OF_PLAY = "league = ? AND game_id = ? AND play_id = ?"
_SCORES_OF_PLAY = (
    f"SELECT id, {_SCORE}, content, support_id FROM scores LEFT JOIN distributions ON score = id WHERE {_OF_PLAY}"
)
_UNSCORED_OF_PLAY = f"SELECT {_UNSCORED} FROM unscored WHERE {_OF_PLAY}"


def _put(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """Inserts a row, or changes the one that has its key. Answers the row's number."""
    content = ", ".join(f"{column} = excluded.{column}" for column in columns if column not in key)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {content} RETURNING id"
    )


_PUT_SCORE = _put(
    "scores", SCORE_COLUMNS, ("league", "game_id", "play_id", "role", "model", "model_version", "subject_id")
)
_PUT_UNSCORED = _put("unscored", UNSCORED_COLUMNS, ("league", "game_id", "play_id", "task"))


class Writer:
    """Writes through a connection of its own. See `aggregator.core.store.Store` for what.

    Every row of the log of changes has a number, one more than that of the row before.
    """

    def __init__(
        self, file: StoreFile, connection: sqlite3.Connection, rows: RowReader, same_distribution: SameDistribution
    ) -> None:
        self._file = file
        self._connection = connection
        self._rows = rows
        self._same_distribution = same_distribution
        self._seq = 0
        self._now_us = 0
        (self._key,) = connection.execute("SELECT erased FROM keys").fetchone()

    def record(self, writes: Sequence[Write]) -> list[Answer]:
        """Write in one transaction. If that fails, write each in its own, so that no write fails because of another."""
        try:
            with self._transaction() as connection:
                self._forget_answers(connection)
                return [self._record(connection, write) for write in writes]
        except PlayscoreError as error:
            if len(writes) == 1 or _is_busy(error):
                return [error for _ in writes]
        except Exception as error:
            if len(writes) == 1:
                return [PlayscoreError(Reason.INTERNAL, f"{self._file.path}: {error!r}")]
        return [answer for write in writes for answer in self.record([write])]

    def probe(self) -> None:
        """Write a page that stays as it is, and sync it. Fails, too, where a large write would no longer have room."""
        self._file.check_room(ROOM_BYTES)
        with self._transaction() as connection:
            connection.execute(f"PRAGMA user_version = {SERVED_VERSION}")

    def switch(self, request: SwitchRequest) -> Applied:
        """Set the model that a league is rated by."""
        with self._transaction() as connection:
            if known := self._done(connection, request):
                return known
            row = connection.execute(
                "SELECT model, model_version FROM switches WHERE league = ? AND task = ? ORDER BY seq DESC LIMIT 1",
                (request.league, request.task),
            ).fetchone()
            effect = request.settle(ModelVersion(*row) if row else None)
            seq = self._log(connection, "withdrawn", 0)
            connection.execute(
                "INSERT INTO switches (seq, league, task, model, model_version) VALUES (?, ?, ?, ?, ?)",
                (seq, request.league, request.task, request.model.name, request.model.version),
            )
            return self._did(connection, request, effect)

    def erase(self, request: EraseRequest) -> Applied:
        """Erase a player or a league, also from the file's free space and its log."""
        with self._transaction() as connection:
            done = self._done(connection, request)
            if done is None:
                player = request.player
                if player is None:
                    effect = self._erase_league(connection, request)
                else:
                    effect = self._erase_player(connection, player, request.justification)
                done = self._did(connection, request, effect)
            _forget_kept(connection)
        with self._file.errors():
            # Rewritten without its free space, where deleted rows can still be read.
            self._connection.execute("VACUUM")
        self._file.empty_log(self._connection)
        return done

    def forget_kept(self) -> None:
        """Delete the kept snapshot."""
        with self._transaction() as connection:
            _forget_kept(connection)

    def keep_piece(self, at: Revision, number: int, content: bytes) -> bool:
        """Keep a piece of a snapshot of a revision. False, and nothing is kept, if something was erased since."""
        with self._transaction() as connection:
            if _erased_since(connection, at):
                return False
            connection.execute("INSERT INTO kept_pieces (number, content) VALUES (?, ?)", (number, content))
            return True

    def finish_keeping(self, fingerprint: bytes, at: Revision, sizes: Sequence[int]) -> None:
        """Make the kept pieces a snapshot, unless something was erased since that it may hold."""
        with self._transaction() as connection:
            if not _erased_since(connection, at):
                connection.execute(
                    "INSERT INTO kept_snapshot (fingerprint, seq, sizes) VALUES (?, ?, ?)",
                    (fingerprint, at.end - 1, to_json(sizes)),
                )

    def revision_at(self, moment: datetime) -> Revision:
        """The state that stood at a time. Whatever commits from now on has a later time."""
        with self._file.errors():
            self._now_us = max(self._now_us, min(to_us(moment), _clock_us()))
            return revision_at(self._connection, moment)

    def tidy(self) -> None:
        """Empty the log if it is due, between two transactions."""
        self._file.bound_log(self._connection)

    # --- Transactions ---

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction on the file that the store was opened with; fails if the file was replaced."""
        self._file.check()
        connection = self._connection
        with self._file.errors(), transaction(connection, "IMMEDIATE"):
            (before,) = connection.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()
            (committed,) = connection.execute("SELECT time_us FROM commits ORDER BY seq DESC LIMIT 1").fetchone()
            self._seq = before
            self._now_us = max(_clock_us(), self._now_us + 1, committed + 1)
            yield connection
            if self._seq > before:
                connection.execute("DELETE FROM commits WHERE seq > ?", (before,))
                self._now_us = max(_clock_us(), self._now_us)
                connection.execute("INSERT INTO commits (seq, time_us) VALUES (?, ?)", (self._seq, self._now_us))
        self._file.check()

    def _log(self, connection: sqlite3.Connection, kind: str, item: int) -> int:
        self._seq += 1
        connection.execute("INSERT INTO changes (seq, kind, item) VALUES (?, ?, ?)", (self._seq, kind, item))
        return self._seq

    # --- Recording ---

    def _forget_answers(self, connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM requests WHERE recorded_unix < ?", (self._now_us / 1e6 - ANSWERS_KEPT_SECONDS,))

    def _record(self, connection: sqlite3.Connection, write: Write) -> Answer:
        known = connection.execute(
            f"SELECT digest, seq, {', '.join(ANSWER_COLUMNS)} FROM requests WHERE request_id = ?", (write.request_id,)
        ).fetchone()
        if known is not None:
            digest, seq, *answer = known
            try:
                return repeated(write, digest, self._rows.written(answer, Revision(seq + 1)))
            except PlayscoreError as reused:
                return reused
        existing = self._existing(connection, write)
        settlement = settle(write, existing, self._same_distribution)
        if settlement.supports:
            connection.executemany(
                "INSERT INTO supports (support_id, content) VALUES (?, ?)", settlement.supports.items()
            )
        for withdrawn in settlement.withdrawn:
            self._withdraw(connection, withdrawn.score)
        stood = {record.key for record in existing.records}
        for record in settlement.put.values():
            if isinstance(record, Scored):
                self._put_scored(connection, record, is_new=record.key not in stood)
            else:
                self._put_unscored(connection, record)
        written = settlement.written(Revision(self._seq + 1))
        connection.execute(
            f"INSERT INTO requests (request_id, digest, {', '.join(ANSWER_COLUMNS)}, seq, recorded_unix)"
            f" VALUES (?, ?, {', '.join('?' * len(ANSWER_COLUMNS))}, ?, ?)",
            (write.request_id, write.digest, *answer_row(written), self._seq, self._now_us / 1e6),
        )
        return written

    def _existing(self, connection: sqlite3.Connection, write: Write) -> Existing:
        """The existing records of a write's plays."""
        records: list[PlayRecord] = []
        for play in dict.fromkeys(record.play for record in write.records.values()):
            records += (scored for _, scored in map(self._rows.scored, connection.execute(_SCORES_OF_PLAY, play)))
            records += map(self._rows.unscored, connection.execute(_UNSCORED_OF_PLAY, play))
        tombstones = Tombstones(self._key, dict(connection.execute("SELECT digest, mentions FROM erased")))
        return Existing(records, supports(connection, write.supports_needed), tombstones.named(write))

    def _put_scored(self, connection: sqlite3.Connection, scored: Scored, *, is_new: bool) -> None:
        (item,) = connection.execute(_PUT_SCORE, score_row(scored.score)).fetchone()
        if scored.distribution is not None:
            connection.execute(
                "INSERT OR REPLACE INTO distributions (score, content, support_id) VALUES (?, ?, ?)",
                (item, scored.distribution.content, scored.distribution.support_id),
            )
        elif not is_new:
            connection.execute("DELETE FROM distributions WHERE score = ?", (item,))
        self._log(connection, "score", item)

    def _put_unscored(self, connection: sqlite3.Connection, unscored: Unscored) -> None:
        (item,) = connection.execute(_PUT_UNSCORED, unscored_row(unscored)).fetchone()
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

    # --- Operations ---

    def _done(self, connection: sqlite3.Connection, asked: SwitchRequest | EraseRequest) -> Applied | None:
        """The answer to a request that was applied before."""
        known = connection.execute(
            "SELECT digest, deed, seq FROM operations WHERE request_id = ?", (asked.request_id,)
        ).fetchone()
        if known is None:
            return None
        digest, effect, seq = known
        check_repeated(asked.request_id, keyed(self._key, asked.digest), digest)
        return Applied(effect_from_json(effect), Revision(seq + 1))

    def _did(self, connection: sqlite3.Connection, asked: SwitchRequest | EraseRequest, effect: Effect) -> Applied:
        """Keep an operation, which the last change completed."""
        connection.execute(
            "INSERT INTO operations (seq, request_id, digest, time_us, caller, league, deed)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(self._seq, asked.request_id, keyed(self._key, asked.digest)),
                *(self._now_us, asked.caller, asked.league, effect_json(effect)),
            ),
        )
        return Applied(effect, Revision(self._seq + 1))

    def _erase_league(self, connection: sqlite3.Connection, request: EraseRequest) -> Erasure:
        league = (request.league,)
        connection.execute("DELETE FROM distributions WHERE score IN (SELECT id FROM scores WHERE league = ?)", league)
        with _unkept(connection, "scores", "unscored"):
            scores = connection.execute("DELETE FROM scores WHERE league = ?", league).rowcount
            unscored = connection.execute("DELETE FROM unscored WHERE league = ?", league).rowcount
        superseded = connection.execute("DELETE FROM superseded_scores WHERE league = ?", league).rowcount
        superseded += connection.execute("DELETE FROM superseded_unscored WHERE league = ?", league).rowcount
        _forget_requests(connection, request.league)
        seq = self._log(connection, "withdrawn", 0)
        connection.execute("INSERT INTO erased_leagues (seq, league) VALUES (?, ?)", (seq, request.league))
        return Erasure(True, request.justification, scores, superseded, unscored, 0)

    def _erase_player(self, connection: sqlite3.Connection, player: ErasedPlayer, justification: str) -> Erasure:
        them = (player.league, player.subject_id)
        digest = tombstone(self._key, *them)
        numbers = [
            item for (item,) in connection.execute("SELECT id FROM scores WHERE league = ? AND subject_id = ?", them)
        ]
        with _unkept(connection, "scores"):
            connection.execute("DELETE FROM scores WHERE league = ? AND subject_id = ?", them)
        for item in numbers:
            connection.execute("DELETE FROM distributions WHERE score = ?", (item,))
            self._log(connection, "withdrawn", item)
        superseded = connection.execute(
            "DELETE FROM superseded_scores WHERE league = ? AND subject_id = ?", them
        ).rowcount
        mentions = self._rewrite_scores(connection, player, "scores")
        self._rewrite_scores(connection, player, "superseded_scores")
        unscored = self._rewrite_unscored(connection, player, "unscored")
        superseded += self._rewrite_unscored(connection, player, "superseded_unscored") - unscored
        _forget_requests(connection, player.subject_id)
        connection.execute(
            "INSERT OR REPLACE INTO erased (digest, seq, mentions) VALUES (?, ?, ?)",
            (digest, self._log(connection, "withdrawn", 0), to_json(sorted(player.mentions))),
        )
        return Erasure(False, justification, len(numbers), superseded, unscored, mentions)

    def _rewrite_scores(self, connection: sqlite3.Connection, player: ErasedPlayer, table: str) -> int:
        """Remove a player from other players' scores. Returns how many changed."""
        rewritten = 0
        key = "id" if table == "scores" else "until"
        rows = connection.execute(
            f"SELECT {key}, {_SCORE} FROM {table} WHERE league = ? AND instr(attributes, ?)",
            (player.league, to_json([player.subject_id])[1:-1]),
        ).fetchall()
        for row in rows:
            number, score = self._rows.score(row)
            remains = player.remains(Scored(score))
            assert isinstance(remains, Scored)
            if remains.score is not score:
                rewritten += 1
                connection.execute(
                    f"UPDATE {table} SET attributes = ? WHERE {key} = ?", (to_json(remains.score.attributes), number)
                )
                if table == "scores":
                    self._log(connection, "score", number)
        return rewritten

    def _rewrite_unscored(self, connection: sqlite3.Connection, player: ErasedPlayer, table: str) -> int:
        """Remove a player from plays that were not scored. Returns how many changed."""
        rewritten = 0
        key = "id" if table == "unscored" else "until"
        rows = connection.execute(
            f"SELECT {key}, {_UNSCORED} FROM {table} WHERE league = ? AND (instr(subjects, ?) OR instr(detail, ?))",
            (player.league, to_json([player.subject_id])[1:-1], player.subject_id),
        ).fetchall()
        for number, *row in rows:
            unscored = self._rows.unscored(row)
            remains = player.remains(unscored)
            if isinstance(remains, Unscored) and remains is not unscored:
                rewritten += 1
                connection.execute(
                    f"UPDATE {table} SET ({_UNSCORED}) = ({', '.join('?' * len(UNSCORED_COLUMNS))}) WHERE {key} = ?",
                    (*unscored_row(remains), number),
                )
                if table == "unscored":
                    self._log(connection, "unscored", number)
        return rewritten


@contextmanager
def _unkept(connection: sqlite3.Connection, *tables: str) -> Iterator[None]:
    """Deletes from tables without keeping the rows as superseded."""
    triggers = [f"superseded_{table}_deleted" for table in tables]
    kept = [
        connection.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (trigger,)).fetchone()[0]
        for trigger in triggers
    ]
    for trigger in triggers:
        connection.execute(f"DROP TRIGGER {trigger}")
    yield
    for trigger in kept:
        connection.execute(trigger)


def _forget_requests(connection: sqlite3.Connection, name: str) -> None:
    """Delete kept answers that name a player or a league anywhere."""
    connection.execute(
        "DELETE FROM requests WHERE rejected <> '[]' AND (instr(rejected, ?) OR instr(rejected, ?))",
        (name, to_json([name])[2:-2]),
    )


def _is_busy(error: PlayscoreError) -> bool:
    cause = error.__cause__
    return isinstance(cause, sqlite3.OperationalError) and cause.sqlite_errorcode == sqlite3.SQLITE_BUSY


def _clock_us() -> int:
    return time.time_ns() // 1000


def _erased_since(connection: sqlite3.Connection, at: Revision) -> bool:
    """Whether a player or a league was erased after a revision. Erasing deletes all pieces that are there."""
    (erased,) = connection.execute(
        "SELECT (SELECT count(*) FROM erased WHERE seq >= :end)"
        " + (SELECT count(*) FROM erased_leagues WHERE seq >= :end)",
        {"end": at.end},
    ).fetchone()
    return bool(erased)


def _forget_kept(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM kept_snapshot")
    connection.execute("DELETE FROM kept_pieces")
