"""What the shared store writes, each time in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg

from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Existing, Settlement, Write, Written, repeated, settle
from aggregator.core.records import Distribution, PlayKey, PlayRecord, RecordKey, Scored, Unscored
from aggregator.core.revision import Revision
from aggregator.rows import (
    ANSWER_COLUMNS,
    SCORE_COLUMNS,
    UNSCORED_COLUMNS,
    RowReader,
    answer_row,
    score_row,
    unscored_row,
)
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.previous.postgres_1.database import Database
from tests.unit.aggregator.previous.postgres_1.schema import Connection

ANSWERS_KEPT: Final = "7 days"
"""How long a request that comes again has the answer it had. Later it is written again, which changes nothing."""
CHANGED: Final = "playscore_changed"
"""Where it is notified that there is something new."""
MAX_RECORDS_AT_ONCE: Final = 200
"""Records settled in the event loop; a thread settles more."""
_MAX_RUNNING: Final = 1_000
"""Transactions of other writers that a revision names at most."""
_FORGET_EVERY_SECONDS: Final = 60.0

Answer: TypeAlias = Written | PlayscoreError

_Result = TypeVar("_Result")

_PASSING: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.TransactionRollbackError,
    asyncpg.UniqueViolationError,
    OSError,
)

_SCORE_TYPES: Final = (
    *("text", "text", "text", "integer", "integer", "text", "bigint", "text"),
    *("bigint", "bigint", "text", "text", "text", "text", "text"),
)
_UNSCORED_TYPES: Final = ("text", "text", "text", "integer", "bigint", "bigint", "integer", "text", "text")
_SCORE_KEY: Final = ("league", "game_id", "play_id", "role", "model", "model_version", "subject_id")
_UNSCORED_KEY: Final = ("league", "game_id", "play_id", "task")
_PLAYS: Final = "unnest($1::text[], $2::text[], $3::text[]) AS wanted (league, game_id, play_id)"
_SCORE: Final = ", ".join(SCORE_COLUMNS)
_UNSCORED: Final = ", ".join(UNSCORED_COLUMNS)

# Locks the rows that are there, too: of those, none meets the condition to be changed.
_LOCK_PLAYS: Final = f"""
INSERT INTO play_locks (play)
SELECT DISTINCT hashtextextended(json_build_array(league, game_id, play_id)::text, 0) AS play FROM {_PLAYS}
ORDER BY play
ON CONFLICT (play) DO UPDATE SET play = excluded.play WHERE false
"""
_SCORES_OF_PLAYS: Final = f"""
SELECT id, {_SCORE}, content, support_id FROM {_PLAYS} JOIN scores USING (league, game_id, play_id)
LEFT JOIN distributions ON score = id
"""
_UNSCORED_OF_PLAYS: Final = f"SELECT {_UNSCORED} FROM {_PLAYS} JOIN unscored USING (league, game_id, play_id)"


def _put(table: str, columns: Sequence[str], types: Sequence[str], key: Sequence[str]) -> str:
    """Inserts rows that come column by column, or changes those that have their key. The last parameter is `since`."""
    arrays = ", ".join(f"${number}::{type_}[]" for number, type_ in enumerate(types, start=1))
    content = ", ".join(f"{column} = excluded.{column}" for column in (*columns, "since") if column not in key)
    names = ", ".join(columns)
    return f"""
INSERT INTO {table} ({names}, since) SELECT {names}, ${len(types) + 1}::bigint FROM unnest({arrays}) AS put ({names})
ON CONFLICT ({", ".join(key)}) DO UPDATE SET {content} RETURNING id, {", ".join(key)}
"""


_PUT_SCORES: Final = _put("scores", SCORE_COLUMNS, _SCORE_TYPES, _SCORE_KEY)
_PUT_UNSCORED: Final = _put("unscored", UNSCORED_COLUMNS, _UNSCORED_TYPES, _UNSCORED_KEY)
_PUT_DISTRIBUTIONS: Final = """
INSERT INTO distributions (score, content, support_id) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[])
ON CONFLICT (score) DO UPDATE SET content = excluded.content, support_id = excluded.support_id
"""
_PUT_ANSWERS: Final = f"""
INSERT INTO requests (request_id, digest, {", ".join(ANSWER_COLUMNS)}, revision_end, revision_missing)
SELECT *, $9::bigint, $10::bigint[] FROM unnest($1::text[], $2::bytea[], $3::integer[], $4::integer[], $5::integer[],
    $6::integer[], $7::text[], $8::text[])
