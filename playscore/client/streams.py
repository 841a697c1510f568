"""A bidirectional stream whose failures say the same whichever side of it notices them first."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Generic, Self, TypeVar, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from playscore.client.connection import failure_of

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


class Stream(Generic[Request, Answer]):
    """One stream to `address`. Leaving `async with` ends it. Raises as `Connection` does."""

    def __init__(self, address: str, method: grpc.aio.StreamStreamMultiCallable[Request, Answer]) -> None:
        self._address = address
        # Without an iterator of requests: we write. It fails where nobody serves: a stream has no deadline to wait for.
        call: grpc.aio.StreamStreamCall[Request, Answer] = method(wait_for_ready=False)  # type: ignore[call-arg]
        # A call that ends before it began would leave those who wait to send on it waiting.
        call.add_done_callback(lambda _: call._metadata_sent.set())  # type: ignore[attr-defined]
        self._call = call

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    def cancel(self) -> None:
        """End the stream at once."""
        self._call.cancel()

    async def send(self, request: Request) -> None:
        """Send one message; returns when the transport has taken it."""
        try:
            # What `call.write` does, but that marks a call INTERNAL if the service has just ended it, and the status
            # with which it did is lost to both sides of the stream.
            await self._call._metadata_sent.wait()  # type: ignore[attr-defined]
            if self._call.done():
                raise await self._ended()
            await self._call._cython_call.send_serialized_message(request.SerializeToString())  # type: ignore[attr-defined]
        except grpc.aio.InternalError:
            raise await self._ended() from None
        except asyncio.CancelledError:  # the message may be half sent
            self._call.cancel()
            raise

    async def finish(self) -> None:
        """Say that no more messages follow; answers still come."""
        try:
            await self._call.done_writing()
        except grpc.aio.InternalError:
            raise await self._ended() from None

    async def receive(self) -> Answer | None:
        """The next answer; None once the service has ended the stream."""
        try:
            answer = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._address) from error
        return cast(Answer, answer) if isinstance(answer, Message) else None

    async def _ended(self) -> Exception:
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            return ConnectionError(f"{self._address}: the service has ended the stream")
        error = grpc.aio.AioRpcError(
            code,
            await self._call.initial_metadata(),
            await self._call.trailing_metadata(),
            details=await self._call.details(),
            debug_error_string=None,
        )
        return failure_of(error, self._address)
