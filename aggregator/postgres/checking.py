"""What a shared store promises, asked of its tables."""

from __future__ import annotations

from typing import Final

from aggregator.postgres.schema import Connection

_NAMED: Final = 10
"""Rows that are named of each kind of problem."""
_JSON_SINCE: Final = 160_000
"""The version of the server from which it can tell what is JSON."""

_JSON_CHECK: Final = (
    "scores {}: its measures, attributes or outcome are no JSON",
    "SELECT id FROM scores WHERE NOT (coalesce(measures, '{}') IS JSON AND attributes IS JSON AND outcome IS JSON)",
)
# Each answers rows by their number, and what else is to be said of them.
_CHECKS: Final = {
    "distributions {}: there is no such score": (
        "SELECT score FROM distributions WHERE NOT EXISTS (SELECT 1 FROM scores WHERE id = score)"
    ),
    "distributions {}: its support {!r} is not there": (
        "SELECT score, support_id FROM distributions WHERE support_id <> ''"
        " AND NOT EXISTS (SELECT 1 FROM supports WHERE supports.support_id = distributions.support_id)"
    ),
    "superseded_scores {}: its support {!r} is not there": (
        "SELECT id, support_id FROM superseded_scores WHERE support_id <> ''"
        " AND NOT EXISTS (SELECT 1 FROM supports WHERE supports.support_id = superseded_scores.support_id)"
    ),
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
    """What is wrong, and where: the first rows of each kind of problem. Nothing if the store is sound."""
    found: list[str] = []
    checks = dict(_CHECKS)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await connection.execute("SET LOCAL statement_timeout = 0")
        if int(await connection.fetchval("SHOW server_version_num")) >= _JSON_SINCE:
            checks[_JSON_CHECK[0]] = _JSON_CHECK[1]
        for says, query in checks.items():
            rows = await connection.fetch(f"SELECT *, count(*) OVER () FROM ({query}) AS found LIMIT {_NAMED}")
            found += [says.format(*list(row)[:-1]) for row in rows]
            if rows and rows[0][-1] > len(rows):
                found.append(f"and {rows[0][-1] - len(rows)} more like the last")
    return found
