"""One revision of a play on its way from the featurizer's answer to its record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pipeline.results import PlayResult
from pipeline.retry import Absence
from pipeline.task import Scored, Stored, Task
from pipeline.verdicts import Stale
from playscore.common.v1 import common_pb2 as common
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.wire.common import rejection
from playscore.wire.feed import is_later, outcome_revision
from servicekit.spans import NO_SPAN, Kind, Span


@dataclass(slots=True, eq=False)
class InFlightPlay:
    """A play at one revision. It starts with a tensor, a rejection by the featurizer, or a stored score."""

    key: common.PlayKey
    revision: int
    done: Callable[[InFlightPlay], None]
    """Called once each time that the stages are finished with it."""
    task: Task | None = None
    """None for a rejection by the featurizer."""
    tensor: featurizer.PlayTensor | None = None
    rejection: common.Rejection | None = None
    scored: Scored | None = None
    result: feed.OfficialResult | None = None
    """The latest official result that is known."""
    judged_by: feed.OfficialResult | None = None
    """The official result that was sent to the task with this play; None: the task has seen none yet."""
    standing: Stale | None = None
    """The later record that stands, where this one was stale."""
    recorded: bool = True
    """The aggregator answers for it."""
    absence: Absence = field(default_factory=Absence)
    """How long the service that it waits for has rejected it for transient reasons."""
    closed_at: float = 0.0
    """When the frames were sent that closed it, seconds of `time.perf_counter`; 0: it is not timed."""
    stage_at: float = 0.0
    """When its current stage began."""
    trace: Span | None = None
    """Its span, from its closing message to its record; None: whether it is traced was not decided yet."""
    stage: Span = NO_SPAN
    """That of its current stage."""
    traced_before: Span | None = None
    """Its span when the stages were last finished with it: what they do next is told in the same trace."""

    def begin(self, closed_at: float) -> None:
        """Time its stages. Its frames were complete at `closed_at`, seconds of `time.perf_counter`."""
        self.closed_at = self.stage_at = closed_at

    def untimed(self) -> None:
        """Do not time its stages: it does not come from the featurizer."""
        self.closed_at = self.stage_at = 0.0

    def learn(self, result: feed.OfficialResult) -> None:
        """Take in an official result, unless one as late is known."""
        if is_later(result, self.result):
            self.result = result

    @property
    def needs_grade(self) -> bool:
        """It is scored, and a result is known that it is not graded by yet."""
        return self.scored is not None and self.rejection is None and self._knows_later_result

    @property
    def rejected_for(self) -> int:
        """Revision of the official result that it was rejected with; 0 where there was none."""
        return 0 if self.judged_by is None else outcome_revision(self.judged_by)

    def accept(self, scored: Scored, judged_by: feed.OfficialResult | None) -> None:
        """The task has scored or graded it, with this result."""
        self.scored, self.judged_by = scored, judged_by

    def reject(self, reason: int, detail: str) -> None:
        """It ends without a score. `reason` is the contract's number, which may be a newer one."""
        task = common.TASK_UNSPECIFIED if self.task is None else self.task.number
        self.rejection = rejection(self.key, self.revision, reason, detail, self._subjects(), task=task)

    def judge_again(self) -> bool:
        """Whether the task could answer differently now, because a later result is known than the one it saw.

        If so, a rejection by the task or the aggregator is cleared, and the play can go to the stages again. A
        rejection by the featurizer stays.
        """
        if (self.tensor is None and self.scored is None) or not self._knows_later_result:
            return False
        self.rejection, self.standing, self.recorded = None, None, True
        return True

    def continue_from(self, stored: Stored) -> None:
        """Go on from the score that is stored, which is of a later revision or has no later result than this one."""
        self.revision, self.scored = stored.revision, stored.scored
        self.tensor = self.rejection = self.judged_by = None

    def outcome(self) -> PlayResult:
        """How it stands."""
        return PlayResult.of(
            self.key,
            self.revision,
            tensor=self.tensor,
            scored=self.scored,
            rejection=self.rejection,
            standing=None if self.standing is None else (self.standing.revision, self.standing.outcome_revision),
            result=self.result,
            recorded=self.recorded,
        )

    def begin_stage_span(self, name: str) -> None:
        """Its current stage gets a span, where it is traced."""
        if self.trace:
            self.stage = self.trace.child(name, kind=Kind.CLIENT, began_at=self.stage_at or None)

    def end_stage(self) -> float | None:
        """End its current stage and begin the next one. Returns its seconds; None where it is not timed."""
        if not self.closed_at:
            return None
        began, self.stage_at = self.stage_at, time.perf_counter()
        return self.stage_at - began

    def seconds_since_closed(self) -> float:
        """How long ago its frames were complete."""
        return time.perf_counter() - self.closed_at

    @property
    def _knows_later_result(self) -> bool:
        if self.result is None:
            return False
        if self.judged_by is not None:
            return outcome_revision(self.result) > outcome_revision(self.judged_by)
        graded_by = None if self.scored is None else self.scored.outcome_revision
        return graded_by is None or outcome_revision(self.result) > graded_by

    def _subjects(self) -> tuple[common.Subject, ...]:
        if self.tensor is not None:
            return tuple(self.tensor.subjects)
        return () if self.scored is None else self.scored.subjects
