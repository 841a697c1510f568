"""What a store's file promises, asked of the file itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from aggregator.sqlite.schema import TRIGGERS

_NAMED: Final = 10
"""Rows that are named of each kind of problem."""

_KINDS: Final = (("scores", "score"), ("unscored", "unscored"))

# Each answers rows by their number, and what else is to be said of them.
_CHECKS: Final = {
    "scores {}: its measures, attributes or outcome are no JSON": (
        "SELECT id FROM scores WHERE NOT (json_valid(coalesce(measures, '{}')) AND json_valid(attributes)"
        " AND json_valid(outcome))"
    ),
    "distributions {}: there is no such score": (
        "SELECT score FROM distributions WHERE NOT EXISTS (SELECT 1 FROM scores WHERE id = score)"
    ),
    "distributions {}: its support {!r} is not there": (
        "SELECT score, support_id FROM distributions WHERE support_id <> ''"
        " AND NOT EXISTS (SELECT 1 FROM supports WHERE supports.support_id = distributions.support_id)"
    ),
    "superseded_scores {}: its support {!r} is not there": (
        "SELECT until, support_id FROM superseded_scores WHERE support_id <> ''"
        " AND NOT EXISTS (SELECT 1 FROM supports WHERE supports.support_id = superseded_scores.support_id)"
    ),
    "changes {}: the change before it is {}, so some are missing": (
        "SELECT seq, previous FROM (SELECT seq, lag(seq, 1, 0) OVER (ORDER BY seq) AS previous FROM changes)"
        " WHERE previous <> seq - 1"
    ),
    "commits {}: it is earlier than the one before it": (
        "SELECT seq FROM (SELECT seq, time_us, lag(time_us, 1, 0) OVER (ORDER BY seq) AS previous FROM commits)"
        " WHERE time_us < previous"
    ),
    "requests {!r}: it was answered at {}, which is after the last change": (
        "SELECT request_id, seq FROM requests WHERE seq > (SELECT coalesce(max(seq), 0) FROM changes)"
    ),
    "operations {}: no change is logged for it": (
        "SELECT seq FROM operations WHERE NOT EXISTS (SELECT 1 FROM changes WHERE changes.seq = operations.seq)"
    ),
}
_CHECKS_OF_KIND: Final = {
    "{table} {{}}: no change is logged that made it": (
        "SELECT id FROM {table} WHERE NOT EXISTS (SELECT 1 FROM changes WHERE item = id AND kind = '{kind}')"
    ),
    "superseded_{table} {{}}: it was superseded by no change of {{}}": (
        "SELECT until, id FROM superseded_{table} WHERE NOT EXISTS"
        " (SELECT 1 FROM changes WHERE seq = until AND item = id AND kind IN ('{kind}', 'withdrawn'))"
    ),
    "superseded_{table} {{}}: its time as {{}}, from {{}}, begins before that of the state before it ends, or never": (
        "SELECT until, id, since FROM (SELECT until, id, since, lag(until, 1, 0) OVER"
        " (PARTITION BY id ORDER BY until) AS previous FROM superseded_{table})"
        " WHERE since < previous OR since >= until"
    ),
}


def problems(connection: sqlite3.Connection) -> list[str]:
    """What is wrong, and where: the first rows of each kind of problem. Nothing if the file is sound.

    It reads everything: every page, and every row of the tables.
    """
    try:
        broken = [text for (text,) in connection.execute("PRAGMA integrity_check(20)") if text != "ok"]
    except sqlite3.DatabaseError as error:
        broken = [str(error)]
    # What else there is to say of a broken file may not be true.
    return broken or list(_problems(connection))


def _problems(connection: sqlite3.Connection) -> Iterator[str]:
    there = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
    for trigger in sorted(TRIGGERS - there):
        yield f"trigger {trigger}: it is missing, so history is not kept"
    checks = dict(_CHECKS)
    for table, kind in _KINDS:
        for says, query in _CHECKS_OF_KIND.items():
            checks[says.format(table=table)] = query.format(table=table, kind=kind)
    for says, query in checks.items():
        rows = connection.execute(f"SELECT *, count(*) OVER () FROM ({query}) LIMIT {_NAMED}").fetchall()
        for *row, _ in rows:
            yield says.format(*row)
        if rows and rows[0][-1] > len(rows):
            yield f"and {rows[0][-1] - len(rows)} more like the last"
