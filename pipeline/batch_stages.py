"""The stages after the featurizer: score, grade, record. Plays that wait at a stage share a call to its service."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import structlog

from pipeline.in_flight_play import InFlightPlay
from pipeline.model_metrics import note_graded
from pipeline.results import PlayResult, StageTimes, known_reason
from pipeline.retry import GIVE_UP_SECONDS, TRANSIENT, Absence, until_it_answers
from pipeline.task import Ratings, Scored, Task
from pipeline.verdicts import Conflict, Refused, Stale, Undecided, Verdict, verdicts
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.wire.feed import outcome_revision
from servicekit import spans
from servicekit.metrics import PLAYS, latency_histogram

PLAY_SECONDS = latency_histogram(
    "playscore_pipeline_play_seconds", "From a play's closing frame sent until its rating can be read, seconds."
)
STAGE_SECONDS = latency_histogram(
    "playscore_pipeline_stage_seconds",
    "One stage of a scored play, seconds: featurize from its closing frame sent, each other from the end of the stage "
    "before.",
    ("stage",),
)
_SECONDS_OF = {stage: STAGE_SECONDS.labels(stage) for stage in ("featurize", "score", "grade", "record", "read")}

MAX_PLAYS_PER_CALL = 64
CALLS_AT_ONCE = 2
"""Score or grade calls in flight: one is answered while the next is prepared."""
PAUSE_SECONDS = 0.2
"""Before a play is sent again that was rejected for a transient reason."""

log = structlog.get_logger()


class BatchStage:
    """A queue and its workers. Its size is bounded by how many plays GameRun lets in."""

    def __init__(self, handle: Callable[[list[InFlightPlay]], Awaitable[None]], gather_seconds: float) -> None:
        self._handle = handle
        self._gather_seconds = gather_seconds
        self._gathering = asyncio.Lock()
        """Held by the worker whose batch is next, so that workers do not part what could go together."""
        self._waiting: asyncio.Queue[InFlightPlay] = asyncio.Queue()

    def put(self, play: InFlightPlay) -> None:
        """Queue a play."""
        self._waiting.put_nowait(play)

    async def work(self) -> None:
        """Process batches until cancelled."""
        while True:
            async with self._gathering:
                batch = [await self._waiting.get()]
                while len(batch) < MAX_PLAYS_PER_CALL and not self._waiting.empty():
                    batch.append(self._waiting.get_nowait())
                if self._gather_seconds:
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(self._gather_seconds):
                            while len(batch) < MAX_PLAYS_PER_CALL:
                                batch.append(await self._waiting.get())
            await self._handle(batch)


@dataclass(slots=True)
class Written:
    """Totals of what the aggregator answered: see RecordScoresResponse."""

    inserted: int = 0
    replaced: int = 0
    unchanged: int = 0
    stale: int = 0
    withdrawn: int = 0
    conflicting: int = 0
    """Rejected because other content stands at the same revisions."""

    def add(self, answer: aggregator.RecordScoresResponse) -> None:
        """Add one more answer."""
        self.inserted += answer.inserted
        self.replaced += answer.replaced
        self.unchanged += answer.unchanged
        self.stale += answer.stale
        self.withdrawn += answer.withdrawn
        self.conflicting += sum(each.reason == Reason.REVISION_CONFLICT.value for each in answer.rejections)


class BatchStages:
    """Scores, grades and records plays that the featurizer has answered, of all games.

    Use it as an async context manager. A failure that is not transient (the scorer has another feature specification),
    or a service that stays away, ends the context with that failure. A service that keeps rejecting one play for
    transient reasons counts as staying away.

    Only one worker records. Two would finish their writes in either order, and `revision` could go backward; a read
    that waits for it could then miss a play that is already recorded.
    """

    def __init__(
        self,
        ratings: Ratings,
        *,
        read_back: bool = False,
        on_recorded: Callable[[PlayResult], None] = lambda result: None,
        give_up_seconds: float = GIVE_UP_SECONDS,
        gather_seconds: float = 0.0,
        timed: bool = True,
    ) -> None:
        """`read_back` reads every rating that a play has moved, which measures when it can be read.

        With `gather_seconds` a stage waits so long for a call to be full: fewer and larger calls, for plays that are in
        no hurry. With 0 whatever waits goes at once. `timed` keeps how long each play took, for good.
        """
        self.times = StageTimes()
        self.written = Written()
        self.revision: common.RevisionToken | None = None
        """The state of the ratings after the last write."""
        self._ratings = ratings
        self._read_back = read_back
        self._on_recorded = on_recorded
        self._give_up_seconds = give_up_seconds
        self._timed = timed
        self._scoring, self._grading, self._recording, self._reading = (
            BatchStage(handle, gather_seconds) for handle in (self._score, self._grade, self._record, self._read)
        )
        self._tasks = asyncio.TaskGroup()
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        at_once = (
            (self._scoring, CALLS_AT_ONCE),
            (self._grading, CALLS_AT_ONCE),
            (self._recording, 1),
            (self._reading, CALLS_AT_ONCE),
        )
        for stage, workers in at_once:
            self._workers += [self._tasks.create_task(stage.work()) for _ in range(workers)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self._workers:
            worker.cancel()
        await self._tasks.__aexit__(kind, error, trace)

    def take(self, play: InFlightPlay) -> None:
        """Take in a play that is rejected, has a tensor to score, or has a score and a result to grade it by.

        Its `done` is called exactly once for each time that it is taken in, unless the context ends before.
        """
        play.absence = Absence(self._give_up_seconds)
        if play.trace is None:
            before, consumer = play.traced_before, spans.Kind.CONSUMER
            play.trace = (
                spans.begin_trace("play", kind=consumer) if before is None else before.child("play", kind=consumer)
            )
        if play.trace:
            key = play.key
            play.trace.set(spans.of_play(key.league, key.game_id, key.play_id, play.revision))
        if play.scored is None:
            self._end_stage("featurize", play)
        if play.rejection is not None:
            self._recording.put(play)
        elif play.scored is None:
            self._scoring.put(play)
        else:
            self._grading.put(play)

    async def _score(self, batch: Sequence[InFlightPlay]) -> None:
        for task, plays in _by_task(batch):
            for play in plays if spans.are_on() else ():
                play.begin_stage_span("score")
                if play.tensor is not None:
                    play.tensor.traceparent = play.stage.traceparent
            sent = [(play.tensor, play.result) for play in plays if play.tensor is not None]
            answers = await self._judge(plays, lambda: task.score(sent))  # noqa: B023
            self._pass_on("score", plays, [result for _, result in sent], answers)

    async def _grade(self, batch: Sequence[InFlightPlay]) -> None:
        for task, plays in _by_task(batch):
            for play in plays if spans.are_on() else ():
                play.begin_stage_span("grade")
                for record in play.scored.records if play.scored is not None else ():
                    record.traceparent = play.stage.traceparent
            sent = [(play.scored, play.result) for play in plays if play.scored is not None and play.result is not None]
            answers = await self._judge(plays, lambda: task.grade(sent))  # noqa: B023
            self._pass_on("grade", plays, [result for _, result in sent], answers)

    async def _judge(
        self, plays: Sequence[InFlightPlay], call: Callable[[], Awaitable[Sequence[Scored | common.Rejection]]]
    ) -> Sequence[Scored | common.Rejection]:
        for play in plays:
            play.absence.asked()
        return await until_it_answers(call, self._give_up_seconds)

    def _pass_on(
        self,
        stage: str,
        plays: Sequence[InFlightPlay],
        results: Sequence[feed.OfficialResult | None],
        answers: Sequence[Scored | common.Rejection],
    ) -> None:
        """Send each play to its next stage. `results` were sent to the task; later ones may be known by now."""
        for play, result, answer in zip(plays, results, answers, strict=True):
            play.stage.end("" if isinstance(answer, Scored) else _name(answer.reason))
            if isinstance(answer, Scored):
                play.absence.ended()
                play.accept(answer, result)
                self._end_stage(stage, play)
                (self._grading if play.needs_grade else self._recording).put(play)
            elif known_reason(answer.reason) in TRANSIENT:
                self._put_later(
                    self._scoring if stage == "score" else self._grading, play, answer.reason, answer.detail
                )
            else:
                play.absence.ended()
                play.judged_by = result
                play.reject(answer.reason, answer.detail)
                self._recording.put(play)

    def _put_later(self, stage: BatchStage, play: InFlightPlay, reason: int, detail: str) -> None:
        """Queue a play again after a transient rejection. Raises ConnectionError if that has gone on for too long."""
        play.absence.check(PlayscoreError(Reason(reason), f"play {play.key.play_id}: {detail}"))
        asyncio.get_running_loop().call_later(PAUSE_SECONDS, stage.put, play)

    async def _record(self, batch: Sequence[InFlightPlay]) -> None:
        records, owners = [], []
        supports: dict[str, distribution.Support] = {}
        for play in batch:
            play.absence.asked()
            play.begin_stage_span("record")
            for record in _records(play):
                if spans.are_on():
                    record.traceparent = play.stage.traceparent
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
        for play in batch:
            play.stage.end()
        decided = verdicts(owners, answer)
        finished = [play for play in batch if play not in decided or await self._is_finished(play, decided[play])]
        for play in finished:
            self._end_stage("record", play)
        for play in finished:
            if self._read_back and play.rejection is None and play.standing is None:
                self._reading.put(play)
            else:
                self._finish(play)

    async def _is_finished(self, play: InFlightPlay, verdict: Verdict) -> bool:
        """Act on a record that was not accepted. False: the play was queued again."""
        match verdict:
            case Undecided(reason, detail):
                self._put_later(self._recording, play, reason, detail)
                return False
            case Stale():
                if await self._regrade_stored(play, verdict):
                    return False
                play.standing = verdict
            case Conflict(detail):
                play.reject(Reason.REVISION_CONFLICT.value, f"not recorded: {detail}")
            case Refused(reason, detail) if play.rejection is None:
                play.absence.ended()
                play.reject(reason, f"not recorded: {detail}")
                self._recording.put(play)
                return False
            case Refused(reason, detail):
                play.reject(reason, f"not recorded: {detail}")
                play.recorded = False
                log.error("play not recorded", key=str(play.key), detail=detail, **play.stage.ids)
        return True

    async def _regrade_stored(self, play: InFlightPlay, stale: Stale) -> bool:
        """Where another worker has recorded a later revision with an earlier official result, grade it by ours."""
        task, result = play.task, play.result
        if task is None or result is None or outcome_revision(result) <= stale.outcome_revision:
            return False
        stored = await until_it_answers(lambda: task.stored(play.key), self._give_up_seconds)
        if stored is None or stored.revision < stale.revision:
            return False
        play.absence.ended()
        play.continue_from(stored)
        self._grading.put(play)
        return True

    async def _read(self, plays: Sequence[InFlightPlay]) -> None:
        """Read the ratings that these plays have moved, at least as fresh as their record."""
        for play in plays:
            graded = play.scored is not None and play.scored.outcome_revision is not None
            play.begin_stage_span("read")
            for subject in play.scored.subjects if play.scored is not None and graded else ():
                await until_it_answers(
                    lambda: self._ratings.get_rating(
                        play.key.league,  # noqa: B023
                        subject.subject_id,  # noqa: B023
                        role=subject.role,  # noqa: B023
                        at_least_as_fresh=self.revision,
                    ),
                    self._give_up_seconds,
                )
            play.stage.end()
            if graded:
                self._end_stage("read", play)
            self._finish(play)

    def _finish(self, play: InFlightPlay) -> None:
        result = play.outcome()
        PLAYS.labels(result.ending.value, result.reason.name if result.reason else "").inc()
        note_graded(result)
        span = play.traced_before = play.trace or spans.NO_SPAN
        play.trace = None
        if result.scored is not None and play.closed_at:
            seconds = play.seconds_since_closed()
            PLAY_SECONDS.observe(seconds, span.ids)
            self._time("play", seconds)
        if span:
            span.set({"playscore.outcome": result.ending.value})
            span.end(result.reason.name if result.reason else "")
        self._on_recorded(result)
        play.done(play)

    def _end_stage(self, stage: str, play: InFlightPlay) -> None:
        seconds = play.end_stage()
        if seconds is not None and play.rejection is None:
            _SECONDS_OF[stage].observe(seconds, play.trace.ids if play.trace else None)
            self._time(stage, seconds)

    def _time(self, stage: str, seconds: float) -> None:
        if self._timed:
            self.times.add(stage, seconds)


def _name(reason: int) -> str:
    """Of a reason, for people; its number where it is a later contract's."""
    known = known_reason(reason)
    return str(reason) if known is None else known.name


def _by_task(batch: Sequence[InFlightPlay]) -> list[tuple[Task, list[InFlightPlay]]]:
    """The plays of each task: they share a call."""
    tasks: defaultdict[str, list[InFlightPlay]] = defaultdict(list)
    for play in batch:
        assert play.task is not None
        tasks[play.task.name].append(play)
    return [(plays[0].task, plays) for plays in tasks.values() if plays[0].task is not None]


def _records(play: InFlightPlay) -> list[Any]:
    """What is recorded of a play, however it ended."""
    if play.rejection is not None:
        return [aggregator.PlayRecord(unscored=play.rejection, outcome_revision=play.rejected_for)]
    assert play.scored is not None
    return list(play.scored.records)
