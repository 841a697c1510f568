"""States of the past, read from the store when somebody asks for one, and kept a while for whoever goes on with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from aggregator.core.loading import load
from aggregator.core.queries import RatingQueries
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Store

MAX_PLAYS_KEPT: Final = 2_000_000
"""Scores of all states that are kept, unless the last one alone has more."""


@dataclass(frozen=True, slots=True)
class View:
    """What a read is answered from."""

    queries: RatingQueries
    revision: Revision


class Past:
    """Reads one state at a time, so that readers of the present have the machine to themselves, but for one thread."""

    def __init__(self, store: Store, present: Snapshot) -> None:
        self._store = store
        self._present = present
        self._erasures = 0
        self._kept: dict[tuple[Revision, str | None], asyncio.Task[Snapshot]] = {}
        self._turn = asyncio.Lock()

    async def at(self, revision: Revision, league: str | None) -> View:
        """A state, of one league or of all. Whoever asks for the same waits for the same reading.

        Raises:
            PlayscoreError: REVISION_NOT_KEPT, STORE_UNAVAILABLE.
        """
        if self._erasures != self._present.erasures:
            self._erasures = self._present.erasures
            self._kept.clear()
        key = (revision, league)
        reading = self._kept.pop(key, None)
        if reading is None or (reading.done() and (reading.cancelled() or reading.exception() is not None)):
            reading = asyncio.create_task(self._read(revision, league))
        self._kept[key] = reading
        snapshot = await asyncio.shield(reading)
        self._let_go(key)
        return View(RatingQueries(snapshot), revision)

    async def close(self) -> None:
        """Stop reading."""
        for reading in self._kept.values():
            reading.cancel()
        await asyncio.gather(*self._kept.values(), return_exceptions=True)

    async def _read(self, revision: Revision, league: str | None) -> Snapshot:
        snapshot = Snapshot(self._present.tasks)
        async with self._turn:
            await load(self._store, snapshot, revision, league=league)
        return snapshot

    def _let_go(self, latest: tuple[Revision, str | None]) -> None:
        """Keep the states asked for last, so many that their scores are not too many."""
        plays = 0
        for key in reversed(list(self._kept)):
            reading = self._kept[key]
            if not reading.done():
                continue
            if reading.cancelled() or reading.exception() is not None:
                del self._kept[key]
                continue
            plays += len(reading.result())
            if plays > MAX_PLAYS_KEPT and key != latest:
                del self._kept[key]
