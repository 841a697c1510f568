"""What a service refuses so that the rest gets through."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

from playscore.errors import Reason
from playscore.rpc_errors import error_from_rpc
from servicekit import serving
from tests.contract.servicekit.echo import METHODS, Echo, EchoSettings, EchoStub


class Held:
    """Answers once released; tells when a call has arrived."""

    def __init__(self) -> None:
        self.arrived = asyncio.Semaphore(0)
        self.release = asyncio.Event()

    async def __call__(self, text: str) -> str:
        self.arrived.release()
        await self.release.wait()
        return text


@pytest.mark.parametrize("method", METHODS)
async def test_one_call_too_many_is_refused_with_a_retry_hint_while_health_answers(serve: Any, method: str) -> None:
    held = Held()
    kind, beside = ("watches", "Unary") if method == "Watch" else ("calls", "Watch")
    async with serve(held, **{f"max_concurrent_{kind}": 2}) as stub:
        under_way = [asyncio.create_task(stub.call(method, text)) for text in "ab"]
        for _ in under_way:
            await held.arrived.acquire()

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call(method, "c")
        error = error_from_rpc(refused.value)
        assert error is not None
        assert error.reason is Reason.OVERLOADED
        assert error.retry_after_seconds is not None
        assert await stub.healthy()

        of_the_other_kind = asyncio.create_task(stub.call(beside, "d"))
        await held.arrived.acquire()
        held.release.set()
        assert all([await each for each in (*under_way, of_the_other_kind)])
        assert await stub.call(method, "e")


async def test_calls_given_up_make_room(serve: Any) -> None:
    held = Held()
    async with serve(held, max_concurrent_calls=1) as stub:
        for _ in range(3):
            given_up = stub.methods["Converse"](timeout=10)
            await given_up.write(StringValue(value="a"))
            await held.arrived.acquire()
            given_up.cancel()
            while True:
                try:
                    assert await stub.call("Converse") == []
                    break
                except grpc.aio.AioRpcError as refused:
                    assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("method", ["Unary", "Collect"])
async def test_a_call_without_a_deadline_is_refused(serve: Any, method: str) -> None:
    async with serve() as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call(method, "a", timeout=None)
        error = error_from_rpc(refused.value)
    assert error is not None
    assert error.reason is Reason.DEADLINE_REQUIRED


@pytest.mark.parametrize("method", ["Watch", "Converse"])
async def test_a_stream_that_lasts_needs_no_deadline(serve: Any, method: str) -> None:
    async with serve() as stub:
        assert "a" in await stub.call(method, "a", timeout=None)


async def test_deadlines_can_be_left_to_the_callers(serve: Any) -> None:
    async with serve(require_deadline=False) as stub:
        assert await stub.call("Unary", "a", timeout=None) == ["a"]


async def test_a_drain_finishes_what_is_in_flight() -> None:
    held, echo = Held(), Echo()
    echo.answer = held
    async with serving(echo, EchoSettings(grace_seconds=60)) as running:
        await running.until_serving()
        channel = grpc.aio.insecure_channel(str(running.address))
        under_way = asyncio.create_task(EchoStub(channel).call("Unary", "a"))
        await held.arrived.acquire()
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        told = aiter(watch)
        assert (await anext(told)).status == health_pb2.HealthCheckResponse.SERVING

        async def release_once_draining() -> None:
            async for _ in told:  # until the drain ends the watch
                pass
            held.release.set()

        releasing = asyncio.create_task(release_once_draining())
    await releasing
    assert await under_way == ["a"]
    assert echo.happened == ["opened", "closed"]
    await channel.close(None)


async def test_a_watch_ends_with_the_drain_and_does_not_hold_it_up() -> None:
    held, echo = Held(), Echo()
    echo.answer = held
    async with serving(echo, EchoSettings(grace_seconds=600)) as running:
        await running.until_serving()
        channel = grpc.aio.insecure_channel(str(running.address))
        watching = asyncio.create_task(EchoStub(channel).call("Watch", "a", timeout=None))
        await held.arrived.acquire()
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await watching
    error = error_from_rpc(ended.value)
    assert error is not None
    assert error.reason is Reason.NOT_SERVING
    assert error.retry_after_seconds is not None
    await channel.close(None)


@pytest.mark.parametrize("method", METHODS)
async def test_what_outlasts_the_grace_is_ended_as_unavailable_so_that_callers_go_elsewhere(method: str) -> None:
    held, echo = Held(), Echo()
    echo.answer = held
    async with serving(echo, EchoSettings(grace_seconds=0.1)) as running:
        await running.until_serving()
        channel = grpc.aio.insecure_channel(str(running.address))
        under_way = asyncio.create_task(EchoStub(channel).call(method, "a"))
        await held.arrived.acquire()
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await under_way
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    assert echo.happened == ["opened", "closed"]
    await channel.close(None)
