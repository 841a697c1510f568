"""Health tells the truth."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

import servicekit.server
from servicekit import Running, serving
from servicekit.health import LIVENESS, STARTUP
from tests.authority import Authority, dns
from tests.contract.servicekit.echo import DESCRIPTOR, Echo, EchoSettings, EchoStub
from tests.processes import until

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN


def stub(channel: grpc.aio.Channel) -> health_pb2_grpc.HealthStub:
    return health_pb2_grpc.HealthStub(channel)


async def check(channel: grpc.aio.Channel, name: str) -> int:
    answer = await stub(channel).Check(health_pb2.HealthCheckRequest(service=name))
    return int(answer.status)


@pytest.fixture
async def opening() -> AsyncIterator[tuple[Echo, Running, grpc.aio.Channel]]:
    """A service whose `open` has not ended yet."""
    echo = Echo(opening=asyncio.Event())
    async with (
        serving(echo, EchoSettings()) as running,
        grpc.aio.insecure_channel(str(running.address)) as channel,
    ):
        yield echo, running, channel


@pytest.mark.parametrize("name", ["", DESCRIPTOR.full_name])
async def test_is_not_serving_until_the_service_is_open(
    opening: tuple[Echo, Running, grpc.aio.Channel], name: str
) -> None:
    echo, running, channel = opening
    assert await check(channel, name) == NOT_SERVING
    assert echo.opening is not None
    echo.opening.set()
    await running.until_serving()
    assert await check(channel, name) == SERVING


async def test_calls_before_the_service_is_open_are_refused_as_unavailable(
    opening: tuple[Echo, Running, grpc.aio.Channel],
) -> None:
    _, _, channel = opening
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await EchoStub(channel).call("Unary", "early")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_follows_readiness_and_tells_every_watcher(opening: tuple[Echo, Running, grpc.aio.Channel]) -> None:
    echo, _, channel = opening
    request = health_pb2.HealthCheckRequest(service=DESCRIPTOR.full_name)
    leaving, staying = stub(channel).Watch(request), stub(channel).Watch(request)
    assert (await leaving.read()).status == (await staying.read()).status == NOT_SERVING
    leaving.cancel()
    assert echo.opening is not None
    echo.opening.set()
    assert (await staying.read()).status == SERVING
    echo.is_ready = False
    assert (await staying.read()).status == NOT_SERVING
    echo.is_ready = True
    assert (await staying.read()).status == SERVING


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_readiness_that_raises_or_hangs_counts_as_no(hangs: bool) -> None:
    class Doubtful(Echo):
        asked = asyncio.Semaphore(0)

        async def ready(self) -> bool:
            self.asked.release()
            if hangs:
                await asyncio.Event().wait()
            raise ConnectionError("nobody there")

    echo = Doubtful()
    async with serving(echo, EchoSettings()) as running:
        for _ in range(2):  # asked again: what came of the first time is known
            await echo.asked.acquire()
        assert not running.health.serving
        assert not running.life.done()


async def test_one_late_answer_of_a_service_that_was_ready_says_only_that_the_machine_is_busy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(servicekit.server, "_ANSWER_READY_WITHIN_SECONDS", 0.1)
    monkeypatch.setattr(servicekit.server, "_ASK_READY_EVERY_SECONDS", 0.01)

    in_time = iter((True, False, True, False, False, True))
    served: list[bool] = []

    class Slow(Echo):
        async def ready(self) -> bool:
            served.append(running.health.serving)
            if not next(in_time, True):
                await asyncio.Event().wait()
            return True

    async with serving(Slow(), EchoSettings()) as running:
        await until(lambda: len(served) >= 7)
    assert served[:7] == [False, True, True, True, True, False, True]


async def test_a_name_nobody_has_is_not_found_and_may_be_watched(
    opening: tuple[Echo, Running, grpc.aio.Channel],
) -> None:
    _, _, channel = opening
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await check(channel, "nobody")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    watch = stub(channel).Watch(health_pb2.HealthCheckRequest(service="nobody"))
    assert (await watch.read()).status == SERVICE_UNKNOWN


@dataclass
class InParts(Echo):
    """A service whose writes may fail alone."""

    parts: Sequence[str] = ("writes",)
    fails: bool = False

    def part_ready(self, part: str) -> bool:
        assert part == "writes"
        return not self.fails


async def test_a_part_that_fails_is_told_by_its_own_name_and_does_not_fail_the_rest() -> None:
    echo = InParts()
    part = f"{DESCRIPTOR.full_name}/writes"
    async with (
        serving(echo, EchoSettings()) as running,
        grpc.aio.insecure_channel(str(running.address)) as channel,
    ):
        assert await check(channel, part) in (SERVING, NOT_SERVING)
        await running.until_serving()
        watch = stub(channel).Watch(health_pb2.HealthCheckRequest(service=part))
        assert (await watch.read()).status == SERVING
        echo.fails = True
        assert (await watch.read()).status == NOT_SERVING
        assert [await check(channel, name) for name in ("", DESCRIPTOR.full_name)] == [SERVING, SERVING]
        echo.fails = False
        assert (await watch.read()).status == SERVING
        echo.is_ready = False
        assert (await watch.read()).status == NOT_SERVING
        assert await check(channel, "") == NOT_SERVING


async def test_a_watch_ends_with_the_drain_and_says_not_serving_last() -> None:
    async with serving(Echo(), EchoSettings(grace_seconds=60)) as running:
        await running.until_serving()
        channel = grpc.aio.insecure_channel(str(running.address))
        watch = stub(channel).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == SERVING
    assert (await watch.read()).status == NOT_SERVING
    assert await watch.read() is grpc.aio.EOF  # type: ignore[attr-defined]
    assert await watch.code() is grpc.StatusCode.OK
    await channel.close(None)


async def test_liveness_needs_nothing_and_startup_ends_once(opening: tuple[Echo, Running, grpc.aio.Channel]) -> None:
    echo, running, channel = opening
    assert [await check(channel, name) for name in (LIVENESS, STARTUP, "")] == [SERVING, NOT_SERVING, NOT_SERVING]
    assert echo.opening is not None
    echo.opening.set()
    await running.until_serving()
    assert [await check(channel, name) for name in (LIVENESS, STARTUP, "")] == [SERVING, SERVING, SERVING]
    echo.is_ready = False
    watch = stub(channel).Watch(health_pb2.HealthCheckRequest())
    while (await watch.read()).status != NOT_SERVING:
        pass
    assert [await check(channel, name) for name in (LIVENESS, STARTUP, "")] == [SERVING, SERVING, NOT_SERVING]


async def test_health_is_told_without_tls_at_a_port_of_its_own(tmp_path: Path) -> None:
    certificate, key = Authority(tmp_path / "authority").sign(dns("localhost"))
    settings = EchoSettings(health_listen="127.0.0.1:0", tls_certificate=certificate, tls_key=key)
    async with serving(Echo(), settings) as running:
        await running.until_serving()
        assert running.health_address is not None
        async with grpc.aio.insecure_channel(str(running.health_address)) as channel:
            assert await check(channel, "") == SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await EchoStub(channel).call("Unary", "let me in")
            assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
