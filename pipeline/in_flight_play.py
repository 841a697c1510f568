"""One revision of a play on its way from the featurizer's answer to its record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.results import PlayResult, ended
from pipeline.task import Scored, Task
from playscore.common.v1 import common_pb2 as common
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.wire.common import rejection
from playscore.wire.feed import outcome_revision


@dataclass(slots=True, eq=False)
class InFlightPlay:
    """A play at one revision. It has a tensor, a rejection, or the score of before, and goes on from there."""

    key: common.PlayKey
    revision: int
    done: Callable[[InFlightPlay], None]
    """Called each time that it is recorded."""
    task: Task | None = None
    """None while it is only a rejection."""
    tensor: featurizer.PlayTensor | None = None
    rejection: common.Rejection | None = None
    scored: Scored | None = None
    result: feed.OfficialResult | None = None
    """The latest official result that is known."""
    recorded: bool = True
    """The aggregator answers for it."""
    closed_at: float = 0.0
    """When the frames were sent that closed it, seconds of `time.perf_counter`."""
    stage_at: float = 0.0
    """When the stage it is in began."""

    def begin(self, closed_at: float) -> None:
        """Its frames were complete then."""
        self.closed_at = self.stage_at = closed_at

    @property
    def needs_grade(self) -> bool:
        """A result is known that it is not graded by yet."""
        if self.scored is None or self.result is None or self.rejection is not None:
            return False
        graded_by = self.scored.outcome_revision
        return graded_by is None or graded_by < outcome_revision(self.result)

    def reject(self, reason: int, detail: str) -> None:
        """It ends without a score. `reason` is the contract's number, which may be a newer one."""
        subjects = self.tensor.subjects if self.tensor is not None else ()
        self.rejection = rejection(self.key, self.revision, reason, detail, subjects)

    def outcome(self) -> PlayResult:
        """How it stands."""
        return ended(
            self.key,
            self.revision,
            self.tensor,
            self.scored,
            self.rejection,
            result=self.result,
            recorded=self.recorded,
        )

    def seconds_since_closed(self) -> float:
        """How long ago its frames were complete."""
        return time.perf_counter() - self.closed_at
