"""A snapshot of what a store holds, made many scores at a time."""

from __future__ import annotations

import gc
from asyncio import wrap_future
from collections import deque
from collections.abc import Sequence
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

    Segments are made while the next pieces are read, all in one thread, since they share dictionaries. Rows by the
    million would have the garbage collector look at them again and again, and none is garbage.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        await _load(store, snapshot, at, league)
    finally:
        if collecting:
            gc.enable()


async def _load(store: Store, snapshot: Snapshot, at: Revision | None, league: str | None) -> None:
    waiting: dict[TableKey, list[ScoreColumns]] = {}
    working: deque[Future[None]] = deque()
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="loading")
    try:
        async with aclosing(store.state(at, league=league)) as pieces:  # type: ignore[type-var]
            async for piece in pieces:
                snapshot.revision = piece.revision
                snapshot.switch(piece.switched)
                if piece.unscored:
                    working.append(pool.submit(snapshot.put_unscored, piece.unscored))
                for key in _collected(piece.scores, waiting):
                    while len(working) >= MAX_AT_ONCE:
                        await wrap_future(working.popleft())
                    working.append(pool.submit(snapshot.load, key, waiting.pop(key)))
        working.extend(pool.submit(snapshot.load, key, columns) for key, columns in waiting.items())
        while working:
            await wrap_future(working.popleft())
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _collected(scores: ScoreColumns | None, waiting: dict[TableKey, list[ScoreColumns]]) -> list[TableKey]:
    """Add scores to those that wait. Returns the tables of which there are enough."""
    enough = []
    for key, columns in () if scores is None else _by_table(scores):
        pieces = waiting.setdefault(key, [])
        pieces.append(columns)
        if sum(map(len, pieces)) >= ENOUGH:
            enough.append(key)
    return enough


def _by_table(columns: ScoreColumns) -> list[tuple[TableKey, ScoreColumns]]:
    graded = [measures is not None for measures in columns.measures]
    parts: Sequence[Sequence[Any]] = (
        columns.leagues,
        columns.roles,
        columns.models,
        columns.model_versions,
        graded,
    )
    if all(len(set(part)) == 1 for part in parts):
        return [(TableKey(*(part[0] for part in parts)), columns)]
    keys = list(zip(*parts, strict=True))
    found = []
    for each in set(keys):
        chosen = [key == each for key in keys]
        theirs = {name: list(compress(getattr(columns, name), chosen)) for name in _COLUMNS}
        found.append((TableKey(*each), ScoreColumns(**theirs)))
    return found
