"""The whole of playscore on this machine: Triton and the three services, as processes on loopback."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.process import ServerProcess, free_port
from deploy.local.triton import triton_server
from deploy.triton.repository import Target, build_repository

ROOT = Path(__file__).resolve().parents[2]
READY_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, on 127.0.0.1."""

    triton: int
    triton_http: int
    triton_metrics: int
    featurizer: int
    featurizer_metrics: int
    scorer: int
    scorer_metrics: int
    aggregator: int
    aggregator_metrics: int

    @classmethod
    def documented(cls) -> Ports:
        """The ports that the README names."""
        return cls(8001, 8000, 8002, 50051, 9101, 50052, 9102, 50053, 9103)

    @classmethod
    def free(cls) -> Ports:
        """Ports that nobody listens on now."""
        return cls(*(free_port() for _ in range(9)))


class LocalStack:
    """Triton, featurizer, scorer and aggregator. As an async context manager: started and ready inside, stopped after.

    Every server can be killed and started again on its own (`servers["scorer"]`); it keeps its address and its data.

    Args:
        store: the aggregator's SQLite file; None for one that is thrown away at the end.
        logs: folder of the servers' logs.
        releases: the models to serve.
        ports: where to listen; by default where nobody does.
    """

    def __init__(
        self,
        store: Path | None = None,
        logs: Path = Path("out/logs"),
        releases: Path = ROOT / "models" / "releases",
        ports: Ports | None = None,
    ) -> None:
        self.ports = ports or Ports.free()
        self.servers: dict[str, ServerProcess] = {}
        self._store = store
        self._logs = logs
        self._releases = releases
        self._closing = AsyncExitStack()

    @property
    def featurizer(self) -> str:
        """Address of the featurizer."""
        return f"127.0.0.1:{self.ports.featurizer}"

    @property
    def scorer(self) -> str:
        """Address of the scorer."""
        return f"127.0.0.1:{self.ports.scorer}"

    @property
    def aggregator(self) -> str:
        """Address of the aggregator."""
        return f"127.0.0.1:{self.ports.aggregator}"

    @property
    def triton(self) -> str:
        """Address of Triton's gRPC."""
        return f"127.0.0.1:{self.ports.triton}"

    async def __aenter__(self) -> LocalStack:
        scratch = Path(self._closing.enter_context(tempfile.TemporaryDirectory(prefix="playscore-")))
        try:
            self.servers = self._describe(scratch)
            for server in self.servers.values():
                await server.start()
                self._closing.push_async_callback(server.stop)
            await self.wait_ready()
        except BaseException:
            await self._closing.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._closing.aclose()

    async def wait_ready(self) -> None:
        """Returns once every server answers that it is ready."""
        await asyncio.gather(*(server.wait_ready(READY_SECONDS) for server in self.servers.values()))

    def _describe(self, scratch: Path) -> dict[str, ServerProcess]:
        ports = self.ports
        repository = build_repository(self._releases, scratch / "triton", Target.PYTHON)
        store = (self._store or scratch / "aggregator.db").resolve()
        store.parent.mkdir(parents=True, exist_ok=True)
        releases = str(self._releases.resolve())
        log = self._logs / "triton.log"
        return {
            "triton": triton_server(repository, ports.triton, ports.triton_http, ports.triton_metrics, log),
            "featurizer": self._service("featurizer", ports.featurizer, ports.featurizer_metrics, {}),
            "scorer": self._service(
                "scorer",
                ports.scorer,
                ports.scorer_metrics,
                {"RELEASES": releases, "INFERENCE": "triton", "TRITON_URL": self.triton},
            ),
            "aggregator": self._service(
                "aggregator",
                ports.aggregator,
                ports.aggregator_metrics,
                {"RELEASES": releases, "STORE": f"sqlite:///{store}"},
            ),
        }

    def _service(self, name: str, port: int, metrics_port: int, settings: dict[str, str]) -> ServerProcess:
        settings = {
            "LISTEN": f"127.0.0.1:{port}",
            "METRICS_LISTEN": f"127.0.0.1:{metrics_port}",
            "DRAIN_SECONDS": "0",
            **settings,
        }
        return ServerProcess(
            name=name,
            command=[sys.executable, "-m", name],
            environment={f"PLAYSCORE_{name.upper()}_{key}": value for key, value in settings.items()},
            log=self._logs / f"{name}.log",
            ready=lambda: serving(f"127.0.0.1:{port}"),
        )


async def serving(address: str) -> bool:
    """The server's own health says that it serves."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)
