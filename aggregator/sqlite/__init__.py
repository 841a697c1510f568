"""The embedded store: one SQLite file, one process."""

from aggregator.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
