"""The stores that there are, by their URLs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from aggregator.core.store import Store
from aggregator.distributions import same_distribution
from aggregator.sqlite import SqliteStore
from playscore.subjects import Role

_SQLITE: Final = "sqlite:///"


def check_store_url(url: str) -> str:
    """The URL itself. Raises ValueError where it names no store."""
    if not url.startswith(_SQLITE) or url == _SQLITE:
        raise ValueError(
            f"{url!r} is no store; {_SQLITE}scores.sqlite is one, {_SQLITE}/var/scores.sqlite an absolute one"
        )
    return url


def make_store(url: str, roles: Iterable[Role], *, read_only: bool = False) -> Store:
    """The store at a URL, not opened yet. One that is `read_only` must exist, and lets other processes write to it."""
    path = Path(check_store_url(url).removeprefix(_SQLITE))
    return SqliteStore(path, roles, same_distribution, read_only=read_only)
