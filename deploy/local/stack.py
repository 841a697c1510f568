"""The whole of playscore on this machine: Triton and the three services, as processes on loopback."""

from __future__ import annotations

import asyncio
import enum
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType

import click
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.ports import LOOPBACK, Ports
from deploy.local.process import ServerError, ServerProcess
from deploy.local.signals import ended_by_signals, say, wiped_at_once
from deploy.local.supervision import READY_SECONDS, Backoff, keep_running
from deploy.local.triton import device as triton_device
from deploy.local.triton import triton_server
from deploy.local.triton_backends import end_without_backends
from deploy.triton.repository import Target, build_repository
from playscore.shipped import RELEASES


class Inference(enum.Enum):
    """What runs the models."""

    TRITON = "triton"
    """A Triton server of the stack's own."""
    ONNXRUNTIME = "onnxruntime"
    """The scorer process, for machines that cannot run Triton."""


class LocalStack:
    """Triton, featurizer, scorer and aggregator. As an async context manager: started and ready inside, stopped after.

    A server that dies is restarted on the same address with the same data. A server that you stop or kill through
    `servers["scorer"]` stays down until you start it.

    Args:
        store: the aggregator's SQLite file; None for one that is thrown away at the end.
        logs: folder of the servers' logs; None for one that is thrown away at the end.
        releases: the models to serve; by default those that come with playscore.
        ports: where to listen; by default on free ports.
        inference: what runs the models.
        backoff: how long to wait before a server that died is restarted.
        say: called with a line or more when a server dies, fails to come back, or serves again.
    """

    def __init__(
        self,
        store: Path | None = None,
        logs: Path | None = None,
        releases: Path = RELEASES,
        ports: Ports = Ports(),  # noqa: B008 (it cannot change)
        inference: Inference = Inference.TRITON,
        backoff: Backoff = Backoff(),  # noqa: B008
        say: Callable[[str], None] = say,
    ) -> None:
        self.ports = ports
        self.servers: dict[str, ServerProcess] = {}
        self._store = store
        self._logs = logs
        self._releases = releases
        self._inference = inference
        self._backoff = backoff
        self._say = say
        self._closing = AsyncExitStack()

    @property
    def featurizer(self) -> str:
        """Address of the featurizer."""
        return f"{LOOPBACK}:{self.ports.featurizer}"

    @property
    def scorer(self) -> str:
        """Address of the scorer."""
        return f"{LOOPBACK}:{self.ports.scorer}"

    @property
    def aggregator(self) -> str:
        """Address of the aggregator."""
        return f"{LOOPBACK}:{self.ports.aggregator}"

    @property
    def triton(self) -> str:
        """Address of Triton's gRPC."""
        return f"{LOOPBACK}:{self.ports.triton}"

    async def __aenter__(self) -> LocalStack:
        async with AsyncExitStack() as closing:
            self.ports = closing.enter_context(self.ports.reserved(self._listened_on()))
            scratch = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="playscore-")))
            self.servers = self._describe(scratch)
            closing.enter_context(wiped_at_once(lambda: self._wipe(scratch)))
            closing.push_async_callback(self._stop)
            for server in self.servers.values():
                await server.start()
            await self.wait_ready()
            for server in self.servers.values():
                closing.callback(asyncio.create_task(keep_running(server, self._say, self._backoff)).cancel)
            if self._with_triton:
                watching = end_without_backends(self.servers["triton"], self._say)
                closing.callback(asyncio.create_task(watching).cancel)
            self._closing = closing.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    async def wait_ready(self) -> None:
        """Returns once every server answers that it is ready.

        Raises:
            ServerError: one of them ended, or took too long.
        """
        try:
            async with asyncio.TaskGroup() as waiting:
                for server in self.servers.values():
                    waiting.create_task(server.wait_ready(READY_SECONDS))
        except* ServerError as failures:
            raise failures.exceptions[0] from None

    def _listened_on(self) -> tuple[str, ...]:
        """The names of the ports in use."""
        services = ("featurizer", "scorer", "aggregator", "featurizer_metrics", "scorer_metrics", "aggregator_metrics")
        return (*services, "triton", "triton_http", "triton_metrics") if self._with_triton else services

    async def _stop(self) -> None:
        """Stops the services, then Triton, which the scorer calls until it ends."""
        services = [server for name, server in self.servers.items() if name != "triton"]
        await asyncio.gather(*(server.stop() for server in services))
        if self._with_triton:
            await self.servers["triton"].stop()

    def _wipe(self, scratch: Path) -> None:
        for server in self.servers.values():
            server.kill_at_once()
        shutil.rmtree(scratch, ignore_errors=True)

    @property
    def _with_triton(self) -> bool:
        return self._inference is Inference.TRITON

    def _describe(self, scratch: Path) -> dict[str, ServerProcess]:
        ports = self.ports
        logs = self._logs or scratch / "logs"
        store = (self._store or scratch / "aggregator.db").resolve()
        store.parent.mkdir(parents=True, exist_ok=True)
        releases = str(self._releases.resolve())
        inference = {"INFERENCE": self._inference.value}
        servers: dict[str, ServerProcess] = {}
        if self._with_triton:
            repository = build_repository(self._releases, scratch / "triton", Target.PYTHON, triton_device())
            servers["triton"] = triton_server(
                repository, ports.triton, ports.triton_http, ports.triton_metrics, logs / "triton.log"
            )
            inference["TRITON_URL"] = self.triton
        services = {
            "featurizer": (ports.featurizer, ports.featurizer_metrics, {}),
            "scorer": (ports.scorer, ports.scorer_metrics, {"RELEASES": releases, **inference}),
            "aggregator": (
                ports.aggregator,
                ports.aggregator_metrics,
                {"RELEASES": releases, "STORE": f"sqlite:///{store}"},
            ),
        }
        for name, (port, metrics_port, settings) in services.items():
            servers[name] = service_process(name, port, metrics_port, settings, logs / f"{name}.log")
        return servers


