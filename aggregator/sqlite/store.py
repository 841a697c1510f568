"""The embedded store: one SQLite file, one process.

One thread writes: all waiting writes share one transaction, and so one sync to disk. Another reads changes and single
records, and a third reads whole states. The file `-lock` beside the store keeps out a second process, unless that one
only reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import operator
import queue
import threading
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

from aggregator.core.keeping import pieces
from aggregator.core.operations import Applied, EraseRequest, Operation, SwitchRequest
from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Write, Written, begun
from aggregator.core.revision import Revision
from aggregator.core.store import Changes, KeptSnapshot, Reading, StatePiece
from aggregator.rows import RowReader
from aggregator.sqlite.file import StoreFile
from aggregator.sqlite.reading import Reader
from aggregator.sqlite.writing import Writer
from playscore.errors import PlayscoreError, Reason
from playscore.subjects import Role

_GROUP_RECORDS: Final = 20_000
_ROOM_TO_KEEP: Final = 2
"""Times its size that a snapshot needs: it goes through the log into the file."""
_LOOK_EVERY_SECONDS: Final = 0.25
"""How often a read-only store looks for what another process has written."""

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    """A write that waits for its transaction, which it may share with others."""

    write: Write
    answer: asyncio.Future[Written]


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """Any other work for the writing thread."""

    do: Callable[[Writer], Any]
    answer: asyncio.Future[Any]


class _End:
    """Ends the writing thread."""


class _ReadThread:
    """A thread that reads, with a connection of its own."""

    def __init__(self, reader: Reader, name: str) -> None:
        self._reader = reader
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{name}")

    async def do(self, read: Callable[[Reader], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, read, self._reader)

    def close(self) -> None:
        self._thread.shutdown()


class SqliteStore:
    """See `aggregator.core.store.Store`. Opened once, and used by one event loop.

    Args:
        path: of the file.
        roles: of subjects; the file holds their numbers.
        same_distribution: whether two different contents mean the same distribution.
        read_only: do not write to the file, and follow what another process writes.
    """

    def __init__(
        self,
        path: Path,
        roles: Iterable[Role],
        same_distribution: SameDistribution = operator.eq,
        *,
        read_only: bool = False,
    ) -> None:
        self._file = StoreFile(path)
        self._rows = RowReader(roles)
        self._same_distribution = same_distribution
        self._read_only = read_only
        self._store_id = ""
        self._secret = b""
        self._queue: queue.SimpleQueue[_Waiting | _Job | _End] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_on, name="sqlite-writer")
        self._writer: Writer | None = None
        self._records: _ReadThread | None = None
        self._states: _ReadThread | None = None
        self._committed = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def free_bytes(self) -> int:
        """Left on the file system when it was last looked at; -1 before that."""
        return self._file.free_bytes

    @property
    def store_id(self) -> str:
        """See Store."""
        return self._store_id

    @property
    def secret(self) -> bytes:
        """See Store."""
        return self._secret

    async def open(self) -> None:
        """See Store. STORE_UNAVAILABLE if the file is in use, is not a store, or is a newer release's."""
        self._loop = asyncio.get_running_loop()
        try:
            await asyncio.to_thread(self._open)
        except BaseException:
            self._file.close()
            raise
        if not self._read_only:
            self._thread.start()

    async def close(self) -> None:
        """See Store."""
        if self._thread.is_alive():
            self._queue.put(_End())
            await asyncio.to_thread(self._thread.join)
        for thread in (self._records, self._states):
            if thread is not None:
                await asyncio.to_thread(thread.close)
        self._records = self._states = None
        self._file.close()

    async def probe(self) -> None:
        """See Store. A page is written to the file's log and synced."""
        await self._done(Writer.probe)

    async def record(self, write: Write) -> Written:
        """See Store."""
        return await self._asked(lambda answer: _Waiting(write, answer))

    async def switch(self, request: SwitchRequest) -> Applied:
        """See Store."""
        return await self._done(lambda writer: writer.switch(request))

    async def erase(self, request: EraseRequest) -> Applied:
        """See Store. Other writes wait while the file is rewritten."""
        return await self._done(lambda writer: writer.erase(request))

    async def operations(self) -> Sequence[Operation]:
        """See Store."""
        return await self._reading(self._records).do(Reader.operations)

    async def state(self, at: Revision | None = None, *, league: str | None = None) -> AsyncIterator[StatePiece]:
        """See Store. No lock is held between two pieces."""
        pieces = await self._reading(self._states).do(lambda reader: reader.state(at, league))
        while (piece := await self._reading(self._states).do(lambda _: next(pieces, None))) is not None:
            yield piece

    async def follow(self, after: Revision) -> AsyncIterator[Changes]:
        """See Store."""
        while True:
            committed = self._committed
            last = False
            while not last:
                changes = await self._reading(self._records).do(lambda reader: reader.changes(after))  # noqa: B023
                after, last = changes.revision, changes.last
                yield changes
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_SECONDS if self._read_only else None):
                    await committed.wait()

    async def read(self, scores: Collection[int], at: Revision) -> Reading:
        """See Store."""
        return await self._reading(self._records).do(lambda reader: reader.read(scores, at))

    @property
    def read_only(self) -> bool:
        """See KeepsSnapshots."""
        return self._read_only

    async def keep(self, kept: KeptSnapshot) -> None:
        """See KeepsSnapshots. Each piece is a transaction of its own, so that writes can come between them."""
        await self._done(lambda writer: writer.forget_kept())
        sizes = [len(part) for part in kept.parts]
        self._file.check_room(_ROOM_TO_KEEP * sum(sizes))
        try:
            for number, piece in enumerate(await asyncio.to_thread(lambda: list(pieces(kept.parts)))):
                if not await self._keep_piece(kept.revision, number, piece):
                    return
            await self._done(lambda writer: writer.finish_keeping(kept.fingerprint, kept.revision, sizes))
        except PlayscoreError:
            await self._done(lambda writer: writer.forget_kept())
            raise

    async def _keep_piece(self, at: Revision, number: int, piece: bytes) -> bool:
        return await self._done(lambda writer: writer.keep_piece(at, number, piece))

    async def kept(self, fingerprint: bytes) -> KeptSnapshot | None:
        """See KeepsSnapshots."""
        return await self._reading(self._states).do(lambda reader: reader.kept(fingerprint))

    async def present(self) -> Revision:
        """See Store."""
        return await self._reading(self._records).do(Reader.present)

    async def revision_at(self, time: datetime) -> Revision:
        """See Store. It waits for writes in progress, so that none commits later with an earlier time."""
        if self._read_only:
            return await self._reading(self._records).do(lambda reader: reader.revision_at(time))
        return await self._done(lambda writer: writer.revision_at(time))

    def _open(self) -> None:
        if self._read_only:
            self._file.open_to_read()
        else:
            self._writer = Writer(self._file, self._file.open(), self._rows, self._same_distribution)
        records, states = (Reader(self._file, self._rows) for _ in range(2))
        self._store_id, self._secret = records.store_id, records.secret
        self._records, self._states = _ReadThread(records, "records"), _ReadThread(states, "states")

    def _reading(self, thread: _ReadThread | None) -> _ReadThread:
        if thread is None:
            raise self._file.unavailable("the store is not open")
        return thread

    async def _done(self, do: Callable[[Writer], _Result]) -> _Result:
        return await self._asked(lambda answer: _Job(do, answer))

    async def _asked(self, ask: Callable[[asyncio.Future[_Result]], _Waiting | _Job]) -> _Result:
        """The writing thread's answer."""
        if not self._thread.is_alive():
            raise self._file.unavailable("it is open for reading only" if self._read_only else "it is not open")
        answer: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._queue.put(ask(answer))
        return await answer

    # --- In the writing thread ---

    def _write_on(self) -> None:
        assert self._writer is not None
        item = self._queue.get()
        while not isinstance(item, _End):
            after: _Waiting | _Job | _End | None = None
            if isinstance(item, _Waiting | _Job) and item.answer.cancelled():
                pass  # its caller left before it began
            elif isinstance(item, _Job):
                self._answer([item.answer], [_attempted(item.do, self._writer)])
            else:
                group, after = self._grouped(item)
                writes = [waiting.write for waiting in group]
                begun(writes)
                answers = self._writer.record(writes)
                self._answer([waiting.answer for waiting in group], answers)
            with contextlib.suppress(PlayscoreError):  # the write is committed; tidying is tried again
                self._writer.tidy()
            item = after or self._queue.get()

    def _grouped(self, first: _Waiting) -> tuple[list[_Waiting], _Job | _End | None]:
        """Waiting writes, up to a bound, and the other job after them, if one ended the group."""
        group = [first]
        records = len(first.write.records)
        while records < _GROUP_RECORDS:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if not isinstance(item, _Waiting):
                return group, item
            if not item.answer.cancelled():
                group.append(item)
                records += len(item.write.records)
        return group, None

    def _answer(self, futures: Sequence[asyncio.Future[Any]], answers: Sequence[object]) -> None:
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it every waiting task
            self._loop.call_soon_threadsafe(self._set, futures, answers)

    def _set(self, futures: Sequence[asyncio.Future[Any]], answers: Sequence[object]) -> None:
        for future, answer in zip(futures, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, PlayscoreError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        # Also after a failure: followers then find out whether the file can still be read.
        committed, self._committed = self._committed, asyncio.Event()
        committed.set()


def _attempted(do: Callable[[Writer], object], writer: Writer) -> object:
    try:
        return do(writer)
    except PlayscoreError as error:
        return error
    except Exception as error:
        return PlayscoreError(Reason.INTERNAL, repr(error))