"""
_ANSWERS: Final = f"""
SELECT request_id, digest, revision_end, revision_missing, {", ".join(ANSWER_COLUMNS)} FROM requests
WHERE request_id = ANY ($1::text[])
"""


@dataclass(slots=True)
class _Plays:
    """What stands of the plays of several writes, as one is settled after the other."""

    numbers: Mapping[RecordKey, int]
    """The store's, of scores that stood before the first."""
    records: dict[PlayKey, dict[RecordKey, PlayRecord]]
    supports: dict[str, bytes]
    changed: dict[RecordKey, PlayRecord | None] = field(default_factory=dict)
    """None: it does not stand any more."""
    new_supports: dict[str, bytes] = field(default_factory=dict)

    def settle(self, write: Write, same_distribution: SameDistribution) -> Settlement:
        """What a write comes to, after those before."""
        plays = {record.play for record in write.records.values()}
        stands = [record for play in plays for record in self.records.get(play, {}).values()]
        settlement = settle(write, Existing(stands, self.supports), same_distribution)
        for gone in settlement.withdrawn:
            del self.records[gone.play][gone.key]
            self.changed[gone.key] = None
        for key, record in settlement.put.items():
            self.records.setdefault(record.play, {})[key] = record
            self.changed[key] = record
        self.supports.update(settlement.supports)
        self.new_supports.update(settlement.supports)
        return settlement


