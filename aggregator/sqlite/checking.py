"""Checks of an embedded store's file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Final

from aggregator.checks import NOT_JSON, checks, limited, reports
from aggregator.sqlite.schema import TRIGGERS

_KINDS: Final = (("scores", "score"), ("unscored", "unscored"))

_CHECKS: Final = {
    NOT_JSON: (
        "SELECT id FROM scores WHERE NOT (json_valid(coalesce(measures, '{}')) AND json_valid(attributes)"
        " AND json_valid(outcome))"
    ),
    **checks("until"),
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
    """What is wrong, and where: the first rows of each kind of problem. Empty if the file is sound.

    It reads everything: every page, and every row of the tables.
    """
    try:
        broken = [text for (text,) in connection.execute("PRAGMA integrity_check(20)") if text != "ok"]
    except sqlite3.DatabaseError as error:
        broken = [str(error)]
    # The rows of a file with broken pages prove nothing.
    return broken or list(_problems(connection))


def _problems(connection: sqlite3.Connection) -> Iterator[str]:
    triggers = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")}
    for trigger in sorted(TRIGGERS - triggers):
        yield f"trigger {trigger}: it is missing, so history is not kept"
    all_checks = dict(_CHECKS)
    for table, kind in _KINDS:
        for report, query in _CHECKS_OF_KIND.items():
            all_checks[report.format(table=table)] = query.format(table=table, kind=kind)
    for report, query in all_checks.items():
        yield from reports(report, connection.execute(limited(query)).fetchall())