def service_process(name: str, port: int, metrics_port: int, settings: Mapping[str, str], log: Path) -> ServerProcess:
    """A service on this machine, not started yet.

    Args:
        name: the package that `python -m` runs.
        port: where it takes calls, on 127.0.0.1.
        metrics_port: where it shows its metrics.
        settings: its other settings, by the name of the environment variable without PLAYSCORE_<NAME>_.
        log: file that its output is appended to.
    """
    told = {
        "LISTEN": f"{LOOPBACK}:{port}",
        "METRICS_LISTEN": f"{LOOPBACK}:{metrics_port}",
        "DRAIN_SECONDS": "0",
        **settings,
    }
    return ServerProcess(
        name=name,
        command=[sys.executable, "-P", "-m", name],  # -P: never import from the current folder
        environment={
            "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime reports to its makers otherwise
            **{f"PLAYSCORE_{name.upper()}_{key}": value for key, value in told.items()},
        },
        log=log,
        ready=lambda: serving(f"{LOOPBACK}:{port}"),
        ports=(port, metrics_port),
    )


@asynccontextmanager
async def started(store: Path | None) -> AsyncIterator[LocalStack]:
    """A stack for a command that needs one while it runs: ready inside the block, stopped after.

    SIGINT, SIGTERM and SIGHUP end the block in good order: see `ended_by_signals`. Enter it from the main task. Logs
    are kept beside the store: those of `games.db` in `games.logs/`.

    Args:
        store: the aggregator's SQLite file; None for one that is thrown away at the end, with the logs.

    Raises:
        click.ClickException: the stack does not start; the message says why and what to do.
        click.exceptions.Exit: a signal came.
    """
    async with ended_by_signals(), AsyncExitStack() as closing:
        stack = LocalStack(store, None if store is None else store.with_suffix(".logs"))
        try:
            await closing.enter_async_context(stack)
        except ServerError as failure:
            raise click.ClickException(str(failure)) from None
        yield stack


async def serving(address: str) -> bool:
    """The server's own health says that it serves."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
