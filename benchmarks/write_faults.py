"""How long health takes to tell that a store takes no writes, while nobody writes, and that it takes them again."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from aggregator.__main__ import AggregatorSettings, build
from servicekit import ServiceSettings, serving
from servicekit.settings import parse_settings
from tests.disks import Disk, small_disk
from tests.postgres import Server

WRITES: Final = "playscore.aggregator.v1.AggregatorService/writes"
TIMES: Final = 3


@dataclass(frozen=True)
class Fault:
    """Something that keeps a store from taking writes."""

    name: str
    store: str
    begin: Callable[[], object]
    end: Callable[[], object] | None


@asynccontextmanager
async def health(store: str) -> AsyncIterator[Callable[[str, bool], Awaitable[float]]]:
    """Seconds until health says so of a name."""
    settings = parse_settings(AggregatorSettings, [f"--store={store}", "--listen=127.0.0.1:0"])
    async with serving(build(settings), ServiceSettings()) as running:
        await running.until_serving()
        async with grpc.aio.insecure_channel(str(running.address)) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)

            async def until(name: str, serves: bool) -> float:
                begun = time.monotonic()
                watch = stub.Watch(health_pb2.HealthCheckRequest(service=name))
                while ((await watch.read()).status == health_pb2.HealthCheckResponse.SERVING) is not serves:
                    pass
                watch.cancel()
                return time.monotonic() - begun

            yield until


@contextlib.contextmanager
def faults(folder: Path) -> Iterator[list[Fault]]:
    """All of them. The folder takes the disk."""
    server = Server()
    server.start()
    with small_disk(folder) as disk, contextlib.ExitStack() as stack:

        def lock() -> None:
            other = sqlite3.connect(disk.path / "lock", isolation_level=None, check_same_thread=False)
            stack.enter_context(contextlib.closing(other))
            other.execute("BEGIN IMMEDIATE")

        def move(one: str, other: str) -> None:
            (disk.path / one).rename(disk.path / other)

        def set_read_only(value: str) -> None:
            server.execute(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            server.execute("SELECT pg_reload_conf()")

        def on(name: str) -> str:
            return f"sqlite:///{disk.path / name}"

        yield [
            Fault("disk full", on("full"), lambda: Disk.fill(disk), disk.empty),
            Fault("locked", on("lock"), lock, stack.close),
            Fault("file gone", on("gone"), lambda: move("gone", "away"), lambda: move("away", "gone")),
            Fault("PostgreSQL read-only", server.url(), lambda: set_read_only("on"), lambda: set_read_only("off")),
            Fault("PostgreSQL gone", server.url(), server.stop, server.start),
            Fault("disk read-only", on("fails"), disk.fail, None),
        ]
    server.remove()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder, faults(Path(folder)) as listed:
        for fault in listed:
            told: list[float] = []
            again: list[float] = []
            async with health(fault.store) as until:
                for number in range(TIMES if fault.end else 1):
                    await asyncio.sleep(1.3 * number)  # at another moment between two tries
                    await asyncio.to_thread(fault.begin)
                    told.append(await until(WRITES, False))
                    if fault.end is not None:
                        await asyncio.to_thread(fault.end)
                        again.append(await until(WRITES, True))
            print(f"{fault.name:22} {spread(told)}   {spread(again) if again else 'a restart'}", flush=True)


def spread(seconds: list[float]) -> str:
    return f"{min(seconds):4.1f} {statistics.median(seconds):4.1f} {max(seconds):4.1f} s"


if __name__ == "__main__":
    asyncio.run(main())
