"""The stores that there are, by their URLs."""

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
    """The URL itself. Raises ValueError where it names no store."""
    if url.startswith(_POSTGRESQL):
        named = urlsplit(url).path.strip("/")
    else:
        named = url.removeprefix(SQLITE) if url.startswith(SQLITE) else ""
    if not named:
        raise ValueError(
            f"{without_password(url)!r} is no store; {SQLITE}scores.sqlite is one, {SQLITE}/var/scores.sqlite an "
            f"absolute one, {_POSTGRESQL[0]}user@host/database a shared one"
        )
    return url


def make_store(url: str, roles: Iterable[Role], *, connections: int = CONNECTIONS, read_only: bool = False) -> Store:
    """The store at a URL, not opened yet. One that is `read_only` must exist, and lets other processes write to it.

    A shared one is reached through so many connections at most, and one more to follow it.
    """
    if check_store_url(url).startswith(_POSTGRESQL):
        return PostgresStore(url, roles, same_distribution, connections=connections, read_only=read_only)
    return SqliteStore(Path(url.removeprefix(SQLITE)), roles, same_distribution, read_only=read_only)
