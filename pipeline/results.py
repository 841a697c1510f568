"""How plays ended, and how long each stage took: what a replay reports."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pipeline.task import Scored
from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed


def known_reason(number: int) -> Reason | None:
    """The reason with this number; None for one of a newer contract, which is never transient."""
    try:
        return Reason(number)
    except ValueError:
        return None


class Ending(enum.Enum):
    """What became of a play."""

    SCORED = "scored"
    """Scored and graded: it counts in ratings."""
    UNGRADED = "ungraded"
    """Scored; its official result is not known yet."""
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """A later revision stands, or a later official result: what was recorded of it now changed nothing."""


@dataclass(frozen=True, slots=True)
class PlayResult:
    """A play as it stands.

    `reason` is None where it was scored or superseded, or where only a newer contract knows why it was rejected.
    """

    game_id: str
    play_id: str
    revision: int
    ending: Ending
    reason: Reason | None = None
    detail: str = ""
    subjects: Sequence[common.Subject] = ()
    tensor: featurizer.PlayTensor | None = None
    scored: Scored | None = None
    """Its score, where that is what stands."""
    result: feed.OfficialResult | None = None
    """The latest official result that is known."""
    recorded: bool = True
    """The aggregator answers for it."""
    task: int = 0
    """Of a play that was rejected: the number of its task, 0 where it is not known."""

    @classmethod
    def of(
        cls,
        key: common.PlayKey,
        revision: int,
        *,
        tensor: featurizer.PlayTensor | None = None,
        scored: Scored | None = None,
        rejection: common.Rejection | None = None,
        standing: tuple[int, int] | None = None,
        result: feed.OfficialResult | None = None,
        recorded: bool = True,
    ) -> PlayResult:
        """How a play at one revision stands: superseded, rejected, or scored, in this order.

        `standing` is the revision and outcome revision of the later record that stands. At least one of `scored`,
        `rejection` and `standing` is given.
        """
        reason: Reason | None = None
        subjects: Sequence[common.Subject] = scored.subjects if scored is not None else ()
        if standing is not None:
            ending = Ending.SUPERSEDED
            detail = "a later revision stands: revision {}, outcome_revision {}".format(*standing)
        elif rejection is not None:
            ending, reason, subjects = Ending.REJECTED, known_reason(rejection.reason), tuple(rejection.subjects)
            detail = rejection.detail
            if reason is None:
                detail = f"reason {rejection.reason}, which this release does not know: {detail}"
        else:
            assert scored is not None
            ending, detail = Ending.SCORED, ""
            if scored.outcome_revision is None:
                ending, reason = Ending.UNGRADED, Reason.OUTCOME_UNKNOWN
                detail = "scored; it is graded when its official result comes"
        return cls(
            key.game_id,
            key.play_id,
            revision,
            ending,
            reason,
            detail,
            subjects=subjects,
            tensor=tensor,
            scored=scored if ending in (Ending.SCORED, Ending.UNGRADED) else None,
            result=result,
            recorded=recorded,
            task=0 if rejection is None else rejection.task,
        )


@dataclass(slots=True)
class StageTimes:
    """Seconds that plays spent in each stage."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def add(self, stage: str, seconds: float) -> None:
        """One play through one stage."""
        self.seconds.setdefault(stage, []).append(seconds)

    def as_json(self) -> Mapping[str, Mapping[str, float]]:
        """Count, median and 99% point of every stage, milliseconds."""
        return {
            stage: {
                "count": len(seconds),
                "p50_ms": float(np.percentile(seconds, 50)) * 1e3,
                "p99_ms": float(np.percentile(seconds, 99)) * 1e3,
            }
            for stage, seconds in self.seconds.items()
        }
