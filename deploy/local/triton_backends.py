"""Ends a Triton whose Python backend died: it neither replaces that process nor stops calling itself ready."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from deploy.local.process import ServerProcess

LOOK_EVERY_SECONDS = 1.0


async def end_without_backends(triton: ServerProcess, say: Callable[[str], None]) -> NoReturn:
    """Kills `triton` once a process that runs a model for it is dead; for whoever keeps it running, it crashed."""
    while True:
        await asyncio.sleep(LOOK_EVERY_SECONDS)
        if triton.running and await asyncio.to_thread(has_dead_child, triton.pid):
            say("triton has lost a process that runs a model, and would not replace it")
            triton.crash_it()


def has_dead_child(parent: int) -> bool:
    """Whether a child of a process has ended and is not waited for."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent_pid, *_ = stat.read_text().rpartition(") ")[2].split()
        except (OSError, ValueError):  # it is gone
            continue
        if state == "Z" and int(parent_pid) == parent:
            return True
    return False
