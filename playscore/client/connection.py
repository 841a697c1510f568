"""A channel to one service: TLS, deadlines, retries, and failures as exceptions of Python and of the domain."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import grpc
import grpc.aio

from playscore.client.retries import RetryBudget, backoff, is_retryable, pause_after
from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import error_from_rpc

Answer = TypeVar("Answer")

_OPTIONS = (
    ("grpc.enable_retries", 0),  # retries are made here, where their budget and their reasons are known
    ("grpc.max_receive_message_length", 64 * 2**20),
    ("grpc.max_send_message_length", 64 * 2**20),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 2_000),  # how long one attempt to connect may take
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 60_000),
)
_REASONS = {
    grpc.StatusCode.UNAUTHENTICATED: Reason.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED: Reason.PERMISSION_DENIED,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Reason.OVERLOADED,
    grpc.StatusCode.INVALID_ARGUMENT: Reason.FIELD_INVALID,
}


@dataclass(frozen=True, slots=True)
class Tls:
    """How to trust a service, and how to show who is calling. Files are PEM."""

    authority: Path | None = None
    """Certificates of the authorities trusted; None: those of this machine."""
    certificate: Path | None = None
    """The caller's own chain, for mutual TLS."""
    key: Path | None = None
    """The private key of `certificate`."""
    token: Path | None = None
    """A signed token that says who calls. Read again for every call: it may be exchanged before it expires."""

    def credentials(self) -> grpc.ChannelCredentials:
        """For a channel. Raises OSError; of the token's file only calls do, as ConnectionError."""
        if (self.certificate is None) != (self.key is None):
            raise ValueError("TLS is half set: certificate and key go together")

        def read(file: Path | None) -> bytes | None:
            return None if file is None else file.read_bytes()

        channel = grpc.ssl_channel_credentials(read(self.authority), read(self.key), read(self.certificate))
        if self.token is None:
            return channel
        return grpc.composite_channel_credentials(channel, grpc.metadata_call_credentials(_BearerToken(self.token)))


class _BearerToken(grpc.AuthMetadataPlugin):
    """Puts the token of a file into each call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, context: grpc.AuthMetadataContext, callback: grpc.AuthMetadataPluginCallback) -> None:
        try:
            token = self._path.read_text(encoding="ascii").strip()
        except (OSError, ValueError) as error:
            callback((), error)
        else:
            callback((("authorization", f"Bearer {token}"),), None)


class Connection:
    """The base of all clients: an async context manager around a channel to `address`, host:port.

    Calls end within `timeout_seconds`, retries included. They raise

    - `PlayscoreError` where the service said why it refused,
    - `TimeoutError` where the time ran out,
    - `ConnectionError` where the service could not be reached or went away, and retries did not help.
    """

    def __init__(self, address: str, *, tls: Tls | None = None, timeout_seconds: float = 10.0) -> None:
        self.address = address
        self.timeout_seconds = timeout_seconds
        self.channel = (
            grpc.aio.insecure_channel(address, options=_OPTIONS)
            if tls is None
            else grpc.aio.secure_channel(address, tls.credentials(), options=_OPTIONS)
        )
        self._budget = RetryBudget()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the calls in flight and the connection."""
        await self.channel.close(grace=None)

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
