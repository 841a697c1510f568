"""One load test, from its warm-up to its recording."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from loadtest.cost import spent, usage
from loadtest.generator import Generator
from loadtest.histograms import Latencies
from loadtest.reader import Reader
from loadtest.recording import STAGES, Recording, Second
from loadtest.scenarios import SCENARIOS, Scenario, Slate, slate
from loadtest.scraping import Scraper
from loadtest.suite import GENERATOR, Suite
from pipeline.jetstream.broker import connected
from pipeline.jetstream.streams import existing_streams
from playscore.client import AggregatorClient
from playscore.errors import PlayscoreError, Reason
from servicekit.budgets import budgets

SETTLE_SECONDS: Final = 120.0
"""After the last message, for what waits to be played."""
_WARM_UP: Final = replace(SCENARIOS["season"], football=2, seconds=30.0)
_WARM_UP_HOCKEY: Final = replace(_WARM_UP, football=0, hockey=1)
_BEGIN_AFTER_SECONDS: Final = 0.5
_ASK_EVERY_SECONDS: Final = 0.25
_LAST_LOOK_SECONDS: Final = 5.0
"""After everything is recorded: a reader finds it by then."""


@dataclass(slots=True)
class _Recorded:
    """How many plays the aggregator has."""

    scored: int = 0
    """That count in ratings."""
    ungraded: int = 0
    """That wait for their official result."""
    unscored: int = 0

    @property
    def plays(self) -> int:
        return self.scored + self.ungraded + self.unscored

    @property
    def final(self) -> int:
        """That wait for nothing."""
        return self.scored + self.unscored


async def load_test(
    scenario: Scenario,
    scale: int,
    suite: Suite,
    *,
    settle_seconds: float = SETTLE_SECONDS,
    say: Callable[[str], None] = lambda said: None,
) -> Recording:
    """Plays a scenario through running services and records what came of it.

    A few games are played first, in a league of their own, so that what is made at first use is made by then.

    Args:
        scenario: what is played.
        scale: times as many games.
        suite: what is tested.
        settle_seconds: after the last message, for what waits to be played; what is not recorded by then is lost.
        say: called with what is done now.

    Raises:
        ConnectionError: the broker or the aggregator stays away, or a process shows no metrics.
        PlayscoreError: the broker has no feed, or the aggregator refuses to be read.
    """
    stamp = f"{int(time.time()):x}"
    say("simulating the games")
    prepared = await asyncio.to_thread(slate, scenario, scale, f"LOAD.{stamp}")
    scraper = Scraper(suite.metrics, {STAGES, *(budget.metric for budget in budgets().budgets)})
    async with (
        connected(suite.broker, GENERATOR) as broker,
        AggregatorClient(suite.services["aggregator"], tls=suite.tls) as ratings,
    ):
        await existing_streams(broker)
        say("warming up")
        for warm_up, games in ((_WARM_UP, scenario.football), (_WARM_UP_HOCKEY, scenario.hockey)):
            if games:
                warm = await asyncio.to_thread(slate, warm_up, 1, f"WARM.{stamp}.{warm_up.hockey}")
                await Generator(broker, warm.due).run(time.perf_counter())
                await _settled(ratings, warm, settle_seconds)
        await scraper.begin()
        before = usage(suite.processes)
        reader = Reader(ratings, prepared.league)
        # Flat out, plays wait for each other, and to read each would only be more load.
        watched = () if scenario.flat_out else (reader.expect,)
        generator = Generator(broker, prepared.due, *watched)
        say(f"playing {prepared.plays} plays of {prepared.games} games in {prepared.due[-1].seconds:.0f} s")
        begun = time.perf_counter() + _BEGIN_AFTER_SECONDS
        reading = asyncio.create_task(reader.run())
        try:
            await generator.run(begun)
            recorded = await _settled(ratings, prepared, settle_seconds)
            seconds = time.perf_counter() - begun
            await _last_look(reader, 0 if scenario.flat_out else recorded.scored)
        finally:
            reading.cancel()
        parts = spent(before, usage(suite.processes))
        series = await scraper.end()
    return Recording(
        scenario=scenario.name,
        scale=scale,
        target=suite.described,
        games=prepared.games,
        seconds=seconds,
        messages=len(prepared.due),
        plays_told=prepared.plays,
        plays_recorded=recorded.plays,
        plays_scored=recorded.scored,
        flat_out=scenario.flat_out,
        lag=Latencies(generator.lags),
        readable=Latencies(found - closed for closed, found in reader.readable.values()),
        seconds_of_plays=_by_second(begun, reader.readable.values()),
        series=series,
        parts=parts,
    )


async def _settled(ratings: AggregatorClient, played: Slate, seconds: float) -> _Recorded:
    """What is recorded once that is everything, or once so many seconds have gone by."""
    until = time.perf_counter() + seconds
    while True:
        recorded = await _recorded(ratings, played)
        if recorded.final == played.plays or time.perf_counter() > until:
            return recorded
        await asyncio.sleep(_ASK_EVERY_SECONDS)


async def _recorded(ratings: AggregatorClient, played: Slate) -> _Recorded:
    sums = _Recorded()
    for role in played.roles:
        try:
            covered = await ratings.get_coverage(played.league, role=role)
        except PlayscoreError as failure:
            if failure.reason is not Reason.LEAGUE_NOT_FOUND:
                raise
            continue
        sums.scored += covered.graded
        sums.ungraded += covered.ungraded
        sums.unscored += sum(each.plays for each in covered.unscored)
    return sums


async def _last_look(reader: Reader, scored: int) -> None:
    """Until the reader has found all that are scored, or has had time enough."""
    until = time.perf_counter() + _LAST_LOOK_SECONDS
    while len(reader.readable) < scored and time.perf_counter() < until:  # noqa: ASYNC110
        await asyncio.sleep(_ASK_EVERY_SECONDS)


def _by_second(begun: float, readable: Iterable[tuple[float, float]]) -> list[Second]:
    """By the second in which plays closed, how long they took."""
    took: defaultdict[int, list[float]] = defaultdict(list)
    for closed, found in readable:
        took[int(closed - begun)].append(found - closed)
    return [
        Second(at, len(each), float(np.quantile(each, 0.5, method="inverted_cdf")), max(each))
        for at, each in sorted(took.items())
    ]
