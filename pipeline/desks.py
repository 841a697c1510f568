"""The desks after the featurizer: scoring, grading, recording. What waits at a desk goes to its service in one call."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Self

import structlog
from playscore.game_messages import outcome_to_message

from pipeline.patience import PASSING, until_it_answers
from pipeline.results import PlayResult, StageTimes, known_reason
from pipeline.traveller import Traveller
from playscore.client import AggregatorClient, ScorerClient
from playscore.errors import Reason
from playscore.passing import PassOutcome, PassResult, situation_of
from playscore.scorer.v1 import scorer_pb2 as scorer
from playscore.tracking.v1 import tracking_pb2 as tracking
from servicekit.metrics import PLAYS, latency_histogram

PLAY_SECONDS = latency_histogram(
    "playscore_pipeline_play_seconds", "From a play's closing frame sent until its rating can be read, seconds."
)

PLAYS_A_CALL = 64
"""Plays that share a call at most."""
CALLS_AT_ONCE = 2
"""Calls of one desk in flight: one is answered while the next one is made ready."""
PAUSE_SECONDS = 0.2
"""Before a play is asked for again that alone was refused for a reason that passes."""


log = structlog.get_logger()


class Desk:
    """A queue and those who work it off. Bounded by the plays that are let on their way."""

    def __init__(self, handle: Callable[[list[Traveller]], Awaitable[None]]) -> None:
        self._handle = handle
        self._waiting: asyncio.Queue[Traveller] = asyncio.Queue()

    def put(self, traveller: Traveller) -> None:
        """Has the play wait."""
        self._waiting.put_nowait(traveller)

    async def work(self) -> None:
        """Takes what waits, for ever."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < PLAYS_A_CALL and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._handle(batch)


@dataclass(slots=True)
class Written:
    """What the aggregator answered to all records: see RecordScoresResponse."""

    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    stale: int = 0
    withdrawn: int = 0
    conflicting: int = 0
    """Refused because another content stands there at the same revisions."""


