"""Keeps a snapshot up to date with a store, and lets readers wait for the state they need."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress

from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes, Store
from playscore.errors import PlayscoreError, Reason

_RETRY_SECONDS = 1.0


class Follower:
    """Follows a store's changes into a snapshot, in the event loop that reads it."""

    def __init__(self, store: Store, snapshot: Snapshot) -> None:
        self._store = store
        self._snapshot = snapshot
        self._moved = asyncio.Event()
        self._loaded = asyncio.Event()
        self._failing = False
        self._task: asyncio.Task[None] | None = None

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
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._task

    def following(self) -> bool:
        """Whether the snapshot follows. Raises what ended it, should something have."""
        if self._task is not None and self._task.done():
            self._task.result()
        return self._loaded.is_set() and not self._failing

    async def reach(self, seq: int, seconds: float) -> None:
        """Wait until the snapshot is at `seq` or later, so long at most; else NOT_FRESH_ENOUGH."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._snapshot.seq < seq:
                    await self._moved.wait()
        if self._snapshot.seq < seq:
            raise PlayscoreError(
                Reason.NOT_FRESH_ENOUGH,
                f"this replica is at change {self._snapshot.seq} and did not reach {seq} within {seconds:.3g} s; "
                "ask again, or for the fastest",
                retry_after_seconds=0.05,
            )

    async def reach_exactly(self, seq: int, seconds: float) -> None:
        """Wait until the snapshot is at `seq`, so long at most; REVISION_NOT_KEPT where it has moved on."""
        await self.reach(seq, seconds)
        if self._snapshot.seq > seq:
            raise PlayscoreError(
                Reason.REVISION_NOT_KEPT,
                f"this replica has moved on from change {seq} to {self._snapshot.seq} and keeps no earlier state; "
                "ask for the present one",
            )

    def _apply(self, pieces: Iterable[Changes]) -> None:
        """Go on to the state after all of the pieces, at once."""
        for changes in pieces:
            self._snapshot.apply(changes)
            if changes.last:
                self._loaded.set()
        self._failing = False
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def _follow(self) -> None:
        while True:
            try:
                waiting: list[Changes] = []
                async for changes in self._store.follow(self._snapshot.seq):
                    waiting.append(changes)
                    # Readers see whole requests: once there are any, nothing is applied that goes on in the next piece.
                    if changes.last or not self._loaded.is_set():
                        self._apply(waiting)
                        waiting.clear()
            except PlayscoreError:
                if not self._loaded.is_set():
                    raise
                self._failing = True
                await asyncio.sleep(_RETRY_SECONDS)
