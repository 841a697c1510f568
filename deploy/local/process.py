"""A server run as a child process, with its log in a file."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local import tied
from deploy.local.port_holders import holders, only_listener
from playscore.terminal_text import printable

STOP_SECONDS = 20.0
"""How long a server may take to drain before it is killed."""
_ASK_READY_EVERY_SECONDS = 0.05
_LINE_CHARACTERS = 400


class ServerError(RuntimeError):
    """A server ended, cannot be started, or did not become ready."""


@dataclass(frozen=True, slots=True)
class Crash:
    """How a server died."""

    how: str
    """What follows the server's name in a sentence: "was killed by SIGKILL"."""
    up_seconds: float
    """Since its start."""


class ServerProcess:
    """One server: can be started, stopped, killed and started again on the same address.

    It leads its own process group. When it ends, the rest of the group is killed. When this process ends, even by
    SIGKILL, so does the server (see `deploy.local.tied`; start it from the main thread).

    Args:
        name: what messages call it.
        command: program and arguments.
        environment: added to the environment of this process.
        log: file that its output is appended to.
        ready: whether it answers that it is ready.
        ports: ports of 127.0.0.1 that it must be the only one to listen on before its answer counts.
        stop_with: the signal that asks it to finish.
        discard: called after it has ended, to remove what it left behind.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        ready: Callable[[], Awaitable[bool]],
        ports: Sequence[int] = (),
        stop_with: signal.Signals = signal.SIGTERM,
        discard: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.log = log
        self._command = command
        self._environment = environment
        self._ready = ready
        self._ports = ports
        self._stop_with = stop_with
        self._discard = discard
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._log_began = 0
        self._told_to_end = False
        self._ended = asyncio.Event()
        self._crashes: asyncio.Queue[Crash] = asyncio.Queue()

    @property
    def running(self) -> bool:
        """It was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """Its process id, or its last one. Raises ServerError if it was never started."""
        if self._process is None:
            raise ServerError(f"{self.name} was not started")
        return self._process.pid

    async def start(self) -> None:
        """Starts the server without waiting for it to be ready.

        Raises:
            ServerError: the system refuses to start it.
        """
        try:
            process = self._spawn()
            watch = os.pidfd_open(process.pid)
        except OSError as error:
            raise ServerError(f"{self.name} cannot be started: {error}") from error
        self._process = process
        self._started = time.monotonic()
        self._told_to_end = False
        self._ended.clear()
        loop = asyncio.get_running_loop()

        def on_end() -> None:
            loop.remove_reader(watch)
            os.close(watch)
            self._reap()

        loop.add_reader(watch, on_end)

    def _spawn(self) -> subprocess.Popen[bytes]:
        """Not through the event loop: uvloop forks, and gRPC's fork handlers print warnings; this is a vfork."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._log_began = log.tell()
            return subprocess.Popen(
                [sys.executable, "-I", "-S", tied.__file__, str(os.getpid()), *self._command],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def wait_ready(self, seconds: float) -> None:
        """Returns once the server says that it is ready, and it is this server that says so.

        Raises:
            ServerError: it ended, or `seconds` went by.
        """
        end = time.monotonic() + seconds
        while True:
            if not self.running:
                how = "was not started" if self._process is None else how_it_ended(self._process.returncode)
                raise ServerError(f"{self.name} {how}{self._strangers()}{self.last_words()}")
            if await self._ready() and self._listens():
                return
            if time.monotonic() > end:
                raise ServerError(
                    f"{self.name} is not ready after {seconds:.0f} s{self._strangers()}{self.last_words()}"
                )
            await asyncio.sleep(_ASK_READY_EVERY_SECONDS)

    async def crash(self) -> Crash:
        """Returns when the server has died, that is, ended without being told to: once for each time."""
        return await self._crashes.get()

    async def stop(self) -> int:
        """Asks the server to finish, kills it if it does not, and returns its exit code."""
        return await self._end(self._stop_with)

    async def kill(self) -> int:
        """Kills the server and everything it started (SIGKILL), as a failing machine would."""
        return await self._end(signal.SIGKILL)

    def crash_it(self) -> None:
        """Kills the server, if it runs, as something from outside would: it counts as a crash."""
        self._signal(signal.SIGKILL)

    def kill_at_once(self) -> None:
        """Kills the server and everything it started, without the event loop."""
        if self._process is not None and self.running:
            self._told_to_end = True
            self._signal(signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=STOP_SECONDS)
            self._discard()

    async def _end(self, how: signal.Signals) -> int:
        if self._process is None:
            return 0
        if self.running:
            self._told_to_end = True
            self._signal(how)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await self._ended.wait()
            except TimeoutError:
                self._signal(signal.SIGKILL)
                await self._ended.wait()
        return self._process.returncode

    def _signal(self, how: signal.Signals) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if how is signal.SIGKILL:
                os.killpg(self._process.pid, how)
            else:
                os.kill(self._process.pid, how)

    def _reap(self) -> None:
        assert self._process is not None
        self._signal(signal.SIGKILL)  # the rest of its group, while its process id cannot be reused
        code = self._process.wait()
        self._discard()
        self._ended.set()
        if not self._told_to_end:
            self._crashes.put_nowait(Crash(how_it_ended(code), time.monotonic() - self._started))

    def _listens(self) -> bool:
        return all(only_listener(self.pid, port) for port in self._ports)

    def _strangers(self) -> str:
        """Who else holds its ports, as part of a message."""
        held = ((port, holder) for port in self._ports for holder in holders(port))
        said = [f"port {port} is held by {holder}" for port, holder in held if holder.pid != self.pid]
        return "".join(f"; {one}" for one in said)

    def last_words(self, lines: int = 15) -> str:
        """The end of its log since its last start, as the last part of a message."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_began)
            said = log.read().decode(errors="replace").splitlines()[-lines:]
        shown = [line if len(line) <= _LINE_CHARACTERS else f"{line[:_LINE_CHARACTERS]}..." for line in said]
        return f"; its log is {self.log}" + "".join(f"\n    {printable(line)}" for line in shown)


def how_it_ended(code: int) -> str:
    """What follows the name of a process in a sentence. `code` is a return code of `subprocess`."""
    if code >= 0:
        return f"ended with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"was killed by {signal.Signals(-code).name}"
    return f"was killed by signal {-code}"
