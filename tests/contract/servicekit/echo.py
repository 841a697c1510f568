"""A real little service with a method of each kind, in process or as a process of its own."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import grpc
import grpc.aio
import structlog
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from playscore.common.v1.access_pb2 import (
    CALLER_ROLE_OPERATOR,
    CALLER_ROLE_READER,
    CALLER_ROLE_WRITER,
    Access,
    access,
)
from servicekit import ServiceSettings, run

METHODS = {"Unary": (False, False), "Watch": (False, True), "Collect": (True, False), "Converse": (True, True)}
ACCESS = {
    "Unary": Access(role=CALLER_ROLE_READER),
    "Watch": Access(role=CALLER_ROLE_READER),
    "Collect": Access(role=CALLER_ROLE_WRITER, writes=True),
    "Converse": Access(role=CALLER_ROLE_OPERATOR),
}


def _descriptor() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="servicekit_echo.proto", package="echo.v1", syntax="proto3", dependency=["google/protobuf/wrappers.proto"]
    )
    service = file.service.add(name="EchoService")
    for name, (client_streaming, server_streaming) in METHODS.items():
        method = service.method.add(
            name=name,
            input_type=".google.protobuf.StringValue",
            output_type=".google.protobuf.StringValue",
            client_streaming=client_streaming,
            server_streaming=server_streaming,
        )
        method.options.Extensions[access].CopyFrom(ACCESS[name])
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    return pool.FindServiceByName("echo.v1.EchoService")


DESCRIPTOR = _descriptor()

Answer = Callable[[str], Awaitable[str]]


async def same(text: str) -> str:
    return text


@dataclass
class Echo:
    """Answers every message with `answer(text)`; a watch answers three times."""

    answer: Answer = same
    is_ready: bool = True
    opening: asyncio.Event | None = None
    fails_to_open: bool = False
    happened: list[str] = field(default_factory=list)

    name = "echo"
    descriptor = DESCRIPTOR

    async def open(self) -> None:
        if self.fails_to_open:
            raise RuntimeError("the store is locked")
        if self.opening is not None:
            await self.opening.wait()
        self.happened.append("opened")

    async def ready(self) -> bool:
        return self.is_ready

    async def close(self) -> None:
        self.happened.append("closed")

    async def unary(self, request: StringValue, _context: Any) -> StringValue:
        return StringValue(value=await self.answer(request.value))

    async def watch(self, request: StringValue, _context: Any) -> AsyncIterator[StringValue]:
        for _ in range(3):
            yield StringValue(value=await self.answer(request.value))

    async def collect(self, requests: AsyncIterator[StringValue], _context: Any) -> StringValue:
        return StringValue(value="".join([await self.answer(request.value) async for request in requests]))

    async def converse(self, requests: AsyncIterator[StringValue], context: Any) -> None:
        async for request in requests:
            await context.write(StringValue(value=await self.answer(request.value)))

    def register(self, server: grpc.aio.Server) -> None:
        coding = (StringValue.FromString, StringValue.SerializeToString)
        handlers: dict[str, Any] = {
            "Unary": grpc.unary_unary_rpc_method_handler(self.unary, *coding),
            "Watch": grpc.unary_stream_rpc_method_handler(self.watch, *coding),
            "Collect": grpc.stream_unary_rpc_method_handler(self.collect, *coding),
            "Converse": grpc.stream_stream_rpc_method_handler(self.converse, *coding),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(DESCRIPTOR.full_name, handlers),))


class EchoStub:
    """Calls a method with texts and gives the texts it answers with."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        self._health = health_pb2_grpc.HealthStub(channel)
        make = {
            "Unary": channel.unary_unary,
            "Watch": channel.unary_stream,
            "Collect": channel.stream_unary,
            "Converse": channel.stream_stream,
        }
        self.methods: dict[str, Any] = {
            name: multicallable(
                f"/{DESCRIPTOR.full_name}/{name}", StringValue.SerializeToString, StringValue.FromString
            )
            for name, multicallable in make.items()
        }

    async def call(self, name: str, *texts: str, timeout: float | None = 10, **options: Any) -> list[str]:  # noqa: ASYNC109
        client_streaming, server_streaming = METHODS[name]
        messages = [StringValue(value=text) for text in texts]
        call = self.methods[name](messages if client_streaming else messages[0], timeout=timeout, **options)
        if server_streaming:
            return [message.value async for message in call]
        return [(await call).value]

    async def healthy(self) -> bool:
        answer = await self._health.Check(health_pb2.HealthCheckRequest(service=DESCRIPTOR.full_name))
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class EchoSettings(ServiceSettings, env_prefix="PLAYSCORE_ECHO_"):
    """Says back what it is told."""

    store: str = "sqlite:///echo"


async def _slowly(text: str) -> str:
    structlog.contextvars.bind_contextvars(game_id="2021_01")
    await asyncio.sleep(float(text))
    return text


if __name__ == "__main__":
    run(EchoSettings, lambda settings: Echo(answer=_slowly, fails_to_open=settings.store == "locked"))
    os.write(2, os.environ.get("ECHO_LAST_WORDS", "").encode())
