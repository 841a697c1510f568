"""A client of several servers: calls go to all of them in turn, and to none that is about to leave."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from playscore.client.connection import Connection
from servicekit import Running, serving
from tests.contract.servicekit.echo import Answer, Echo, EchoSettings, EchoStub


def answering(name: str) -> Answer:
    async def answer(_: str) -> str:
        return name

    return answer


async def who(stub: EchoStub) -> str:
    (answer,) = await stub.call("Unary", "who?")
    return answer


async def until_all_answer(stub: EchoStub, names: set[str]) -> None:
    seen: set[str] = set()
    while not names <= seen:
        seen.add(await who(stub))


async def test_calls_take_turns_and_none_fails_while_a_server_leaves() -> None:
    settings = EchoSettings(drain_seconds=1.0)
    async with AsyncExitStack() as staying, AsyncExitStack() as leaving:

        async def start(name: str, stack: AsyncExitStack) -> Running:
            running = await stack.enter_async_context(serving(Echo(answering(name)), settings))
            await running.until_serving()
            return running

        servers = [await start("staying", staying), await start("leaving", leaving)]
        address = f"ipv4:{','.join(str(server.address) for server in servers)}"
        client = await staying.enter_async_context(Connection(address))
        stub = EchoStub(client.channel)
        await until_all_answer(stub, {"staying", "leaving"})
        turns = Counter([await who(stub) for _ in range(20)])
        assert turns == {"staying": 10, "leaving": 10}

        left = asyncio.create_task(leaving.aclose())
        answers = []
        while not left.done():
            answers.append(await who(stub))
        await left
        answers += [await who(stub) for _ in range(20)]
        assert answers[-20:] == ["staying"] * 20


async def test_calls_wait_while_the_only_server_leaves_and_the_next_is_not_ready() -> None:
    coming = Echo(answering("coming"), is_ready=False)
    async with AsyncExitStack() as leaving, serving(coming, EchoSettings()) as next_one:
        only = await leaving.enter_async_context(serving(Echo(answering("only")), EchoSettings(drain_seconds=1.0)))
        await only.until_serving()
        async with Connection(f"ipv4:{only.address},{next_one.address}") as client:
            stub = EchoStub(client.channel)
            assert await who(stub) == "only"

            async def replace() -> None:
                await leaving.aclose()
                coming.is_ready = True

            replacing = asyncio.create_task(replace())
            while await who(stub) == "only":
                pass
            assert await who(stub) == "coming"
            await replacing


async def test_a_server_that_cannot_answer_gets_no_calls_until_it_can() -> None:
    broken = Echo(answering("broken"), is_ready=False)
    async with (
        serving(Echo(answering("sound")), EchoSettings()) as sound,
        serving(broken, EchoSettings()) as mended,
        Connection(f"ipv4:{sound.address},{mended.address}") as client,
    ):
        await sound.until_serving()
        stub = EchoStub(client.channel)
        await until_all_answer(stub, {"sound"})
        assert {await who(stub) for _ in range(20)} == {"sound"}
        broken.is_ready = True
        await until_all_answer(stub, {"sound", "broken"})


async def test_one_address_is_called_whatever_its_health_says() -> None:
    """What a server that follows its store no more still knows is for those who ask that server."""
    echo = Echo(answering("stale"))
    async with serving(echo, EchoSettings()) as running, Connection(str(running.address)) as client:
        await running.until_serving()
        watch = HealthStub(client.channel).Watch(HealthCheckRequest())
        echo.is_ready = False
        while (await watch.read()).status != HealthCheckResponse.NOT_SERVING:
            pass
        assert await who(EchoStub(client.channel)) == "stale"
