"""One upstream watch for each question, whoever asks it, and what its followers are told when it breaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, Self, cast

import pytest

from board.live.question import Question
from board.live.watches import Watch, Watches
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, RatingsUpdate
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

LEAGUE = Question("SIM", common.ROLE_PASSER)
OTHER = Question("SIM", common.ROLE_PASSER, filter="down = 3")


@dataclass
class ToldWatch:
    """A watch that is told what to say, and what to fail with."""

    said: asyncio.Queue[RatingsUpdate | Exception] = field(default_factory=asyncio.Queue)
    checkpoint: aggregator.WatchCheckpoint = field(default_factory=aggregator.WatchCheckpoint)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    async def __anext__(self) -> RatingsUpdate:
        said = await self.said.get()
        if isinstance(said, Exception):
            raise said
        return said

    def say(self, name: str = "") -> None:
        rating = aggregator.Rating(subject=common.Subject(role=common.ROLE_PASSER, subject_id=name), plays=1)
        self.said.put_nowait(RatingsUpdate(False, (rating,) if name else (), (), 0, self.checkpoint))


@dataclass
class ToldRatings:
    """Where the aggregator's client stands."""

    watches: list[ToldWatch] = field(default_factory=list)
    _opened: asyncio.Queue[ToldWatch] = field(default_factory=asyncio.Queue)

    def watch_ratings(self, league: str, **_: Any) -> ToldWatch:
        self.watches.append(ToldWatch())
        self._opened.put_nowait(self.watches[-1])
        return self.watches[-1]

    async def opened(self) -> ToldWatch:
        """The next watch that is opened."""
        return await asyncio.wait_for(self._opened.get(), 20)


@pytest.fixture
async def ratings() -> ToldRatings:
    return ToldRatings()


@pytest.fixture
async def watches(ratings: ToldRatings) -> AsyncIterator[Watches]:
    made = Watches(cast(AggregatorClient, ratings), most=2)
    yield made
    await made.close()


async def told(watch: Watch, wanted: Callable[[str], bool]) -> str:
    """All that a follower has been told once it is what is wanted."""
    content, place = watch.since("")
    heard = content.decode()
    async with asyncio.timeout(20):
        while not wanted(heard):
            await watch.moved(place)
            content, place = watch.since(place)
            heard += content.decode()
    return heard


async def test_many_who_ask_one_question_share_a_watch(watches: Watches, ratings: ToldRatings) -> None:
    async with watches.watch(LEAGUE) as first, watches.watch(LEAGUE) as second, watches.watch(OTHER) as other:
        assert first is second
        assert first is not other
        (await ratings.opened()).say("p1")
        for watch in (first, second):
            assert "p1" in await told(watch, lambda heard: "event: table" in heard)
        assert "p1" not in other.since("")[0].decode()


async def test_one_who_leaves_and_comes_back_finds_the_same_watch(watches: Watches, ratings: ToldRatings) -> None:
    async with watches.watch(LEAGUE) as before:
        upstream = await ratings.opened()
        upstream.say("p1")
        await told(before, lambda heard: "event: table" in heard)
        place = before.since("")[1]
    upstream.say("p2")
    async with watches.watch(LEAGUE) as after:
        assert after is before
        await after.moved(place)
        missed = after.since(place)[0].decode()
        assert "event: change" in missed
        assert "p2" in missed
        assert "p1" not in missed
    assert len(ratings.watches) == 1


async def test_more_questions_than_allowed_are_refused_while_all_are_followed(watches: Watches) -> None:
    third = Question("SIM", common.ROLE_PASSER, filter="down = 4")
    async with watches.watch(LEAGUE), watches.watch(OTHER):
        with pytest.raises(PlayscoreError) as refused:
            async with watches.watch(third):
                pass
        assert refused.value.reason is Reason.OVERLOADED
    async with watches.watch(third) as made:  # in the place of one that nobody follows any more
        assert not made.ended


async def test_a_question_that_is_refused_says_why_and_ends(watches: Watches, ratings: ToldRatings) -> None:
    async with watches.watch(LEAGUE) as watch:
        (await ratings.opened()).said.put_nowait(PlayscoreError(Reason.FILTER_INVALID, "no\n  x\n  ^"))
        heard = await told(watch, lambda heard: "event: refused" in heard)
        assert '"detail":"no\\n  x\\n  ^"' in heard
        assert "FILTER_INVALID" in heard
        assert watch.ended
        async with watches.watch(LEAGUE) as again:
            assert again is not watch


@pytest.mark.parametrize(
    "failure", [ConnectionError("gone"), TimeoutError("slow"), PlayscoreError(Reason.NOT_SERVING, "draining")]
)
async def test_a_break_is_told_and_mended(watches: Watches, ratings: ToldRatings, failure: Exception) -> None:
    async with watches.watch(LEAGUE) as watch:
        upstream = await ratings.opened()
        upstream.say("p1")
        upstream.said.put_nowait(failure)
        await told(watch, lambda heard: "reconnecting" in heard)
        assert "p1" in watch.since("")[0].decode()
        upstream.say("p2")
        heard = await told(watch, lambda heard: '"live":true' in heard.rpartition("event: status")[2] and "p2" in heard)
        assert "event: refused" not in heard


async def test_a_fault_of_the_view_is_told_too(
    watches: Watches, ratings: ToldRatings, caplog: pytest.LogCaptureFixture
) -> None:
    async with watches.watch(LEAGUE) as watch:
        (await ratings.opened()).said.put_nowait(KeyError("a bug"))
        assert "INTERNAL" in await told(watch, lambda heard: "event: refused" in heard)
    assert "a bug" in caplog.text


async def test_closing_lets_go_of_everybody(watches: Watches) -> None:
    async with watches.watch(LEAGUE) as watch:
        waiting = asyncio.create_task(watch.moved(watch.since("")[1]))
        await watches.close()
        await asyncio.wait_for(waiting, 20)
        assert watch.ended
