"""Reads of the embedded store, each in a short transaction, so that slow readers do not make its log grow."""

from __future__ import annotations

import bisect
import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from aggregator.core.keeping import parts_of, worth_reading
from aggregator.core.operations import Applied, Operation
from aggregator.core.revision import Revision
from aggregator.core.store import Changes, KeptSnapshot, Reading, StatePiece
from aggregator.rows import (
    JSON_COLUMNS,
    SCORE_COLUMNS,
    STATE_COLUMNS,
    UNSCORED_COLUMNS,
    Row,
    RowReader,
    effect_from_json,
    league_model,
    score_columns,
)
from aggregator.sqlite.file import StoreFile, transaction
from aggregator.sqlite.schema import HISTORY_VERSION
from playscore.errors import PlayscoreError, Reason

PIECE_ROWS: Final = 4_000
"""Rows of a piece of a state. A piece takes about 10 ms; larger pieces take longer per row."""
_PIECE_CHANGES: Final = 1_000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SCORE = ", ".join(SCORE_COLUMNS)
_STATE = ", ".join(
    f"CAST({column} AS BLOB) AS {column}" if column in JSON_COLUMNS else column for column in STATE_COLUMNS
)
_UNSCORED = ", ".join(UNSCORED_COLUMNS)

_LAST_SEQ = "SELECT coalesce(max(seq), 0) FROM changes"
_UNCHANGED_SINCE = "NOT EXISTS (SELECT 1 FROM changes WHERE item = id AND kind = '{kind}' AND seq >= :end)"
_STOOD = "until >= :end AND since < :end"
_NUMBERED = "id IN (SELECT value FROM json_each(:items))"
_SCORES_THEN = (
    f"SELECT id, {_SCORE}, content, support_id FROM scores LEFT JOIN distributions ON score = id"
    f" WHERE {_NUMBERED} AND {_UNCHANGED_SINCE.format(kind='score')}"
    f" UNION ALL SELECT id, {_SCORE}, content, support_id FROM superseded_scores WHERE {_NUMBERED} AND {_STOOD}"
)


