"""Stores backed up while they run, restored, and checked: one port, and the store that a URL names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from aggregator.postgres.backup import PostgresBackups
from aggregator.sqlite.backup import SqliteBackups
from aggregator.stores import SQLITE, check_store_url

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many parts of how many are done."""


class Backups(Protocol):
    """What can be done with a store as a whole. Every call may raise STORE_UNAVAILABLE."""

    def back_up(self, file: Path, progress: Progress) -> None:
        """Write all that the store has at one moment to a file, while others write to the store.

        The file is there when it is whole and has been checked. What was there before stays until then.
        """

    def restore(self, file: Path, *, replace: bool, progress: Progress) -> None:
        """Make the store what a backup has, once that has been checked.

        It is another store from then on, so that nobody takes a state of the one that was backed up for one of it:
        revision tokens from before are refused. Raises STORE_UNAVAILABLE where a process has the store open, and where
        one is there that is not to be replaced.
        """

    def check(self) -> Sequence[str]:
        """What is wrong with the store, and where; nothing if it is sound. Others may write to it meanwhile."""


def backups_of(url: str) -> Backups:
    """Those of the store that a URL names. Raises ValueError where it names none."""
    if check_store_url(url).startswith(SQLITE):
        return SqliteBackups(Path(url.removeprefix(SQLITE)))
    return PostgresBackups(url)
