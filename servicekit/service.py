"""What a service gives the chassis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor


class Service(Protocol):
    """One gRPC service. The chassis opens it, asks it whether it is ready, and closes it."""

    @property
    def name(self) -> str:
        """What logs call it, for example "featurizer"."""
        ...

    @property
    def descriptor(self) -> ServiceDescriptor:
        """The contract, for example `featurizer_pb2.DESCRIPTOR.services_by_name["FeaturizerService"]`."""
        ...

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the handlers to the server. Handlers are coroutines or asynchronous generators."""
        ...

    async def open(self) -> None:
        """Acquires what the service needs; an exception ends the process.

        May take long: until it is done, health says NOT_SERVING and calls are refused.
        """
        ...

    async def ready(self) -> bool:
        """Whether calls can be answered now. Asked once a second after `open`; an exception or no answer means no."""
        ...

    async def close(self) -> None:
        """Gives back what `open` acquired. Called once, when no call is in flight, even where `open` did not finish."""
        ...


@runtime_checkable
class ServiceInParts(Protocol):
    """A service of which a part may fail while the rest goes on. Health calls it `<full name of service>/<part>`."""

    @property
    def parts(self) -> Sequence[str]:
        """Their names, for example ("writes",)."""
        ...

    def part_ready(self, part: str) -> bool:
        """Whether a part does its work now. Asked once a second."""
        ...
