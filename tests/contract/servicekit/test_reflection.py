"""Reflection tells what is there, to tools of both versions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio
import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor_pool import DescriptorPool
from grpc_reflection.v1alpha import reflection_pb2

from playscore.aggregator.v1 import aggregator_pb2
from servicekit import serving
from servicekit.reflection import add_reflection
from tests.contract.servicekit.echo import DESCRIPTOR, Echo, EchoSettings

V1 = "grpc.reflection.v1.ServerReflection"
V1ALPHA = "grpc.reflection.v1alpha.ServerReflection"
both_versions = pytest.mark.parametrize("version", [V1, V1ALPHA])


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    async with (
        serving(Echo(), EchoSettings()) as running,
        grpc.aio.insecure_channel(str(running.address)) as channel,
    ):
        yield channel


async def ask(channel: grpc.aio.Channel, version: str, **request: Any) -> Any:
    method: Any = channel.stream_stream(
        f"/{version}/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    (answer,) = [answer async for answer in method([reflection_pb2.ServerReflectionRequest(**request)])]
    return answer


async def described(channel: grpc.aio.Channel, version: str, **request: Any) -> DescriptorPool:
    """The files of an answer, which must be whole: a pool refuses a file whose imports are missing."""
    answer = await ask(channel, version, **request)
    files = [
        descriptor_pb2.FileDescriptorProto.FromString(file)
        for file in answer.file_descriptor_response.file_descriptor_proto
    ]
    pool = DescriptorPool()
    while files:
        ready = [file for file in files if not {other.name for other in files} & set(file.dependency)]
        assert ready
        for file in ready:
            pool.Add(file)
            files.remove(file)
    return pool


@both_versions
async def test_lists_the_service_and_what_every_service_has(channel: grpc.aio.Channel, version: str) -> None:
    answer = await ask(channel, version, list_services="")
    assert {service.name for service in answer.list_services_response.service} == {
        DESCRIPTOR.full_name,
        "grpc.health.v1.Health",
        V1,
        V1ALPHA,
    }


@both_versions
@pytest.mark.parametrize("listed", [DESCRIPTOR.full_name, "grpc.health.v1.Health", V1, V1ALPHA])
async def test_describes_whatever_it_lists(channel: grpc.aio.Channel, version: str, listed: str) -> None:
    pool = await described(channel, version, file_containing_symbol=listed)
    assert pool.FindServiceByName(listed).methods


@both_versions
async def test_what_is_not_there_is_not_found(channel: grpc.aio.Channel, version: str) -> None:
    answer = await ask(channel, version, file_containing_symbol="playscore.aggregator.v1.Rating")
    assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_a_contract_is_described_with_everything_it_imports_and_its_limits() -> None:
    server = grpc.aio.server()
    add_reflection(server, [aggregator_pb2.DESCRIPTOR.services_by_name["AggregatorService"]])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            pool = await described(channel, V1, file_containing_symbol="playscore.aggregator.v1.AggregatorService")
            answer = await ask(channel, V1, all_extension_numbers_of_type="google.protobuf.FieldOptions")
    finally:
        await server.stop(None)
    method = pool.FindServiceByName("playscore.aggregator.v1.AggregatorService").methods_by_name["ListPlays"]
    supports = method.output_type.fields_by_name["supports"].message_type
    assert supports is not None and supports.full_name == "playscore.distribution.v1.Support"
    assert list(answer.all_extension_numbers_response.extension_number) == [51101]
