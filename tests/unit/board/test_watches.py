"""One upstream watch for each question, shared by all browsers, and what they see when it is interrupted."""

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
class ScriptedWatch:
    """A watch with scripted updates and failures."""

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
class ScriptedRatings:
    """A stand-in for the aggregator's client."""

    watches: list[ScriptedWatch] = field(default_factory=list)
    _opened: asyncio.Queue[ScriptedWatch] = field(default_factory=asyncio.Queue)

    def watch_ratings(self, league: str, **_: Any) -> ScriptedWatch:
        self.watches.append(ScriptedWatch())
        self._opened.put_nowait(self.watches[-1])
        return self.watches[-1]

    async def opened(self) -> ScriptedWatch:
        """The next watch that is opened."""
        return await asyncio.wait_for(self._opened.get(), 20)


@pytest.fixture
async def ratings() -> ScriptedRatings:
    return ScriptedRatings()


@pytest.fixture
async def watches(ratings: ScriptedRatings) -> AsyncIterator[Watches]:
    made = Watches(cast(AggregatorClient, ratings), most=2)
    yield made
    await made.close()


async def received(watch: Watch, enough: Callable[[str], bool]) -> str:
    """Everything a follower has received, once that is enough."""
    content, place = watch.since("")
    seen = content.decode()
    async with asyncio.timeout(20):
        while not enough(seen):
            await watch.moved(place)
            content, place = watch.since(place)
            seen += content.decode()
    return seen


async def test_browsers_with_the_same_question_share_a_watch(watches: Watches, ratings: ScriptedRatings) -> None:
    async with watches.watch(LEAGUE) as first, watches.watch(LEAGUE) as second, watches.watch(OTHER) as other:
        assert first is second
        assert first is not other
        (await ratings.opened()).say("p1")
        for watch in (first, second):
            assert "p1" in await received(watch, lambda seen: "event: table" in seen)
        assert "p1" not in other.since("")[0].decode()


async def test_a_browser_that_reconnects_finds_the_same_watch(watches: Watches, ratings: ScriptedRatings) -> None:
    async with watches.watch(LEAGUE) as before:
        upstream = await ratings.opened()
        upstream.say("p1")
        await received(before, lambda seen: "event: table" in seen)
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


async def test_a_question_that_is_refused_says_why_and_ends(watches: Watches, ratings: ScriptedRatings) -> None:
    async with watches.watch(LEAGUE) as watch:
        (await ratings.opened()).said.put_nowait(PlayscoreError(Reason.FILTER_INVALID, "no\n  x\n  ^"))
        seen = await received(watch, lambda seen: "event: refused" in seen)
        assert '"detail":"no\\n  x\\n  ^"' in seen
        assert "FILTER_INVALID" in seen
        assert watch.ended
        async with watches.watch(LEAGUE) as again:
            assert again is not watch


@pytest.mark.parametrize(
    "failure", [ConnectionError("gone"), TimeoutError("slow"), PlayscoreError(Reason.NOT_SERVING, "draining")]
)
async def test_an_interruption_is_shown_and_the_watch_reconnects(
    watches: Watches, ratings: ScriptedRatings, failure: Exception
) -> None:
    async with watches.watch(LEAGUE) as watch:
        upstream = await ratings.opened()
        upstream.say("p1")
        upstream.said.put_nowait(failure)
        await received(watch, lambda seen: "reconnecting" in seen)
        assert "p1" in watch.since("")[0].decode()
        upstream.say("p2")
        seen = await received(watch, lambda seen: '"live":true' in seen.rpartition("event: status")[2] and "p2" in seen)
        assert "event: refused" not in seen


async def test_a_defect_of_the_view_is_shown_too(
    watches: Watches, ratings: ScriptedRatings, caplog: pytest.LogCaptureFixture
) -> None:
    async with watches.watch(LEAGUE) as watch:
        (await ratings.opened()).said.put_nowait(KeyError("a bug"))
        assert "INTERNAL" in await received(watch, lambda seen: "event: refused" in seen)
    assert "a bug" in caplog.text


async def test_closing_ends_all_streams(watches: Watches) -> None:
    async with watches.watch(LEAGUE) as watch:
        waiting = asyncio.create_task(watch.moved(watch.since("")[1]))
        await watches.close()
        await asyncio.wait_for(waiting, 20)
        assert watch.ended
