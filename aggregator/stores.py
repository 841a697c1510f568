"""The store that a URL names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from aggregator.core.store import Store
from aggregator.distributions import same_distribution
from aggregator.postgres import CONNECTIONS, PostgresStore, without_password
from aggregator.sqlite import SqliteStore
from playscore.subjects import Role

SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = ("postgresql://", "postgres://")


def check_store_url(url: str) -> str:
    """The URL itself. Raises ValueError if it does not name a store."""
    if url.startswith(_POSTGRESQL):
        named = urlsplit(url).path.strip("/")
    else:
        named = url.removeprefix(SQLITE) if url.startswith(SQLITE) else ""
    if not named:
        raise ValueError(
            f"{without_password(url)!r} is not a store URL; use {SQLITE}scores.sqlite, {SQLITE}/var/scores.sqlite "
            f"(absolute) or {_POSTGRESQL[0]}user@host/database"
        )
    return url


def make_store(url: str, roles: Iterable[Role], *, connections: int = CONNECTIONS, read_only: bool = False) -> Store:
    """The store at a URL, not opened yet. A `read_only` store must exist; other processes may write to it.

    A PostgreSQL store opens at most `connections` connections, and one more to follow changes.
    """
    if check_store_url(url).startswith(_POSTGRESQL):
        return PostgresStore(url, roles, same_distribution, connections=connections, read_only=read_only)
    return SqliteStore(Path(url.removeprefix(SQLITE)), roles, same_distribution, read_only=read_only)
