"""What the shared store reads, each time as of one state."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from typing import Any, Final

from aggregator.core.records import Distribution, Scored
from aggregator.core.revision import Revision
from aggregator.core.store import Changes, Reading, StatePiece
from aggregator.rows import SCORE_COLUMNS, STATE_COLUMNS, UNSCORED_COLUMNS, RowReader, score_columns
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.previous.postgres_1.database import Database
from tests.unit.aggregator.previous.postgres_1.schema import Connection
from tests.unit.aggregator.previous.postgres_1.writing import CHANGED, in_thread, read_supports

PIECE_ROWS: Final = 20_000
PIECE_CHANGES: Final = 1_000

_SCORE: Final = ", ".join(SCORE_COLUMNS)
_UNSCORED: Final = ", ".join(UNSCORED_COLUMNS)
_STATE: Final = ", ".join(STATE_COLUMNS)
_CHANGED_SINCE: Final = "(since >= $1 OR since = ANY ($2::bigint[]))"
"""By a transaction that a revision, `end` and `missing`, does not have."""


class Reader:
    """See `aggregator.core.store.Store` for what it reads."""

    def __init__(self, database: Database, rows: RowReader) -> None:
        self._database = database
        self._rows = rows

    async def follow(self, connection: Connection, after: Revision, poll_seconds: float) -> AsyncGenerator[Changes]:
        """What changes, as it is notified; where a notification is lost, `poll_seconds` later."""
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
        """What changed since a revision, up to the present one."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            present = await self._database.present(connection)
            if not present.covers(after):
                raise not_reached(present, after)
            changed = after.end, sorted(after.missing)
            withdrawn = await connection.fetch(f"SELECT score FROM withdrawn WHERE {_CHANGED_SINCE}", *changed)
            unscored = await connection.fetch(f"SELECT {_UNSCORED} FROM unscored WHERE {_CHANGED_SINCE}", *changed)
            plays = await in_thread(len(unscored), lambda: list(map(self._rows.unscored, unscored)))
            gone = [item for (item,) in withdrawn]
            query = f"SELECT id, {_SCORE} FROM scores WHERE {_CHANGED_SINCE}"
            async for rows, last in _pieces(connection, PIECE_CHANGES, query, *changed):
                scores = await in_thread(len(rows), lambda: list(map(self._rows.score, rows)))  # noqa: B023
                yield Changes(present if last else after, last, scores, gone, plays)
                gone, plays = [], []

    async def state(self, connection: Connection, league: str | None) -> AsyncGenerator[StatePiece]:
        """All that stands now."""
        of_league = "true" if league is None else "league = $1"
        asked = () if league is None else (league,)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            present = await self._database.present(connection)
            yield StatePiece(present)
            query = f"SELECT {_STATE} FROM scores WHERE {of_league}"
            async for rows, _ in _pieces(connection, PIECE_ROWS, query, *asked):
                if rows:
                    yield StatePiece(present, await in_thread(len(rows), lambda: score_columns(rows)))  # noqa: B023
            query = f"SELECT {_UNSCORED} FROM unscored WHERE {of_league}"
            async for rows, _ in _pieces(connection, PIECE_ROWS, query, *asked):
                plays = await in_thread(len(rows), lambda: list(map(self._rows.unscored, rows)))  # noqa: B023
                yield StatePiece(present, unscored=plays)

    async def read(self, connection: Connection, scores: Collection[int], at: Revision) -> Reading:
        """Scores with their distributions, of those that have not changed since."""
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            present = await self._database.present(connection)
            if not present.covers(at):
                raise not_reached(present, at)
            rows = await connection.fetch(
                f"SELECT id, {_SCORE}, content, support_id FROM scores LEFT JOIN distributions ON score = id"
                f" WHERE id = ANY ($3::bigint[]) AND NOT {_CHANGED_SINCE}",
                *(at.end, sorted(at.missing), list(scores)),
            )
            needed = {row["support_id"] for row in rows if row["support_id"]}
            supports = await read_supports(connection, needed)
        return Reading(await in_thread(len(rows), lambda: dict(map(self.scored, rows))), supports)

    def scored(self, row: Sequence[Any]) -> tuple[int, Scored]:
        """Of a score's number, its SCORE_COLUMNS, and `content` and `support_id` of its distribution."""
        *row, content, support_id = row
        number, score = self._rows.score(row)
        return number, Scored(score, None if content is None else Distribution(content, support_id))


def not_reached(present: Revision, asked: Revision) -> PlayscoreError:
    """What is raised for a revision that is still to come."""
    return PlayscoreError(
        Reason.NOT_FRESH_ENOUGH,
        f"the store is at change {present.end} and has not reached {asked.end}; ask again, or for the fastest",
        retry_after_seconds=0.05,
    )


async def _pieces(
    connection: Connection, size: int, query: str, *parameters: Any
) -> AsyncIterator[tuple[Sequence[Sequence[Any]], bool]]:
    """Rows, so many at once, and whether they are the last; one piece at least, though it may be empty."""
    cursor = await connection.cursor(query, *parameters)
    rows = await cursor.fetch(size)
    while len(rows) == size:
        more = await cursor.fetch(size)
        if not more:
            break
        yield rows, False
        rows = more
    yield rows, True
