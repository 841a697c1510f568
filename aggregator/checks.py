"""Checks that every kind of store makes of its tables, and how their findings are reported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_MAX_ROWS: Final = 10
"""Rows reported of each kind of problem."""

NOT_JSON: Final = "scores {}: its measures, attributes or outcome are not JSON"

_NO_SUPPORT: Final = (
    "support_id <> '' AND NOT EXISTS (SELECT 1 FROM supports WHERE supports.support_id = {table}.support_id)"
)


def checks(superseded: str) -> Mapping[str, str]:
    """Queries that select what is wrong, by the report of a row, which is formatted with the row's columns.

    Args:
        superseded: the column that a superseded score is reported by.
    """
    return {
        "distributions {}: there is no such score": (
            "SELECT score FROM distributions WHERE NOT EXISTS (SELECT 1 FROM scores WHERE id = score)"
        ),
        "distributions {}: its support {!r} is missing": (
            f"SELECT score, support_id FROM distributions WHERE {_NO_SUPPORT.format(table='distributions')}"
        ),
        "superseded_scores {}: its support {!r} is missing": (
            f"SELECT {superseded}, support_id FROM superseded_scores"
            f" WHERE {_NO_SUPPORT.format(table='superseded_scores')}"
        ),
    }


def limited(query: str) -> str:
    """The first rows of a check's query, each with how many there are in all as its last column."""
    return f"SELECT *, count(*) OVER () FROM ({query}) AS found LIMIT {_MAX_ROWS}"


def reports(report: str, rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Reports of the rows that a `limited` query selects."""
    for *row, _ in rows:
        yield report.format(*row)
    if rows and rows[0][-1] > len(rows):
        yield f"and {rows[0][-1] - len(rows)} more like the last"
