"""The shared store: a PostgreSQL database that several aggregators read and write at once.

The server numbers transactions when they begin to write, and they commit in any order. A follower reads everything that
was committed since its revision, whatever its number: it misses nothing, and never waits for a running transaction.
"""

from __future__ import annotations

import asyncio
import contextlib
import operator
from collections import deque
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aggregator.core.operations import Applied, EraseRequest, Operation, SwitchRequest
from aggregator.core.precedence import SameDistribution
from aggregator.core.recording import Write, Written, begun
from aggregator.core.revision import Revision
from aggregator.core.store import Changes, KeptSnapshot, Reading, StatePiece
from aggregator.postgres import keeping
from aggregator.postgres.database import Database, transaction
from aggregator.postgres.reading import Reader
from aggregator.postgres.writing import Writer
from aggregator.rows import RowReader
from playscore.errors import PlayscoreError, Reason
from playscore.subjects import Role

CONNECTIONS: Final = 8
POLL_SECONDS: Final = 1.0
_GROUP_RECORDS: Final = 5_000
_GROUP_WRITES: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    write: Write
    answer: asyncio.Future[Written]


class PostgresStore:
    """See `aggregator.core.store.Store`. Opened once, and used by one event loop.

    Writes that wait for a transaction share the next one, and so one sync to disk.

    Args:
        url: postgresql://USER@HOST/DATABASE, or any other that libpq takes.
        roles: of subjects; the tables hold their numbers.
        same_distribution: whether two different contents mean the same distribution.
        connections: open at most; each `follow` has one more.
        poll_seconds: how often a follower looks for changes without a notification.
        read_only: the store must exist; the database refuses changes.
    """

    def __init__(
        self,
        url: str,
        roles: Iterable[Role],
        same_distribution: SameDistribution = operator.eq,
        *,
        connections: int = CONNECTIONS,
        poll_seconds: float = POLL_SECONDS,
        read_only: bool = False,
    ) -> None:
        self._database = Database(url, connections, read_only=read_only)
        rows = RowReader(roles)
        self._reader = Reader(self._database, rows)
        self._writer = Writer(self._database, rows, same_distribution)
        self._poll_seconds = poll_seconds
        self._store_id = ""
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._writing: asyncio.Task[None] | None = None

    @property
    def store_id(self) -> str:
        """See Store. A database that was restored or moved to another server is another store."""
        return self._store_id

    @property
    def secret(self) -> bytes:
        """See Store."""
        return self._database.secret

    async def open(self) -> None:
        """See Store."""
        await self._database.open()
        self._store_id = self._database.identity.store_id
        self._writing = asyncio.create_task(self._write_on())

    async def close(self) -> None:
        """See Store."""
        if self._writing is not None:
            self._closing = True
            self._wake.set()
            await self._writing
            self._writing = None
        await self._database.close()

    async def probe(self) -> None:
        """See Store. The server is asked whether it takes writes, and has to find room on its disk."""
        await self._writer.probe()

    async def record(self, write: Write) -> Written:
        """See Store."""
        if self._writing is None or self._closing:
            raise self._database.unavailable("the store is not open")
        answer: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(write, answer))
        self._wake.set()
        return await answer

    async def switch(self, request: SwitchRequest) -> Applied:
        """See Store."""
        return await self._writer.switch(request)

    async def erase(self, request: EraseRequest) -> Applied:
        """See Store. Other writers wait for it. Releases without erasures cannot serve the store afterwards."""
        return await self._writer.erase(request)

    async def operations(self) -> Sequence[Operation]:
        """See Store."""
        async with self._database.shared() as connection:
            return await self._reader.operations(connection)

    async def state(self, at: Revision | None = None, *, league: str | None = None) -> AsyncIterator[StatePiece]:
        """See Store. All of it is read in one transaction."""
        async with (
            self._database.shared() as connection,
            contextlib.aclosing(self._reader.state(connection, at, league)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def follow(self, after: Revision) -> AsyncIterator[Changes]:
        """See Store. A lost connection is replaced once before the loss is an error."""
        lost = False
        while True:
            try:
                async with (
                    self._database.own() as connection,
                    contextlib.aclosing(self._reader.follow(connection, after, self._poll_seconds)) as followed,
                ):
                    async for changes in followed:
                        lost, after = False, changes.revision
                        yield changes
            except PlayscoreError as error:
                if lost or error.reason is not Reason.STORE_UNAVAILABLE:
                    raise
                lost = True

    async def read(self, scores: Collection[int], at: Revision) -> Reading:
        """See Store."""
        async with self._database.shared() as connection:
            return await self._reader.read(connection, scores, at)

    @property
    def read_only(self) -> bool:
        """See KeepsSnapshots."""
        return self._database.read_only

    async def keep(self, kept: KeptSnapshot) -> None:
        """See KeepsSnapshots. One replica keeps it for all."""
        async with self._database.shared() as connection, transaction(connection):
            await keeping.keep(connection, kept)

    async def kept(self, fingerprint: bytes) -> KeptSnapshot | None:
        """See KeepsSnapshots."""
        async with self._database.shared() as connection, transaction(connection, of_one_state=True):
            return await keeping.kept(connection, fingerprint)

    async def present(self) -> Revision:
        """See Store."""
        async with self._database.shared() as connection:
            return await self._database.present(connection)

    async def revision_at(self, time: datetime) -> Revision:
        """See Store."""
        async with self._database.shared() as connection:
            return await self._reader.revision_at(connection, time)

    async def _write_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = self._group()
                writes = [waiting.write for waiting in group]
                begun(writes)
                answers = await self._writer.record(writes)
                for waiting, answer in zip(group, answers, strict=True):
                    if waiting.answer.done():
                        continue
                    if isinstance(answer, Written):
                        waiting.answer.set_result(answer)
                    else:
                        waiting.answer.set_exception(answer)
            if self._closing:
                return

    def _group(self) -> list[_Waiting]:
        """Waiting writes, up to a bound, each of a different request."""
        group: list[_Waiting] = []
        requests: set[str] = set()
        records = 0
        while self._waiting and len(group) < _GROUP_WRITES and records < _GROUP_RECORDS:
            if self._waiting[0].answer.cancelled():  # its caller left before it began
                self._waiting.popleft()
                continue
            write = self._waiting[0].write
            if write.request_id in requests:
                break
            requests.add(write.request_id)
            records += len(write.records)
            group.append(self._waiting.popleft())
        return group
