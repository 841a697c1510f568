"""The stages after the featurizer: score, grade, record. What waits at a stage goes to its service in one call."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import structlog

from pipeline.in_flight_play import InFlightPlay
from pipeline.results import PlayResult, StageTimes, known_reason
from pipeline.retry import GIVE_UP_SECONDS, TRANSIENT, until_it_answers
from pipeline.task import Ratings, Scored, Task
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import Reason
from playscore.wire.feed import outcome_revision
from servicekit.metrics import PLAYS, latency_histogram

PLAY_SECONDS = latency_histogram(
    "playscore_pipeline_play_seconds", "From a play's closing frame sent until its rating can be read, seconds."
)

MAX_PLAYS_PER_CALL = 64
CALLS_AT_ONCE = 2
"""Calls of one stage in flight: one is answered while the next one is made ready."""
PAUSE_SECONDS = 0.2
"""Before a play is asked for again that alone was rejected for a transient reason."""

log = structlog.get_logger()


class BatchStage:
    """A queue and those who work it off. Bounded by the plays that are let on their way."""

    def __init__(self, handle: Callable[[list[InFlightPlay]], Awaitable[None]]) -> None:
        self._handle = handle
        self._waiting: asyncio.Queue[InFlightPlay] = asyncio.Queue()

    def put(self, play: InFlightPlay) -> None:
        """Has the play wait."""
        self._waiting.put_nowait(play)

    async def work(self) -> None:
        """Takes what waits, for ever."""
        while True:
            batch = [await self._waiting.get()]
            while len(batch) < MAX_PLAYS_PER_CALL and not self._waiting.empty():
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
    """Rejected because another content stands there at the same revisions."""

    def add(self, answer: aggregator.RecordScoresResponse) -> None:
        """Take in one more answer."""
        self.inserted += answer.inserted
        self.replaced += answer.replaced
        self.unchanged += answer.unchanged
        self.stale += answer.stale
        self.withdrawn += answer.withdrawn
        self.conflicting += sum(each.reason == Reason.REVISION_CONFLICT.value for each in answer.rejections)


class BatchStages:
    """Takes plays that the featurizer has answered, of all games, and sees them recorded.

    As an async context manager: open while it runs. A failure that is not transient (the scorer has another feature
    specification), or a service that stays away, ends the context with that failure.
    """

    def __init__(
        self,
        ratings: Ratings,
        *,
        read_back: bool = False,
        on_recorded: Callable[[PlayResult], None] = lambda result: None,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        """`read_back` reads every rating that a play has moved, which measures when it can be read."""
        self.times = StageTimes()
        self.written = Written()
        self.revision: common.RevisionToken | None = None
        """The state of the ratings after the last write."""
        self._ratings = ratings
        self._read_back = read_back
        self._on_recorded = on_recorded
        self._give_up_seconds = give_up_seconds
        self._scoring, self._grading = BatchStage(self._score), BatchStage(self._grade)
        self._recording = BatchStage(self._record)
        self._tasks = asyncio.TaskGroup()
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        for stage in (self._scoring, self._grading, self._recording):
            self._workers += [self._tasks.create_task(stage.work()) for _ in range(CALLS_AT_ONCE)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def take(self, play: InFlightPlay) -> None:
        """Takes a play where it stands: rejected, with a tensor to score, or scored and with a result to grade by."""
        if play.scored is None:
            self._stamp("featurize", play)
        if play.rejection is not None:
            self._recording.put(play)
        elif play.scored is None:
            self._scoring.put(play)
        else:
            self._grading.put(play)

    async def _score(self, batch: Sequence[InFlightPlay]) -> None:
        for task, plays in _by_task(batch):
            tensors = [(play.tensor, play.result) for play in plays if play.tensor is not None]
            answers = await until_it_answers(lambda: task.score(tensors), self._give_up_seconds)  # noqa: B023
            self._pass_on("score", plays, answers, self._scoring)

    async def _grade(self, batch: Sequence[InFlightPlay]) -> None:
        for task, plays in _by_task(batch):
            scored = [
                (play.scored, play.result) for play in plays if play.scored is not None and play.result is not None
            ]
            answers = await until_it_answers(lambda: task.grade(scored), self._give_up_seconds)  # noqa: B023
            self._pass_on("grade", plays, answers, self._grading)

    def _pass_on(
        self,
        stage: str,
        plays: Sequence[InFlightPlay],
        answers: Sequence[Scored | common.Rejection],
        again: BatchStage,
    ) -> None:
        """Each play to the next stage, by what the task answered to it."""
        for play, answer in zip(plays, answers, strict=True):
            if isinstance(answer, Scored):
                play.scored = answer
                self._stamp(stage, play)
                (self._grading if play.needs_grade else self._recording).put(play)
            elif known_reason(answer.reason) in TRANSIENT:
                asyncio.get_running_loop().call_later(PAUSE_SECONDS, again.put, play)
            else:
                play.reject(answer.reason, answer.detail)
                self._recording.put(play)

    async def _record(self, batch: Sequence[InFlightPlay]) -> None:
        records, owners = [], []
        supports: dict[str, distribution.Support] = {}
        for play in batch:
            for record in _records(play):
                records.append(record)
                owners.append(play)
            if play.scored is not None:
                supports |= {support.support_id: support for support in play.scored.supports}
        request_id = str(uuid.uuid4())
        answer = await until_it_answers(
            lambda: self._ratings.record_scores(records, supports.values(), request_id), self._give_up_seconds
        )
        self.written.add(answer)
        self.revision = answer.revision
        again = set()
        for refused in answer.rejections:
            play = owners[refused.index]
            was_scored = play.rejection is None
            play.reject(refused.reason, f"not recorded: {refused.detail}")
            if refused.reason == Reason.REVISION_CONFLICT.value:
                continue  # another content stands there, and answers for the play
            if was_scored:
                again.add(play)
                self._recording.put(play)
            else:
                play.recorded = False
                log.error("play not recorded", key=str(play.key), detail=refused.detail)
        for stale in answer.stale_records:
            if await self._goes_with_what_stands(owners[stale.index], stale):
                again.add(owners[stale.index])
        finished = [play for play in batch if play not in again]
        for play in finished:
            self._stamp("record", play)
        if self._read_back:
            await self._read([play for play in finished if play.rejection is None], answer.revision)
        for play in finished:
            self._finish(play)

    async def _goes_with_what_stands(self, play: InFlightPlay, stale: aggregator.StaleRecord) -> bool:
        """Where somebody else has recorded a later revision by an earlier official result, grade that one by ours."""
        if play.task is None or play.result is None or outcome_revision(play.result) <= stale.outcome_revision:
            return False
        task = play.task
        stored = await until_it_answers(lambda: task.stored(play.key, self.revision), self._give_up_seconds)
        if stored is None:
            return False
        play.revision, play.scored = stored.revision, stored.scored
        self._grading.put(play)
        return True

    async def _read(self, plays: Sequence[InFlightPlay], revision: common.RevisionToken) -> None:
        """Reads the ratings that plays have just moved, at least as fresh as their record."""
        for play in plays:
            if play.scored is None or play.scored.outcome_revision is None:
                continue
            for subject in play.scored.subjects:
                await until_it_answers(
                    lambda: self._ratings.get_rating(
                        play.key.league,  # noqa: B023
                        subject.subject_id,  # noqa: B023
                        role=subject.role,  # noqa: B023
                        at_least_as_fresh=revision,
                    ),
                    self._give_up_seconds,
                )
            self._stamp("read", play)

    def _finish(self, play: InFlightPlay) -> None:
        result = play.outcome()
        PLAYS.labels(result.ending.value, result.reason.name if result.reason else "").inc()
        if result.scored is not None and play.closed_at:
            seconds = play.seconds_since_closed()
            PLAY_SECONDS.observe(seconds)
            self.times.add("play", seconds)
        self._on_recorded(result)
        play.done(play)

    def _stamp(self, stage: str, play: InFlightPlay) -> None:
        now = time.perf_counter()
        if play.rejection is None and play.stage_at:
            self.times.add(stage, now - play.stage_at)
        play.stage_at = now


def _by_task(batch: Sequence[InFlightPlay]) -> list[tuple[Task, list[InFlightPlay]]]:
    """The plays of each task; those of one may share a call."""
    tasks: defaultdict[str, list[InFlightPlay]] = defaultdict(list)
    for play in batch:
        assert play.task is not None
        tasks[play.task.name].append(play)
    return [(plays[0].task, plays) for plays in tasks.values() if plays[0].task is not None]


def _records(play: InFlightPlay) -> list[Any]:
    """What is recorded of a play, whichever way it ended."""
    if play.rejection is not None:
        result_revision = outcome_revision(play.result) if play.result is not None else 0
        return [aggregator.PlayRecord(unscored=play.rejection, outcome_revision=result_revision)]
    assert play.scored is not None
    return list(play.scored.records)
