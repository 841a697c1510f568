"""A server run as a child process, with its log in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

STOP_SECONDS = 20.0
"""How long a server may take to drain before it is killed."""


class ServerError(RuntimeError):
    """A server ended, or did not become ready."""


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class ServerProcess:
    """One server: can be started, stopped, killed and started again on the same address."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        ready: Callable[[], Awaitable[bool]],
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._ready = ready
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """It was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Starts the server without waiting for it to be ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env={**os.environ, **self._environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def wait_ready(self, seconds: float) -> None:
        """Returns once the server answers that it is ready.

        Raises:
            ServerError: it ended, or `seconds` went by.
        """
        end = time.monotonic() + seconds
        while True:
            if not self.running:
                code = None if self._process is None else self._process.returncode
                raise ServerError(f"{self.name} ended with code {code}; its log is {self.log}:\n{self.last_words()}")
            if await self._ready():
                return
            if time.monotonic() > end:
                raise ServerError(
                    f"{self.name} is not ready after {seconds:.0f} s; its log is {self.log}:\n{self.last_words()}"
                )
            await asyncio.sleep(0.05)

    async def stop(self) -> int:
        """Asks the server to finish (SIGTERM), kills it if it does not, and returns its exit code."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> int:
        """Kills the server and everything it started (SIGKILL), as a failing machine would."""
        return await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._signal(how)
        try:
            return await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._signal(signal.SIGKILL)
            return await self._process.wait()

    def _signal(self, how: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if how is signal.SIGKILL:
                os.killpg(self._process.pid, how)
            else:
                self._process.send_signal(how)

    def last_words(self, lines: int = 15) -> str:
        """The end of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])
