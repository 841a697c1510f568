"""Erases a player or a league from the shared store, within the caller's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from aggregator.core.erasing import ErasedPlayer
from aggregator.core.operations import EraseRequest, Erasure
from aggregator.core.records import Scored, Unscored
from aggregator.postgres.database import ERASE_SECONDS
from aggregator.postgres.schema import Connection
from aggregator.postgres.threads import in_thread
from aggregator.rows import SCORE_COLUMNS, UNSCORED_COLUMNS, RowReader, subjects_json, to_json

_SCORE: Final = ", ".join(SCORE_COLUMNS)
_UNSCORED: Final = ", ".join(UNSCORED_COLUMNS)


class Eraser:
    """Erases in a transaction that runs while no other writer does.

    Args:
        connection: in the transaction.
        rows: makes records from rows.
        number: of the transaction.
    """

    def __init__(self, connection: Connection, rows: RowReader, number: int) -> None:
        self._connection = connection
        self._rows = rows
        self._number = number

    async def league(self, request: EraseRequest) -> Erasure:
        """Erase everything of a league."""
        league = request.league
        await self._run("DELETE FROM distributions USING scores WHERE score = id AND league = $1", league)
        scores = await self._run("DELETE FROM scores WHERE league = $1", league)
        unscored = await self._run("DELETE FROM unscored WHERE league = $1", league)
        # The deletions above superseded what stood.
        superseded = await self._run("DELETE FROM superseded_scores WHERE league = $1", league) - scores
        superseded += await self._run("DELETE FROM superseded_unscored WHERE league = $1", league) - unscored
        await self._forget_answers(league)
        await self._run("INSERT INTO erased_leagues (number, league) VALUES ($1, $2)", self._number, league)
        return Erasure(True, request.justification, scores, superseded, unscored, 0)

    async def player(self, player: ErasedPlayer, digest: bytes, justification: str) -> Erasure:
        """Erase a player. `digest` is their tombstone."""
        them = player.league, player.subject_id
        gone = [
            item
            for (item,) in await self._fetch(
                "DELETE FROM scores WHERE league = $1 AND subject_id = $2 RETURNING id", *them
            )
        ]
        await self._run("DELETE FROM distributions WHERE score = ANY ($1::bigint[])", gone)
        await self._run(
            "INSERT INTO withdrawn (since, score) SELECT $1::bigint, * FROM unnest($2::bigint[])", self._number, gone
        )
        superseded = await self._run("DELETE FROM superseded_scores WHERE league = $1 AND subject_id = $2", *them)
        mentions = await self._rewrite_scores(player, "scores")
        await self._rewrite_scores(player, "superseded_scores")
        unscored = await self._rewrite_unscored(player, "unscored")
        superseded += await self._rewrite_unscored(player, "superseded_unscored") - unscored - len(gone)
        await self._forget_answers(player.subject_id)
        await self._run(
            "INSERT INTO erased (digest, number, mentions) VALUES ($1, $2, $3)"
            " ON CONFLICT (digest) DO UPDATE SET number = excluded.number, mentions = excluded.mentions",
            *(digest, self._number, to_json(sorted(player.mentions))),
        )
        return Erasure(False, justification, len(gone), superseded, unscored, mentions)

    async def _rewrite_scores(self, player: ErasedPlayer, table: str) -> int:
        """Remove a player from other players' scores. Returns how many changed."""
        rows = await self._fetch(
            f"SELECT since, id, {_SCORE} FROM {table} WHERE league = $1 AND strpos(attributes, $2) > 0",
            *(player.league, _as_json(player.subject_id)),
        )

        def changed() -> list[tuple[int, int, str]]:
            found = []
            for since, *row in rows:
                item, score = self._rows.score(row)
                remains = player.remains(Scored(score))
                if isinstance(remains, Scored) and remains.score is not score:
                    found.append((item, since, to_json(remains.score.attributes)))
            return found

        return await self._update(table, ("attributes",), await in_thread(len(rows), changed))

    async def _rewrite_unscored(self, player: ErasedPlayer, table: str) -> int:
        """Remove a player from plays that were not scored. Returns how many changed."""
        rows = await self._fetch(
            f"SELECT id, since, {_UNSCORED} FROM {table}"
            " WHERE league = $1 AND (strpos(subjects, $2) > 0 OR strpos(detail, $3) > 0)",
            *(player.league, _as_json(player.subject_id), player.subject_id),
        )

        def changed() -> list[tuple[int, int, str, str]]:
            found = []
            for item, since, *row in rows:
                unscored = self._rows.unscored(row)
                remains = player.remains(unscored)
                if isinstance(remains, Unscored) and remains is not unscored:
                    found.append((item, since, remains.detail, subjects_json(remains.subjects)))
            return found

        return await self._update(table, ("detail", "subjects"), await in_thread(len(rows), changed))

    async def _update(self, table: str, columns: Sequence[str], rows: Sequence[tuple[int | str, ...]]) -> int:
        """Set text columns of rows, given by id and `since`. Returns how many changed."""
        if not rows:
            return 0
        texts = ", ".join(f"{column} = new.{column}" for column in columns)
        since = "" if table.startswith("superseded_") else f", since = {self._number}"
        arrays = ", ".join(f"${number}::text[]" for number in range(3, 3 + len(columns)))
        return await self._run(
            f"UPDATE {table} SET {texts}{since} FROM unnest($1::bigint[], $2::bigint[], {arrays})"
            f" AS new (item, made, {', '.join(columns)}) WHERE id = item AND since = made",
            *zip(*rows, strict=True),
        )

    async def _forget_answers(self, name: str) -> None:
        """Delete kept answers that name a player or a league anywhere."""
        await self._run(
            "DELETE FROM requests WHERE rejected <> '[]' AND (strpos(rejected, $1) > 0 OR strpos(rejected, $2) > 0)",
            *(name, _as_json(name)[1:-1]),
        )

    async def _run(self, statement: str, *parameters: Any) -> int:
        """Execute a statement. Returns how many rows it changed."""
        status = await self._connection.execute(statement, *parameters, timeout=ERASE_SECONDS)
        return int(status.split()[-1])

    async def _fetch(self, statement: str, *parameters: Any) -> list[Any]:
        found: list[Any] = await self._connection.fetch(statement, *parameters, timeout=ERASE_SECONDS)
        return found


def _as_json(text: str) -> str:
    return to_json([text])[1:-1]
