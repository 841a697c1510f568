"""What files say, followed: read again when they change, and kept as it was where they cannot be used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Final, Generic, TypeAlias, TypeVar

import structlog
from prometheus_client import Gauge

_log = structlog.get_logger()

MAX_BYTES: Final = 2**20
"""Of one file."""
LOOK_EVERY_SECONDS: Final = 1.0

_SUCCESSFUL = Gauge(
    "playscore_reload_successful",
    "Whether what is in force is what the files say now: 0 where they cannot be used and what was before stays.",
    ("what",),
)
_TIME = Gauge(
    "playscore_reload_success_timestamp_seconds", "When what is in force was read, seconds since 1970.", ("what",)
)

T_co = TypeVar("T_co", covariant=True)
Read: TypeAlias = Callable[[Path], bytes]


class Followed(Generic[T_co]):
    """A value made of files. `load` gets the function to read them by, and raises ValueError where they are no use.

    By content, not by time: it works wherever files come from, links that are exchanged included. Not for two threads
    at once, but `value` may be read from any.
    """

    def __init__(self, what: str, load: Callable[[Read], T_co]) -> None:
        """Reads the files. Raises OSError and what `load` raises. `what` is the label of its metrics."""
        self._what = what
        self._load = load
        self._seen: dict[Path, bytes] = {}
        self.value = self._loaded()

    def look(self) -> bool:
        """Reads the files again if any has changed. Returns whether there is a new value."""
        if all(_digest(path) == digest for path, digest in self._seen.items()):
            return False
        try:
            self.value = self._loaded()
        except Exception as error:  # whatever is wrong with files, the service goes on with what it has
            reload_failed(self._what, error)
            return False
        _log.info("taken over", what=self._what)
        return True

    def _loaded(self) -> T_co:
        self._seen = {}
        value = self._load(self._read)
        reloaded(self._what)
        return value

    def _read(self, path: Path) -> bytes:
        self._seen[path] = b""
        content = _content(path)
        self._seen[path] = sha256(content).digest()
        return content


def reloaded(what: str) -> None:
    """Shows that what was read is in force."""
    _SUCCESSFUL.labels(what).set(1)
    _TIME.labels(what).set(time.time())


def reload_failed(what: str, error: Exception) -> None:
    """Shows and logs that what is there now is no use."""
    _SUCCESSFUL.labels(what).set(0)
    _log.error("not taken over", what=what, error=str(error) or repr(error))


async def follow(followed: Followed[object] | None) -> None:
    """Looks at it once a second until cancelled, in a thread: a file system may hang."""
    while followed is not None:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        await asyncio.to_thread(followed.look)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"{path} has more than {MAX_BYTES} bytes")
    return content


def _digest(path: Path) -> bytes:
    try:
        return sha256(_content(path)).digest()
    except (OSError, ValueError):
        return b""
