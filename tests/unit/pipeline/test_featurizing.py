"""A game's stream is kept up over the connections that it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pipeline.featurizing import MAX_QUEUED, GameStream, Request, says_little
from playscore.common.v1.common_pb2 import GameKey
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import (
    FeaturizePlaysResponse,
    ResumeToken,
    StreamPlaysResponse,
    WholePlay,
)
from playscore.tracking.v1.tracking_pb2 import GameHeader, Roster

HEADER = GameHeader(key=GameKey(league="NFL", game_id="7"))
SECONDS = 10.0

Answer = StreamPlaysResponse | Exception | None
"""What a stream yields: an answer, the failure it breaks with, or None for its end."""


def request(play_id: str, **message: Any) -> Request:
    return Request(end_play={"play_id": play_id, **message})  # type: ignore[arg-type]


def tensor(play_id: str) -> StreamPlaysResponse:
    return StreamPlaysResponse(tensor={"key": {"play_id": play_id}})  # type: ignore[arg-type]


def rejection(play_id: str) -> StreamPlaysResponse:
    return StreamPlaysResponse(rejection={"key": {"play_id": play_id}})  # type: ignore[arg-type]


def checkpoint(token: str) -> StreamPlaysResponse:
    return StreamPlaysResponse(checkpoint={"resume_token": {"value": token}})  # type: ignore[arg-type]


class Connection:
    """One stream, as the featurizer sees it."""

    def __init__(self, resume_token: ResumeToken | None) -> None:
        self.resume_token = None if resume_token is None else resume_token.value
        self.received: list[str] = []
        self.half_closed = False
        self.heard = asyncio.Condition()
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()

    async def send(self, message: Request) -> None:
        await self.takes.wait()
        async with self.heard:
            self.received.append(message.end_play.play_id)
            self.heard.notify_all()

    async def finish(self) -> None:
        async with self.heard:
            self.half_closed = True
            self.heard.notify_all()

    async def __aiter__(self) -> AsyncIterator[StreamPlaysResponse]:
        while (answer := await self.answers.get()) is not None:
            if isinstance(answer, Exception):
                raise answer
            yield answer

    async def hears(self, *messages: str) -> None:
        """Returns once it was told these, and nothing else."""
        async with self.heard, asyncio.timeout(SECONDS):
            await self.heard.wait_for(lambda: len(self.received) >= len(messages))
        assert self.received == [*messages]

    async def is_half_closed(self) -> None:
        """Returns once the caller has nothing more to say."""
        async with self.heard, asyncio.timeout(SECONDS):
            await self.heard.wait_for(lambda: self.half_closed)


class Featurizer:
    """Opens a stream unless it is to fail; `opened` yields those that are open."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.tokens: list[str | None] = []
        self._opened: asyncio.Queue[Connection] = asyncio.Queue()

    @asynccontextmanager
    async def stream_plays(
        self, header: GameHeader, resume_token: ResumeToken | None = None
    ) -> AsyncIterator[Connection]:
        connection = Connection(resume_token)
        self.tokens.append(connection.resume_token)
        if self.failures:
            raise self.failures.pop(0)
        self._opened.put_nowait(connection)
        yield connection

    async def featurize_plays(
        self, header: GameHeader, roster: Roster, plays: Iterable[WholePlay]
    ) -> FeaturizePlaysResponse:
        raise NotImplementedError

    async def opened(self) -> Connection:
        """The next stream that opens."""
        async with asyncio.timeout(SECONDS):
            return await self._opened.get()


class Game:
    """Who streams: plays that were told and not answered are the backlog."""

    def __init__(self, featurizer: Featurizer, give_up_seconds: float = SECONDS) -> None:
        self.unanswered: dict[str, None] = {}
        self.answered: list[str] = []
        self.stream = GameStream(
            HEADER,
            featurizer,
            backlog=lambda: map(request, self.unanswered),
            on_answer=self.on_answer,
            give_up_seconds=give_up_seconds,
        )

    def on_answer(self, answer: StreamPlaysResponse) -> None:
        key = answer.tensor.key if answer.HasField("tensor") else answer.rejection.key
        self.answered.append(key.play_id)
        self.unanswered.pop(key.play_id, None)

    async def send(self, play_id: str) -> None:
        self.unanswered[play_id] = None
        await self.stream.send(request(play_id))


@asynccontextmanager
async def running(stream: GameStream) -> AsyncIterator[asyncio.Task[None]]:
    """The stream under way."""
    task = asyncio.create_task(stream.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})


async def ended(task: asyncio.Task[None]) -> None:
    """Returns once the stream has ended, or raises what it failed with."""
    await asyncio.wait_for(task, SECONDS)


def gone() -> ConnectionError:
    return ConnectionError("127.0.0.1:50051: it went away")


