"""The shared store: a PostgreSQL database that several aggregators read and write at once.

Transactions are numbered by the server when they begin to write, and commit in any order: a follower asks for all that
was committed since, whatever its number, and so passes over nothing and waits for nobody.
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
from aggregator.core.recording import Write, Written
from aggregator.core.revision import Revision
from aggregator.core.store import Changes, Reading, StatePiece
from aggregator.rows import RowReader
from playscore.errors import PlayscoreError, Reason
from playscore.subjects import Role
from tests.unit.aggregator.previous.postgres_1.database import Database
from tests.unit.aggregator.previous.postgres_1.reading import Reader
from tests.unit.aggregator.previous.postgres_1.writing import Writer

CONNECTIONS: Final = 8
POLL_SECONDS: Final = 1.0
_GROUP_RECORDS: Final = 5_000
_GROUP_WRITES: Final = 500


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    write: Write
    answer: asyncio.Future[Written]


class PostgresStore:
    """See `aggregator.core.store.Store`. Opened once; of one event loop.

    Writes that wait for the one before share a transaction, and so one sync to disk.

    Args:
        url: postgresql://USER@HOST/DATABASE, and whatever else libpq takes.
        roles: those of its subjects, whom it keeps by their roles' numbers.
        same_distribution: whether the contents of two distributions that differ are the same after all.
        connections: the most that are open at once, without one for each `follow`.
        poll_seconds: how often a follower looks for changes of which it was not notified.
    """

    def __init__(
        self,
        url: str,
        roles: Iterable[Role],
        same_distribution: SameDistribution = operator.eq,
        *,
        connections: int = CONNECTIONS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        self._database = Database(url, connections)
        rows = RowReader(roles)
        self._reader = Reader(self._database, rows)
        self._writer = Writer(self._database, rows, same_distribution)
        self._poll_seconds = poll_seconds
        self._store_id = ""
        self._waiting: deque[_Waiting] = deque()
        self._wake = asyncio.Event()
        self._closing = False
        self._writing: asyncio.Task[None] | None = None

    # What today's port asks for, and that release did not know.
    secret = b""

    async def probe(self) -> None:
        raise NotImplementedError

    @property
    def store_id(self) -> str:
        """See Store. A database that was restored, or that another server took over, is another store."""
        return self._store_id

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

    async def record(self, write: Write) -> Written:
        """See Store."""
        if self._writing is None or self._closing:
            raise self._database.unavailable("the store is not open")
        answer: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(write, answer))
        self._wake.set()
        return await answer

    async def switch(self, switching: SwitchRequest) -> Applied:
        """See Store."""
        raise PlayscoreError(Reason.NOT_IMPLEMENTED, "this release does not switch models")

    async def erase(self, erasing: EraseRequest) -> Applied:
        """See Store."""
        raise PlayscoreError(Reason.NOT_IMPLEMENTED, "this release does not erase")

    async def operations(self) -> Sequence[Operation]:
        """See Store."""
        return []

    async def state(self, at: Revision | None = None, *, league: str | None = None) -> AsyncIterator[StatePiece]:
        """See Store."""
        if at is not None:
            raise PlayscoreError(
                Reason.REVISION_NOT_KEPT, "this release keeps no earlier states; ask for the present one"
            )
        async with (
            self._database.shared() as connection,
            contextlib.aclosing(self._reader.state(connection, league)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def follow(self, after: Revision) -> AsyncIterator[Changes]:
        """See Store. A connection that is lost is replaced once before that is an error."""
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

    async def revision_at(self, time: datetime) -> Revision:
        """See Store."""
        raise PlayscoreError(Reason.REVISION_NOT_KEPT, "this release keeps no earlier states; ask for the present one")

    async def _write_on(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                group = self._group()
                answers = await self._writer.record([waiting.write for waiting in group])
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
        """Writes that wait, up to a bound, each of another request."""
        group: list[_Waiting] = []
        requests: set[str] = set()
        records = 0
        while self._waiting and len(group) < _GROUP_WRITES and records < _GROUP_RECORDS:
            write = self._waiting[0].write
            if write.request_id in requests:
                break
            requests.add(write.request_id)
            records += len(write.records)
            group.append(self._waiting.popleft())
        return group
