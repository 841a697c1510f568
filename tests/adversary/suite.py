"""The whole of playscore as it runs for real, each part a process: broker, workers, services, Triton, a store.

Whatever dies is started again, as a supervisor in production would.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final, Literal, Self

from deploy.local.feed import nats_program, worker_process
from deploy.local.http import status
from deploy.local.ports import LOOPBACK, reserve
from deploy.local.process import ServerError, ServerProcess
from deploy.local.stack import service_process
from deploy.local.supervision import READY_SECONDS, Backoff, keep_running
from deploy.local.triton import triton_server
from deploy.local.triton_backends import end_without_backends
from deploy.triton.repository import Target, build_repository
from pipeline.jetstream.broker import Broker, BrokerAddress, connected
from pipeline.jetstream.streams import StreamSettings, create_streams
from pipeline.replay import Addresses
from playscore.client import AggregatorClient
from tests import postgres
from tests.adversary.proxy import Link, link
from tests.processes import command_line
from tests.releases import link_newest

Store = Literal["sqlite", "postgresql"]

STUB: Final = "triton stub"
POSTGRESQL: Final = "postgresql"
_BACKOFF: Final = Backoff(first_seconds=0.1, max_seconds=1.0, steady_seconds=5.0)
_ALIVE_EVERY_SECONDS: Final = 0.5
_NOT_ALIVE_SECONDS: Final = 5.0
"""How long NATS may say that it is not healthy before it is restarted."""
_LINKS: Final = (
    ("worker", "nats"),
    ("worker", "featurizer"),
    ("worker", "scorer"),
    ("worker", "aggregator"),
    ("scorer", "triton"),
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a suite is made up."""

    store: Store = "sqlite"
    workers: int = 2
    linked: bool = False
    """Whether processes talk over links that can be made bad."""
    sync: str = "always"
    """When NATS syncs to disk."""
    lease_seconds: float = 5.0
    settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Of services, beside those that are needed."""
    environment: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Variables of processes, by their names; "" names all."""
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Where "aggregator" and "nats" keep what they keep, if not in the suite's own folder."""


