"""What a service refuses so that the rest gets through."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

from playscore.errors import Reason
from playscore.rpc_errors import error_from_rpc
from servicekit import serving
from servicekit.admission import SHARED_PART, resting
from servicekit.calls import Call, Method
from servicekit.limits import MAX_INFRASTRUCTURE_STREAMS_A_CONNECTION, pass_over_expired
from tests.authority import Authority, dns, secure_channel
from tests.contract.servicekit.echo import DESCRIPTOR, METHODS, Echo, EchoSettings, EchoStub
from tests.processes import SECONDS, until


class Held:
    """Answers once released; tells when a call has arrived."""

    def __init__(self) -> None:
        self.arrived = asyncio.Semaphore(0)
        self.release = asyncio.Event()

    async def __call__(self, text: str) -> str:
        self.arrived.release()
        await self.release.wait()
        return text


def assert_overloaded(refused: grpc.aio.AioRpcError) -> None:
    error = error_from_rpc(refused)
    assert error is not None
    assert error.reason is Reason.OVERLOADED
    assert error.retry_after_seconds is not None


def sample(name: str) -> float:
    """What a gauge of admission shows."""
    value = REGISTRY.get_sample_value(f"playscore_admission_{name}")
    assert value is not None
    return value


@pytest.mark.parametrize("method", ["Watch", "Collect", "Converse"])
async def test_one_stream_too_many_is_refused_with_a_retry_hint_while_others_are_answered(
    serve: Any, method: str
) -> None:
    held = Held()
    kind = "watches" if method == "Watch" else "streams"
    async with serve(held, **{f"max_concurrent_{kind}": 2}) as stub:
        under_way = [asyncio.create_task(stub.call(method, text)) for text in "ab"]
        for _ in under_way:
            await held.arrived.acquire()

        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call(method, "c")
        assert_overloaded(refused.value)
        assert await stub.healthy()

        of_another_kind = asyncio.create_task(stub.call("Unary", "d"))
        await held.arrived.acquire()
        held.release.set()
        assert all([await each for each in (*under_way, of_another_kind)])
        assert await stub.call(method, "e")


async def test_streams_given_up_make_room(serve: Any) -> None:
    held = Held()
    async with serve(held, max_concurrent_streams=1) as stub:
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


async def test_a_burst_that_can_be_answered_in_time_is_answered(serve: Any) -> None:
    async with serve(max_plays_in_progress=4) as stub:
        answers = await asyncio.gather(*(stub.call("Unary", str(i), timeout=60) for i in range(500)))
    assert answers == [[str(i)] for i in range(500)]


async def test_what_finds_no_room_waits_for_its_turn(serve: Any) -> None:
    held = Held()
    async with serve(held, max_plays_in_progress=1) as stub:
        first = asyncio.create_task(stub.call("Unary", "a", timeout=60))
        await held.arrived.acquire()
        others = [asyncio.create_task(stub.call("Unary", text, timeout=60)) for text in "bc"]
        await until(lambda: sample("waiting_calls") == 2)
        held.release.set()
        assert [await each for each in (first, *others)] == [["a"], ["b"], ["c"]]


async def test_one_call_more_than_may_wait_is_refused_with_a_retry_hint_while_health_answers(serve: Any) -> None:
    held = Held()
    async with serve(held, max_plays_in_progress=1, max_waiting_calls=0) as stub:
        first = asyncio.create_task(stub.call("Unary", "a", timeout=60))
        await held.arrived.acquire()
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call("Unary", "b", timeout=60)
        assert_overloaded(refused.value)
        assert await stub.healthy()
        held.release.set()
        assert await first == ["a"]
        assert await stub.call("Unary", "c") == ["c"]


async def test_what_cannot_be_answered_before_its_deadline_is_refused_when_it_comes(serve: Any) -> None:
    done: list[str] = []

    async def slowly(text: str) -> str:
        await asyncio.sleep(0.1)
        done.append(text)
        return text

    async with serve(slowly, max_plays_in_progress=1) as stub:
        patient = [asyncio.create_task(stub.call("Unary", str(i), timeout=60)) for i in range(60)]
        await until(lambda: len(done) >= 10)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call("Unary", "hurried", timeout=2)
        assert_overloaded(refused.value)
        await asyncio.gather(*patient)
    assert "hurried" not in done


async def test_what_has_expired_is_not_worked_on(serve: Any) -> None:
    held, worked_on = Held(), []

    async def answer(text: str) -> str:
        worked_on.append(text)
        return await held(text)

    async with serve(answer, max_plays_in_progress=1) as stub:
        first = asyncio.create_task(stub.call("Unary", "first", timeout=60))
        await held.arrived.acquire()
        with pytest.raises(grpc.aio.AioRpcError) as late:
            await stub.call("Unary", "expired", timeout=0.2)
        assert late.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        held.release.set()
        assert await first == ["first"]
        assert await stub.call("Unary", "last") == ["last"]
    assert worked_on == ["first", "last"]


async def test_a_request_that_has_not_come_yet_holds_the_room_of_the_largest(serve: Any) -> None:
    async with serve(max_message_bytes=4096, max_bytes_in_progress=4096, max_waiting_calls=0) as stub:
        dawdling = stub.channel.stream_unary(f"/{DESCRIPTOR.full_name}/Unary")(timeout=60)
        await until(lambda: sample("bytes_in_progress") == 4096)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call("Unary", "a")
        assert_overloaded(refused.value)
        await dawdling.write(StringValue(value="b").SerializeToString())
        await dawdling.done_writing()
        assert StringValue.FromString(await dawdling).value == "b"
        assert await stub.call("Unary", "c") == ["c"]
    assert sample("bytes_in_progress") == 0


async def test_a_request_that_was_read_holds_what_it_has(serve: Any) -> None:
    held = Held()
    async with serve(held, max_message_bytes=4096, max_bytes_in_progress=8192, max_waiting_calls=0) as stub:
        under_way = []
        for _ in range(20):
            under_way.append(asyncio.create_task(stub.call("Unary", "x" * 10, timeout=60)))
            await held.arrived.acquire()
        assert sample("bytes_in_progress") == 20 * 12
        held.release.set()
        await asyncio.gather(*under_way)


async def test_a_call_that_only_waits_keeps_no_other_out(serve: Any) -> None:
    written = asyncio.Event()

    async def answer(text: str) -> str:
        if text == "read":
            with resting():
                await written.wait()
        else:
            written.set()
        return text

    async with serve(answer, max_plays_in_progress=1, max_waiting_calls=20) as stub:
        reads = [asyncio.create_task(stub.call("Unary", "read", timeout=60)) for _ in range(20)]
        await until(lambda: sample("resting_calls") == 20)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.call("Unary", "read")
        assert_overloaded(refused.value)
        assert await stub.call("Unary", "write") == ["write"]
        assert await asyncio.gather(*reads) == [["read"]] * 20


async def test_an_eleventh_caller_is_answered_while_ten_hold_everything(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ours")
    certificate, key = authority.sign(dns("localhost"))
    callers = [authority.sign(dns(f"caller-{number}")) for number in range(11)]
    held = Held()

    async def answer(text: str) -> str:
        return text if text == "modest" else await held(text)

    settings = EchoSettings(
        listen="localhost:0",
        tls_certificate=certificate,
        tls_key=key,
        tls_client_authority=authority.certificate,
        max_plays_in_progress=20,
    )
    async with serving(Echo(answer), settings) as running, AsyncExitStack() as stack:
        await running.until_serving()
        channels = [secure_channel(running.address, authority.certificate, caller) for caller in callers]
        stubs = [EchoStub(await stack.enter_async_context(channel)) for channel in channels]
        *greedy, modest = stubs
        calls = [asyncio.create_task(stub.call("Unary", "greedy", timeout=60)) for stub in greedy]
        await until(lambda: sample("calls_in_progress") == 10)
        calls += [asyncio.create_task(stub.call("Unary", "greedy", timeout=60)) for stub in greedy for _ in range(9)]
        await until(lambda: sample("waiting_calls") == 100 - 15)
        assert await modest.call("Unary", "modest", timeout=60) == ["modest"]
        assert sample("waiting_calls") == 100 - 15
        held.release.set()
        await asyncio.gather(*calls)


def connection_to(address: object) -> grpc.aio.Channel:
    """A channel that shares its connection with no other."""
    return grpc.aio.insecure_channel(str(address), options=[("grpc.use_local_subchannel_pool", 1)])


async def watches_of_health(channel: grpc.aio.Channel, count: int) -> list[Any]:
    """So many watches, each of which was answered."""
    stub = health_pb2_grpc.HealthStub(channel)
    watches = [stub.Watch(health_pb2.HealthCheckRequest()) for _ in range(count)]
    for watch in watches:
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
    return watches


async def test_watches_of_health_are_bounded_by_connection_and_checks_are_not() -> None:
    async with (
        serving(Echo(), EchoSettings()) as running,
        connection_to(running.address) as channel,
        connection_to(running.address) as another,
    ):
        await running.until_serving()
        watches = await watches_of_health(channel, MAX_INFRASTRUCTURE_STREAMS_A_CONNECTION)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await watches_of_health(channel, 1)
        assert_overloaded(refused.value)
        assert await EchoStub(channel).healthy()
        await watches_of_health(another, MAX_INFRASTRUCTURE_STREAMS_A_CONNECTION)
        watches[0].cancel()
        await until_served(channel)


async def until_served(channel: grpc.aio.Channel) -> None:
    """Returns once one more watch of health is answered."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await watches_of_health(channel, 1)
            except grpc.aio.AioRpcError:
                await asyncio.sleep(0.01)
            else:
                return


