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
    """The contract's reason of that number; None for one of a newer contract, which is final for its play."""
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


@dataclass(frozen=True, slots=True)
class PlayResult:
    """A play as it stands. `reason` is None where it was scored, or where only a newer contract says why it was not."""

    game_id: str
    play_id: str
    revision: int
    ending: Ending
    reason: Reason | None = None
    detail: str = ""
    subjects: Sequence[common.Subject] = ()
    tensor: featurizer.PlayTensor | None = None
    scored: Scored | None = None
    result: feed.OfficialResult | None = None
    """The latest official result that is known."""
    recorded: bool = True
    """The aggregator answers for it."""


def ended(
    key: common.PlayKey,
    revision: int,
    tensor: featurizer.PlayTensor | None,
    scored: Scored | None,
    rejection: common.Rejection | None,
    *,
    result: feed.OfficialResult | None = None,
    recorded: bool = True,
) -> PlayResult:
    """How a play at one revision stands."""
    if rejection is not None:
        reason = known_reason(rejection.reason)
        return PlayResult(
            key.game_id,
            key.play_id,
            revision,
            Ending.REJECTED,
            reason,
            rejection.detail
            if reason
            else f"reason {rejection.reason}, which this release does not know: {rejection.detail}",
            subjects=tuple(rejection.subjects),
            tensor=tensor,
            result=result,
            recorded=recorded,
        )
    assert scored is not None
    ungraded = scored.outcome_revision is None
    return PlayResult(
        key.game_id,
        key.play_id,
        revision,
        Ending.UNGRADED if ungraded else Ending.SCORED,
        Reason.OUTCOME_UNKNOWN if ungraded else None,
        "scored; it is graded when its official result comes" if ungraded else "",
        subjects=scored.subjects,
        tensor=tensor,
        scored=scored,
        result=result,
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
