"""A replay: the games of a folder through running services, and what came of every play."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipeline.desks import Desks, Written
from pipeline.readers.source import Source
from pipeline.results import Ending, PlayResult, StageTimes, known_reason
from pipeline.worker import play_game
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient, Tls
from playscore.errors import Reason
from playscore.tracking.v1 import tracking_pb2 as tracking

GAMES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are."""

    featurizer: str
    scorer: str
    aggregator: str
    tls: Tls | None = None


@dataclass(slots=True)
class Replay:
    """What came of a replay."""

    games: int = 0
    plays_read: int = 0
    """Plays that the source holds; each must be among `results`."""
    results: list[PlayResult] = field(default_factory=list)
    ratings: list[aggregator.Rating] = field(default_factory=list)
    coverage: dict[str, aggregator.GetCoverageResponse] = field(default_factory=dict)
    """By league."""
    times: StageTimes = field(default_factory=StageTimes)
    written: Written = field(default_factory=Written)

    @property
    def lost(self) -> int:
        """Plays that went in and did not come out, or that the aggregator does not answer for."""
        written = self.written
        answered = written.inserted + written.replaced + written.unchanged + written.stale + written.conflicting
        return max(self.plays_read - len(self.results), len(self.results) - answered)

    def endings(self) -> Counter[tuple[Ending, Reason | None]]:
        """How many plays ended how."""
        return Counter((result.ending, result.reason) for result in self.results)

    def as_json(self, *, laws: bool) -> dict[str, Any]:
        """The report that `playscore replay --json` writes."""
        return {
            "plays": [result.as_json(law=laws) for result in self.results],
            "ratings": [_rating_as_json(rating) for rating in self.ratings],
            "coverage": {league: _coverage_as_json(coverage) for league, coverage in self.coverage.items()},
            "stages": self.times.as_json(),
        }


async def replay(
    source: Source,
    game_ids: Sequence[str],
    services: Addresses,
    *,
    speed: float | None = None,
    on_game: Callable[[str, int], None] = lambda game_id, plays: None,
    on_finished: Callable[[PlayResult], None] = lambda result: None,
) -> Replay:
    """Plays games through the services, several at once, at `speed` times real time or flat out.

    `on_game` hears of every game read and its number of plays, `on_finished` of every play that is done.
    Raises what does not pass: a scorer that has another feature specification, a service that refuses the caller.
    """
    report = Replay()
    leagues = set()
    at_once = asyncio.Semaphore(GAMES_AT_ONCE)

    async def one(game_id: str) -> None:
        async with at_once:
            game = await asyncio.to_thread(source.game, game_id)
            report.games += 1
            report.plays_read += len(game.plays)
            leagues.add(game.header.league)
            on_game(game_id, len(game.plays))
            report.results += await play_game(game, featurizer, desks, speed=speed)

    async with (
        FeaturizerClient(services.featurizer, tls=services.tls) as featurizer,
        ScorerClient(services.scorer, tls=services.tls) as scorer,
        AggregatorClient(services.aggregator, tls=services.tls) as ratings,
    ):
        desks = Desks(scorer, ratings, read_back=speed is not None, on_finished=on_finished)
        try:
            async with desks, asyncio.TaskGroup() as games:
                for game_id in game_ids:
                    games.create_task(one(game_id))
        except BaseExceptionGroup as failures:
            raise _leaf(failures) from None
        token = desks.revision_token
        for league in sorted(leagues):
            report.ratings += [rating async for rating in ratings.list_ratings(league, at_least_as_fresh=token)]
            report.coverage[league] = await ratings.get_coverage(league, at_least_as_fresh=token)
    order = {game_id: place for place, game_id in enumerate(game_ids)}
    report.results.sort(key=lambda result: order[result.game_id])
    report.times, report.written = desks.times, desks.written
    return report


def _rating_as_json(rating: aggregator.Rating) -> dict[str, Any]:
    passing = rating.passing
    return {
        "subject_id": rating.subject.subject_id,
        "subject_name": rating.subject.subject_name,
        "team_id": rating.subject.team_id,
        "role": tracking.Role.Name(rating.subject.role).removeprefix("ROLE_").lower(),
        "model": {"name": rating.model.name, "version": rating.model.version},
        "plays": rating.plays,
        "rating": passing.rating,
        "rating_low": passing.rating_low,
        "rating_high": passing.rating_high,
        "mean_play_score": passing.mean_play_score,
        "yards_per_play": passing.yards_per_play,
        "expected_yards_per_play": passing.expected_yards_per_play,
        "qualified": rating.qualified,
        "rank": rating.rank,
        "qualified_peers": rating.qualified_peers,
    }


def _coverage_as_json(coverage: aggregator.GetCoverageResponse) -> dict[str, Any]:
    return {
        "plays": coverage.plays,
        "scored": coverage.scored,
        "unscored": {_reason_name(count.reason): count.plays for count in coverage.unscored},
    }


def _reason_name(number: int) -> str:
    """Its name; its number where only a newer contract names it."""
    reason = known_reason(number)
    return reason.name if reason else str(number)


def _leaf(failure: BaseException) -> BaseException:
    """The first failure of a group of groups."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure
