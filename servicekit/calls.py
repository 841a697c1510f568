"""A call as interceptors see it, whatever the kind of its method."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal, Protocol, Self

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message

from playscore.errors import PlayscoreError, Reason
from playscore.wire.validation import invalid
from servicekit.bodies import parsed
from servicekit.memory import GivingBack
from servicekit.slices import in_slices
from servicekit.spans import NO_SPAN, Parent, Span, read

READ_SECONDS: Final = 10.0
"""In which the request of a call must have come, once there is room for it."""
LARGE_BYTES: Final = 1 << 20
"""A request that leaves memory worth giving back."""

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

    @property
    def lasts(self) -> bool:
        """A watch, or the stream of a game, lasts as long as there is something to tell: no deadline would be right."""
        return self.kind in ("server_stream", "bidi_stream")

    def __str__(self) -> str:
        return f"{self.service}/{self.name}"


@dataclass(slots=True, eq=False)
class Call:
    """One call in flight. Its request is read once the last interceptor lets it through."""

    method: Method
    context: grpc.aio.ServicerContext[Any, Any]
    on_bytes: Callable[[int], None] | None = None
    """Told how many bytes the one request has, before it is parsed."""
    on_request: Callable[[Any], None] | None = None
    """Shown the one request, before it is handled."""
    before_message: Callable[[int], Awaitable[None]] | None = None
    """Awaited for each message of a stream, with its bytes, before it is parsed."""
    is_refused: bool = False
    """There was no room for it; such calls are counted, not logged one by one."""
    is_large: bool = False
    """A request of it was."""
    parent: Parent | None = None
    """The span that it is a part of, as its caller says."""
    span: Span = NO_SPAN
    """Its span, where it is traced."""

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


def _parent(context: grpc.aio.ServicerContext[Any, Any]) -> Parent | None:
    """What the metadata of a call names."""
    for key, value in context.invocation_metadata() or ():
        if key == "traceparent" and isinstance(value, str):
            return read(value)
    return None


Proceed = Callable[[], Awaitable[Any]]


class Interceptor(Protocol):
    """Stands around every call: awaits `proceed()` once and returns its answer, or raises to refuse."""

    async def __call__(self, call: Call, proceed: Proceed) -> Any:
        """Around one call."""
        ...


async def observed(proceed: Proceed, ended: Callable[[BaseException | None], None]) -> Any:
    """The answer of a call. `ended` is shown what was raised, if anything, and must not keep it.

    The frames that an error went through hold the request, and one that keeps the error would be a cycle.
    """
    error: BaseException | None = None
    try:
        return await proceed()
    except BaseException as raised:
        error = raised
        raise
    finally:
        ended(error)
        del error


class Chain(grpc.aio.ServerInterceptor):  # type: ignore[type-arg]
    """Puts interceptors around every handler, the first outermost.

    To gRPC every method takes a stream of requests, which is the same on the wire and leaves it to the chain when a
    request is read: gRPC would read that of a unary call before anybody is asked. Requests are read and parsed within
    the chain, so that a call is refused before its request is read, and a request that does not parse is the caller's
    error, not the service's. A handler may answer bytes instead of a message, so that what many callers are told is
    encoded once.
    """

    def __init__(self, interceptors: Sequence[Interceptor], *, stream_idle_seconds: float = 900.0) -> None:
        """A stream on which nothing comes for so long ends as UNAVAILABLE."""
        self._interceptors = tuple(reversed(interceptors))
        self._stream_idle_seconds = stream_idle_seconds
        self._memory = GivingBack()
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

        async def answer(requests: AsyncIterator[bytes], call: Call) -> Any:
            context = call.context
            if handler.request_streaming:
                response = behavior(_Requests(requests, call, parse, self._stream_idle_seconds), context)
            else:
                response = behavior(await _only(requests, call, parse), context)
            if not isinstance(response, AsyncGenerator):
                return await response
            async with aclosing(response) as responses:
                async for message in responses:
                    await context.write(message)
            return None

        async def handle(requests: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            call = Call(method, context, parent=_parent(context))
            proceed: Proceed = partial(answer, requests, call)
            for interceptor in self._interceptors:
                proceed = partial(interceptor, call, proceed)
            try:
                return await proceed()
            finally:
                if call.is_large:
                    self._memory.soon()

        make: Any = (
            grpc.stream_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.stream_unary_rpc_method_handler
        )
        made: grpc.RpcMethodHandler[Any, Any] = make(handle, None, partial(_encoded, handler.response_serializer))
        return made


async def _only(requests: AsyncIterator[bytes], call: Call, parse: Callable[[bytes], Awaitable[Any]]) -> Any:
    """The one request of a call."""
    try:
        async with asyncio.timeout(READ_SECONDS):
            bodies = [await anext(requests)]
    except StopAsyncIteration:
        raise invalid("request", f"must be a request of {call.method}; none was sent") from None
    except TimeoutError:
        raise PlayscoreError(
            Reason.NOT_SERVING,
            f"the request of {call.method} did not come within {READ_SECONDS:g} s; send it again",
            retry_after_seconds=1.0,
        ) from None
    call.is_large = len(bodies[0]) > LARGE_BYTES
    if call.on_bytes is not None:
        call.on_bytes(len(bodies[0]))
    request = await parse(bodies.pop())  # its bytes are held no longer than until it is parsed
    if call.on_request is not None:
        call.on_request(request)
    return request


class _Requests:
    """The requests of a stream."""

    def __init__(
        self, bodies: AsyncIterator[bytes], call: Call, parse: Callable[[bytes], Awaitable[Any]], idle_seconds: float
    ) -> None:
        self._bodies = aiter(bodies)
        self._call = call
        self._parse = parse
        self._idle_seconds = idle_seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        try:
            async with asyncio.timeout(self._idle_seconds):
                bodies = [await anext(self._bodies)]
        except TimeoutError:
            raise PlayscoreError(
                Reason.NOT_SERVING,
                f"nothing came on the stream for {self._idle_seconds:g} s; open it again when there is more to send",
                retry_after_seconds=1.0,
            ) from None
        self._call.is_large |= len(bodies[0]) > LARGE_BYTES
        if self._call.before_message is not None:
            await self._call.before_message(len(bodies[0]))
        return await self._parse(bodies.pop())


def _encoded(serialize: Callable[[Any], bytes] | None, response: Any) -> Any:
    return response if serialize is None or isinstance(response, bytes) else serialize(response)


async def _parse(deserialize: Callable[[bytes], Any] | None, method: Method, body: bytes) -> Any:
    message = getattr(deserialize, "__self__", None)
    if not (isinstance(message, type) and issubclass(message, Message)):
        return body if deserialize is None else deserialize(body)
    try:
        return await in_slices(parsed(body, message))
    except DecodeError as error:
        raise invalid("request", f"must be a request of {method}; its {len(body)} bytes are not: {error}") from error
