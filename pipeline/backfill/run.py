"""A backfill: many recorded games through running services, each until all of its plays are recorded.

Scores are those of a live run: a game is played by `GameRun` and the same stages. In bulk, games are played at full
speed, several at once, and plays wait for each other to share calls. Playing a game again changes nothing in the store.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace

import structlog

from pipeline.backfill.game_report import GameReport, PlayCounts, Status
from pipeline.backfill.journal import Journal
from pipeline.backfill.models import choose_models
from pipeline.batch_stages import BatchStages, Written
from pipeline.featurizing import decisive
from pipeline.game_run import GameRun
from pipeline.pace import paced
from pipeline.recorded_game import RecordedGame, read_game
from pipeline.replay import READ_AT_ONCE, Addresses
from pipeline.results import PlayResult
from pipeline.retry import GIVE_UP_SECONDS, until_it_answers
from pipeline.task import Task
from pipeline.tasks import Models, tasks_over
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.client.words import model_label, role_name
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion
from playscore.sources import Loss, Source

GAMES_AT_ONCE = 8
GATHER_SECONDS = 0.1
"""How long plays wait for others to share a call with."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Callbacks that report a backfill's progress."""

    on_play: Callable[[PlayResult], None] = lambda result: None
    """Called each time a play is recorded."""
    on_game: Callable[[GameReport], None] = lambda report: None
    """Called once for each game."""


@dataclass(slots=True)
class Backfilled:
    """The result of a backfill."""

    games: int = 0
    """Games to play."""
    by_status: Counter[Status] = field(default_factory=Counter)
    """Games that were reached. The others are left for another run."""
    counts: PlayCounts = field(default_factory=PlayCounts)
    """Plays of all games that were reached, including games that were already done."""
    played: int = 0
    """Plays of the games that were played in this run."""
    written: Written = field(default_factory=Written)
    by_workers: bool = False
    """Workers of the live feed recorded the plays: `written` is not known here."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why a game is not done, by game."""
    losses: tuple[Loss, ...] = ()
    """Data that could not be read and was left out."""
    given_up: str = ""
    """Why the backfill gave up; empty if it did not."""
    seconds: float = 0.0

    @property
    def left(self) -> int:
        """Games that were not reached."""
        return self.games - self.by_status.total()

    def take(self, report: GameReport) -> None:
        """Adds the report of a game."""
        self.by_status[report.status] += 1
        self.counts += report.counts
        self.played += 0 if report.status is Status.ALREADY_DONE else report.counts.plays
        if report.status is Status.FAILED:
            self.failed[report.game_id] = report.detail
        elif report.status is Status.INCOMPLETE:
            first = f"; {report.refused_messages[0]}" if report.refused_messages else ""
            self.failed[report.game_id] = (
                f"{report.counts.not_recorded} plays are not recorded,"
                f" {len(report.refused_messages)} messages were refused{first}"
            )


async def backfill(
    source: Source,
    game_ids: Sequence[str],
    services: Addresses,
    *,
    models: Sequence[ModelVersion] = (),
    seasons: Collection[int] = (),
    journal: Journal | None = None,
    games_at_once: int = GAMES_AT_ONCE,
    give_up_seconds: float = GIVE_UP_SECONDS,
    stop: asyncio.Event | None = None,
    callbacks: Callbacks = Callbacks(),
) -> Backfilled:
    """Plays games through the services and records their plays.

    Args:
        source: the games.
        game_ids: which of them.
        services: where they are.
        models: to score by; a task without one is scored by the scorer's default at the start.
        seasons: games of other seasons are left out; empty: none are.
        journal: games that earlier runs completed; None: all are played.
        games_at_once: games played at the same time. Memory and the load on the services grow with it.
        give_up_seconds: how long a service may be unavailable before the backfill stops.
        stop: once set, games in progress are finished and no other is started.
        callbacks: report progress.

    A game that cannot be read or played fails alone. Raises what fails all of them and is not transient: a model that
    is not served, a scorer that has another feature specification, a service that refuses the caller.
    """
    begun = time.monotonic()
    done = Backfilled(games=len(game_ids))
    async with (
        FeaturizerClient(services.featurizer, tls=services.tls) as featurizer,
        ScorerClient(services.scorer, tls=services.tls) as scorer,
        AggregatorClient(services.aggregator, tls=services.tls) as ratings,
    ):
        try:
            chosen = await until_it_answers(lambda: choose_models(scorer, models), give_up_seconds)
            stages = BatchStages(
                ratings,
                on_recorded=callbacks.on_play,
                give_up_seconds=give_up_seconds,
                gather_seconds=GATHER_SECONDS,
                timed=False,
            )
            done.written = stages.written
            run = _Run(
                source=source,
                featurizer=featurizer,
                ratings=ratings,
                tasks=tasks_over(scorer, ratings, chosen),
                models=chosen,
                stages=stages,
                seasons=seasons,
                journal=journal,
                give_up_seconds=give_up_seconds,
            )

            async def work(waiting: Iterator[str]) -> None:
                for game_id in waiting:
                    if stop is not None and stop.is_set():
                        return
                    report = await run.game(game_id)
                    done.take(report)
                    callbacks.on_game(report)

            async with stages, asyncio.TaskGroup() as workers:
                waiting = iter(game_ids)
                for _ in range(games_at_once):
                    workers.create_task(work(waiting))
        except (BaseExceptionGroup, ConnectionError) as failures:
            failure = decisive(failures)
            if not isinstance(failure, ConnectionError):
                raise failure from None
            done.given_up = str(failure)
    done.losses = tuple(source.losses())
    done.seconds = time.monotonic() - begun
    return done


