"""Checks of a shared store's tables."""

from __future__ import annotations

from typing import Final

from aggregator.checks import NOT_JSON, checks, limited, reports
from aggregator.postgres.schema import Connection

_JSON_SINCE: Final = 160_000
"""The first version of the server that has IS JSON."""

_JSON_CHECK: Final = (
    "SELECT id FROM scores WHERE NOT (coalesce(measures, '{}') IS JSON AND attributes IS JSON AND outcome IS JSON)"
)
_CHECKS: Final = {
    **checks("id"),
    "withdrawn {}: it stands": "SELECT score FROM withdrawn WHERE EXISTS (SELECT 1 FROM scores WHERE id = score)",
    "operations {}: its transaction has no time": (
        "SELECT number FROM operations"
        " WHERE NOT EXISTS (SELECT 1 FROM transactions WHERE transactions.number = operations.number)"
    ),
    **{
        f"superseded_{table} {{}}: its time from {{}} begins before that of the state before it ends, or never": (
            "SELECT id, since FROM (SELECT id, since, until, lag(until, 1, 0::bigint) OVER"
            f" (PARTITION BY id ORDER BY until) AS previous FROM superseded_{table}) AS timed"
            " WHERE since < previous OR since >= until"
        )
        for table in ("scores", "unscored")
    },
    **{
        f"{table} {{}}: it stands since {{}}, before an earlier state of it ended": (
            f"SELECT id, since FROM {table} WHERE EXISTS"
            f" (SELECT 1 FROM superseded_{table} AS was WHERE was.id = {table}.id AND was.until > {table}.since)"
        )
        for table in ("scores", "unscored")
    },
}


async def problems(connection: Connection) -> list[str]:
    """What is wrong, and where: the first rows of each kind of problem. Empty if the store is sound."""
    found: list[str] = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = 0")
        version = int(await connection.fetchval("SHOW server_version_num"))
        json_check = {NOT_JSON: _JSON_CHECK} if version >= _JSON_SINCE else {}
        for report, query in (json_check | _CHECKS).items():
            found += reports(report, await connection.fetch(limited(query)))
    return found
