"""Has the store keep the snapshot now and then, so that the next start is quick."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog

from aggregator.core.keeping import packing
from aggregator.core.revision import NOTHING, Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import KeepsSnapshots, Store
from playscore.errors import PlayscoreError

KEEP_EVERY_SECONDS: Final = 600.0
MIN_CHANGES: Final = 10_000
"""Since the last time that are worth it while the service runs."""
MIN_CHANGES_AT_END: Final = 1_000

_logger = structlog.get_logger()


class Keeper:
    """Keeps a snapshot in its store: when the service has started, from time to time, and when it ends."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._store = store if isinstance(store, KeepsSnapshots) and not store.read_only else None
        self._snapshot = snapshot
        self._kept = NOTHING
        self._task: asyncio.Task[None] | None = None

    def open(self, kept: Revision) -> None:
        """Begin. `kept` is the revision of what is kept already."""
        self._kept = kept
        if self._store is not None:
            self._task = asyncio.create_task(self._keep_on())

    async def close(self) -> None:
        """Keep it a last time."""
        if self._task is None:
            return
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self._keep(MIN_CHANGES_AT_END)

    async def _keep_on(self) -> None:
        while True:
            await self._keep(MIN_CHANGES)
            await asyncio.sleep(KEEP_EVERY_SECONDS)

    async def _keep(self, min_changes: int) -> None:
        if self._store is None or self._snapshot.revision.end - self._kept.end < min_changes:
            return
        try:
            kept = await asyncio.to_thread(packing(self._snapshot).run)
            await self._store.keep(kept)
        except PlayscoreError as failure:
            _logger.warning("the columns were not kept: the next start will take longer", detail=failure.detail)
        else:
            self._kept = kept.revision
