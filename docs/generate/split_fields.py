"""The tables of docs/splits.md: what a filter can ask for, as the aggregator knows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from aggregator.core.fields import Field


def with_fields(page: str, tasks: Mapping[str, Iterable[Field]]) -> str:
    """The page with each part between `<!-- fields: task -->` and `<!-- end -->` written anew.

    Raises KeyError for a part whose task is not among `tasks`.
    """
    return re.sub(
        r"<!-- fields: (\w+) -->.*?<!-- end -->",
        lambda part: f"<!-- fields: {part[1]} -->\n\n{_table(tasks[part[1]])}\n\n<!-- end -->",
        page,
        flags=re.DOTALL,
    )


def _table(fields: Iterable[Field]) -> str:
    rows = [
        f"| `{each.name}` | {each.type.name.lower()} | {each.unit} | {_meaning(each)} |"
        for each in sorted(fields, key=lambda each: each.name)
    ]
    return "\n".join(["| field | type | unit | |", "|---|---|---|---|", *rows])


def _meaning(each: Field) -> str:
    values = f"One of {', '.join(f'`{value}`' for value in each.values)}." if each.values else ""
    return " ".join(filter(None, [each.description, values, "Groups ratings." if each.groups else ""]))
