"""Messages of a consumer, pulled as they are needed."""

from __future__ import annotations

import asyncio
import json
import math
import time
from collections import deque
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from pipeline.jetstream.broker import Broker

HEARTBEAT_SECONDS: Final = 1.0
LOST_SECONDS: Final = 3.0
"""Without a message or a heartbeat: the request is no longer known to the broker."""
EXPIRES_SECONDS: Final = 20.0
"""Of a request, after which it is made again."""

_LEAST_SECONDS: Final = 0.2
"""For a message that lies here to be taken, however long nobody asked for it."""
_LASTING: Final = {"expires": int(EXPIRES_SECONDS * 1e9), "idle_heartbeat": int(HEARTBEAT_SECONDS * 1e9)}
"""A request that is answered as messages come, until it expires."""
_ENDED: Final = ("404", "408", "409")
"""Statuses that end a request, and nothing else."""


class LostError(ConnectionError):
    """The consumer is gone, or its broker: pull again, from where this pull got to."""


class Pull:
    """A pull of one consumer's messages, as an async context manager.

    Args:
        broker: which has it.
        stream: of the consumer.
        consumer: its name.
        batch: messages asked for at once, which is how many wait here at most.
    """

    def __init__(self, broker: Broker, stream: str, consumer: str, batch: int) -> None:
        self._broker = broker
        self._subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._batch = batch
        self._inbox = broker.nc.new_inbox()
        self._subscription: Subscription | None = None
        self._here: deque[Msg] = deque()
        self._came = asyncio.Event()
        self._due = 0
        """Messages asked for that have not come."""
        self._heard = 0.0
        self._reconnects = 0
        """Of the connection that the messages come over."""

    async def __aenter__(self) -> Self:
        self._reconnects = self._broker.nc.stats["reconnects"]
        self._subscription = await self._broker.nc.subscribe(self._inbox, cb=self._take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._broker.nc.is_closed:
            await subscription.unsubscribe()

    async def next(self, seconds: float) -> Msg | None:
        """The next message; None where none came in time. Raises LostError."""
        end = time.monotonic() + seconds
        while True:
            if not self._due:
                await self._ask(self._batch, _LASTING)
            message = await self._asked_for(end)
            if message is not None or time.monotonic() >= end:
                return message

    async def whatever_waits(self, most: int) -> list[Msg]:
        """What the consumer has now, at most so many messages: together they cost a fraction of what each costs alone.

        Only while `next` is due nothing. Raises LostError.
        """
        assert not self._due
        await self._ask(most, {"no_wait": True})
        messages: list[Msg] = []
        while (message := await self._asked_for(math.inf)) is not None:
            messages.append(message)
        return messages

    async def _asked_for(self, end: float) -> Msg | None:
        """The next message of those asked for; None where there are no more, or at that time of the monotonic clock."""
        assert self._subscription is not None
        while self._due:
            message = await self._taken(min(end, self._heard + LOST_SECONDS))
            if self._broker.nc.stats["reconnects"] != self._reconnects:
                raise LostError("the connection broke, and with it what was on its way")
            if message is None:
                if time.monotonic() - self._heard >= LOST_SECONDS:
                    raise LostError("the broker has not been heard of")
                if time.monotonic() >= end:
                    return None
                continue
            self._heard = time.monotonic()
            status = None if message.reply else (message.headers or {}).get("Status")
            if status is None:
                self._due -= 1
                return message
            self._take_status(status, (message.headers or {}).get("Description", ""))
        return None

    async def _take(self, message: Msg) -> None:
        """Messages are taken as they come: to wait for each by `next_msg` costs a task and a timer a message."""
        self._here.append(message)
        self._came.set()

    async def _taken(self, until: float) -> Msg | None:
        """The first message here; None where none came by that time of the monotonic clock."""
        if not self._here:
            self._came.clear()
            try:
                async with asyncio.timeout(max(until - time.monotonic(), _LEAST_SECONDS)):
                    await self._came.wait()
            except TimeoutError:
                return None
        return self._here.popleft()

    def _take_status(self, status: str, description: str) -> None:
        if status == "100":
            return
        if status not in _ENDED or "Deleted" in description:
            raise LostError(f"{status} {description.strip()}")
        self._due = 0

    async def _ask(self, batch: int, until: Mapping[str, object]) -> None:
        request = {"batch": batch, **until}
        try:
            await self._broker.nc.publish(self._subject, json.dumps(request).encode(), reply=self._inbox)
        except nats.errors.Error as failure:
            raise LostError(str(failure)) from failure
        self._due = batch
        self._heard = time.monotonic()
