"""A game's stream is kept up over the connections that it takes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pipeline.featurizing import MAX_QUEUED, GameStream, Request, by_what_it_says
from playscore.common.v1.common_pb2 import GameKey
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1.featurizer_pb2 import StreamPlaysResponse
from playscore.feed.v1.feed_pb2 import EndPlay
from playscore.tracking.v1.tracking_pb2 import GameHeader
from tests.unit.pipeline.played_featurizer import SECONDS, Featurizer, checkpoint, gone, rejection, tensor

HEADER = GameHeader(key=GameKey(league="NFL", game_id="7"))


def request(play_id: str) -> Request:
    return Request(end_play=EndPlay(play_id=play_id))


def requests(*play_ids: str) -> list[Request]:
    return list(map(request, play_ids))


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
            is_current=lambda request: True,
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


async def test_what_is_sent_arrives_and_what_is_answered_is_heard() -> None:
    featurizer = Featurizer()
    game = Game(featurizer)
    async with running(game.stream) as task:
        connection = await featurizer.opened()
        await game.send("1")
        await game.send("2")
        await connection.hears(*requests("1", "2"))
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
        await first.hears(*requests("1", "2", "3"))
        for answer in (tensor("1"), checkpoint("a"), rejection("3"), checkpoint("b"), gone()):
            first.answers.put_nowait(answer)
        second = await featurizer.opened()
        await second.hears(*requests("2"))
        await game.send("4")
        await second.hears(*requests("2", "4"))
        await game.stream.finish()
        await second.is_half_closed()
        second.answers.put_nowait(gone())
        third = await featurizer.opened()
        await third.hears(*requests("2", "4"))
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
        await second.hears(*requests("1", "2", "3", "4"))


@pytest.mark.parametrize(
    "failure",
    [
        gone(),
        TimeoutError("it did not open"),
        PlayscoreError(Reason.OVERLOADED, "later"),
        PlayscoreError(Reason.NOT_IMPLEMENTED, "an earlier release"),
    ],
    ids=repr,
)
async def test_a_featurizer_that_is_away_is_asked_until_it_opens(failure: Exception) -> None:
    featurizer = Featurizer(failure, failure)
    game = Game(featurizer)
    async with running(game.stream):
        await game.send("1")
        await (await featurizer.opened()).hears(*requests("1"))


async def test_a_token_that_is_no_longer_taken_is_dropped() -> None:
    featurizer = Featurizer()
    game = Game(featurizer)
    async with running(game.stream):
        await game.send("1")
        first = await featurizer.opened()
        await first.hears(*requests("1"))
        featurizer.failures = [PlayscoreError(Reason.RESUME_TOKEN_INVALID, "of another release")]
        for answer in (checkpoint("a"), gone()):
            first.answers.put_nowait(answer)
        await (await featurizer.opened()).hears(*requests("1"))
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


async def test_a_featurizer_that_opens_and_never_answers_is_given_up_too() -> None:
    featurizer = Featurizer()
    game = Game(featurizer, give_up_seconds=0.3)
    async with running(game.stream) as task:
        await game.send("poison")

        async def break_off() -> None:
            while True:
                (await featurizer.opened()).answers.put_nowait(gone())

        breaking = asyncio.create_task(break_off())
        with pytest.raises(ConnectionError, match="given up"):
            await ended(task)
        breaking.cancel()


async def test_every_absence_is_counted_for_itself() -> None:
    featurizer = Featurizer()
    game = Game(featurizer, give_up_seconds=0.2)
    async with running(game.stream):
        for _ in range(3):
            connection = await featurizer.opened()
            await asyncio.sleep(0.25)
            connection.answers.put_nowait(gone())
        await game.send("1")
        await (await featurizer.opened()).hears(*requests("1"))


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
    assert min((gone(), told, TimeoutError()), key=by_what_it_says) is told
    assert min((gone(), told, defect), key=by_what_it_says) is defect
