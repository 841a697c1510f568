"""Whether the store takes writes: tried every few seconds, so that health knows before a writer does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

import structlog

from aggregator.core.store import HasDisk, KeepsSnapshots, Store
from aggregator.metrics import STORE_FREE_BYTES, WRITES_TAKEN
from playscore.errors import PlayscoreError, Reason

PROBE_EVERY_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 1.0
"""Between two tries while writes fail, and at least between any two."""
ANSWER_SECONDS: Final = 5.0
"""For one try; a store that takes longer does not take writes."""

_logger = structlog.get_logger()


class WriteProbe:
    """Tries whether a store takes writes: when it opens, every PROBE_EVERY_SECONDS, and when a write fails."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._read_only = isinstance(store, KeepsSnapshots) and store.read_only
        self._doubted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._logged: bool | None = None
        self.problem: str | None = "the store is not open"
        """Why the last try did not go through; None where it did."""

    @property
    def taken(self) -> bool:
        """Whether the last try went through."""
        return self.problem is None

    async def open(self) -> None:
        """Try, and go on trying. A store that is only read is not tried."""
        if not self._read_only:
            await self._try()
            self._task = asyncio.create_task(self._try_on())

    async def close(self) -> None:
        """Stop trying."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Around a write: if the store fails it, the next try is not put off."""
        try:
            yield
        except PlayscoreError as error:
            if error.reason is Reason.STORE_UNAVAILABLE:
                self._doubted.set()
            raise

    async def _try_on(self) -> None:
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            if self.taken:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PROBE_EVERY_SECONDS - RETRY_SECONDS):
                        await self._doubted.wait()
            self._doubted.clear()
            await self._try()

    async def _try(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._store.probe()
        except PlayscoreError as error:
            self._found(error.detail)
        except TimeoutError:
            self._found(f"the store does not answer within {ANSWER_SECONDS:g} s")
        except Exception as error:
            self._found(repr(error))
        else:
            self._found(None)

    def _found(self, problem: str | None) -> None:
        self.problem = problem
        WRITES_TAKEN.set(self.taken)
        if isinstance(self._store, HasDisk):
            STORE_FREE_BYTES.set(self._store.free_bytes)
        if self.taken is not self._logged:
            self._logged = self.taken
            if self.taken:
                _logger.info("writes are taken")
            else:
                _logger.error("writes fail", detail=problem)
