"""What files say, followed: read again when they change, and kept as it was where they cannot be used."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
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
            _SUCCESSFUL.labels(self._what).set(0)
            _log.error("files not taken over", what=self._what, error=str(error))
            return False
        _log.info("files taken over", what=self._what)
        return True

    def _loaded(self) -> T_co:
        self._seen = {}
        value = self._load(self._read)
        _SUCCESSFUL.labels(self._what).set(1)
        _TIME.labels(self._what).set(time.time())
        return value

    def _read(self, path: Path) -> bytes:
        self._seen[path] = b""
        content = _content(path)
        self._seen[path] = sha256(content).digest()
        return content


async def follow(followed: Iterable[Followed[object]]) -> None:
    """Looks at them once a second until cancelled, in a thread: a file system may hang."""
    all_of_them = tuple(followed)
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        for each in all_of_them:
            await asyncio.to_thread(each.look)


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
