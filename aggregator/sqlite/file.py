"""The file of an embedded store: opened by one process, checked to stay the same file, its log bounded."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from aggregator.sqlite.schema import check, prepare
from playscore.errors import PlayscoreError, Reason

BUSY_SECONDS: Final = 2.0
"""How long a write waits for another process that has the file locked."""
LOG_BYTES: Final = 64 << 20
"""The write-ahead log is emptied when it is larger."""
_CHECKPOINT_SECONDS: Final = 0.1
"""How long emptying the log waits for its readers; the store's own reads are shorter."""
_RETRY_SECONDS: Final = 1.0


class StoreFile:
    """A store's file. Its failures are raised as STORE_UNAVAILABLE."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.free_bytes = -1
        """Of its file system, as last looked at; -1 before that."""
        self._beside: Sequence[Path] = [self._named(suffix) for suffix in ("-wal", "-shm")]
        self._lock: IO[str] | None = None
        self._inode: int | None = None
        self._identity: tuple[tuple[int, int], ...] = ()
        self._connections: list[sqlite3.Connection] = []
        self._empty_log_at = LOG_BYTES

    def open(self) -> sqlite3.Connection:
        """Lock the file, make it a store of this release, and connect to it for writing."""
        with self.errors():
            self.lock()
            if self._inode is None:
                self.path.touch()
                self._lock_inode()
            connection = self._connected("rwc")
            with self._refusals():
                prepare(connection)
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            if mode != "wal":
                raise self.unavailable(
                    f"its journal mode is {mode!r}: its file system does not support a write-ahead log"
                )
            connection.execute(f"PRAGMA journal_size_limit = {LOG_BYTES}")
            connection.execute("SELECT count(*) FROM store").fetchone()
            self._identity = self._identities()
            return connection

    def lock(self) -> None:
        """Keep other processes from opening it for writing until it is closed, by this name or by any other."""
        with self.errors():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._named("-lock").open("a+")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read(20).strip() or "unknown"
                lock.close()
                raise self.unavailable(
                    f"another process ({holder}) has it open; a SQLite store takes one aggregator: stop it, or use"
                    " PostgreSQL"
                ) from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            self._lock = lock
            if self.path.exists():
                self._lock_inode()

    def _lock_inode(self) -> None:
        # Closed after SQLite's connections: closing any descriptor of a file releases the locks that SQLite has on it.
        self._inode = os.open(self.path, os.O_RDWR)
        try:
            fcntl.flock(self._inode, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self.unavailable(
                "another process has it open by another name, a hard link or another mount; a SQLite store takes one"
                " aggregator"
            ) from None
        names = os.fstat(self._inode).st_nlink
        if names > 1:
            raise self.unavailable(
                f"it has {names} names (hard links), and what was written by one of them may be in a log that another"
                " does not see; delete all but the name that the last aggregator used"
            )

    def open_to_read(self) -> None:
        """Check that the file is a store of this release. Nothing is written, and no other process is locked out."""
        with self.errors():
            if not self.path.is_file():
                raise self.unavailable("it is a folder" if self.path.is_dir() else "there is no such file")
            connection = self._connected("ro")
            with self._refusals():
                check(connection)
            self._beside = []
            self._identity = self._identities()

    def reading(self) -> sqlite3.Connection:
        """Connect once more, for reading."""
        with self.errors():
            return self._connected("ro")

    def close(self) -> None:
        """Close all connections, and unlock the file."""
        for connection in reversed(self._connections):
            connection.close()
        self._connections.clear()
        if self._inode is not None:
            os.close(self._inode)
            self._inode = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def check(self) -> None:
        """Fail if the file was replaced or removed: what is written now would be lost."""
        with self.errors():
            if self._identities() != self._identity:
                raise self.unavailable("the file was replaced while it was open; restart on the right one")

    def check_room(self, size: int) -> None:
        """Fail if the file system has less than `size` bytes left."""
        with self.errors():
            free = shutil.disk_usage(self.path.parent).free
            self.free_bytes = free
            if free < size:
                raise self.unavailable(f"{free >> 20} MiB are free where {size >> 20} MiB are needed")

    def bound_log(self, connection: sqlite3.Connection) -> None:
        """Empty the log if it has grown large. If a reader prevents it, try again when it has grown further."""
        with self.errors():
            size = self._named("-wal").stat().st_size
            if size <= LOG_BYTES:
                self._empty_log_at = LOG_BYTES
            elif size >= self._empty_log_at and not self._log_emptied(connection, _CHECKPOINT_SECONDS):
                self._empty_log_at = size + LOG_BYTES // 8

    def empty_log(self, connection: sqlite3.Connection) -> None:
        """Move everything that was committed into the file itself."""
        with self.errors():
            if not self._log_emptied(connection, BUSY_SECONDS):
                raise self.unavailable("an earlier state is still being read; try again")

    @contextlib.contextmanager
    def errors(self) -> Iterator[None]:
        """Raises failures of the file as STORE_UNAVAILABLE."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(_explained(error)) from error
        except ValueError as error:
            raise self.unavailable(f"its content is damaged: {error}") from error

    def unavailable(self, detail: str) -> PlayscoreError:
        """A STORE_UNAVAILABLE that names the file."""
        return PlayscoreError(
            Reason.STORE_UNAVAILABLE, f"store {self.path}: {detail}", retry_after_seconds=_RETRY_SECONDS
        )

    def _named(self, suffix: str) -> Path:
        """A file beside it."""
        return self.path.with_name(self.path.name + suffix)

    def _connected(self, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self.path.as_uri()}?mode={mode}",
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._connections.append(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA cell_size_check = ON")
        return connection

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        """Adds the name of the file to refusals of its schema."""
        try:
            yield
        except PlayscoreError as refusal:
            raise self.unavailable(refusal.detail) from None

    def _identities(self) -> tuple[tuple[int, int], ...]:
        """Device and inode of the file and of its log: another file of the same name has others."""
        states = [path.stat() for path in (self.path, *self._beside)]
        return tuple((state.st_dev, state.st_ino) for state in states)

    def _log_emptied(self, connection: sqlite3.Connection, seconds: float) -> bool:
        """Empty the log. Returns whether its readers ended within that time."""
        connection.execute(f"PRAGMA busy_timeout = {seconds * 1000:.0f}")
        try:
            busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")
        return not busy


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection, kind: str) -> Iterator[None]:
    """A transaction, DEFERRED for reading or IMMEDIATE for writing, which an exception rolls back."""
    connection.execute(f"BEGIN {kind}")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _explained(error: sqlite3.Error | OSError) -> str:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    match code & 0xFF:  # without what SQLite adds to it
        case sqlite3.SQLITE_NOTADB:
            return "this is not a SQLite file"
        case sqlite3.SQLITE_IOERR:
            name = getattr(error, "sqlite_errorname", "")
            return f"{error} ({name}): its disk fails or has turned read-only; the kernel's log says more"
        case _:
            return str(error)