async def test_sixty_three_workers_at_one_address_may_all_watch_the_health_of_a_server() -> None:
    async with serving(Echo(), EchoSettings()) as running, AsyncExitStack() as stack:
        await running.until_serving()
        workers = [await stack.enter_async_context(connection_to(running.address)) for _ in range(63)]
        watched = await asyncio.gather(*(watches_of_health(worker, 4) for worker in workers))
        assert sum(map(len, watched)) == 63 * 4


async def test_watches_of_health_are_bounded_in_all_and_some_room_is_left_for_other_addresses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("servicekit.limits.MAX_INFRASTRUCTURE_STREAMS", 40)
    async with serving(Echo(), EchoSettings()) as running, AsyncExitStack() as stack:
        await running.until_serving()
        greedy = [await stack.enter_async_context(connection_to(running.address)) for _ in range(4)]
        kept = [await watches_of_health(each, 10) for each in greedy[:3]]
        assert sum(map(len, kept)) == 40 * SHARED_PART
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await watches_of_health(greedy[3], 1)
        assert_overloaded(refused.value)


async def test_a_stream_on_which_nothing_comes_is_ended_for_its_caller_to_open_another(serve: Any) -> None:
    async with serve(stream_idle_seconds=0.3) as stub:
        stream = stub.methods["Converse"]()
        await stream.write(StringValue(value="a"))
        assert (await stream.read()).value == "a"
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await stream.read()
        error = error_from_rpc(ended.value)
        assert error is not None
        assert error.reason is Reason.NOT_SERVING
        assert await stub.call("Converse", "b") == ["b"]


async def test_an_idle_connection_is_closed(serve: Any) -> None:
    async with serve(max_connection_idle_seconds=0.2) as stub:
        assert await stub.call("Unary", "a") == ["a"]
        await until(lambda: stub.channel.get_state() is grpc.ChannelConnectivity.IDLE)
        assert await stub.call("Unary", "b") == ["b"]


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


@pytest.mark.parametrize(("left", "is_handled"), [(0.0, False), (0.1, True), (None, True)])
async def test_a_call_whose_time_ran_out_before_it_was_seen_is_not_handled(
    left: float | None, is_handled: bool
) -> None:
    context: Any = SimpleNamespace(time_remaining=lambda: left)
    handled: list[str] = []

    async def proceed() -> None:
        handled.append("call")

    with nullcontext() if is_handled else pytest.raises(asyncio.CancelledError):
        await pass_over_expired(Call(Method("echo.v1.EchoService", "Unary", "unary"), context), proceed)
    assert bool(handled) is is_handled
