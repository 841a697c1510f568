"""A replay: games of a source, or corrections of them, through running services, and what became of every play."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from pipeline.batch_stages import BatchStages, Written
from pipeline.featurizing import decisive
from pipeline.game_run import GameRun
from pipeline.pace import paced
from pipeline.recorded_game import read_game
from pipeline.results import Ending, PlayResult, StageTimes
from pipeline.retry import GIVE_UP_SECONDS, until_it_answers
from pipeline.shared_faults import SharedFault, shared_fault
from pipeline.task import Task
from pipeline.tasks import tasks_over
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient, Tls
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.sources import Loss, Source

log = structlog.get_logger()

GAMES_AT_ONCE = 8
"""When games are played as fast as they go. In their own time all are played at once, as they would be live."""
READ_AT_ONCE = 2
"""Games that are read at the same time: a reader takes several times the memory of the game that it reads."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services are."""

    featurizer: str
    scorer: str
    aggregator: str
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Callbacks that report a replay's progress."""

    on_game: Callable[[str, int], None] = lambda game_id, plays: None
    """Called for each game that was read, with the number of its plays."""
    on_message: Callable[[feed.FeedMessage], None] = lambda message: None
    """Called for each message that was read, before it is played."""
    on_recorded: Callable[[PlayResult], None] = lambda result: None
    """Called each time a play is recorded."""


@dataclass(slots=True)
class Standings:
    """The ratings of a league after a replay."""

    ratings: list[aggregator.Rating]
    ranking: aggregator.Ranking
    coverage: aggregator.GetCoverageResponse


@dataclass(slots=True)
class Replay:
    """What came of a replay."""

    games: int = 0
    plays_read: int = 0
    """Plays that the source names; each must be among `results`, unless nothing new was said of it."""
    unchanged: int = 0
    """Plays of which corrections say nothing that was not known."""
    results: list[PlayResult] = field(default_factory=list)
    standings: dict[tuple[str, common.Role.ValueType], Standings] = field(default_factory=dict)
    """By league and role, the roles of a sport in the order of its tasks."""
    times: StageTimes = field(default_factory=StageTimes)
    written: Written = field(default_factory=Written)
    refused_messages: dict[str, list[str]] = field(default_factory=dict)
    """By game: what was wrong with messages that could not be taken in."""
    losses: tuple[Loss, ...] = ()
    """What could not be read of the data, and was left out."""
    shared_faults: dict[str, SharedFault] = field(default_factory=dict)
    """By game: what is wrong with the tracking of all its plays."""
    failed_games: dict[str, str] = field(default_factory=dict)
    """Why a game could not be played to its end. Others are."""
    given_up: str = ""
    """Why the replay ended before its end; empty if it did not."""

    @property
    def lost(self) -> int:
        """Plays that went in and did not come out, or that the aggregator does not answer for."""
        return self.plays_read - self.unchanged - sum(result.recorded for result in self.results)

    def judge(self, game_id: str, results: Sequence[PlayResult], refused_messages: list[str]) -> None:
        """Take note of what was wrong with a game as a whole."""
        if (fault := shared_fault(results)) is not None:
            log.warning("all plays of a game contradict themselves", game_id=game_id, detail=fault.example.detail)
            self.shared_faults[game_id] = fault
        if refused_messages:
            self.refused_messages[game_id] = refused_messages

    def endings(self) -> Counter[tuple[Ending, Reason | None]]:
        """How many plays ended how."""
        return Counter((result.ending, result.reason) for result in self.results)


