"""States of the past: read from the store on demand, and cached for readers that page through them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from aggregator.core.loading import load
from aggregator.core.queries import RatingQueries
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Store
from playscore.errors import PlayscoreError, Reason

MAX_PLAYS_KEPT: Final = 2_000_000
"""Plays of all states that are cached, unless the latest alone has more."""
MAX_STATES_KEPT: Final = 64
MAX_READINGS: Final = 8
"""States that are being read or wait to be."""
_RETRY_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class View:
    """What a read is answered from."""

    queries: RatingQueries
    revision: Revision


@dataclass(slots=True, eq=False)
class _Reading:
    """A state that is being read, or was."""

    task: asyncio.Task[Snapshot]
    callers: int = 0
    """How many wait for it."""

    @property
    def failed(self) -> bool:
        return self.task.done() and (self.task.cancelled() or self.task.exception() is not None)


class Past:
    """Reads one state at a time, so that readers of the present have the machine to themselves, but for one thread."""

    def __init__(self, store: Store, present: Snapshot) -> None:
        self._store = store
        self._present = present
        self._erasures = 0
        self._readings: dict[tuple[Revision, str | None], _Reading] = {}
        self._turn = asyncio.Lock()

    async def at(self, revision: Revision, league: str | None) -> View:
        """A state, of one league or of all. Callers of the same state wait for one reading, which ends when all leave.

        Raises:
            PlayscoreError: REVISION_NOT_KEPT, STORE_UNAVAILABLE; OVERLOADED where too many states are being read.
        """
        if self._erasures != self._present.erasures:
            self._erasures = self._present.erasures
            self._readings = {key: reading for key, reading in self._readings.items() if not reading.task.done()}
        key = (revision, league)
        reading = self._readings.pop(key, None)
        if reading is None or reading.failed:
            reading = self._begin(revision, league)
        self._readings[key] = reading
        reading.callers += 1
        try:
            snapshot = await asyncio.shield(reading.task)
        finally:
            reading.callers -= 1
            if not reading.callers and not reading.task.done():
                reading.task.cancel()
                self._readings.pop(key, None)
            self._let_go(key)
        return View(RatingQueries(snapshot), revision)

    async def close(self) -> None:
        """Stop reading."""
        tasks = [reading.task for reading in self._readings.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, revision: Revision, league: str | None) -> _Reading:
        if sum(not reading.task.done() for reading in self._readings.values()) >= MAX_READINGS:
            raise PlayscoreError(
                Reason.OVERLOADED,
                f"{MAX_READINGS} states of the past are being read, which is as many as this replica reads at once",
                retry_after_seconds=_RETRY_SECONDS,
            )
        return _Reading(asyncio.create_task(self._read(revision, league)))

    async def _read(self, revision: Revision, league: str | None) -> Snapshot:
        async with self._turn:
            while True:
                snapshot, erasures = Snapshot(self._present.tasks), self._present.erasures
                await load(self._store, snapshot, revision, league=league)
                if erasures == self._present.erasures:
                    return snapshot

    def _let_go(self, latest: tuple[Revision, str | None]) -> None:
        """Keep the states asked for last, as many as the limits allow."""
        plays = states = 0
        for key in reversed(list(self._readings)):
            reading = self._readings[key]
            if reading.failed:
                del self._readings[key]
            elif reading.task.done():
                states += 1
                plays += reading.task.result().plays
                if key != latest and (plays > MAX_PLAYS_KEPT or states > MAX_STATES_KEPT):
                    del self._readings[key]