async def test_what_is_sent_arrives_and_what_is_answered_is_heard() -> None:
    featurizer = Featurizer()
    game = Game(featurizer)
    async with running(game.stream) as task:
        connection = await featurizer.opened()
        await game.send("1")
        await game.send("2")
        await connection.hears("1", "2")
        for answer in (tensor("1"), checkpoint("a"), rejection("2"), checkpoint("b")):
            connection.answers.put_nowait(answer)
        await game.stream.finish()
        await connection.is_half_closed()
        connection.answers.put_nowait(None)
        await ended(task)
    assert game.answered == ["1", "2"]


async def test_a_new_connection_is_told_what_was_not_answered_with_the_last_token() -> None:
    featurizer = Featurizer()
    game = Game(featurizer)
    async with running(game.stream) as task:
        first = await featurizer.opened()
        for play_id in ("1", "2", "3"):
            await game.send(play_id)
        await first.hears("1", "2", "3")
        for answer in (tensor("1"), checkpoint("a"), rejection("3"), checkpoint("b"), gone()):
            first.answers.put_nowait(answer)
        second = await featurizer.opened()
        await second.hears("2")
        await game.send("4")
        await second.hears("2", "4")
        await game.stream.finish()
        await second.is_half_closed()
        second.answers.put_nowait(gone())
        third = await featurizer.opened()
        await third.hears("2", "4")
        await third.is_half_closed()
        third.answers.put_nowait(None)
        await ended(task)
    assert featurizer.tokens == [None, "b", "b"]


async def test_what_waits_to_be_sent_when_a_connection_breaks_is_not_told_twice() -> None:
    featurizer = Featurizer()
    game = Game(featurizer)
    async with running(game.stream):
        first = await featurizer.opened()
        first.takes.clear()
        for play_id in ("1", "2", "3"):
            await game.send(play_id)
        first.answers.put_nowait(gone())
        second = await featurizer.opened()
        await game.send("4")
        await second.hears("1", "2", "3", "4")


@pytest.mark.parametrize(
    "failure",
    [gone(), TimeoutError("it did not open"), PlayscoreError(Reason.OVERLOADED, "later")],
    ids=repr,
)
async def test_a_featurizer_that_is_away_is_asked_until_it_opens(failure: Exception) -> None:
    featurizer = Featurizer(failure, failure)
    game = Game(featurizer)
    async with running(game.stream):
        await game.send("1")
        await (await featurizer.opened()).hears("1")


async def test_a_token_that_is_no_longer_taken_is_dropped() -> None:
    featurizer = Featurizer()
    game = Game(featurizer)
    async with running(game.stream):
        await game.send("1")
        first = await featurizer.opened()
        await first.hears("1")
        featurizer.failures = [PlayscoreError(Reason.RESUME_TOKEN_INVALID, "of another release")]
        for answer in (checkpoint("a"), gone()):
            first.answers.put_nowait(answer)
        await (await featurizer.opened()).hears("1")
    assert featurizer.tokens == [None, "a", None]


async def test_a_featurizer_that_stays_away_is_given_up_after_the_stated_time() -> None:
    featurizer = Featurizer(*[gone()] * 100)
    game = Game(featurizer, give_up_seconds=0.2)
    async with running(game.stream) as task:
        with pytest.raises(
            ConnectionError, match=r"given up: a service has not answered for 0\.2 s \(.*it went away\)"
        ):
            await ended(task)
    assert 2 <= len(featurizer.tokens) < 10


async def test_every_absence_is_counted_for_itself() -> None:
    featurizer = Featurizer()
    game = Game(featurizer, give_up_seconds=0.0)
    async with running(game.stream):
        for _ in range(3):
            (await featurizer.opened()).answers.put_nowait(gone())
        await game.send("1")
        await (await featurizer.opened()).hears("1")


REFUSAL = PlayscoreError(Reason.FRAME_RATE_UNSUPPORTED, "made for 10 frames a second")


async def test_a_game_that_is_refused_ends_with_the_reason() -> None:
    featurizer = Featurizer(REFUSAL)
    async with running(Game(featurizer).stream) as task:
        with pytest.raises(PlayscoreError) as refused:
            await ended(task)
    assert refused.value is REFUSAL
    assert featurizer.tokens == [None]


async def test_who_waits_to_send_goes_on_when_the_game_is_refused() -> None:
    featurizer = Featurizer()
    game = Game(featurizer)
    async with running(game.stream) as task:
        connection = await featurizer.opened()
        connection.takes.clear()

        async def send_many() -> None:
            for number in range(2 * MAX_QUEUED):
                await game.send(str(number))

        sending = asyncio.create_task(send_many())
        connection.answers.put_nowait(REFUSAL)
        with pytest.raises(PlayscoreError):
            await ended(task)
        await asyncio.wait_for(sending, SECONDS)
        await asyncio.wait_for(game.stream.finish(), SECONDS)


def test_of_failures_that_come_together_the_one_that_says_more_is_told() -> None:
    defect, told = ValueError("a defect"), REFUSAL
    assert min((gone(), told, TimeoutError()), key=says_little) is told
    assert min((gone(), told, defect), key=says_little) is defect