class Writer:
    """Writes through the shared connections. See `aggregator.core.store.Store` for what.

    Writers of one play take turns, here and in other processes. Others commit in any order.
    """

    def __init__(self, database: Database, rows: RowReader, same_distribution: SameDistribution) -> None:
        self._database = database
        self._rows = rows
        self._same_distribution = same_distribution
        self._forget_at = 0.0

    async def record(self, writes: Sequence[Write]) -> list[Answer]:
        """Write in one transaction; where that fails, each in its own, so that none fails for another's sake.

        The identifiers of the requests are different.
        """
        try:
            try:
                return await self._attempt(writes)
            except PlayscoreError as error:
                if not _passes(error):
                    raise
                # If it was committed after all, its answers are found.
                return await self._attempt(writes)
        except PlayscoreError as error:
            if len(writes) == 1 or _passes(error):
                return [error for _ in writes]
        except Exception as error:
            if len(writes) == 1:
                return [PlayscoreError(Reason.INTERNAL, f"the store failed: {error!r}")]
        return [answer for write in writes for answer in await self.record([write])]

    async def _attempt(self, writes: Sequence[Write]) -> list[Answer]:
        async with self._database.shared() as connection, connection.transaction():
            return await self._record(connection, writes)

    async def _record(self, connection: Connection, writes: Sequence[Write]) -> list[Answer]:
        plays = _transposed(dict.fromkeys(record.play for write in writes for record in write.records.values()), 3)
        await connection.execute(_LOCK_PLAYS, *plays)
        known = {
            request_id: (digest, Revision(end, frozenset(missing)), answer)
            for request_id, digest, end, missing, *answer in await connection.fetch(
                _ANSWERS, [write.request_id for write in writes]
            )
        }
        new = [write for write in writes if write.request_id not in known]
        answers: dict[str, Written] = {}
        if new:
            number: int = await connection.fetchval("SELECT transaction_number()")
            standing = await self._standing(connection, plays, new)
            settlements = await in_thread(
                sum(len(write.records) for write in new),
                lambda: [standing.settle(write, self._same_distribution) for write in new],
            )
            await self._change(connection, standing, number)
            revision = await self._revision(connection, number)
            for write, settlement in zip(new, settlements, strict=True):
                answers[write.request_id] = settlement.written(revision)
            rows = [(write.request_id, write.digest, *answer_row(answers[write.request_id])) for write in new]
            await connection.execute(_PUT_ANSWERS, *_transposed(rows, 8), revision.end, sorted(revision.missing))
            await self._forget_answers(connection)
        return [
            answers[write.request_id]
            if write.request_id in answers
            else self._repeated(write, *known[write.request_id])
            for write in writes
        ]

    def _repeated(self, write: Write, digest: bytes, revision: Revision, answer: Sequence[Any]) -> Answer:
        try:
            return repeated(write, digest, self._rows.written(answer, revision))
        except PlayscoreError as reused:
            return reused

    async def _standing(
        self, connection: Connection, plays: Sequence[Sequence[str]], writes: Sequence[Write]
    ) -> _Plays:
        scores = await connection.fetch(_SCORES_OF_PLAYS, *plays)
        unscored = await connection.fetch(_UNSCORED_OF_PLAYS, *plays)
        needed = {support_id for write in writes for support_id in write.supports_needed}
        supports = await read_supports(connection, needed)

        def made() -> _Plays:
            numbers: dict[RecordKey, int] = {}
            records: dict[PlayKey, dict[RecordKey, PlayRecord]] = {}
            for row in scores:
                number, stands = self._scored(row)
                numbers[stands.key] = number
                records.setdefault(stands.play, {})[stands.key] = stands
            for row in unscored:
                ended = self._rows.unscored(row)
                records.setdefault(ended.play, {})[ended.key] = ended
            return _Plays(numbers, records, supports)

        return await in_thread(len(scores) + len(unscored), made)

    def _scored(self, row: Sequence[Any]) -> tuple[int, Scored]:
        *row, content, support_id = row
        number, score = self._rows.score(row)
        return number, Scored(score, None if content is None else Distribution(content, support_id))

    async def _change(self, connection: Connection, plays: _Plays, number: int) -> None:
        """Make the changes that writes came to."""
        scored = {key: record for key, record in plays.changed.items() if isinstance(record, Scored)}
        unscored = [record for record in plays.changed.values() if isinstance(record, Unscored)]
        gone = [plays.numbers[key] for key, record in plays.changed.items() if record is None and key in plays.numbers]
        if plays.new_supports:
            await connection.execute(
                "INSERT INTO supports (support_id, content) SELECT * FROM unnest($1::text[], $2::bytea[])",
                *_transposed(sorted(plays.new_supports.items()), 2),
            )
        if gone:
            await connection.execute("DELETE FROM scores WHERE id = ANY ($1::bigint[])", gone)
            await connection.execute("DELETE FROM distributions WHERE score = ANY ($1::bigint[])", gone)
            await connection.execute(
                "INSERT INTO withdrawn (since, score) SELECT $1::bigint, * FROM unnest($2::bigint[])", number, gone
            )
        if scored:
            await self._put_scores(connection, scored, plays.numbers, number)
        if unscored:
            rows = await in_thread(
                len(unscored), lambda: _transposed(map(_unscored_row, unscored), len(_UNSCORED_TYPES))
            )
            await connection.execute(_PUT_UNSCORED, *rows, number)

    async def _put_scores(
        self, connection: Connection, scored: Mapping[RecordKey, Scored], stood: Collection[RecordKey], number: int
    ) -> None:
        rows = await in_thread(
            len(scored), lambda: _transposed((score_row(each.score) for each in scored.values()), len(_SCORE_TYPES))
        )
        numbers = {tuple(key): item for item, *key in await connection.fetch(_PUT_SCORES, *rows, number)}
        expected, bare = [], []
        for key, record in scored.items():
            play, role, model, subject_id = key  # type: ignore[misc]
            item = numbers[*play, role, model.name, model.version, subject_id]
            if record.distribution is not None:
                expected.append((item, record.distribution.content, record.distribution.support_id))
            elif key in stood:
                bare.append(item)
        if expected:
            await connection.execute(_PUT_DISTRIBUTIONS, *_transposed(expected, 3))
        if bare:
            await connection.execute("DELETE FROM distributions WHERE score = ANY ($1::bigint[])", bare)

    async def _revision(self, connection: Connection, number: int) -> Revision:
        """The state with a transaction's changes, with all that it has seen, and without what others are writing.

        Followers are notified of it when it is committed.
        """
        snapshot, _ = await connection.fetchrow("SELECT pg_current_snapshot(), pg_notify($1, '')", CHANGED)
        seen = self._database.revision(snapshot)
        # Transactions that began before this one and have not ended; a reader waits for those that are not named.
        running = range(max(seen.end, number - _MAX_RUNNING), number)
        return Revision(max(seen.end, number + 1), seen.missing.union(running) - {number})

    async def _forget_answers(self, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY_SECONDS
            await connection.execute(f"DELETE FROM requests WHERE recorded < now() - interval '{ANSWERS_KEPT}'")


async def read_supports(connection: Connection, support_ids: Collection[str]) -> dict[str, bytes]:
    """Those of the supports that are there."""
    if not support_ids:
        return {}
    return dict(
        await connection.fetch(
            "SELECT support_id, content FROM supports WHERE support_id = ANY ($1::text[])", list(support_ids)
        )
    )


def _passes(error: PlayscoreError) -> bool:
    """Whether the same may go well at once: a connection was lost, or another writer was first."""
    return isinstance(error.__cause__, _PASSING) and not isinstance(error.__cause__, asyncpg.DataError)


def _transposed(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Rows of so many values, column by column."""
    return list(zip(*rows, strict=True)) or [()] * width


def _unscored_row(unscored: Unscored) -> Sequence[Any]:
    """As the table takes it: a text of PostgreSQL has no NUL, which words may have."""
    return [
        value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for value in unscored_row(unscored)
    ]


async def in_thread(records: int, work: Callable[[], _Result]) -> _Result:
    """Do what takes a while for many records without keeping the event loop from others."""
    return work() if records <= MAX_RECORDS_AT_ONCE else await asyncio.to_thread(work)
