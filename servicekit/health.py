"""Health over grpc.health.v1: NOT_SERVING until told otherwise.

The servicer of grpc_health starts as SERVING, and once one of several watchers of a service leaves, the others hear
nothing more; here all wait on one condition.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from servicekit.metrics import SERVING

_Status = health_pb2.HealthCheckResponse

LIVENESS: Final = "liveness"
"""SERVING whenever it is answered: the process takes turns. It does not depend on anything else."""
STARTUP: Final = "startup"
"""SERVING once the service was opened, whatever is away later."""


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc]
    """What the server is known by: "" for itself, its services, and parts of them that can fail alone.

    A part is not served where the server is not. `LIVENESS` and `STARTUP` are for whoever restarts the process.
    """

    def __init__(self, names: Iterable[str], parts: Iterable[str] = ()) -> None:
        self._parts = dict.fromkeys(parts, True)
        self._names = frozenset({"", LIVENESS, STARTUP, *names, *self._parts})
        self._opened = False
        self._serving = False
        self._ended = False
        self._changed = asyncio.Condition()
        self._show()

    @property
    def serving(self) -> bool:
        """What is being told of the server."""
        return self._serving

    async def set(self, *, serving: bool, parts: Mapping[str, bool] | None = None) -> None:
        """Tells it from now on, to watchers at once: of the server, and of the parts that are named."""
        async with self._changed:
            self._serving = serving
            self._parts |= parts or {}
            self._show()
            self._changed.notify_all()

    async def opened(self) -> None:
        """Tells from now on that the service has started."""
        async with self._changed:
            self._opened = True
            self._changed.notify_all()

    async def until_serving(self) -> None:
        """Returns once the state is SERVING."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._serving)

    async def end(self) -> None:
        """Says NOT_SERVING for the last time and ends all watches, which would otherwise outlast a drain."""
        async with self._changed:
            self._serving = False
            self._ended = True
            self._show()
            self._changed.notify_all()

    async def Check(
        self, request: health_pb2.HealthCheckRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> health_pb2.HealthCheckResponse:
        """The state now; NOT_FOUND for a name this server does not have."""
        if request.service not in self._names:
            await context.abort(grpc.StatusCode.NOT_FOUND, f'no service "{request.service}" here')
        return _Status(status=self._status(request.service))

    async def Watch(
        self, request: health_pb2.HealthCheckRequest, _context: grpc.aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The state now and whenever it changes."""
        status = self._status(request.service)
        yield _Status(status=status)
        while await self._change_from(status, request.service):
            status = self._status(request.service)
            yield _Status(status=status)

    async def _change_from(self, status: int, name: str) -> bool:
        """Waits until a state is another; False once the watch is at its end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._ended or self._status(name) != status)
            changed: bool = self._status(name) != status
            return changed

    def _show(self) -> None:
        SERVING.labels("").set(self._serving)
        for part, ready in self._parts.items():
            SERVING.labels(part.rpartition("/")[2]).set(self._serving and ready)

    def _status(self, name: str) -> health_pb2.HealthCheckResponse.ServingStatus:
        if name not in self._names:
            return _Status.SERVICE_UNKNOWN
        own = {LIVENESS: True, STARTUP: self._opened}
        serving = own[name] if name in own else self._serving and self._parts.get(name, True)
        return _Status.SERVING if serving else _Status.NOT_SERVING
