"""Writes of the shared store, each in one transaction."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, TypeVar

import asyncpg

from aggregator.core.operations import Applied, Effect, EraseRequest, SwitchRequest
from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Existing, Settlement, Write, Written, check_repeated, repeated, settle
from aggregator.core.records import PlayKey, PlayRecord, RecordKey, Scored, Unscored
from aggregator.core.revision import MAX_MISSING, Revision
from aggregator.postgres.database import ERASE_SECONDS, Database, transaction
from aggregator.postgres.erasing import Eraser
from aggregator.postgres.keeping import forget
from aggregator.postgres.schema import ERASING, OPERATIONS_VERSION, Connection
from aggregator.postgres.threads import in_thread
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
    tombstone,
    unscored_row,
)
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion

ANSWERS_KEPT: Final = "7 days"
"""How long a repeated request gets its first answer. Later it is written again, which changes nothing."""
CHANGED: Final = "playscore_changed"
"""The channel that notifies of changes."""
_SWITCHING: Final = 0x73776974
"""The advisory lock held while a model is switched."""
_DISTRIBUTIONS_AT_ONCE: Final = 1_000
_FORGET_EVERY_SECONDS: Final = 60.0

Answer: TypeAlias = Written | PlayscoreError

_Result = TypeVar("_Result")

_TRANSIENT: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InterfaceError,
    asyncpg.TransactionRollbackError,
    asyncpg.UniqueViolationError,
    OSError,
)

_SCORE: Final = ", ".join(SCORE_COLUMNS)
_UNSCORED: Final = ", ".join(UNSCORED_COLUMNS)
_NUMBERS: Final = {"task", "role", "model_version", "revision", "outcome_revision", "reason"}


def _rows(name: str, columns: Sequence[str]) -> str:
    """Rows from a JSON text, the first parameter: the event loop spends little time on sending many values so."""
    typed = ", ".join(f"{column} {'bigint' if column in _NUMBERS else 'text'}" for column in columns)
    return f"json_to_recordset($1::json) AS {name} ({typed})"


def _put(table: str, columns: Sequence[str], key: Sequence[str]) -> str:
    """Inserts rows, or updates those with the same key. The second parameter is `since`."""
    content = ", ".join(f"{column} = excluded.{column}" for column in (*columns, "since") if column not in key)
    names = ", ".join(columns)
    return f"""