@dataclass(slots=True)
class _Run:
    source: Source
    featurizer: FeaturizerClient
    ratings: AggregatorClient
    tasks: Sequence[Task]
    models: Models
    stages: BatchStages
    seasons: Collection[int]
    journal: Journal | None
    give_up_seconds: float
    rated: set[common.Sport.ValueType] = field(default_factory=set)
    """Sports whose models the aggregator is known to rate by."""
    reading: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(READ_AT_ONCE))

    async def game(self, game_id: str) -> GameReport:
        """Plays a game, unless it is done. Failures of this game alone go into the report."""
        noted = None if self.journal is None else self.journal.done(game_id)
        if noted is not None and await self._stands(noted):
            return replace(noted, status=Status.ALREADY_DONE)
        begun = time.monotonic()
        try:
            async with self.reading:
                game = await asyncio.to_thread(read_game, game_id, self.source)
        except PlayscoreError as unreadable:
            return _failed(game_id, unreadable.detail)
        except OSError as unreadable:
            return _failed(game_id, str(unreadable))
        if self.seasons and game.season not in self.seasons:
            return GameReport(game_id, Status.OTHER_SEASON, game.key.league)
        tasks = [task for task in self.tasks if game.sport in (task.sport, common.SPORT_UNSPECIFIED)]
        if game.sport not in self.rated:  # an aggregator without the models' releases would refuse every play
            await self._covered(game.key, tasks)
            self.rated.add(game.sport)
        try:
            report = await self._play(game, tasks)
        except PlayscoreError as failure:
            return _failed(game_id, failure.detail)
        report = replace(report, seconds=round(time.monotonic() - begun, 3))
        if report.status is Status.DONE and self.journal is not None:
            await asyncio.to_thread(self.journal.note, report)
        return report

    async def _play(self, game: RecordedGame, tasks: Sequence[Task]) -> GameReport:
        run = GameRun(game.key, self.featurizer, self.tasks, self.stages, give_up_seconds=self.give_up_seconds)
        results = await run.run(paced(game.messages, None))
        counts = PlayCounts.of(game.plays(), results)
        return GameReport(
            game_id=game.key.game_id,
            status=Status.INCOMPLETE if counts.not_recorded or run.refused_messages else Status.DONE,
            league=game.key.league,
            models={task.name: self._model(task) for task in tasks},
            counts=counts,
            covered=await self._covered(game.key, tasks, self.stages.revision),
            refused_messages=tuple(run.refused_messages),
        )

    async def _stands(self, noted: GameReport) -> bool:
        """Whether the game was scored by the same models, and the store still has as many of its plays."""
        tasks = [task for task in self.tasks if task.name in noted.models]
        if any(noted.models[task.name] != self._model(task) for task in tasks):
            return False
        covered = await self._covered(common.GameKey(league=noted.league, game_id=noted.game_id), tasks)
        return all(covered.get(role, 0) >= plays for role, plays in noted.covered.items())

    async def _covered(
        self, game: common.GameKey, tasks: Sequence[Task], revision: common.RevisionToken | None = None
    ) -> dict[str, int]:
        """Plays of a game that the store has, by role. Raises MODEL_NOT_FOUND where it does not rate by a model."""
        covered = {}
        for task in tasks:
            for role in task.roles:
                covered[role_name(role)] = await until_it_answers(
                    lambda: self._plays(game, role, self.models.get(task.number), revision),  # noqa: B023
                    self.give_up_seconds,
                )
        return covered

    async def _plays(
        self,
        game: common.GameKey,
        role: common.Role.ValueType,
        model: common.ModelVersion | None,
        revision: common.RevisionToken | None,
    ) -> int:
        try:
            coverage = await self.ratings.get_coverage(
                game.league, role=role, game_id=game.game_id, model=model, at_least_as_fresh=revision
            )
        except PlayscoreError as unknown:
            if unknown.reason not in (Reason.LEAGUE_NOT_FOUND, Reason.GAME_NOT_FOUND, Reason.ROLE_UNSUPPORTED):
                raise
            return 0
        return coverage.plays

    def _model(self, task: Task) -> str:
        return model_label(self.models[task.number]) if task.number in self.models else ""


def _failed(game_id: str, detail: str) -> GameReport:
    log.warning("game failed", game_id=game_id, detail=detail)
    return GameReport(game_id, Status.FAILED, detail=detail)
