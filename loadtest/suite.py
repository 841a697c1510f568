"""What is tested: running services, or a suite of this machine that a load test starts for itself."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local.feed import nats_server, worker_process
from deploy.local.ports import LOOPBACK, reserve
from deploy.local.process import ServerProcess
from deploy.local.stack import Inference, LocalStack
from deploy.local.supervision import READY_SECONDS
from pipeline.jetstream.broker import BrokerAddress, connected
from pipeline.jetstream.streams import StreamSettings, create_streams
from pipeline.jetstream.worker import GAMES_AT_ONCE
from pipeline.replay import Addresses
from playscore.client import Tls
from playscore.client.words import counted

GENERATOR: Final = "load test"


@dataclass(frozen=True, slots=True)
class Suite:
    """Running services, with workers that play what the live feed says."""

    described: str
    broker: BrokerAddress
    services: Mapping[str, str]
    """By name, host:port of each service that is called; "aggregator" is."""
    tls: Tls | None = None
    metrics: Sequence[str] = ()
    """host:port of each process that shows its metrics."""
    processes: Mapping[str, int] = field(default_factory=dict)
    """By name, the leader of each process group, where they run on this machine."""


@asynccontextmanager
async def local_suite(games: int, inference: Inference, logs: Path | None = None) -> AsyncIterator[Suite]:
    """Triton, the services, NATS and enough workers to hold so many games, ready inside the block.

    Args:
        games: played at once.
        inference: what runs the models.
        logs: folder of the servers' logs; None for one that is thrown away at the end.

    Raises:
        ServerError: a server does not start.
    """
    async with AsyncExitStack() as closing:
        scratch = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="playscore-load-")))
        logs = logs or scratch / "logs"
        stack = await closing.enter_async_context(LocalStack(scratch / "scores.db", logs, inference=inference))
        services = Addresses(stack.featurizer, stack.scorer, stack.aggregator)
        workers = -(-games // GAMES_AT_ONCE)
        port, *ports = closing.enter_context(reserve(*([0] * (1 + 2 * workers))))
        servers = dict(stack.servers)
        servers["nats"] = await _started(nats_server(scratch / "nats", port, logs / "nats.log"), closing)
        broker = BrokerAddress(f"nats://{LOOPBACK}:{port}")
        async with connected(broker, GENERATOR) as connection:
            await create_streams(connection, StreamSettings())
        for number in range(workers):
            name = f"worker-{number + 1}"
            listen, metrics = ports[2 * number : 2 * number + 2]
            worker = worker_process(name, broker.url, services, listen, metrics, logs / f"{name}.log")
            servers[name] = await _started(worker, closing)
        local = stack.ports
        metrics_ports = (local.featurizer_metrics, local.scorer_metrics, local.aggregator_metrics, *ports[1::2])
        yield Suite(
            f"{counted(workers, 'worker')} and the services of this machine, inference by {inference.value},"
            f" {os.cpu_count()} cores",
            broker,
            {"featurizer": stack.featurizer, "scorer": stack.scorer, "aggregator": stack.aggregator},
            metrics=[f"{LOOPBACK}:{port}" for port in metrics_ports],
            processes={name: server.pid for name, server in servers.items()} | {GENERATOR: os.getpgrp()},
        )


async def _started(server: ServerProcess, closing: AsyncExitStack) -> ServerProcess:
    await server.start()
    closing.push_async_callback(server.stop)
    await server.wait_ready(READY_SECONDS)
    return server
