"""How plays ended, and how long each stage took: what a replay reports."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from playscore.errors import Reason
from playscore.scorer.v1 import scorer_pb2 as scorer


def known_reason(number: int) -> Reason | None:
    """The contract's reason of that number; None for one of a newer contract, which is final for its play."""
    try:
        return Reason(number)
    except ValueError:
        return None


class Ending(enum.Enum):
    """What became of a play."""

    SCORED = "scored"
    REJECTED = "rejected"
    NO_RELEASE = "no_release"
    NOT_A_PASS = "not_a_pass"

    @classmethod
    def of(cls, reason: Reason | None) -> Ending:
        """The ending of a play that was not scored; None: for a reason of a newer contract."""
        match reason:
            case Reason.NO_RELEASE:
                return cls.NO_RELEASE
            case Reason.NOT_A_PASS:
                return cls.NOT_A_PASS
        return cls.REJECTED


@dataclass(frozen=True, slots=True)
class PlayResult:
    """A finished play. `score` is None where it was not scored, `reason` where it was or a newer contract says why."""

    game_id: str
    play_id: str
    ending: Ending
    reason: Reason | None = None
    detail: str = ""
    passer_id: str = ""
    yards: float | None = None
    score: scorer.PassScore | None = None

    def as_json(self, *, law: bool) -> dict[str, Any]:
        """For `playscore replay --json`; with the law's parameters if `law`."""
        score = self.score
        row: dict[str, Any] = {
            "game_id": self.game_id,
            "play_id": self.play_id,
            "outcome": self.ending.value,
            "reason": self.reason.name if self.reason else None,
            "detail": self.detail,
            "passer_id": self.passer_id,
            "yards": self.yards,
            "score": score.play_score if score and score.HasField("play_score") else None,
            "expected_yards": score.expected_yards if score else None,
            "quantiles": {f"{point.probability:g}": point.yards for point in score.quantiles} if score else None,
        }
        if law:
            row["law"] = law_as_json(score.law) if score else None
        return row


def law_as_json(law: scorer.BinnedParetoLaw) -> dict[str, Any]:
    """The parameters of a law, by their names in the contract."""
    return {
        "edges": list(law.edges),
        "probabilities": list(law.probabilities),
        "lower_tail": law.lower_tail,
        "upper_tail": law.upper_tail,
        "lower_shape": law.lower_shape,
        "lower_scale": law.lower_scale,
        "upper_shape": law.upper_shape,
        "upper_scale": law.upper_scale,
    }


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
