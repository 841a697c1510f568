"""Signals that tell a process to end."""

from __future__ import annotations

import asyncio
import os
import signal

import structlog

_log = structlog.get_logger()


def told_to_end() -> asyncio.Event:
    """Set by SIGTERM or SIGINT from now on. A second signal ends the process at once with 1."""
    told = asyncio.Event()

    def on_signal(name: str) -> None:
        if told.is_set():
            os._exit(1)
        _log.info("draining", signal=name)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal, number.name)
    return told
