"""Reads of the shared store, each of one state."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from aggregator.core.operations import Applied, Operation
from aggregator.core.revision import Revision
from aggregator.core.store import Changes, LeagueModel, Reading, StatePiece
from aggregator.postgres.database import Database, transaction
from aggregator.postgres.schema import Connection
from aggregator.postgres.threads import in_thread
from aggregator.postgres.writing import CHANGED, read_supports
from aggregator.rows import (
    JSON_COLUMNS,
    SCORE_COLUMNS,
    STATE_COLUMNS,
    UNSCORED_COLUMNS,
    RowReader,
    effect_from_json,
    league_model,
    score_columns,
)
from playscore.errors import PlayscoreError, Reason

PIECE_ROWS: Final = 5_000
PIECE_CHANGES: Final = 1_000

_SCORE: Final = ", ".join(SCORE_COLUMNS)
_UNSCORED: Final = ", ".join(UNSCORED_COLUMNS)
_STATE: Final = ", ".join(
    f"convert_to({column}, 'UTF8') AS {column}" if column in JSON_COLUMNS else column for column in STATE_COLUMNS
)
# Parameters of all that follow: `end` and `missing` of a revision.
_CHANGED_SINCE: Final = "({number} >= $1 OR {number} = ANY ($2::bigint[]))"
_CHANGED: Final = _CHANGED_SINCE.format(number="since")
_DONE_SINCE: Final = _CHANGED_SINCE.format(number="number")
_STOOD: Final = f"NOT {_CHANGED}"
_STOOD_UNTIL: Final = f"NOT {_CHANGED} AND {_CHANGED_SINCE.format(number='until')}"
_SCORES_THEN: Final = f"""
SELECT id, {_SCORE}, content, support_id FROM scores LEFT JOIN distributions ON score = id
WHERE id = ANY ($3::bigint[]) AND {_STOOD}
UNION ALL
SELECT id, {_SCORE}, content, support_id FROM superseded_scores WHERE id = ANY ($3::bigint[]) AND {_STOOD_UNTIL}
"""
_SWITCHED_THEN: Final = f"""
SELECT DISTINCT ON (league, task) league, task, model, model_version FROM switches
WHERE NOT {_DONE_SINCE} AND ($3::text IS NULL OR league = $3) ORDER BY league, task, number DESC
"""
# Of two transactions, the later one may have the lower number only while both run, and so many run at once at most.
_LAST_BY: Final = """
SELECT * FROM (
    SELECT number, oldest FROM transactions WHERE time <= $1 ORDER BY time DESC
    LIMIT current_setting('max_connections')::integer + current_setting('max_prepared_transactions')::integer
) AS latest ORDER BY number DESC LIMIT 1
"""


class Reader:
    """Reads through connections that it is given. See `aggregator.core.store.Store`.

    Args:
        database: an open one.
        rows: makes records from rows.
    """

    def __init__(self, database: Database, rows: RowReader) -> None:
        self._database = database
        self._rows = rows

    async def follow(self, connection: Connection, after: Revision, poll_seconds: float) -> AsyncGenerator[Changes]:
        """Changes as they are notified; if a notification is lost, at most `poll_seconds` later."""
        news = asyncio.Event()
        await connection.add_listener(CHANGED, lambda *_: news.set())
        connection.add_termination_listener(lambda *_: news.set())
        first = True
        while True:
            news.clear()
            async with contextlib.aclosing(self._changes(connection, after)) as pieces:
                async for changes in pieces:
                    if first or changes.revision != after or not changes.last:
                        yield changes
                    first, after = False, changes.revision
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(poll_seconds):
                    await news.wait()

    async def _changes(self, connection: Connection, after: Revision) -> AsyncGenerator[Changes]:
        """Changes since a revision, up to the present one."""
        async with transaction(connection, of_one_state=True):
            present = await self._reached(connection, after)
            changed = after.end, sorted(after.missing)
            withdrawn = await connection.fetch(f"SELECT score FROM withdrawn WHERE {_CHANGED}", *changed)
            unscored = await connection.fetch(f"SELECT {_UNSCORED} FROM unscored WHERE {_CHANGED}", *changed)
            more: dict[str, Any] = {
                "withdrawn": [item for (item,) in withdrawn],
                "unscored": await in_thread(len(unscored), lambda: list(map(self._rows.unscored, unscored))),
                "switched": await self._switched(connection, changed),
                "erased_leagues": await self._erased_leagues(connection, changed),
                "erased_players": await connection.fetchval(
                    f"SELECT count(*) FROM erased WHERE {_DONE_SINCE}", *changed
                ),
            }
            query = f"SELECT id, {_SCORE} FROM scores WHERE {_CHANGED}"
            async for rows, last in _pieces(connection, PIECE_CHANGES, query, *changed):
                scores = await in_thread(len(rows), lambda: list(map(self._rows.score, rows)))  # noqa: B023
                yield Changes(present if last else after, last, scores, **more)
                more = {}

    async def _switched(self, connection: Connection, changed: tuple[int, Sequence[int]]) -> list[LeagueModel]:
        query = f"SELECT league, task, model, model_version FROM switches WHERE {_DONE_SINCE} ORDER BY number"
        return list(map(league_model, await connection.fetch(query, *changed)))

    async def _erased_leagues(self, connection: Connection, changed: tuple[int, Sequence[int]]) -> list[str]:
        leagues = await connection.fetch(f"SELECT league FROM erased_leagues WHERE {_DONE_SINCE}", *changed)
        return [league for (league,) in leagues]

    async def state(
        self, connection: Connection, at: Revision | None, league: str | None
    ) -> AsyncGenerator[StatePiece]:
        """All records that stood at a revision."""
        async with transaction(connection, of_one_state=True):
            present = await self._kept(connection, at)
            at = at or present
            then = at.end, sorted(at.missing), league
            switched = await connection.fetch(_SWITCHED_THEN, *then)
            yield StatePiece(at, switched=list(map(league_model, switched)))
            query, asked = _stood("scores", _STATE, at, present, league)
            async for rows, _ in _pieces(connection, PIECE_ROWS, query, *asked):
                if rows:
                    yield StatePiece(at, await in_thread(len(rows), lambda: score_columns(rows)))  # noqa: B023
            query, asked = _stood("unscored", _UNSCORED, at, present, league)
            async for rows, _ in _pieces(connection, PIECE_ROWS, query, *asked):
                plays = await in_thread(len(rows), lambda: list(map(self._rows.unscored, rows)))  # noqa: B023
                yield StatePiece(at, unscored=plays)

    async def read(self, connection: Connection, scores: Collection[int], at: Revision) -> Reading:
        """Scores with their distributions, as they were at a revision."""
        async with transaction(connection, of_one_state=True):
            await self._kept(connection, at)
            rows = await connection.fetch(_SCORES_THEN, at.end, sorted(at.missing), list(scores))
            needed = {row["support_id"] for row in rows if row["support_id"]}
            supports = await read_supports(connection, needed)
        return Reading(await in_thread(len(rows), lambda: dict(map(self._rows.scored, rows))), supports)

    async def operations(self, connection: Connection) -> list[Operation]:
        """Every switch and erasure, the latest first."""
        return [
            Operation(
                row["time"],
                row["caller"],
                row["request_id"],
                row["league"],
                Applied(effect_from_json(row["deed"]), _revision(row)),
            )
            for row in await connection.fetch(
                "SELECT * FROM operations JOIN transactions USING (number) ORDER BY time DESC"
            )
        ]

    async def revision_at(self, connection: Connection, time: datetime) -> Revision:
        """The state that had been committed by a time.

        A transaction that is about to commit is not seen yet, so the same question about a time just past may be
        answered with a later state when it is repeated.
        """
        async with transaction(connection, of_one_state=True):
            began = await connection.fetchrow("SELECT * FROM history")
            present = await connection.fetchval(
                "SELECT greatest(clock_timestamp(), (SELECT max(time) FROM transactions))"
            )
            if time > present:
                raise PlayscoreError(
                    Reason.NOT_FRESH_ENOUGH,
                    f"it is {present.isoformat()} by the store's clock; ask for an earlier state, or later",
                    retry_after_seconds=(time - present).total_seconds(),
                )
            if time < began["time"]:
                raise PlayscoreError(
                    Reason.REVISION_NOT_KEPT,
                    f"the store keeps its states from {began['time'].isoformat()} on; ask for a later one",
                )
            first = _revision(began)
            last = await connection.fetchrow(_LAST_BY, time)
            if last is None:
                return first
            end = max(first.end, last["number"] + 1)
            later = await connection.fetch(
                "SELECT number FROM transactions WHERE number >= $1 AND number < $2 AND time > $3",
                *(last["oldest"], end, time),
            )
            by_then = await connection.fetch(
                "SELECT number FROM transactions WHERE number = ANY ($1::bigint[]) AND time <= $2",
                *(sorted(first.missing), time),
            )
            running = (await self._database.present(connection)).missing
            missing = {number for (number,) in later} | running | (first.missing - {number for (number,) in by_then})
            return Revision(end, frozenset(number for number in missing if number < end))

    async def _reached(self, connection: Connection, asked: Revision) -> Revision:
        """The present revision. Raises NOT_FRESH_ENOUGH if it does not cover `asked`."""
        present = await self._database.present(connection)
        if not present.covers(asked):
            raise PlayscoreError(
                Reason.NOT_FRESH_ENOUGH,
                f"the store is at change {present.end} and has not reached {asked.end}; ask again, or for the fastest",
                retry_after_seconds=0.05,
            )
        return present

    async def _kept(self, connection: Connection, at: Revision | None) -> Revision:
        """The present revision. Raises REVISION_NOT_KEPT if `at` is from before history was kept."""
        if at is None:
            return await self._database.present(connection)
        present = await self._reached(connection, at)
        first = _revision(await connection.fetchrow("SELECT * FROM history"))
        if not at.covers(first):
            raise PlayscoreError(
                Reason.REVISION_NOT_KEPT,
                f"the store keeps its states from change {first.end} on, and not {at.end}; ask for a later one",
            )
        return present


def _stood(
    table: str, columns: str, at: Revision, present: Revision, league: str | None
) -> tuple[str, tuple[Any, ...]]:
    """A query for the rows of a table that stood at a revision, and its parameters."""
    if at == present:
        query = f"SELECT {columns} FROM {table} WHERE $1::text IS NULL OR league = $1"
        return query, (league,)
    of_league = "($3::text IS NULL OR league = $3)"
    query = (
        f"SELECT {columns} FROM {table} WHERE {_STOOD} AND {of_league}"
        f" UNION ALL SELECT {columns} FROM superseded_{table} WHERE {_STOOD_UNTIL} AND {of_league}"
    )
    return query, (at.end, sorted(at.missing), league)


def _revision(row: Mapping[str, Any]) -> Revision:
    return Revision(row["revision_end"], frozenset(row["revision_missing"]))


async def _pieces(
    connection: Connection, size: int, query: str, *parameters: Any
) -> AsyncIterator[tuple[Sequence[Sequence[Any]], bool]]:
    """Rows in pieces of a size, each with whether it is the last. At least one piece comes; it may be empty."""
    cursor = await connection.cursor(query, *parameters)
    rows = await cursor.fetch(size)
    while len(rows) == size:
        more = await cursor.fetch(size)
        if not more:
            break
        yield rows, False
        rows = more
    yield rows, True
