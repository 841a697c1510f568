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
"""The same, of one that erases."""
LOCK_SECONDS: Final = 5
"""The longest that a statement waits for another's transaction, and a call for a connection."""
IDLE_SECONDS: Final = 60
"""The longest that a transaction is kept by somebody who asks for nothing."""
_RETRY_SECONDS: Final = 1.0

APPLICATION: Final = "playscore aggregator"
"""By which the server knows whose connections they are."""
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
    """See the module. Every method but `unavailable` may raise STORE_UNAVAILABLE.

    Args:
        url: as libpq takes it. Its password is shown nowhere.
        connections: how many are shared; whoever follows has one more.
        read_only: leave it as it is.
    """

    def __init__(self, url: str, connections: int, *, read_only: bool = False) -> None:
        self._url = url
        self._connections = connections
        self._read_only = read_only
        self._settings = {**_SETTINGS, "default_transaction_read_only": "on" if read_only else "off"}
        self._identity: Identity | None = None
        self._pool: asyncpg.Pool | None = None

    @property
    def read_only(self) -> bool:
        """Whether it is left as it is."""
        return self._read_only

    @property
    def identity(self) -> Identity:
        """Which store it is."""
        if self._identity is None:
            raise self.unavailable("the store is not open")
        return self._identity

    async def open(self) -> None:
        """Make it a store of this release, and connect."""
        with self.errors():
            connection = await self._connect()
            try:
                self._identity = await (recognize if self._read_only else prepare)(connection)
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
        """Let go of it."""
        pool, self._pool, self._identity = self._pool, None, None
        if pool is not None:
            try:
                async with asyncio.timeout(STATEMENT_SECONDS):
                    await pool.close()
            except TimeoutError:
                pool.terminate()

    @contextlib.asynccontextmanager
    async def shared(self) -> AsyncIterator[Connection]:
        """One of the shared connections, for a while."""
        if self._pool is None:
            raise self.unavailable("the store is not open")
        with self.errors():
            async with self._pool.acquire(timeout=LOCK_SECONDS) as connection:
                yield connection

    @contextlib.asynccontextmanager
    async def own(self) -> AsyncIterator[Connection]:
        """A connection for oneself."""
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
        """What goes wrong with the database is STORE_UNAVAILABLE."""
        try:
            yield
        except TimeoutError as error:
            raise self.unavailable("it does not answer in time") from error
        except OSError as error:
            raise self.unavailable(f"cannot connect: {error}") from error
        except _FAULTS as error:
            raise self.unavailable(str(error) or type(error).__name__) from error

    def unavailable(self, detail: str) -> PlayscoreError:
        """The error for what is wrong with it."""
        return PlayscoreError(
            Reason.STORE_UNAVAILABLE,
            f"store {without_password(self._url)}: {detail}",
            retry_after_seconds=_RETRY_SECONDS,
        )

    async def present(self, connection: Connection) -> Revision:
        """The state that a connection sees."""
        return self.revision(await connection.fetchval("SELECT pg_current_snapshot()"))

    def revision(self, snapshot: tuple[int, int, Sequence[int]]) -> Revision:
        """The state that a snapshot of the server sees. Transactions from before there was a store are not named."""
        _, end, running = snapshot
        base = self.identity.base
        return Revision(end + base, frozenset(number + base for number in running if number + base > 0))

    async def _connect(self) -> Connection:
        return await asyncpg.connect(
            self._url, timeout=CONNECT_SECONDS, command_timeout=STATEMENT_SECONDS, server_settings=self._settings
        )

    async def _check(self, connection: Connection) -> None:
        """Refuse another store than the one that was opened: what it has is nothing to what is known here."""
        if not is_present(await connection.fetchrow(IDENTITY), self.identity):
            raise self.unavailable("the database was restored or moved while it was open; restart to go on with it")
        # What is answered is durable, whatever the database's default is.
        await connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )


async def _leave_as_it_is(_: Connection) -> None:
    """Nothing is left of a transaction's settings, and those of a connection are for good."""


@contextlib.asynccontextmanager
async def transaction(connection: Connection, *, of_one_state: bool = False) -> AsyncIterator[None]:
    """A transaction that an exception undoes. One that only reads can be of one state from its beginning to its end."""
    isolation = "repeatable_read" if of_one_state else "read_committed"
    running = connection.transaction(isolation=isolation, readonly=of_one_state)
    await running.start()
    try:
        yield
    except BaseException:
        # A connection that cannot undo it is of no use to the next; when it ends, the server does.
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
