"""The file of an embedded store: backed up while it is written to, restored, and checked."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import uuid
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from aggregator.sqlite.checking import problems
from aggregator.sqlite.file import StoreFile, transaction

_SLICE_PAGES: Final = 2_000


class SqliteBackups:
    """See `aggregator.backup.Backups`."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    def back_up(self, file: Path, progress: Callable[[int, int], None]) -> None:
        """See Backups. While it copies, the store's write-ahead log grows by what is written."""
        with _reading(self._path) as source, _replacing(file) as part:
            _copy(source, part, progress)
            _check(part, "the copy")

    def restore(self, file: Path, *, replace: bool, progress: Callable[[int, int], None]) -> None:
        """See Backups."""
        store = StoreFile(self._path)
        try:
            if self._path.exists() and not replace:
                raise store.unavailable("a store already exists there; pass --replace to overwrite it")
            _check(file, "the backup")
            store.lock()
            with store.errors(), _reading(file) as source, _replacing(self._path) as part:
                _copy(source, part, progress)
                with contextlib.closing(_connected(part, "rw")) as connection:
                    connection.execute("UPDATE store SET id = ?", (uuid.uuid4().hex,))
                _check(part, "the copy")
                _remove_log(self._path)
        finally:
            store.close()

    def check(self) -> Sequence[str]:
        """See Backups."""
        with _reading(self._path) as connection:
            return problems(connection)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that sees one state of a store, which others may write to."""
    file = StoreFile(path)
    try:
        file.open_to_read()
        with file.errors():
            connection = file.reading()
            with transaction(connection, "DEFERRED"):
                connection.execute("SELECT count(*) FROM store").fetchone()
                yield connection
    finally:
        file.close()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A file to write. It replaces `path` if the block succeeds, and is deleted otherwise."""
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    part.unlink(missing_ok=True)
    try:
        yield part
        _sync(part)
        part.replace(path)
        _sync(path.parent)
    finally:
        part.unlink(missing_ok=True)


def _copy(source: sqlite3.Connection, part: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the state that the source's transaction sees."""
    try:
        with contextlib.closing(_connected(part, "rwc")) as target:
            source.backup(
                target, pages=_SLICE_PAGES, progress=lambda _, remaining, total: progress(total - remaining, total)
            )
            target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    except sqlite3.Error as error:
        raise StoreFile(part).unavailable(f"it could not be written: {error}") from error


def _check(path: Path, what: str) -> None:
    with _reading(path) as connection:
        found = problems(connection)
    if found:
        more = f"; and {len(found) - 1} more" if len(found) > 1 else ""
        raise StoreFile(path).unavailable(f"{what} is not sound: {found[0]}{more}")


def _remove_log(path: Path) -> None:
    """Remove a store's log, which must not be applied to the file that replaces it."""
    if path.exists():
        with contextlib.suppress(sqlite3.Error), contextlib.closing(_connected(path, "rw")) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode={mode}", uri=True, timeout=0, isolation_level=None)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
