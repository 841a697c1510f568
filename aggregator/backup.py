"""Backups of stores: the port, and its implementation for the store that a URL names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from aggregator.postgres.backup import PostgresBackups
from aggregator.sqlite.backup import SqliteBackups
from aggregator.stores import SQLITE, check_store_url

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of parts done and of all parts."""


class Backups(Protocol):
    """Backs up, restores and checks a store. Every call may raise STORE_UNAVAILABLE."""

    def back_up(self, file: Path, progress: Progress) -> None:
        """Write one state of the store to a file, while others write to the store.

        The file is put in place once it is whole and has been checked. An earlier one stays until then.
        """

    def restore(self, file: Path, *, replace: bool, progress: Progress) -> None:
        """Check a backup, and make it the store.

        The store gets a new identity, so that its states are not confused with those of the one that was backed up:
        earlier revision tokens are refused.

        Raises:
            PlayscoreError: STORE_UNAVAILABLE, a process has the store open, or one exists and `replace` is false.
        """

    def check(self) -> Sequence[str]:
        """Each problem of the store, and where it is; empty if it is sound. Others may write to it meanwhile."""


def backups_of(url: str) -> Backups:
    """The backups of the store that a URL names. Raises ValueError if it does not name a store."""
    if check_store_url(url).startswith(SQLITE):
        return SqliteBackups(Path(url.removeprefix(SQLITE)))
    return PostgresBackups(url)
