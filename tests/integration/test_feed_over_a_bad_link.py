"""Who reads a game's feed misses nothing when the connection to the broker breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from pipeline.jetstream.bodies import pack
from pipeline.jetstream.broker import Broker, BrokerAddress, connected
from pipeline.jetstream.game_feed import GameFeed
from pipeline.jetstream.names import GameName
from pipeline.jetstream.publishing import GamePublisher
from pipeline.jetstream.states import Unreadable
from pipeline.jetstream.streams import StreamSettings
from playscore.feed.v1 import feed_pb2 as feed
from tests import nats
from tests.adversary.proxy import Fault, link
from tests.integration.test_feed import feed_on
from tests.processes import SECONDS

GAME = GameName("SIM", "1")
PLAYS = 5
ON_THE_WAY_SECONDS = 0.3
DUPLICATES_SECONDS = 0.1
"""For which the broker itself knows a message that comes twice."""


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    async with feed_on(nats.server(), StreamSettings(duplicates_seconds=DUPLICATES_SECONDS)) as empty:
        yield empty


async def publish(broker: Broker, *messages: feed.FeedMessage) -> None:
    for message in messages:
        await broker.js.publish(GAME.feed, pack([message]))


async def send_all(publisher: GamePublisher, messages: Sequence[feed.FeedMessage]) -> None:
    for message in messages:
        await publisher.send([message])


async def no_unreadable(message: Unreadable) -> None:
    raise AssertionError(message)


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.TRUNCATE])
async def test_what_was_on_its_way_when_the_connection_broke_is_read_again(broker: Broker, fault: Fault) -> None:
    plays = [feed.FeedMessage(end_play=feed.EndPlay(play_id=str(number))) for number in range(PLAYS)]
    end = feed.FeedMessage(end_game=feed.EndGame())
    port = int(str(nats.server().address).rpartition(":")[2])
    async with link(port, ON_THE_WAY_SECONDS) as bad, asyncio.timeout(SECONDS):
        far = BrokerAddress(f"nats://127.0.0.1:{bad.port}")
        async with connected(far, "reader") as reader, GameFeed(reader, GAME, no_unreadable) as game:
            following = game.follow(quiet_seconds=SECONDS, linger_seconds=0.1)
            await publish(broker, plays[0])
            read = [await anext(following)]
            bad.set(Fault.DELAY)
            await publish(broker, *plays[1:], end)
            await asyncio.sleep(0)
            bad.set(fault)
            while not reader.nc.stats["reconnects"]:
                if bad.broken:
                    bad.set(Fault.NONE)
                await asyncio.sleep(0.01)
            read += [message async for message in following]
    assert read == [*plays, end]


async def test_a_publisher_whose_connection_breaks_while_it_looks_what_is_stored_stores_nothing_twice(
    broker: Broker,
) -> None:
    plays = [feed.FeedMessage(end_play=feed.EndPlay(play_id=str(number))) for number in range(1_000)]
    await send_all(await GamePublisher.of(GAME, broker), plays)
    await asyncio.sleep(2 * DUPLICATES_SECONDS)
    port = int(str(nats.server().address).rpartition(":")[2])
    async with (
        asyncio.timeout(SECONDS),
        link(port, ON_THE_WAY_SECONDS) as bad,
        connected(BrokerAddress(f"nats://127.0.0.1:{bad.port}"), "publisher") as far,
    ):
        bad.set(Fault.DELAY)
        looking = asyncio.create_task(GamePublisher.of(GAME, far))
        await asyncio.sleep(5 * ON_THE_WAY_SECONDS)
        bad.set(Fault.RESET)
        bad.set(Fault.NONE)
        publisher = await looking
        assert bad.broken
        await send_all(publisher, plays)
    assert (publisher.published.sent, publisher.published.known) == (0, len(plays))
