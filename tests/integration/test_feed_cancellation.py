"""What waits for the broker ends when it is canceled, also where the answer comes in the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from random import Random
from uuid import uuid4

import pytest

from pipeline.jetstream.broker import Broker, connected
from pipeline.jetstream.pulling import Pull
from tests import nats
from tests.processes import SECONDS

MESSAGES = 200
TRIES = 100


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with connected(nats.server().address, "test") as broker:
        yield broker


@pytest.fixture
async def stream(broker: Broker) -> AsyncIterator[str]:
    """A stream with messages in it."""
    name = f"cancellation-{uuid4().hex}"
    await broker.js.add_stream(name=name, subjects=[f"{name}.>"])
    await asyncio.gather(*(broker.js.publish(f"{name}.{number}", b"") for number in range(MESSAGES)))
    yield name
    await broker.js.delete_stream(name)


def in_turns(turns: int, do: Callable[[], object]) -> None:
    """Does something so many turns of the event loop later."""
    asyncio.get_running_loop().call_soon(*((in_turns, turns - 1, do) if turns else (do,)))


async def assert_ends(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task], timeout=SECONDS)
    assert task.cancelled(), task


async def test_a_reader_ends_wherever_in_the_feed_it_is_canceled(broker: Broker, stream: str) -> None:
    random = Random(1)

    async def read(consumer: str, cancel_at: int) -> None:
        task, taken = asyncio.current_task(), 0
        assert task is not None
        async with Pull(broker, stream, consumer, MESSAGES) as pull:
            while True:
                await pull.next(SECONDS)
                taken += 1
                if taken == cancel_at:
                    in_turns(random.randrange(4), task.cancel)

    for _ in range(TRIES):
        consumer = await broker.js.add_consumer(stream, name=uuid4().hex, ack_policy="none")
        await assert_ends(asyncio.create_task(read(consumer.name, random.randrange(1, MESSAGES // 2))))


async def test_who_asks_the_broker_ends_when_canceled(broker: Broker, stream: str) -> None:
    async def ask() -> None:
        while True:
            await broker.last_place(stream, f"{stream}.1")

    async def answered_when_canceled() -> None:
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        asking = asyncio.create_task(broker.until_it_answers(lambda: asyncio.wait_for(answer, SECONDS)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answer.set_result(None)
        asking.cancel()
        await assert_ends(asking)

    random = Random(1)
    for _ in range(TRIES):
        asking = asyncio.create_task(ask())
        await asyncio.sleep(random.uniform(0, 0.01))
        asking.cancel()
        await assert_ends(asking)
        await answered_when_canceled()
