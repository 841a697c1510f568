"""The memory of a process: what goes back to the system, and what garbage collection need not look at.

glibc keeps what was freed, in as many arenas as threads ever asked at once. Where the C library is another, nothing is
given back.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
from pathlib import Path
from typing import Any, Final

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_ARENAS: Final = 2
_MAPPED_BYTES: Final = 1 << 18
"""Blocks from this size on are mapped one by one, and given back when they are freed."""
_AFTER_SECONDS: Final = 1.0
"""Large calls that end within it are one reason to give memory back."""

_LIMITS: Final = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Of control groups of both versions, as a container sees them."""

_library: Final[Any] = ctypes.CDLL(None)


def limit_arenas() -> None:
    """Keeps little of what is freed. To be called before there are threads."""
    if hasattr(_library, "mallopt"):
        _library.mallopt(_M_ARENA_MAX, _ARENAS)
        _library.mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)


def spare_from_collection() -> None:
    """What there is now stays for good: to look at it again stops the process for 50 to 80 ms, each time.

    To be called once, when all is loaded that a process lives with.
    """
    gc.collect()
    gc.freeze()


def memory_limit() -> int:
    """Bytes that this process may take: the limit of its control group where that is below what the machine has."""
    limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for path in _LIMITS:
        with contextlib.suppress(OSError, ValueError):  # "max" where there is none
            limit = min(limit, int(path.read_text()))
    return limit


class GivingBack:
    """Gives back what large calls have left, in a thread."""

    def __init__(self) -> None:
        self._scheduled = False

    def soon(self) -> None:
        """To be called when a large call is at its end, and may still hold what it was about."""
        if not self._scheduled and hasattr(_library, "malloc_trim"):
            self._scheduled = True
            asyncio.get_running_loop().call_later(_AFTER_SECONDS, self._give_back)

    def _give_back(self) -> None:
        self._scheduled = False
        asyncio.get_running_loop().run_in_executor(None, _library.malloc_trim, 0)