class Suite:
    """As an async context manager: started and ready inside; stopped after.

    Its folder is made anew, and keeps logs and stores.
    """

    def __init__(self, folder: Path, options: Options = Options()) -> None:
        self.folder = folder
        self.options = options
        self.servers: dict[str, ServerProcess] = {}
        self.links: dict[tuple[str, str], Link] = {}
        """By who calls and who is called."""
        self.said: list[str] = []
        """What its supervisor said of processes that died."""
        self.killed: Counter[str] = Counter()
        self._ports: dict[str, int] = {}
        self._broker: Broker | None = None
        self._postgres: postgres.Server | None = None
        self._restarting: set[asyncio.Task[None]] = set()
        self._closing = AsyncExitStack()

    # --- addresses ---

    def address(self, name: str, caller: str = "") -> str:
        """Where a process is called, by another one or by a test."""
        found = self.links.get((caller, name))
        return f"{LOOPBACK}:{self._ports[name] if found is None else found.port}"

    @property
    def broker(self) -> Broker:
        """A connection to the broker, which outlives its restarts."""
        assert self._broker is not None
        return self._broker

    # --- life ---

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as closing:
            await self._start(closing)
            self._closing = closing.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._closing.aclose()

    async def _start(self, closing: AsyncExitStack) -> None:
        await asyncio.to_thread(shutil.rmtree, self.folder, ignore_errors=True)
        await asyncio.to_thread(self.folder.mkdir, parents=True)
        names = ["nats", "triton", "featurizer", "scorer", "aggregator", *self.workers]
        ports = closing.enter_context(reserve(*[0] * (2 * len(names) + 1)))
        for place, name in enumerate(names):
            self._ports[name], self._ports[f"{name} metrics"] = ports[2 * place : 2 * place + 2]
        self._ports["triton http"] = ports[-1]
        if self.options.linked:
            for caller, called in _LINKS:
                self.links[caller, called] = await closing.enter_async_context(link(self._ports[called]))
        if self.options.store == "postgresql":
            self._postgres = await asyncio.to_thread(_postgres)
            closing.callback(self._postgres.remove)
        self.servers = self._describe()
        closing.push_async_callback(self._stop)
        for name in ("nats", "triton", "featurizer", "aggregator", "scorer"):
            await self.servers[name].start()
        await asyncio.gather(*(self.servers[name].wait_ready(READY_SECONDS) for name in ("nats", "aggregator")))
        address = BrokerAddress(f"nats://{self.address('nats')}")
        self._broker = await closing.enter_async_context(connected(address, "campaign", give_up_seconds=float("inf")))
        await create_streams(self._broker, StreamSettings(lease_seconds=self.options.lease_seconds))
        for name in self.workers:
            await self.servers[name].start()
        await self.ready()
        for server in self.servers.values():
            closing.callback(asyncio.create_task(keep_running(server, self.said.append, _BACKOFF)).cancel)
        for keep_alive in (self._keep_nats_alive(), end_without_backends(self.servers["triton"], self.said.append)):
            closing.callback(asyncio.create_task(keep_alive).cancel)

    async def _stop(self) -> None:
        for task in self._restarting:
            task.cancel()
        for server in reversed(self.servers.values()):
            await server.kill()

    @property
    def workers(self) -> Sequence[str]:
        """Their names."""
        return [f"worker {number}" for number in range(1, self.options.workers + 1)]

    async def ready(self, seconds: float = READY_SECONDS) -> None:
        """Returns once every process runs and says that it is ready. Raises ServerError where that takes too long.

        It asks at once and does not look who holds which port, as `ServerProcess.wait_ready` does.
        """
        end = asyncio.get_running_loop().time() + seconds
        while True:
            waited_for = [name for name, each in self.servers.items() if not (each.running and await each._ready())]
            if not waited_for:
                return
            if asyncio.get_running_loop().time() > end:
                said = "".join(self.servers[name].last_words(5) for name in waited_for)
                raise ServerError(f"{', '.join(waited_for)}: not ready after {seconds:g} s{said}")
            await asyncio.sleep(0.1)

    # --- attacks ---

    @property
    def targets(self) -> Sequence[str]:
        """What can be killed."""
        return [*self.servers, STUB, *([POSTGRESQL] if self._postgres is not None else [])]

    def kill(self, name: str, random: Random) -> bool:
        """Kills a process by SIGKILL, alone, as running out of memory would. False where it does not run just now."""
        if name == POSTGRESQL:
            return self._kill_postgres()
        if name == STUB:
            stubs = _stubs(self.servers["triton"])
            return bool(stubs) and self._kill(name, random.choice(stubs))
        server = self.servers[name]
        return server.running and self._kill(name, server.pid)

    def _kill(self, name: str, pid: int) -> bool:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[name] += 1
            return True
        return False

    def _kill_postgres(self) -> bool:
        if self._restarting:
            return False
        task = asyncio.create_task(self._restart_postgres())
        self._restarting.add(task)
        task.add_done_callback(self._restarting.discard)
        self.killed[POSTGRESQL] += 1
        return True

    async def _restart_postgres(self) -> None:
        assert self._postgres is not None
        await asyncio.to_thread(self._postgres.stop, signal.SIGKILL)
        while True:
            await asyncio.sleep(0.1)
            try:
                await asyncio.to_thread(self._postgres.start)
            except RuntimeError as refused:  # what was killed has not let go of everything yet
                self.said.append(f"postgresql {refused}")
            else:
                return

    @property
    def deaths(self) -> Sequence[str]:
        """How processes died, those that were killed among them."""
        return [said for said in self.said if "it is down" in said]

    async def _keep_nats_alive(self) -> None:
        """The liveness probe of NATS: one that has no JetStream any more, as after a full disk, is restarted."""
        nats = self.servers["nats"]
        now = asyncio.get_running_loop().time
        healthy = now()
        while True:
            await asyncio.sleep(_ALIVE_EVERY_SECONDS)
            if not nats.running or await status(f"http://{self.address('nats metrics')}/healthz") == 200:
                healthy = now()
            elif now() - healthy > _NOT_ALIVE_SECONDS:
                self.said.append("nats is not healthy; it is restarted")
                with suppress(ProcessLookupError):
                    os.kill(nats.pid, signal.SIGTERM)
                healthy = now()

    # --- processes ---

    def _describe(self) -> dict[str, ServerProcess]:
        releases = link_newest(self.folder / "releases")
        repository = build_repository(releases, self.folder / "triton", Target.PYTHON)
        servers = {
            "nats": self._nats(),
            "triton": triton_server(
                repository,
                self._ports["triton"],
                self._ports["triton http"],
                self._ports["triton metrics"],
                self._log("triton"),
            ),
        }
        kept = self.options.folders.get("aggregator", self.folder)
        store = f"sqlite:///{(kept / 'aggregator.db').resolve()}" if self._postgres is None else self._postgres.url()
        for name, settings in {
            "featurizer": {},
            "scorer": {"TRITON_URL": self.address("triton", "scorer"), "RELEASES": str(releases.resolve())},
            "aggregator": {"STORE": store, "RELEASES": str(releases.resolve())},
        }.items():
            servers[name] = service_process(
                name,
                self._ports[name],
                self._ports[f"{name} metrics"],
                {**settings, **self.options.settings.get(name, {})},
                self._log(name),
            )
        for name in self.workers:
            servers[name] = self._worker(name)
        for name, server in servers.items():
            variables = {**self.options.environment.get("", {}), **self.options.environment.get(name, {})}
            server._environment = {**server._environment, **variables}
        return servers

    def _nats(self) -> ServerProcess:
        configuration = self.folder / "nats.conf"
        kept = self.options.folders.get("nats", self.folder) / "nats"
        configuration.write_text(
            f"listen: {self.address('nats')}\n"
            f"http: {self.address('nats metrics')}\n"
            # Without a limit stated it takes three quarters of what is free when it starts: nothing, on a full disk.
            f"jetstream {{ store_dir: {json.dumps(str(kept))}, sync_interval: {json.dumps(self.options.sync)},"
            " max_file_store: 1GB }\n"
        )

        async def ready() -> bool:
            return await status(f"http://{self.address('nats metrics')}/healthz") == 200

        ports = (self._ports["nats"], self._ports["nats metrics"])
        return ServerProcess(
            "nats", [nats_program(), "-c", str(configuration)], {}, self._log("nats"), ready, ports=ports
        )

    def _worker(self, name: str) -> ServerProcess:
        def to(called: str) -> str:
            return self.address(called, "worker")

        return worker_process(
            name,
            f"nats://{to('nats')}",
            Addresses(to("featurizer"), to("scorer"), to("aggregator")),
            self._ports[name],
            self._ports[f"{name} metrics"],
            self._log(name.replace(" ", "-")),
            *("--quiet-after", "30"),
        )

    def log_of(self, name: str) -> str:
        """What a process has written so far."""
        file = self._log(name.replace(" ", "-"))
        return file.read_text(errors="replace") if file.exists() else ""

    def _log(self, name: str) -> Path:
        return self.folder / "logs" / f"{name}.log"


def _stubs(triton: ServerProcess) -> Sequence[int]:
    """The processes that run the models of a Triton."""
    if not triton.running:
        return []
    with suppress(OSError):
        children = Path(f"/proc/{triton.pid}/task").glob("*/children")
        pids = [int(pid) for each in children for pid in each.read_text().split()]
        return [pid for pid in pids if any("python_backend_stub" in word for word in command_line(pid)[:1])]
    return []


def _postgres() -> postgres.Server:
    """One that syncs to disk, and can be started again."""
    server = postgres.Server({"fsync": "on", "autovacuum": "on", "max_connections": "100"})
    server.start()
    return server


def vital_processes(suite: Suite) -> Callable[[], Mapping[str, int]]:
    """The ids of its processes that run, by name, for `Vitals`."""
    return lambda: {name: server.pid for name, server in suite.servers.items() if server.running}


def client(suite: Suite) -> AggregatorClient:
    """Reads what came of games, past any fault of a link."""
    return AggregatorClient(suite.address("aggregator"), timeout_seconds=20)
