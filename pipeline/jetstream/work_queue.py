"""The queue of games with something to play, handed out by JetStream.

A game is in the queue once for each epoch of its state: who offers it again changes nothing. Whoever takes it holds it
while they say so within the lease; then it is handed out again.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import nats.errors
from nats.aio.msg import Msg
from nats.js import errors as js_errors

from pipeline.jetstream.broker import Broker, subject_is_taken
from pipeline.jetstream.names import GameName, work_of
from pipeline.jetstream.pulling import LostError, Pull
from pipeline.jetstream.states import GameState
from pipeline.jetstream.streams import FEED_STREAM, WORK_STREAM, WORKERS

_CONFIRMATIONS: Final = 3


@dataclass(frozen=True, slots=True)
class TakenGame:
    """A game that this process holds."""

    name: GameName
    epoch: int
    """Of the state that it was offered for."""
    message: Msg

    @property
    def was_held(self) -> bool:
        """Whether somebody else held it before and did not finish, as far as the broker remembers."""
        return (self.message.metadata.num_delivered or 1) > 1

    async def keep(self) -> None:
        """Hold it for one more lease."""
        await self.message.in_progress()

    async def finish(self) -> None:
        """It leaves the queue. If the broker does not confirm that, it is handed out once more, to be finished then."""
        for _ in range(_CONFIRMATIONS):
            with suppress(nats.errors.TimeoutError):
                await self.message.ack_sync(timeout=1.0)
                return

    async def give_back(self, after_seconds: float = 0.0) -> None:
        """Somebody else is to take it, at once or later."""
        await self.message.nak(delay=after_seconds or None)


class WorkQueue:
    """The queue, as an async context manager around what is taken from it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._pull: Pull | None = None

    async def offer(self, state: GameState) -> None:
        """There is something to play of a game that stands so. It is in the queue afterward, or somebody holds it."""
        subject = state.name.work(state.epoch)
        try:
            await self._broker.until_it_answers(lambda: self._broker.js.publish(subject, stream=WORK_STREAM))
        except js_errors.APIError as refused:
            if not subject_is_taken(refused):
                raise

    async def take(self) -> TakenGame:
        """The next game, however long that takes."""
        while True:
            try:
                if self._pull is None:
                    self._pull = await Pull(self._broker, WORK_STREAM, WORKERS, batch=1).__aenter__()
                message = await self._pull.next(60.0)
            except (LostError, nats.errors.Error):
                await self.close()
                await asyncio.sleep(0.25)
                continue
            if message is not None:
                return TakenGame(*work_of(message.subject), message)

    async def waiting(self) -> int:
        """Games that nobody holds."""
        workers = await self._broker.until_it_answers(lambda: self._broker.js.consumer_info(WORK_STREAM, WORKERS))
        return workers.num_pending or 0

    async def close(self) -> None:
        """Take no more."""
        pull, self._pull = self._pull, None
        if pull is not None:
            await pull.__aexit__(None, None, None)

    async def finish(self, taken: TakenGame, state: GameState) -> None:
        """A game that stands so leaves the queue; it is offered again where more was said of it meanwhile.

        A message that is stored before this looks is found by it. One that is stored later is found by a finder, who
        reads a state that is at least as late as `state`: that offer is another entry of the queue. So none is missed.
        """
        last = 0 if state.aside else await self._broker.last_place(FEED_STREAM, state.name.feed)
        if last > state.read:
            await self.offer(state)
        await taken.finish()
