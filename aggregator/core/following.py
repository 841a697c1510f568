"""Keeps a snapshot up to date with a store, and lets readers wait for the state they need."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from aggregator.core.keeping import fingerprint, unpacked
from aggregator.core.loading import load
from aggregator.core.revision import Revision
from aggregator.core.segment import Segment
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes, KeepsSnapshots, Store
from aggregator.core.table import Table
from playscore.errors import PlayscoreError, Reason

_RETRY_SECONDS = 1.0
_REST = 4.0
"""Times what it took to go on: where writes come fast, many of them are followed at once."""
_MOST_REST_SECONDS = 0.02
"""So that a write is not seen late because a large one came before it."""

_logger = structlog.get_logger()


class Follower:
    """Follows a store's changes into a snapshot, in the event loop that reads it."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._store = store
        self._snapshot = snapshot
        self._moved = asyncio.Event()
        self._loaded = asyncio.Event()
        self._failing = False
        self.kept: Revision | None = None
        """The revision of the kept snapshot that it began with, if it did."""
        self._task: asyncio.Task[None] | None = None
        self._merging: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start following; returns when the snapshot has everything that the store had."""
        self._task = asyncio.create_task(self._follow())
        loaded = asyncio.create_task(self._loaded.wait())
        await asyncio.wait((self._task, loaded), return_when=asyncio.FIRST_COMPLETED)
        loaded.cancel()
        if self._task.done():
            self._task.result()

    async def close(self) -> None:
        """Stop following."""
        for task in (self._task, self._merging):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await task

    def following(self) -> bool:
        """Whether the snapshot follows. Raises the error that ended it, if one did."""
        if self._task is not None and self._task.done():
            self._task.result()
        return self._loaded.is_set() and not self._failing

    async def moved(self) -> None:
        """Wait until the snapshot goes on."""
        await self._moved.wait()

    async def reach(self, revision: Revision, seconds: float) -> None:
        """Wait until the snapshot has all that `revision` has, for at most `seconds`; else NOT_FRESH_ENOUGH."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._snapshot.revision.covers(revision):
                    await self.moved()
        if not self._snapshot.revision.covers(revision):
            raise PlayscoreError(
                Reason.NOT_FRESH_ENOUGH,
                f"this replica is at change {self._snapshot.revision.end} and did not reach {revision.end} within "
                f"{seconds:.3g} s; ask again, or for the fastest",
                retry_after_seconds=0.05,
            )

    async def _apply(self, pieces: Sequence[Changes]) -> None:
        """Go on to the state after all of the pieces, at once; what takes long is done in a thread before."""
        made = [await self._made(changes) for changes in pieces]
        for changes, segments in zip(pieces, made, strict=True):
            self._snapshot.apply(changes, segments)
        self._merge_on()
        self._failing = False
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _made(self, changes: Changes) -> dict[Table, Segment]:
        made: dict[Table, Segment] = {}
        for incoming in self._snapshot.incoming(changes):
            batch, columns = await asyncio.to_thread(incoming.encode)
            incoming.learn(columns)
            made[incoming.table] = await asyncio.to_thread(incoming.sort, batch, columns)
        return made

    async def _follow(self) -> None:
        await self._load()
        while True:
            try:
                waiting: list[Changes] = []
                async for changes in self._store.follow(self._snapshot.revision):
                    waiting.append(changes)
                    # Readers see whole requests: nothing is applied that goes on in the next piece.
                    if changes.last:
                        begin = time.perf_counter()
                        await self._apply(waiting)
                        waiting.clear()
                        self._loaded.set()
                        await asyncio.sleep(min(_REST * (time.perf_counter() - begin), _MOST_REST_SECONDS))
            except PlayscoreError:
                if not self._loaded.is_set():
                    raise
                self._failing = True
                await asyncio.sleep(_RETRY_SECONDS)

    async def _load(self) -> None:
        if not await self._load_kept():
            await load(self._store, self._snapshot)

    async def _load_kept(self) -> bool:
        """Begin with the snapshot that the store kept. False if there is none that can be read."""
        if not isinstance(self._store, KeepsSnapshots):
            return False
        try:
            kept = await self._store.kept(fingerprint(self._snapshot.tasks))
            if kept is None:
                return False
            snapshot = await asyncio.to_thread(unpacked, kept, self._snapshot.tasks)
        except Exception as failure:  # whatever damage makes of it: the records have everything
            _logger.warning("the kept columns cannot be read: the records are read instead", error=repr(failure))
            return False
        self._snapshot.become(snapshot)
        self.kept = kept.revision
        return True

    def _merge_on(self) -> None:
        """Have what is due merged, in a thread."""
        if self._merging is None or self._merging.done():
            self._merging = asyncio.create_task(self._merge())

    async def _merge(self) -> None:
        while (merge := self._snapshot.merge()) is not None:
            merge.finish(await asyncio.to_thread(merge.run))
