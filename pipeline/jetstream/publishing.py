"""Publishing games to the live feed, each message once however often it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Final, Self
from uuid import uuid4

import nats.errors
import structlog
from nats.js import api

from pipeline.jetstream.bodies import cut, message_id, pack
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import GameName
from pipeline.jetstream.pulling import LostError, Pull
from pipeline.jetstream.streams import FEED_STREAM, TRACEPARENT
from pipeline.pace import moments
from pipeline.recorded_game import read_game
from pipeline.replay import GAMES_AT_ONCE, READ_AT_ONCE
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import EndGame, FeedMessage
from playscore.sources import Source
from servicekit import spans

_ID: Final = api.Header.MSG_ID.value
_HEADERS_AT_ONCE: Final = 512
_LOST_SECONDS: Final = 10.0

log = structlog.get_logger()


@dataclass(slots=True)
class PublishedGame:
    """What was published of one game."""

    name: GameName
    messages: int = 0
    """Feed messages in it."""
    sent: int = 0
    """Messages that the broker stored."""
    known: int = 0
    """Messages that the broker had already."""
    bytes: int = 0
    """Of the messages that it stored."""
    last: int = 0
    """The place in the feed of the last of them that is known; 0: of none."""


@dataclass(slots=True)
class Published:
    """What was published."""

    games: list[PublishedGame] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    """Why a game could not be published to its end. Others are."""
    given_up: str = ""
    """Why publishing ended before its end; empty if it did not."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Callbacks that report progress."""

    on_game: Callable[[PublishedGame], None] = lambda game: None
    """Called once a game is published."""
    on_stored: Callable[[GameName, Sequence[FeedMessage]], None] = lambda name, messages: None
    """Called when the broker has stored messages."""


async def publish(
    source: Source,
    game_ids: Sequence[str],
    broker: Broker,
    *,
    speed: float | None = None,
    whole: bool = False,
    callbacks: Callbacks = Callbacks(),
) -> Published:
    """Publishes games, several at once, at `speed` times real time or as fast as the broker takes them.

    One message of a game is under way at a time, so that a repeated one cannot overtake the next. A game that cannot
    be read, or holds a message too large for the broker, fails alone.

    Args:
        source: the games.
        game_ids: which of them.
        broker: which has the streams.
        speed: None: as fast as they are taken.
        whole: the games are over: the end of each is told even where the source does not tell it.
        callbacks: report progress.
    """
    done = Published()
    at_once = asyncio.Semaphore(GAMES_AT_ONCE if speed is None else max(1, len(game_ids)))
    reading = asyncio.Semaphore(READ_AT_ONCE)

    async def one(game_id: str) -> None:
        async with at_once:
            try:
                async with reading:
                    game = await asyncio.to_thread(read_game, game_id, source)
                messages = list(game.messages)
                if whole and not any(message.HasField("end_game") for message in messages):
                    messages.append(FeedMessage(game=game.key, end_game=EndGame()))
                name = GameName(game.key.league, game.key.game_id)
                published = await publish_game(name, messages, broker, speed=speed, on_stored=callbacks.on_stored)
            except (PlayscoreError, OSError) as failure:
                if isinstance(failure, ConnectionError):
                    raise
                why = failure.detail if isinstance(failure, PlayscoreError) else str(failure)
                log.warning("game not published", game_id=game_id, detail=why)
                done.failed[game_id] = why
                return
        done.games.append(published)
        callbacks.on_game(published)

    try:
        async with asyncio.TaskGroup() as games:
            for game_id in game_ids:
                games.create_task(one(game_id))
    except* ConnectionError as failures:
        done.given_up = str(failures.exceptions[0])
    return done


async def publish_game(
    name: GameName,
    messages: Iterable[FeedMessage],
    broker: Broker,
    *,
    speed: float | None = None,
    on_stored: Callable[[GameName, Sequence[FeedMessage]], None] = lambda name, messages: None,
) -> PublishedGame:
    """Publishes the feed of one game, or more of it: corrections, late results.

    Raises ConnectionError where the broker stays away, and MESSAGE_TOO_LARGE for a message that it does not take.
    """
    publisher = await GamePublisher.of(name, broker)
    async with aclosing(moments(messages, speed)) as due:
        async for moment in due:
            for together in cut(moment):
                if await publisher.send(together):
                    on_stored(name, together)
    return publisher.published


class GamePublisher:
    """Publishes one game, a message after the other.

    Args:
        name: of the game.
        broker: which has the feed.
        stored: identifiers of messages that the feed has, with their places.
    """

    def __init__(self, name: GameName, broker: Broker, stored: Mapping[str, int]) -> None:
        self.published = PublishedGame(name)
        self._broker = broker
        self._stored = stored

    @classmethod
    async def of(cls, name: GameName, broker: Broker) -> Self:
        """One that knows what the feed has of the game already, however long ago that was published."""
        return cls(name, broker, await _stored_ids(name, broker))

    async def send(self, messages: Sequence[FeedMessage]) -> bool:
        """Publishes feed messages as one of the broker's; False if the feed has it already.

        Raises as `publish_game`.
        """
        return await self.send_body(pack(messages), len(messages))

    async def send_body(self, body: bytes, messages: int) -> bool:
        """Publishes a body that holds so many feed messages. See `send`."""
        game, subject = self.published, self.published.name.feed
        if len(body) > self._broker.nc.max_payload:
            raise PlayscoreError(
                Reason.MESSAGE_TOO_LARGE,
                f"a message of game {game.name} has {len(body)} bytes, more than the {self._broker.nc.max_payload} that"
                " the broker takes (max_payload in its configuration)",
            )
        game.messages += messages
        key = message_id(subject, body)
        place, is_new = self._stored.get(key), False
        if place is None:
            about = {"messaging.system": "nats", "messaging.destination.name": subject}
            span = spans.begin_trace("publish", kind=spans.Kind.PRODUCER, attributes=about)
            headers = {_ID: key, TRACEPARENT: span.traceparent} if span else {_ID: key}
            try:
                ack = await self._broker.until_it_answers(
                    lambda: self._broker.js.publish(subject, body, stream=FEED_STREAM, headers=headers)
                )
            finally:
                span.end()
            place, is_new = ack.seq, not ack.duplicate
        game.last = max(game.last, place)
        if is_new:
            game.sent += 1
            game.bytes += len(body)
        else:
            game.known += 1
        return is_new


async def _stored_ids(name: GameName, broker: Broker) -> dict[str, int]:
    """The identifiers of what the feed has of a game, with their places, however long ago it was published."""

    async def read() -> dict[str, int]:
        """From the start, by a reader of its own: one that broke off has taken what it lost."""
        consumer = f"ids-{uuid4().hex}"
        config = api.ConsumerConfig(
            name=consumer,
            filter_subject=name.feed,
            ack_policy=api.AckPolicy.NONE,
            headers_only=True,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=30.0,
        )
        info = await broker.js.add_consumer(FEED_STREAM, config)
        left = info.num_pending or 0
        found: dict[str, int] = {}
        try:
            async with Pull(broker, FEED_STREAM, consumer, _HEADERS_AT_ONCE) as pull:
                while left:
                    message = await pull.next(_LOST_SECONDS)
                    if message is None:
                        raise LostError("what is stored of the game could not be read")
                    left = message.metadata.num_pending
                    if (key := (message.headers or {}).get(_ID)) is not None:
                        found[key] = message.metadata.sequence.stream
        finally:
            with suppress(nats.errors.Error):  # the broker forgets it by itself
                await broker.js.delete_consumer(FEED_STREAM, consumer)
        return found

    return await broker.until_it_answers(read)
