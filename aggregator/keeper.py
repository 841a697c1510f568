"""Keeps the snapshot in its store periodically, so that the next start is quick."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import structlog

from aggregator.core.keeping import packing
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import KeepsSnapshots, Store
from playscore.errors import PlayscoreError

KEEP_EVERY_SECONDS: Final = 600.0
MIN_CHANGES: Final = 10_000
"""Changes since the last kept snapshot, or scores if there is none, that make keeping one worthwhile."""
MIN_CHANGES_AT_END: Final = 1_000
"""The same number when the service ends."""

_logger = structlog.get_logger()


class Keeper:
    """Keeps a snapshot in its store: when the service has started, every KEEP_EVERY_SECONDS, and when it ends."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._store = store if isinstance(store, KeepsSnapshots) and not store.read_only else None
        self._snapshot = snapshot
        self._kept: int | None = None
        """The snapshot's number of changes when it was last kept; None if it was not."""
        self._task: asyncio.Task[None] | None = None

    def open(self, *, kept: bool) -> None:
        """Start. `kept`: the snapshot was loaded from a kept one."""
        self._kept = 0 if kept else None
        if self._store is not None:
            self._task = asyncio.create_task(self._keep_on())

    async def close(self) -> None:
        """Keep the snapshot a last time."""
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
        changes = self._snapshot.changes
        new = len(self._snapshot) if self._kept is None else changes - self._kept
        if self._store is None or new < min_changes:
            return
        try:
            kept = await asyncio.to_thread(packing(self._snapshot).run)
            await self._store.keep(kept)
        except PlayscoreError as failure:
            _logger.warning("the columns were not kept: the next start will take longer", detail=failure.detail)
        else:
            self._kept = changes