async def replay(
    source: Source | None,
    game_ids: Sequence[str],
    services: Addresses,
    *,
    corrections: Source | None = None,
    speed: float | None = None,
    min_plays: int | None = None,
    give_up_seconds: float = GIVE_UP_SECONDS,
    callbacks: Callbacks = Callbacks(),
) -> Replay:
    """Plays games through the services, several at once, at `speed` times real time or flat out.

    With `corrections` their messages are played, and the games of `source` are where corrected plays have their film.

    Args:
        source: the games; may be None where there are corrections, none of which needs film.
        game_ids: which of them, or of the corrections' games.
        services: where they are.
        corrections: what is played over the games.
        speed: None: as fast as they are taken.
        min_plays: that qualify for a rank; None: the service's own rule.
        give_up_seconds: how long a service may be unavailable before the replay ends with what was done.
        callbacks: report progress.

    A game that cannot be read or played fails alone. Raises what fails all of them and is not transient: a scorer that
    has another feature specification, a service that refuses the caller.
    """
    report = Replay()
    leagues: dict[str, common.Sport.ValueType] = {}
    latest: dict[tuple[str, str], PlayResult] = {}
    at_once = asyncio.Semaphore(GAMES_AT_ONCE if speed is None else max(1, len(game_ids)))
    reading = asyncio.Semaphore(READ_AT_ONCE)

    def recorded(result: PlayResult) -> None:
        latest[result.game_id, result.play_id] = result
        callbacks.on_recorded(result)

    async def one(game_id: str) -> None:
        try:
            await play(game_id)
        except PlayscoreError as failure:
            log.warning("game failed", game_id=game_id, reason=failure.reason.name, detail=failure.detail)
            report.failed_games[game_id] = failure.detail

    async def play(game_id: str) -> None:
        async with at_once:
            async with reading:
                recorded_game = await asyncio.to_thread(read_game, game_id, source, corrections)
            plays = recorded_game.plays()
            report.games += 1
            report.plays_read += len(plays)
            leagues[recorded_game.key.league] = recorded_game.sport
            callbacks.on_game(game_id, len(plays))
            for message in recorded_game.messages:
                callbacks.on_message(message)
            game = GameRun(
                recorded_game.key,
                featurizer,
                tasks,
                stages,
                archive=recorded_game.archive,
                give_up_seconds=give_up_seconds,
            )
            results = await game.run(paced(recorded_game.messages, speed))
            for result in results:
                latest[result.game_id, result.play_id] = result
            report.judge(game_id, results, game.refused_messages)
            if corrections is not None:
                report.unchanged += len(plays - {result.play_id for result in results})

    async with (
        FeaturizerClient(services.featurizer, tls=services.tls) as featurizer,
        ScorerClient(services.scorer, tls=services.tls) as scorer,
        AggregatorClient(services.aggregator, tls=services.tls) as ratings,
    ):
        tasks = tasks_over(scorer, ratings)
        stages = BatchStages(
            ratings, read_back=speed is not None, on_recorded=recorded, give_up_seconds=give_up_seconds
        )
        try:
            async with stages, asyncio.TaskGroup() as games:
                for game_id in game_ids:
                    games.create_task(one(game_id))
            for league, sport in sorted(leagues.items()):
                for role in _roles(tasks, sport):
                    report.standings[league, role] = await until_it_answers(
                        lambda: _standings(ratings, league, role, min_plays, stages.revision),  # noqa: B023
                        give_up_seconds,
                    )
        except (BaseExceptionGroup, ConnectionError) as failures:
            failure = decisive(failures)
            if not isinstance(failure, ConnectionError):
                raise failure from None
            report.given_up = str(failure)
    order = {game_id: place for place, game_id in enumerate(game_ids)}
    report.results = sorted(latest.values(), key=lambda result: order[result.game_id])
    report.times, report.written = stages.times, stages.written
    report.losses = tuple(loss for each in (corrections, source) if each is not None for loss in each.losses())
    return report


def _roles(tasks: Iterable[Task], sport: common.Sport.ValueType) -> list[common.Role.ValueType]:
    """The roles that are rated in a sport; in all where it is not known."""
    return [role for task in tasks if sport in (task.sport, common.SPORT_UNSPECIFIED) for role in task.roles]


async def _standings(
    ratings: AggregatorClient,
    league: str,
    role: common.Role.ValueType,
    min_plays: int | None,
    revision: common.RevisionToken | None,
) -> Standings:
    """The ratings of a role in a league; of one that has none yet, or is not rated there, none."""
    listed = ratings.list_ratings(league, role=role, min_plays=min_plays, at_least_as_fresh=revision)
    try:
        return Standings(
            [rating async for rating in listed],
            await listed.ranking(),
            await ratings.get_coverage(league, role=role, at_least_as_fresh=revision),
        )
    except PlayscoreError as unknown:
        if unknown.reason not in (Reason.LEAGUE_NOT_FOUND, Reason.ROLE_UNSUPPORTED):
            raise
        return Standings([], aggregator.Ranking(), aggregator.GetCoverageResponse())
