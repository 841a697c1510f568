"""The feed of one game, read from the broker in order."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Final, Self
from uuid import uuid4

import nats.errors
from nats.js import api

from pipeline.jetstream.bodies import unpack
from pipeline.jetstream.broker import Broker
from pipeline.jetstream.names import GameName
from pipeline.jetstream.pulling import LostError, Pull
from pipeline.jetstream.states import Unreadable
from pipeline.jetstream.streams import FEED_STREAM, TRACEPARENT
from playscore.errors import PlayscoreError
from playscore.feed.v1.feed_pb2 import FeedMessage

BATCH: Final = 32
"""Messages of the broker that wait here at most: 8 MiB of full ones."""
_FORGOTTEN_SECONDS: Final = 30.0
"""After which the broker forgets a reader who is gone."""


class GameFeed:
    """A game's messages, as an async context manager. A message that cannot be read is passed over and noted.

    Args:
        broker: which has the feed.
        name: of the game.
        note_unreadable: is told of messages that cannot be read.
    """

    def __init__(
        self, broker: Broker, name: GameName, note_unreadable: Callable[[Unreadable], Awaitable[None]]
    ) -> None:
        self.position = 0
        """The place in the feed of the last message that was read, and all of what it holds taken."""
        self.behind = 0
        """Messages that wait in the broker."""
        self.ended = False
        """The end of the game was told."""
        self.heard_at = time.monotonic()
        """When its last message came, seconds of `time.monotonic`."""
        self.traceparent = ""
        """The trace that the last message belongs to, as its header says; empty where that says nothing."""
        self._broker = broker
        self._name = name
        self._note_unreadable = note_unreadable
        self._pull: Pull | None = None
        self._consumer = ""
        self._ahead: tuple[int, list[FeedMessage]] | None = None
        """What was read beyond what was asked for."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def read_to(self, last: int) -> AsyncIterator[tuple[int, list[FeedMessage]]]:
        """What is there up to the message at `last`, with the place of each; ends there."""
        while self.position < last:
            told = await self._next(_FORGOTTEN_SECONDS)
            if told is None or told[0] > last:
                self._ahead = told
                return
            place, messages = told
            yield place, messages
            self.position = place

    async def follow(self, *, quiet_seconds: float, linger_seconds: float) -> AsyncIterator[FeedMessage]:
        """What comes from here on, until nothing came for so long; after the game's end that is `linger_seconds`."""
        quiet_since = time.monotonic()
        while True:
            limit = linger_seconds if self.ended else quiet_seconds
            told = await self._next(quiet_since + limit - time.monotonic())
            if told is None:
                return
            place, messages = told
            for message in messages:
                yield message
            self.position = place
            quiet_since = time.monotonic()

    async def _next(self, seconds: float) -> tuple[int, list[FeedMessage]] | None:
        """The next message of the broker; None where none came in time."""
        if self._ahead is not None:
            ahead, self._ahead = self._ahead, None
            return ahead
        end = time.monotonic() + seconds
        while True:
            try:
                if self._pull is None:
                    await self._open()
                assert self._pull is not None
                message = await self._pull.next(max(end - time.monotonic(), 0.0))
            except (LostError, nats.errors.Error):
                await self._close()
                continue
            if message is None:
                return None
            place = message.metadata.sequence.stream
            self.behind = message.metadata.num_pending
            self.heard_at = time.monotonic()
            self.traceparent = (message.headers or {}).get(TRACEPARENT, "")
            try:
                messages = unpack(message.data)
            except PlayscoreError as torn:
                await self._note_unreadable(Unreadable(place, message.subject, torn.detail))
                messages = []
            self.ended = self.ended or any(each.HasField("end_game") for each in messages)
            return place, messages

    async def _open(self) -> None:
        """Reads on after `position`, by a consumer that the broker keeps in memory."""
        self._consumer = f"reader-{uuid4().hex}"
        config = api.ConsumerConfig(
            name=self._consumer,
            filter_subject=self._name.feed,
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self.position + 1,
            ack_policy=api.AckPolicy.NONE,
            mem_storage=True,
            num_replicas=1,
            inactive_threshold=_FORGOTTEN_SECONDS,
        )
        await self._broker.until_it_answers(lambda: self._broker.js.add_consumer(FEED_STREAM, config))
        self._pull = await Pull(self._broker, FEED_STREAM, self._consumer, BATCH).__aenter__()

    async def _close(self) -> None:
        pull, self._pull = self._pull, None
        if pull is not None:
            await pull.__aexit__(None, None, None)
