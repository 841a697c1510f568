"""Keeps what callers send: a proxy that stands in front of a service and hands every call on as it came."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
import grpc.aio

OPTIONS = (("grpc.max_receive_message_length", 64 * 2**20), ("grpc.max_send_message_length", 64 * 2**20))


@dataclass(frozen=True, slots=True)
class Recorded:
    """A call: what it was of, and what its caller sent, encoded."""

    path: str
    """For example /playscore.scorer.v1.ScorerService/ListModels."""
    requests: list[bytes] = field(default_factory=list)


class Recorder(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Every call that goes through, in the order in which they began."""

    def __init__(self, channel: Any) -> None:  # the stubs do not know that bytes need no serializer
        self.calls: list[Recorded] = []
        self._channel = channel

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """To gRPC a call of any kind is a stream each way."""
        return grpc.stream_stream_rpc_method_handler(partial(self._hand_on, handler_call_details.method))

    async def _hand_on(self, path: str, requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
        call = Recorded(path)
        self.calls.append(call)

        async def noted() -> AsyncIterator[bytes]:
            async for request in requests:
                call.requests.append(request)
                yield request

        try:
            async for answer in self._channel.stream_stream(path)(noted(), timeout=context.time_remaining()):
                yield answer
        except grpc.aio.AioRpcError as error:
            await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata() or ()))


@asynccontextmanager
async def recorded(address: str) -> AsyncIterator[tuple[Recorder, str]]:
    """A recorder in front of a service, and the address to call it by."""
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        recorder = Recorder(channel)
        server = grpc.aio.server(options=OPTIONS)
        server.add_generic_rpc_handlers((recorder,))
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            yield recorder, f"127.0.0.1:{port}"
        finally:
            await server.stop(None)
