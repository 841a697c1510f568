"""A channel to one service: TLS, deadlines, retries, and failures as exceptions of Python and of the domain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import grpc.aio

from playscore.client.channels import Channels, Tls
from playscore.client.retries import RetryBudget, backoff, is_retryable, pause_after
from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import error_from_rpc

__all__ = ["Connection", "Tls", "failure_of"]

Answer = TypeVar("Answer")
Stub = TypeVar("Stub")

_REASONS = {
    grpc.StatusCode.UNAUTHENTICATED: Reason.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED: Reason.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Reason.OVERLOADED,
    grpc.StatusCode.INVALID_ARGUMENT: Reason.FIELD_INVALID,
}


class Connection:
    """The base of all clients: an async context manager around a channel to `address`.

    The address is host:port for one server. Where it is dns:///host:port, or ipv4:host:port,host:port, calls go in turn
    to all servers that say they are serving.

    Calls end within `timeout_seconds`, retries included. They raise

    - `PlayscoreError` where the service said why it refused,
    - `TimeoutError` where the time ran out,
    - `ConnectionError` where the service could not be reached or went away, and retries did not help.
    """

    def __init__(self, address: str, *, tls: Tls | None = None, timeout_seconds: float = 10.0) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds
        self._channels = Channels(address, tls)
        self._stubs: tuple[grpc.aio.Channel, Any] | None = None
        self._budget = RetryBudget()

    @property
    def channel(self) -> grpc.aio.Channel:
        """For the next call."""
        return self._channels.newest()

    def stub_of(self, make: Callable[[grpc.aio.Channel], Stub]) -> Stub:
        """The stub of a service's contract, for the next call."""
        channel = self.channel
        if self._stubs is None or self._stubs[0] is not channel:
            self._stubs = channel, make(channel)
        stub: Stub = self._stubs[1]
        return stub

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the calls in flight and the connection."""
        await self._channels.close()

    async def call(self, attempt: Callable[[float], Awaitable[Answer]]) -> Answer:
        """Awaits `attempt(timeout in seconds)`, and again while that makes sense. For calls that are safe to repeat."""
        now = asyncio.get_running_loop().time
        deadline = now() + self.timeout_seconds
        self._budget.called()
        for pause in backoff():
            try:
                return await attempt(max(deadline - now(), 0.0))
            except grpc.aio.AioRpcError as error:
                failure = failure_of(error, self.address)
                if not is_retryable(error.code(), failure):
                    raise failure from error
                wait = pause_after(failure, pause)
                if now() + wait >= deadline or not self._budget.take():
                    raise failure from error
                await asyncio.sleep(wait)
        raise AssertionError("backoff never ends")


def failure_of(error: grpc.aio.AioRpcError, address: str) -> Exception:
    """The exception that says what happened to a call: see `Connection`."""
    told = error_from_rpc(error)
    if told is not None:
        return told
    code, detail = error.code(), f"{address}: {error.details() or error.code().name}"
    if code is grpc.StatusCode.UNIMPLEMENTED:
        detail = f"{address} does not have this call: it is another service, or an earlier release"
        return PlayscoreError(Reason.NOT_IMPLEMENTED, detail)
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return TimeoutError(detail)
    if code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED):
        return ConnectionError(detail)
    return PlayscoreError(_REASONS.get(code, Reason.INTERNAL), f"{code.name}: {detail}")
