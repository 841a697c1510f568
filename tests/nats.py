"""A real NATS server with JetStream for tests, which can be killed and started again."""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from deploy.local.feed import nats_program
from pipeline.jetstream.broker import BrokerAddress

_START_SECONDS: Final = 60.0


class Server:
    """A server of one's own on a port of its own, which it keeps when it is started again.

    Args:
        sync: how often it syncs to disk: a duration, or "always".
    """

    def __init__(self, sync: str = "2m") -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="playscore-nats-"))
        self._sync = sync
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.remove)

    def start(self) -> None:
        """Start it, and wait until it can be connected to."""
        configuration = self._folder / "nats.conf"
        settings = {
            "listen": f"127.0.0.1:{self._port}",
            "jetstream": {"store_dir": str(self._folder / "data"), "sync_interval": self._sync},
            "ports_file_dir": str(self._folder),
            "log_file": str(self._folder / "log"),
        }
        configuration.write_text(json.dumps(settings))
        for old in self._folder.glob("*.ports"):
            old.unlink()
        self._process = subprocess.Popen([nats_program(), "-c", configuration], cwd="/")
        deadline = time.monotonic() + _START_SECONDS
        while not (ports := self._ports()):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"nats-server does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.01)
        self._port = ports

    def kill(self) -> None:
        """End it as the end of its machine would, but for what the disk has not written."""
        self.stop(signal.SIGKILL)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """End it and remove its data."""
        atexit.unregister(self.remove)
        self.stop(signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    @property
    def url(self) -> str:
        """Where it is."""
        return f"nats://127.0.0.1:{self._port}"

    @property
    def address(self) -> BrokerAddress:
        """Where it is, as commands take it."""
        return BrokerAddress(self.url)

    def _ports(self) -> int:
        try:
            told = json.loads(next(self._folder.glob("*.ports")).read_text())
        except (StopIteration, ValueError, FileNotFoundError):
            return 0
        return int(told["nats"][0].rpartition(":")[2])


@functools.cache
def server() -> Server:
    """The one that tests share."""
    shared = Server()
    shared.start()
    return shared
