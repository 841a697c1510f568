"""A worker as a process of the suite: health, metrics, drain."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2

from pipeline.jetstream.broker import Broker, BrokerAddress, connected
from pipeline.jetstream.states import States
from pipeline.jetstream.streams import existing_streams
from pipeline.jetstream.worker import FOREVER, Worker, WorkSettings
from pipeline.replay import Addresses
from pipeline.tasks import tasks_over
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient


class WorkerService:
    """See `servicekit.Service`. It takes no calls but those of health; its work comes from the broker.

    Args:
        broker: where the feed is.
        services: what plays go through.
        settings: how it works.
    """

    name = "worker"

    def __init__(self, broker: BrokerAddress, services: Addresses, settings: WorkSettings) -> None:
        self._address = broker
        self._services = services
        self._settings = settings
        self._broker: Broker | None = None
        self._worker: Worker | None = None
        self._working: asyncio.Task[None] | None = None
        self._opened = asyncio.Event()
        self._closing = AsyncExitStack()

    @property
    def descriptor(self) -> ServiceDescriptor:
        """That of health."""
        health: ServiceDescriptor = health_pb2.DESCRIPTOR.services_by_name["Health"]
        return health

    def register(self, server: grpc.aio.Server) -> None:
        """Adds nothing: the chassis has health."""

    async def open(self) -> None:
        """Begins to work. Raises ConnectionError without a broker, and FIELD_INVALID where it has no feed."""
        enter = self._closing.enter_async_context
        services = self._services
        featurizer = await enter(FeaturizerClient(services.featurizer, tls=services.tls))
        scorer = await enter(ScorerClient(services.scorer, tls=services.tls))
        ratings = await enter(AggregatorClient(services.aggregator, tls=services.tls))
        self._broker = await enter(connected(self._address, "worker", give_up_seconds=FOREVER))
        streams = await existing_streams(self._broker)
        states = await States.of(self._broker, streams)
        self._worker = Worker(
            self._broker, streams, states, featurizer, ratings, tasks_over(scorer, ratings), self._settings
        )
        self._working = asyncio.create_task(self._worker.run())
        self._opened.set()

    async def ready(self) -> bool:
        """Whether it works and has the broker. It waits for the other services by itself."""
        if self._working is not None and self._working.done():
            self._working.result()
        return self._working is not None and self._broker is not None and self._broker.nc.is_connected

    async def ended(self) -> None:
        """Returns, or raises what it raised, when it works no more though nobody closed it."""
        await self._opened.wait()
        assert self._working is not None
        await asyncio.wait([self._working])
        if not self._working.cancelled():
            self._working.result()

    async def close(self) -> None:
        """Hands the games over, and leaves."""
        if self._worker is not None and self._working is not None:
            self._worker.drain()
            self._working.cancel()
            with suppress(asyncio.CancelledError):
                await self._working
        if self._broker is not None and self._broker.nc.is_connected:
            await self._broker.nc.flush()
        await self._closing.aclose()
