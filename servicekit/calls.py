"""A call as interceptors see it, whatever the kind of its method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, Self

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from playscore.wire.validation import invalid
from servicekit.bodies import parsed
from servicekit.slices import in_slices

Kind = Literal["unary", "client_stream", "server_stream", "bidi_stream"]
"""Kinds of methods, in the words of Go's metrics."""


def kind_of(*, client_streaming: bool, server_streaming: bool) -> Kind:
    """The kind of a method that streams requests, responses, both or neither."""
    if server_streaming:
        return "bidi_stream" if client_streaming else "server_stream"
    return "client_stream" if client_streaming else "unary"


def is_infrastructure(service: str) -> bool:
    """Whether a service, by its full name, is one of gRPC's own."""
    return service.startswith("grpc.")


@dataclass(frozen=True, slots=True)
class Method:
    """A method of a gRPC service."""

    service: str
    name: str
    kind: Kind

    @property
    def is_infrastructure(self) -> bool:
        """Health and reflection: gRPC's own services, which no limit may keep from answering."""
        return is_infrastructure(self.service)

    @property
    def is_watch(self) -> bool:
        """Answers one request for as long as there is something to tell."""
        return self.kind == "server_stream"

    def __str__(self) -> str:
        return f"{self.service}/{self.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call in flight."""

    method: Method
    context: grpc.aio.ServicerContext[Any, Any]

    def code(self, error: BaseException | None) -> grpc.StatusCode:
        """The status the call ends with, given what its handler raised.

        A server sees a passed deadline and a caller that went away as one and the same cancellation; the clock tells
        them apart.
        """
        chosen: grpc.StatusCode | None = self.context.code()
        if chosen is not None:
            return chosen
        if error is None:
            return grpc.StatusCode.OK
        if isinstance(error, asyncio.CancelledError | grpc.aio.InternalError):
            return (
                grpc.StatusCode.DEADLINE_EXCEEDED if self.context.time_remaining() == 0 else grpc.StatusCode.CANCELLED
            )
        return grpc.StatusCode.UNKNOWN


Proceed = Callable[[], Awaitable[Any]]


class Interceptor(Protocol):
    """Stands around every call: awaits `proceed()` once and returns its answer, or raises to refuse."""

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Around one call."""
        ...


class Chain(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Puts interceptors around every handler, the first outermost.

    Requests reach the chain as bytes and are parsed within it. So a call is refused before its request is parsed, and a
    request that does not parse is the caller's error, not the service's. A handler may answer bytes instead of a
    message, so that what many callers are told is encoded once.
    """

    def __init__(self, interceptors: Sequence[Interceptor]) -> None:
        self._interceptors = tuple(reversed(interceptors))
        self._handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any]:
        """The handler of a method with the interceptors around it; None, as gRPC has it, for an unknown method."""
        path = handler_call_details.method
        if path not in self._handlers:
            handler = await continuation(handler_call_details)
            if handler is None:
                return None  # type: ignore[return-value]
            self._handlers[path] = self._around(path, handler)
        return self._handlers[path]

    def _around(self, path: str, handler: grpc.RpcMethodHandler[Any, Any]) -> grpc.RpcMethodHandler[Any, Any]:
        service, _, name = path.removeprefix("/").rpartition("/")
        kind = kind_of(client_streaming=handler.request_streaming, server_streaming=handler.response_streaming)
        method = Method(service, name, kind)
        behavior: Any = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream

        parse = partial(_parse, handler.request_deserializer, method)

        async def answer(bodies: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            requests = _Parsed(bodies, parse) if handler.request_streaming else await parse(bodies.pop())
            response = behavior(requests, context)
            del requests
            if not isinstance(response, AsyncGenerator):
                return await response
            async with aclosing(response) as responses:
                async for message in responses:
                    await context.write(message)
            return None

        async def handle(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            call = Call(method, context)
            proceed: Proceed = partial(answer, requests if handler.request_streaming else [requests], context)
            del requests  # held no longer than until it is parsed
            for interceptor in self._interceptors:
                proceed = partial(interceptor, call, proceed)
            return await proceed()

        made: grpc.RpcMethodHandler[Any, Any] = _MAKERS[kind](
            handle,
            None,
            partial(_encoded, handler.response_serializer),
        )
        return made


_MAKERS: Mapping[Kind, Any] = {
    "unary": grpc.unary_unary_rpc_method_handler,
    "client_stream": grpc.stream_unary_rpc_method_handler,
    "server_stream": grpc.unary_stream_rpc_method_handler,
    "bidi_stream": grpc.stream_stream_rpc_method_handler,
}


def _encoded(serialize: Callable[[Any], bytes] | None, response: Any) -> Any:
    return response if serialize is None or isinstance(response, bytes) else serialize(response)


class _Parsed:
    """The requests of a stream."""

    def __init__(self, bodies: AsyncIterable[bytes], parse: Callable[[bytes], Awaitable[Any]]) -> None:
        self._bodies = aiter(bodies)
        self._parse = parse

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._parse(await anext(self._bodies))


async def _parse(deserialize: Callable[[bytes], Any] | None, method: Method, body: bytes) -> Any:
    message = getattr(deserialize, "__self__", None)
    if not (isinstance(message, type) and issubclass(message, Message)):
        return body if deserialize is None else deserialize(body)
    try:
        return await in_slices(parsed(body, message))
    except DecodeError as error:
        raise invalid("request", f"must be a request of {method}; its {len(body)} bytes are not: {error}") from error
