"""Real processes: waiting for what they do, and whether any of them is left."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import uuid4

SECONDS = 120.0
_MARK = "PLAYSCORE_TEST_MARK"


async def until(condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Returns once the condition holds. Fails after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs: a zombie does not."""
    try:
        _, _, after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")
    except OSError:
        return False
    return after_name[0] != "Z"


def command_line(pid: int) -> list[str]:
    """Program and arguments of a process; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
    except OSError:
        return []


class Command:
    """A command that starts processes, run in a folder of its own.

    As an async context manager: started inside; killed after, with everything that it started and left.
    """

    def __init__(self, folder: Path, *command: str, environment: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self._command = command
        self._mark = uuid4().hex
        self._environment = environment or {}
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        self.temporary.mkdir(parents=True)
        own = {_MARK: self._mark, "TMPDIR": str(self.temporary), "PYTHONUNBUFFERED": "1", **self._environment}
        with (self.folder / "stdout").open("wb") as stdout, (self.folder / "stderr").open("wb") as stderr:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                cwd=self.folder,
                env={**os.environ, **own},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pid in self.left():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await self.ended()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def stdout(self) -> str:
        """What it printed so far."""
        return (self.folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """What it printed on standard error so far."""
        return (self.folder / "stderr").read_text()

    async def says(self, text: str, seconds: float = SECONDS) -> None:
        """Returns once it has printed the text."""
        await self.until(lambda: text in self.stdout + self.stderr, seconds)

    async def until(self, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
        """Returns once the condition holds. Fails if the command ends before."""
        assert self._process is not None
        process = self._process
        held = False

        def is_over() -> bool:
            nonlocal held
            held = held or condition()
            return held or process.returncode is not None

        await until(is_over, seconds)
        assert held or condition(), self.stdout + self.stderr

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal: to it alone, not to what it started."""
        os.kill(self.pid, number)

    async def ended(self, seconds: float = SECONDS) -> int:
        """Its exit code, once it has ended."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), seconds)

    def left(self, *command: str) -> Sequence[int]:
        """The processes that carry its mark: itself, and what it started. Only those with `command` in their own."""
        mark = f"{_MARK}={self._mark}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (process / "environ").read_bytes().split(b"\0") and is_alive(pid := int(process.name)):
                    words = command_line(pid)
                    if any(tuple(words[at : at + len(command)]) == command for at in range(len(words))):
                        found.append(pid)
        return found
