"""A reader of ratings, who asks again and again for the plays that have closed until they are there."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Final

from loadtest.schedule import ClosedPlay
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

EVERY_SECONDS: Final = 0.005
"""Between two questions at least. A latency is longer than the true one by at most that and the time of an answer."""
_SHARE: Final = 0.05
"""Of how long the latest play is awaited already: between two questions, so that asking does not add to a backlog."""
_AT_ONCE: Final = 24
"""Plays in one question: a filter has room for so many."""
_NOTHING_YET: Final = frozenset({Reason.LEAGUE_NOT_FOUND, Reason.GAME_NOT_FOUND})


class Reader:
    """Finds out when plays can be read, as any caller of the aggregator could.

    While none is awaited it asks nothing, nor before half of the shortest latency so far has passed: asking in vain
    takes CPU from whom it waits for. Of many that wait, those that were asked for longest ago come first.

    Args:
        ratings: the aggregator.
        league: of the plays.
        clock: seconds.
    """

    def __init__(self, ratings: AggregatorClient, league: str, clock: Callable[[], float] = time.perf_counter) -> None:
        self.readable: dict[ClosedPlay, tuple[float, float]] = {}
        """By play that could be read: when it was to close, and when it was found."""
        self._ratings = ratings
        self._league = league
        self._clock = clock
        self._awaited: dict[ClosedPlay, float] = {}
        self._another = asyncio.Event()
        """A play has closed since the last question."""
        self._shortest = 0.0
        """The shortest latency so far, seconds; 0 before the first."""

    @property
    def awaited(self) -> Sequence[ClosedPlay]:
        """Plays that have closed and were not found yet."""
        return tuple(self._awaited)

    def expect(self, play: ClosedPlay, intended: float) -> None:
        """A play closes, at that time of the clock."""
        self._awaited[play] = intended
        self._another.set()

    async def run(self) -> None:
        """Asks, until canceled; soon where another play has closed, however long those before are awaited."""
        pause: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._another.wait()
            self._another.clear()
            begun = self._clock()
            await self.ask()
            await asyncio.sleep(max(0.0, begun + EVERY_SECONDS - self._clock()))
            latest = max(self._awaited.values(), default=None)
            pause = None if latest is None else max(0.0, self._next_question(latest, begun) - self._clock())

    async def ask(self) -> None:
        """Asks once for some of those that are awaited."""
        begun = self._clock()
        may_be_there = [play for play, intended in self._awaited.items() if begun >= self._first_question(intended)]
        role = may_be_there[0].role if may_be_there else common.ROLE_UNSPECIFIED
        asked = list(itertools.islice((play for play in may_be_there if play.role == role), _AT_ONCE))
        for play in asked:
            self._awaited[play] = self._awaited.pop(play)  # at the end: others come first next time
        found = await self._found(role, asked)
        now = self._clock()
        for play in asked:
            if (play.game_id, play.play_id) in found:
                intended = self._awaited.pop(play)
                self.readable[play] = intended, now
                self._shortest = min(self._shortest or math.inf, now - intended)

    def _first_question(self, intended: float) -> float:
        return intended + self._shortest / 2

    def _next_question(self, intended: float, asked: float) -> float:
        """When to ask next, given the latest play that is awaited and when it was asked for last."""
        return max(self._first_question(intended), asked + _SHARE * (asked - intended))

    async def _found(self, role: common.Role.ValueType, plays: Sequence[ClosedPlay]) -> set[tuple[str, str]]:
        if not plays:
            return set()
        split = " OR ".join(f'(game_id = "{play.game_id}" AND play_id = "{play.play_id}")' for play in plays)
        try:
            listed = self._ratings.list_plays(self._league, role=role, split=split, page_size=len(plays))
            return {(each.record.key.game_id, each.record.key.play_id) async for each in listed}
        except PlayscoreError as failure:
            if failure.reason not in _NOTHING_YET:
                raise
            return set()
        except (ConnectionError, TimeoutError):
            return set()