class Desks:
    """Takes plays that the featurizer has closed, and finishes them. As an async context manager: open while it runs.

    A failure that does not pass (the scorer has another feature specification) ends the context with that failure.
    """

    def __init__(
        self,
        scorer: ScorerClient,
        aggregator: AggregatorClient,
        *,
        read_back: bool,
        on_finished: Callable[[PlayResult], None],
    ) -> None:
        self.times = StageTimes()
        self.written = Written()
        self.revision_token = ""
        """The state of the ratings after the last write."""
        self._scorer = scorer
        self._aggregator = aggregator
        self._read_back = read_back
        self._on_finished = on_finished
        self._scoring, self._grading, self._recording = Desk(self._score), Desk(self._grade), Desk(self._record)
        self._tasks = asyncio.TaskGroup()
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for desk in (self._scoring, self._grading, self._recording):
            self._workers += [self._tasks.create_task(desk.work()) for _ in range(CALLS_AT_ONCE)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def take(self, traveller: Traveller) -> None:
        """Takes a play that the featurizer has closed, with a tensor or a rejection."""
        self._stamp("featurize", traveller)
        if traveller.rejection is None and traveller.outcome is not None:
            match traveller.outcome.result:
                case PassResult.SACK | PassResult.SCRAMBLE as result:
                    traveller.reject(Reason.NO_RELEASE.value, f"the official result is a {result.name.lower()}")
        (self._scoring if traveller.rejection is None else self._recording).put(traveller)

    async def _score(self, batch: Sequence[Traveller]) -> None:
        passes = [scorer.PassToScore(tensor=traveller.tensor, outcome=_known(traveller.outcome)) for traveller in batch]
        answer = await until_it_answers(lambda: self._scorer.score_passes(passes))
        self._pass_on("score", batch, answer, self._scoring)

    async def _grade(self, batch: Sequence[Traveller]) -> None:
        passes = []
        for traveller in batch:
            assert traveller.score is not None
            passes.append(scorer.PassToGrade(score=traveller.score, outcome=_known(traveller.outcome)))
        answer = await until_it_answers(lambda: self._scorer.grade_passes(passes))
        self._pass_on("grade", batch, answer, self._grading)

    def _pass_on(
        self,
        stage: str,
        batch: Sequence[Traveller],
        answer: scorer.ScorePassesResponse | scorer.GradePassesResponse,
        desk: Desk,
    ) -> None:
        """Each play to the next desk, by what the scorer answered to it."""
        refused = {refusal.index: refusal for refusal in answer.rejections}
        scores = iter(answer.scores)
        for index, traveller in enumerate(batch):
            refusal = refused.get(index)
            if refusal is None:
                traveller.score = next(scores)
            elif known_reason(refusal.reason) in PASSING:
                asyncio.get_running_loop().call_later(PAUSE_SECONDS, desk.put, traveller)
                continue
            else:
                traveller.reject(refusal.reason, refusal.detail)
            self._stamp(stage, traveller)
            if traveller.rejection is not None or traveller.yards is not None:
                self._recording.put(traveller)
            else:
                traveller.pass_through()
                self._tasks.create_task(self._await_yards(traveller))

    async def _await_yards(self, traveller: Traveller) -> None:
        """Has a play that was scored before its yards were official graded as soon as they are."""
        if traveller.official is not None:
            traveller.outcome = await traveller.official
        if traveller.yards is None:
            traveller.reject(Reason.OUTCOME_UNKNOWN.value, "the official yards never came")
            self._recording.put(traveller)
        else:
            traveller.stage_at = time.perf_counter()
            self._grading.put(traveller)

    async def _record(self, batch: Sequence[Traveller]) -> None:
        scored = [traveller for traveller in batch if traveller.rejection is None]
        unscored = [traveller for traveller in batch if traveller.rejection is not None]
        records = [traveller.record() for traveller in scored]
        rejections = [traveller.rejection for traveller in unscored if traveller.rejection is not None]
        request_id = str(uuid.uuid4())
        answer = await until_it_answers(lambda: self._aggregator.record_scores(records, rejections, request_id))
        self.written.inserted += answer.inserted
        self.written.replaced += answer.replaced
        self.written.unchanged += answer.unchanged
        self.written.stale += answer.stale
        self.written.withdrawn += answer.withdrawn
        self.revision_token = answer.revision_token
        again = set()
        for refusal in answer.rejections:
            traveller = (unscored if refusal.in_unscored else scored)[refusal.index]
            traveller.reject(refusal.reason, f"not recorded: {refusal.detail}")
            if refusal.reason == Reason.REVISION_CONFLICT.value:
                self.written.conflicting += 1  # it stands recorded, otherwise
            elif refusal.in_unscored:
                log.error("play not recorded", key=str(traveller.key), detail=refusal.detail)
            else:
                again.add(traveller)
                self._recording.put(traveller)
        for traveller in batch:
            if traveller not in again:
                self._stamp("record", traveller)
        if self._read_back:
            await self._read([traveller for traveller in scored if traveller.rejection is None], answer.revision_token)
        for traveller in batch:
            if traveller not in again:
                self._finish(traveller)

    async def _read(self, scored: Sequence[Traveller], token: str) -> None:
        """Reads the ratings that plays have just moved, at least as fresh as their record."""
        for traveller in scored:
            league, passer_id = traveller.header.league, situation_of(traveller.context).passer_id
            await until_it_answers(partial(self._aggregator.get_rating, league, passer_id, at_least_as_fresh=token))
            self._stamp("read", traveller)

    def _finish(self, traveller: Traveller) -> None:
        result = traveller.result()
        PLAYS.labels(result.ending.value, result.reason.name if result.reason else "").inc()
        if result.score is not None:
            seconds = time.perf_counter() - traveller.closed_at
            PLAY_SECONDS.observe(seconds)
            self.times.add("play", seconds)
        self._on_finished(result)
        traveller.finished.set_result(result)
        traveller.pass_through()

    def _stamp(self, stage: str, traveller: Traveller) -> None:
        now = time.perf_counter()
        if traveller.rejection is None:
            self.times.add(stage, now - traveller.stage_at)
        traveller.stage_at = now


def _known(outcome: PassOutcome | None) -> tracking.PassOutcome | None:
    """The outcome as it travels, once its yards are official."""
    return None if outcome is None or outcome.yards_gained is None else outcome_to_message(outcome)