class Reader:
    """Reads through a connection of its own. See `aggregator.core.store.Store` for what.

    Args:
        file: an open store.
        rows: makes records from rows.
    """

    def __init__(self, file: StoreFile, rows: RowReader) -> None:
        self._file = file
        self._rows = rows
        self._connection = file.reading()
        with self._transaction() as reading:
            (self.store_id,) = reading.execute("SELECT id FROM store").fetchone()
            (self.secret,) = reading.execute("SELECT erased FROM keys").fetchone()
            (self._began,) = reading.execute(
                "SELECT seq FROM migrations WHERE version = ?", (HISTORY_VERSION,)
            ).fetchone()

    def changes(self, after: Revision) -> Changes:
        """The next changes."""
        with self._transaction() as reading:
            last = self._last(reading, after)
            first = after.end
            (seq,) = reading.execute(
                "SELECT coalesce(max(seq), ?) FROM (SELECT seq FROM changes WHERE seq >= ? ORDER BY seq LIMIT ?)",
                (first - 1, first, _PIECE_CHANGES),
            ).fetchone()
            items = "SELECT item FROM changes WHERE kind = ? AND seq BETWEEN ? AND ?"
            scores = reading.execute(f"SELECT id, {_SCORE} FROM scores WHERE id IN ({items})", ("score", first, seq))
            unscored = reading.execute(
                f"SELECT {_UNSCORED} FROM unscored WHERE id IN ({items})", ("unscored", first, seq)
            )
            withdrawn = reading.execute(f"{items} AND item > 0", ("withdrawn", first, seq))
            switched = reading.execute(
                "SELECT league, task, model, model_version FROM switches WHERE seq BETWEEN ? AND ? ORDER BY seq",
                (first, seq),
            )
            leagues = reading.execute("SELECT league FROM erased_leagues WHERE seq BETWEEN ? AND ?", (first, seq))
            (players,) = reading.execute(
                "SELECT count(*) FROM erased WHERE seq BETWEEN ? AND ?", (first, seq)
            ).fetchone()
            return Changes(
                revision=Revision(seq + 1),
                last=last <= seq,
                scores=[self._rows.score(row) for row in scores],
                withdrawn=[item for (item,) in withdrawn],
                unscored=[self._rows.unscored(row) for row in unscored],
                switched=[league_model(row) for row in switched],
                erased_leagues=[league for (league,) in leagues],
                erased_players=players,
            )

    def state(self, at: Revision | None, league: str | None) -> Iterator[StatePiece]:
        """All records that stood at a revision. Each piece is read on demand, in a transaction of its own."""
        of_league = "" if league is None else " AND league = :league"
        with self._transaction() as reading:
            last = self._last(reading, at)
            at = at or Revision(last + 1)
            self._check_kept(at)
            switched = reading.execute(
                "SELECT league, task, model, model_version, max(seq) FROM switches"
                f" WHERE seq < :end{of_league} GROUP BY league, task",
                {"end": at.end, "league": league},
            ).fetchall()
        yield StatePiece(at, switched=[league_model(row[:4]) for row in switched])
        for rows in self._stood("scores", "score", _STATE, at, league):
            yield StatePiece(at, score_columns(rows))
        for rows in self._stood("unscored", "unscored", f"id, {_UNSCORED}", at, league):
            yield StatePiece(at, unscored=[self._rows.unscored(row[1:]) for row in rows])

    def kept(self, fingerprint: bytes) -> KeptSnapshot | None:
        """The kept snapshot, if it has that fingerprint and is quicker than reading everything."""
        with self._transaction() as reading:
            found = reading.execute(
                "SELECT seq, sizes FROM kept_snapshot WHERE fingerprint = ?", (fingerprint,)
            ).fetchone()
            if found is None:
                return None
            seq, sizes = found
            (scores,) = reading.execute("SELECT count(*) FROM scores").fetchone()
            if not worth_reading(self._last(reading, None) - seq, scores):
                return None
            pieces = reading.execute("SELECT content FROM kept_pieces ORDER BY number").fetchall()
        return KeptSnapshot(fingerprint, Revision(seq + 1), parts_of((piece for (piece,) in pieces), json.loads(sizes)))

    def read(self, scores: Collection[int], at: Revision) -> Reading:
        """Scores with their distributions."""
        with self._transaction() as reading:
            self._last(reading, at)
            self._check_kept(at)
            rows = reading.execute(_SCORES_THEN, {"items": json.dumps(list(scores)), "end": at.end})
            found = dict(map(self._rows.scored, rows))
            needed = {each.distribution.support_id for each in found.values() if each.distribution is not None}
            return Reading(found, supports(reading, needed))

    def present(self) -> Revision:
        """The present state."""
        with self._transaction() as reading:
            return Revision(self._last(reading, None) + 1)

    def revision_at(self, moment: datetime) -> Revision:
        """The state that stood at a time."""
        with self._transaction() as reading:
            return revision_at(reading, moment)

    def operations(self) -> list[Operation]:
        """Every switch and erasure, the latest first."""
        with self._transaction() as reading:
            return [
                Operation(
                    _from_us(us), caller, request_id, league, Applied(effect_from_json(effect), Revision(seq + 1))
                )
                for us, caller, request_id, league, effect, seq in reading.execute(
                    "SELECT time_us, caller, request_id, league, deed, seq FROM operations ORDER BY seq DESC"
                )
            ]

    def _stood(self, table: str, kind: str, columns: str, at: Revision, league: str | None) -> Iterator[Sequence[Row]]:
        """A table's rows as they stood at a revision, the columns `id` first.

        Rows that still stand come first, then those superseded since. A row that is superseded after it came is found
        among the latter again, and left out there.
        """
        of_league = "" if league is None else " AND league = :league"
        came: list[tuple[int, int]] = []
        after = 0
        while True:
            with self._transaction() as reading:
                last = self._last(reading, at)
                unchanged = f" AND {_UNCHANGED_SINCE.format(kind=kind)}" if last >= at.end else ""
                rows = reading.execute(
                    f"SELECT {columns} FROM {table} WHERE id > :after{of_league}{unchanged} ORDER BY id LIMIT :limit",
                    {"after": after, "league": league, "end": at.end, "limit": PIECE_ROWS},
                ).fetchall()
            if not rows:
                break
            after = rows[-1][0]
            came.append((after, last))
            yield rows
        after = at.end - 1
        while True:
            with self._transaction() as reading:
                earlier = reading.execute(
                    f"SELECT {columns}, until FROM superseded_{table}"
                    f" WHERE until > :after AND since < :end{of_league} ORDER BY until LIMIT :limit",
                    {"after": after, "league": league, "end": at.end, "limit": PIECE_ROWS},
                ).fetchall()
            if not earlier:
                return
            after = earlier[-1][-1]
            if rows := [row[:-1] for row in earlier if not _has_come(came, row[0], row[-1])]:
                yield rows

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._file.errors(), transaction(self._connection, "DEFERRED"):
            self._file.check()
            yield self._connection

    def _last(self, reading: sqlite3.Connection, reached: Revision | None) -> int:
        """The last change. Raises NOT_FRESH_ENOUGH if the store has not reached a revision."""
        (last,) = reading.execute(_LAST_SEQ).fetchone()
        if reached is not None and reached.end > last + 1:
            raise PlayscoreError(
                Reason.NOT_FRESH_ENOUGH,
                f"the store is at change {last + 1}, which is before {reached.end}; ask again, or for the fastest",
                retry_after_seconds=0.05,
            )
        return int(last)

    def _check_kept(self, at: Revision) -> None:
        if at.missing or at.end <= self._began:
            raise PlayscoreError(
                Reason.REVISION_NOT_KEPT,
                f"the store keeps its states from {self._began + 1} on, and not {at.end}; ask for a later one",
            )


def supports(connection: sqlite3.Connection, support_ids: Collection[str]) -> dict[str, bytes]:
    """The supports that the store has, of those named."""
    if not support_ids:
        return {}
    return dict(
        connection.execute(
            "SELECT support_id, content FROM supports WHERE support_id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(support_ids)),),
        )
    )


def revision_at(connection: sqlite3.Connection, moment: datetime) -> Revision:
    """The state that stood at a time, according to what has been committed."""
    row = connection.execute(
        "SELECT seq FROM commits WHERE time_us <= ? ORDER BY seq DESC LIMIT 1", (to_us(moment),)
    ).fetchone()
    if row is None:
        raise PlayscoreError(
            Reason.REVISION_NOT_KEPT, f"the store keeps no state of {moment.isoformat()}; ask for a later one"
        )
    return Revision(row[0] + 1)


def to_us(moment: datetime) -> int:
    """Microseconds of Unix time."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _from_us(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _has_come(came: Sequence[tuple[int, int]], item: int, until: int) -> bool:
    """Whether a row stood when its piece was read. `came` holds the last row and the last change of each piece."""
    piece = bisect.bisect_left(came, (item,))
    return piece < len(came) and until > came[piece][1]