INSERT INTO {table} ({names}, since) SELECT {names}, $2::bigint FROM {_rows("put", columns)}
ON CONFLICT ({", ".join(key)}) DO UPDATE SET {content} RETURNING id, {", ".join(key)}
"""


_PLAYS: Final = _rows("target", PlayKey._fields)
# Existing rows are locked as well: the update matches them, and its condition changes none.
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
_PUT_SCORES: Final = _put(
    "scores", SCORE_COLUMNS, ("league", "game_id", "play_id", "role", "model", "model_version", "subject_id")
)
_PUT_UNSCORED: Final = _put("unscored", UNSCORED_COLUMNS, ("league", "game_id", "play_id", "task"))
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


# More than the memory it may have: the server writes it to the disk of the database. No transaction number is drawn,
# which would be one more state of the store.
_SPILL: Final = "SELECT count(*) FROM generate_series(1, 100000)"
_SPILL_MEMORY: Final = "SET LOCAL work_mem = '64kB'"


@dataclass(slots=True)
class _Plays:
    """Existing records of the plays of several writes, updated as each write is settled."""

    numbers: Mapping[RecordKey, int]
    """The store's numbers of scores that stood before the first write."""
    records: dict[PlayKey, dict[RecordKey, PlayRecord]]
    supports: dict[str, bytes]
    erased: Tombstones
    changed: dict[RecordKey, PlayRecord | None] = field(default_factory=dict)
    """None: it was withdrawn."""
    new_supports: dict[str, bytes] = field(default_factory=dict)

    def settle(self, write: Write, same_distribution: SameDistribution) -> Settlement:
        """The settlement of a write, after the writes before it."""
        plays = {record.play for record in write.records.values()}
        stands = [record for play in plays for record in self.records.get(play, {}).values()]
        settlement = settle(write, Existing(stands, self.supports, self.erased.named(write)), same_distribution)
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

    Args:
        database: an open one.
        rows: makes records from rows.
        same_distribution: whether two different contents mean the same distribution.
    """

    def __init__(
        self,
        database: Database,
        rows: RowReader,
        same_distribution: SameDistribution,
    ) -> None:
        self._database = database
        self._rows = rows
        self._same_distribution = same_distribution
        self._forget_at = 0.0

    async def record(self, writes: Sequence[Write]) -> list[Answer]:
        """Write in one transaction. If that fails, write each in its own, so that no write fails because of another.

        The requests must differ in their identifiers.
        """
        try:
            return await self._committed(lambda connection: self._record(connection, writes))
        except PlayscoreError as error:
            if len(writes) == 1 or _is_transient(error):
                return [error for _ in writes]
        except Exception as error:
            if len(writes) == 1:
                return [PlayscoreError(Reason.INTERNAL, f"the store failed: {error!r}")]
        return [answer for write in writes for answer in await self.record([write])]

    async def probe(self) -> None:
        """Fail where the server takes no writes, or its disk is full. Draws no transaction number."""
        async with self._database.shared() as connection, transaction(connection):
            if await connection.fetchval("SHOW transaction_read_only") == "on":
                raise self._database.unavailable("it takes no writes: default_transaction_read_only is on")
            await connection.execute(_SPILL_MEMORY)
            with contextlib.suppress(asyncpg.ConfigurationLimitExceededError):  # temp_file_limit says nothing of writes
                await connection.fetchval(_SPILL)

    async def switch(self, request: SwitchRequest) -> Applied:
        """Set the model that a league is rated by."""
        return await self._committed(lambda connection: self._switch(connection, request))

    async def erase(self, request: EraseRequest) -> Applied:
        """Erase a player or a league. Other writers wait for it."""
        return await self._committed(lambda connection: self._erase(connection, request))

    async def _committed(self, work: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        """The result of a transaction that changes something. It is tried twice if that may help."""
        try:
            return await self._attempt(work)
        except PlayscoreError as error:
            if not _is_transient(error):
                raise
        # If the first attempt was committed after all, its answer is found.
        return await self._attempt(work)

    async def _attempt(self, work: Callable[[Connection], Awaitable[_Result]]) -> _Result:
        async with self._database.shared() as connection, transaction(connection):
            return await work(connection)

    # --- Recording ---

    async def _record(self, connection: Connection, writes: Sequence[Write]) -> list[Answer]:
        count = sum(len(write.records) for write in writes)
        keys = dict.fromkeys(record.play for write in writes for record in write.records.values())
        plays = await in_thread(count, lambda: _as_json(PlayKey._fields, keys))
        await connection.execute(_LOCK_PLAYS, plays)
        known = {
            request_id: (digest, Revision(end, frozenset(missing)), answer)
            for request_id, digest, end, missing, *answer in await connection.fetch(
                _ANSWERS, [write.request_id for write in writes]
            )
        }
        new = [write for write in writes if write.request_id not in known]
        answers: dict[str, Written] = {}
        if new:
            number: int = await connection.fetchval(
                "SELECT transaction_number() FROM pg_advisory_xact_lock_shared($1)", ERASING
            )
            existing = await self._existing(connection, plays, new)
            settlements = await in_thread(
                count, lambda: [existing.settle(write, self._same_distribution) for write in new]
            )
            await self._change(connection, existing, number)
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

    async def _existing(self, connection: Connection, plays: str, writes: Sequence[Write]) -> _Plays:
        scores = await connection.fetch(_SCORES_OF_PLAYS, plays)
        unscored = await connection.fetch(_UNSCORED_OF_PLAYS, plays)
        needed = {support_id for write in writes for support_id in write.supports_needed}
        supports = await read_supports(connection, needed)
        tombstones = await self._tombstones(connection)

        def made() -> _Plays:
            numbers: dict[RecordKey, int] = {}
            records: dict[PlayKey, dict[RecordKey, PlayRecord]] = {}
            for row in scores:
                number, stands = self._rows.scored(row)
                numbers[stands.key] = number
                records.setdefault(stands.play, {})[stands.key] = stands
            for row in unscored:
                ended = self._rows.unscored(row)
                records.setdefault(ended.play, {})[ended.key] = ended
            return _Plays(numbers, records, supports, tombstones)

        return await in_thread(len(scores) + len(unscored), made)

    async def _change(self, connection: Connection, plays: _Plays, number: int) -> None:
        """Make the changes that the writes settled on."""
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
            rows = await in_thread(len(unscored), lambda: _as_json(UNSCORED_COLUMNS, map(_unscored_row, unscored)))
            await connection.execute(_PUT_UNSCORED, rows, number)

    async def _put_scores(
        self, connection: Connection, scored: Mapping[RecordKey, Scored], stood: Collection[RecordKey], number: int
    ) -> None:
        rows = await in_thread(
            len(scored), lambda: _as_json(SCORE_COLUMNS, (score_row(each.score) for each in scored.values()))
        )
        numbers = {tuple(key): item for item, *key in await connection.fetch(_PUT_SCORES, rows, number)}
        expected, bare = [], []
        for key, record in scored.items():
            play, role, model, subject_id = key  # type: ignore[misc]
            item = numbers[*play, role, model.name, model.version, subject_id]
            if record.distribution is not None:
                expected.append((item, record.distribution.content, record.distribution.support_id))
            elif key in stood:
                bare.append(item)
        for start in range(0, len(expected), _DISTRIBUTIONS_AT_ONCE):
            some = expected[start : start + _DISTRIBUTIONS_AT_ONCE]
            await connection.execute(_PUT_DISTRIBUTIONS, *_transposed(some, 3))
        if bare:
            await connection.execute("DELETE FROM distributions WHERE score = ANY ($1::bigint[])", bare)

    async def _revision(self, connection: Connection, number: int) -> Revision:
        """The state with a transaction's changes and all that it has seen, without transactions still running.

        Followers are notified of it when the transaction commits.
        """
        snapshot, _ = await connection.fetchrow("SELECT pg_current_snapshot(), pg_notify($1, '')", CHANGED)
        seen = self._database.revision(snapshot)
        # Transactions that began before this one and may still run.
        running = range(max(seen.end, number - MAX_MISSING), number)
        missing = sorted(seen.missing.union(running) - {number})
        return Revision(max(seen.end, number + 1), frozenset(missing[-MAX_MISSING:]))

    async def _forget_answers(self, connection: Connection) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY_SECONDS
            await connection.execute(f"DELETE FROM requests WHERE recorded < now() - interval '{ANSWERS_KEPT}'")

    # --- Operations ---

    async def _tombstones(self, connection: Connection) -> Tombstones:
        known = await connection.fetch("SELECT digest, mentions FROM erased")
        return Tombstones(await connection.fetchval("SELECT erased FROM keys") if known else b"", dict(known))

    async def _done(self, connection: Connection, asked: SwitchRequest | EraseRequest, key: bytes) -> Applied | None:
        """The answer to a request that was applied before."""
        row = await connection.fetchrow("SELECT * FROM operations WHERE request_id = $1", asked.request_id)
        if row is None:
            return None
        check_repeated(asked.request_id, keyed(key, asked.digest), row["digest"])
        revision = Revision(row["revision_end"], frozenset(row["revision_missing"]))
        return Applied(effect_from_json(row["deed"]), revision)

    async def _did(
        self, connection: Connection, asked: SwitchRequest | EraseRequest, effect: Effect, number: int, key: bytes
    ) -> Applied:
        """Keep an operation."""
        revision = await self._revision(connection, number)
        await connection.execute(
            "INSERT INTO operations"
            " (number, request_id, digest, caller, league, deed, revision_end, revision_missing)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            *(number, asked.request_id, keyed(key, asked.digest), asked.caller, asked.league, effect_json(effect)),
            *(revision.end, sorted(revision.missing)),
        )
        return Applied(effect, revision)

    async def _switch(self, connection: Connection, request: SwitchRequest) -> Applied:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _SWITCHING)
        key = await connection.fetchval("SELECT erased FROM keys")
        if known := await self._done(connection, request, key):
            return known
        row = await connection.fetchrow(
            "SELECT model, model_version FROM switches WHERE league = $1 AND task = $2 ORDER BY number DESC LIMIT 1",
            *(request.league, request.task),
        )
        effect = request.settle(ModelVersion(*row) if row else None)
        number: int = await connection.fetchval("SELECT transaction_number()")
        await connection.execute(
            "INSERT INTO switches (number, league, task, model, model_version) VALUES ($1, $2, $3, $4, $5)",
            *(number, request.league, request.task, request.model.name, request.model.version),
        )
        return await self._did(connection, request, effect, number, key)

    async def _erase(self, connection: Connection, request: EraseRequest) -> Applied:
        await connection.execute("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0")
        await connection.execute("SELECT pg_advisory_xact_lock($1)", ERASING, timeout=ERASE_SECONDS)
        key = await connection.fetchval("SELECT erased FROM keys")
        if known := await self._done(connection, request, key):
            return known
        await forget(connection)
        number: int = await connection.fetchval("SELECT transaction_number()")
        eraser = Eraser(connection, self._rows, number)
        if request.player is None:
            effect = await eraser.league(request)
        else:
            digest = tombstone(key, request.league, request.player.subject_id)
            effect = await eraser.player(request.player, digest, request.justification)
        await connection.execute("UPDATE migrations SET serves_from = version WHERE version = $1", OPERATIONS_VERSION)
        return await self._did(connection, request, effect, number, key)


async def read_supports(connection: Connection, support_ids: Collection[str]) -> dict[str, bytes]:
    """The supports that the store has, of those named."""
    if not support_ids:
        return {}
    return dict(
        await connection.fetch(
            "SELECT support_id, content FROM supports WHERE support_id = ANY ($1::text[])", list(support_ids)
        )
    )


def _is_transient(error: PlayscoreError) -> bool:
    """Whether an immediate retry may succeed: a connection was lost, or another writer was first."""
    return isinstance(error.__cause__, _TRANSIENT) and not isinstance(error.__cause__, asyncpg.DataError)


def _transposed(rows: Iterable[Sequence[Any]], width: int) -> list[Sequence[Any]]:
    """Rows of `width` values, column by column."""
    return list(zip(*rows, strict=True)) or [()] * width


def _as_json(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as the JSON text that `_rows` reads."""
    return json.dumps([dict(zip(columns, row, strict=True)) for row in rows], ensure_ascii=False)


def _unscored_row(unscored: Unscored) -> Sequence[Any]:
    """A row for the table. NUL characters are replaced: PostgreSQL's text cannot hold them."""
    return [
        value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
        for value in unscored_row(unscored)
    ]
