"""A snapshot of what a store holds, made many scores at a time."""

from __future__ import annotations

from asyncio import wrap_future
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import fields
from itertools import compress
from typing import Any, Final

from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot, TableKey
from aggregator.core.store import ScoreColumns, Store

ENOUGH: Final = 1 << 17
"""Scores of one table that are worth a segment of their own."""
MAX_AT_ONCE: Final = 2
"""Segments that wait to be made, so that a store that is quick to read does not fill the memory."""

_COLUMNS: Final = tuple(field.name for field in fields(ScoreColumns))


async def load(store: Store, snapshot: Snapshot, at: Revision | None = None, *, league: str | None = None) -> None:
    """Fill an empty snapshot with the state of a store at a revision, the present one where None: one league, or all.

    Segments are made while the next pieces are read.
    """
    waiting: dict[TableKey, dict[str, list[Any]]] = {}
    working: deque[Future[None]] = deque()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="loading") as pool:
        async with aclosing(store.state(at, league=league)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                snapshot.revision = piece.revision
                snapshot.put_unscored(piece.unscored)
                snapshot.switch(piece.switched)
                for key in _collected(piece.scores, waiting):
                    while len(working) >= MAX_AT_ONCE:
                        await wrap_future(working.popleft())
                    working.append(pool.submit(snapshot.load, key, ScoreColumns(**waiting.pop(key))))
        for key, columns in waiting.items():
            working.append(pool.submit(snapshot.load, key, ScoreColumns(**columns)))
        while working:
            await wrap_future(working.popleft())


def _collected(scores: ScoreColumns | None, waiting: dict[TableKey, dict[str, list[Any]]]) -> list[TableKey]:
    """Add scores to those that wait. Returns the tables of which there are enough."""
    enough = []
    for key, columns in () if scores is None else _by_table(scores):
        lists = waiting.setdefault(key, {name: [] for name in _COLUMNS})
        for name, values in columns.items():
            lists[name].extend(values)
        if len(lists["numbers"]) >= ENOUGH:
            enough.append(key)
    return enough


def _by_table(columns: ScoreColumns) -> Sequence[tuple[TableKey, Mapping[str, Sequence[Any]]]]:
    every = {name: getattr(columns, name) for name in _COLUMNS}
    graded = [measures is not None for measures in columns.measures]
    keys = list(zip(columns.leagues, columns.roles, columns.models, columns.model_versions, graded, strict=True))
    distinct = set(keys)
    if len(distinct) == 1:
        return [(TableKey(*keys[0]), every)]
    parts: list[tuple[TableKey, Mapping[str, Sequence[Any]]]] = []
    for each in distinct:
        chosen = [key == each for key in keys]
        parts.append((TableKey(*each), {name: list(compress(values, chosen)) for name, values in every.items()}))
    return parts
