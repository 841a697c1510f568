"""A PostgreSQL database with a bounded number of connections, the same one as long as it is open."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from aggregator.core.revision import Revision
from aggregator.postgres.schema import IDENTITY, SCHEMA, Connection, Identity, is_present, prepare, recognize
from playscore.errors import PlayscoreError, Reason

CONNECT_SECONDS: Final = 5
CLOSE_SECONDS: Final = 1
STATEMENT_SECONDS: Final = 30
"""The longest that one statement may take."""
ERASE_SECONDS: Final = 600
"""The longest that a statement of an erasure may take."""
LOCK_SECONDS: Final = 5
"""The longest that a statement waits for a lock, and a call for a connection."""
IDLE_SECONDS: Final = 60
"""The longest that a transaction may be idle."""
_RETRY_SECONDS: Final = 1.0

APPLICATION: Final = "playscore aggregator"
"""The application name of an aggregator's connections."""
_SETTINGS: Final = {
    "application_name": APPLICATION,
    "search_path": SCHEMA,
    "jit": "off",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "lock_timeout": f"{LOCK_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
}
_FAULTS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, ValueError)


class Database:
    """A database and its connections. Every method but `unavailable` may raise STORE_UNAVAILABLE.

    Args:
        url: as libpq takes it. Its password is never shown.
        connections: how many are shared; each follower has one more.
        read_only: never write to it.
    """

    def __init__(self, url: str, connections: int, *, read_only: bool = False) -> None:
        self._url = url
        self._connections = connections
        self._read_only = read_only
        self._settings = {**_SETTINGS, **({"default_transaction_read_only": "on"} if read_only else {})}
        self._identity: Identity | None = None
        self.secret = b""
        """Of the store, once it is open. Its replicas and its copies have the same."""
        self._pool: asyncpg.Pool | None = None

    @property
    def read_only(self) -> bool:
        """Whether it is never written to."""
        return self._read_only

    @property
    def identity(self) -> Identity:
        """The identity of the store."""
        if self._identity is None:
            raise self.unavailable("the store is not open")
        return self._identity

    async def open(self) -> None:
        """Migrate it to this release, and connect."""
        with self.errors():
            connection = await self._connect()
            try:
                self._identity = await (recognize if self._read_only else prepare)(connection)
                self.secret = await connection.fetchval("SELECT erased FROM keys")
            except PlayscoreError as refusal:
                raise self.unavailable(refusal.detail) from None
            finally:
                await connection.close()
            self._pool = await asyncpg.create_pool(
                self._url,
                min_size=0,
                max_size=self._connections,
                init=self._check,
                reset=_leave_as_it_is,
                timeout=CONNECT_SECONDS,
                command_timeout=STATEMENT_SECONDS,
                server_settings=self._settings,
            )

    async def close(self) -> None:
        """Close all connections."""
        pool, self._pool, self._identity = self._pool, None, None
        if pool is not None:
            try:
                async with asyncio.timeout(STATEMENT_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    @contextlib.asynccontextmanager
    async def shared(self) -> AsyncIterator[Connection]:
        """One of the shared connections, until the block ends."""
        if self._pool is None:
            raise self.unavailable("the store is not open")
        with self.errors():
            async with self._pool.acquire(timeout=LOCK_SECONDS) as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def own(self) -> AsyncIterator[Connection]:
        """A connection that is not shared."""
        with self.errors():
            connection = await self._connect()
            try:
                await self._check(connection)
                yield connection
            finally:
                with contextlib.suppress(*_FAULTS):
                    await connection.close(timeout=CLOSE_SECONDS)

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Raises failures of the database as STORE_UNAVAILABLE."""
        try:
            yield
        except TimeoutError as error:
            raise self.unavailable("it does not answer in time") from error
        except OSError as error:
            raise self.unavailable(f"cannot connect: {error}") from error
        except _FAULTS as error:
            raise self.unavailable(str(error) or type(error).__name__) from error

    def unavailable(self, detail: str) -> PlayscoreError:
        """A STORE_UNAVAILABLE that names the database."""
        return PlayscoreError(
            Reason.STORE_UNAVAILABLE,
            f"store {without_password(self._url)}: {detail}",
            retry_after_seconds=_RETRY_SECONDS,
        )

    async def present(self, connection: Connection) -> Revision:
        """The state that a connection sees."""
        return self.revision(await connection.fetchval("SELECT pg_current_snapshot()"))

    def revision(self, snapshot: tuple[int, int, Sequence[int]]) -> Revision:
        """The state that a snapshot of the server sees, without transactions from before the store existed."""
        _, end, running = snapshot
        base = self.identity.base
        return Revision(end + base, frozenset(number + base for number in running if number + base > 0))

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self._url, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS, server_settings=self._settings
        )

    async def _check(self, connection: Connection) -> None:
        """Fail if the database now holds another store than the one that was opened."""
        if not is_present(await connection.fetchrow(IDENTITY), self.identity):
            raise self.unavailable("the database was restored or moved while it was open; restart to use it")
        # Answers are durable, whatever the database's default is.
        await connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )


async def _leave_as_it_is(_: Connection) -> None:
    """Connections need no reset: settings of transactions end with them, those of connections stay."""


@contextlib.asynccontextmanager
async def transaction(connection: Connection, *, of_one_state: bool = False) -> AsyncIterator[None]:
    """A transaction, which an exception rolls back. With `of_one_state` it only reads, and sees one state."""
    isolation = "repeatable_read" if of_one_state else "read_committed"
    running = connection.transaction(isolation=isolation, readonly=of_one_state)
    await running.start()
    try:
        yield
    except BaseException:
        # If it cannot be rolled back, the connection is closed, and the server rolls it back.
        try:
            await running.rollback()
        except _FAULTS:
            connection.terminate()
        raise
    await running.commit()


def without_password(url: str) -> str:
    """A database's URL without its password and parameters. Of other text, what follows the last @."""
    if "://" not in url:
        return url.rpartition("@")[2]
    scheme, netloc, path, *_ = urlsplit(url)
    login, at, host = netloc.rpartition("@")
    return f"{scheme}://{login.partition(':')[0]}{at}{host}{path}"
