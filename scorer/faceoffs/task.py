"""The face-off task: a graph's logit becomes the chance that the taker wins."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from playscore.errors import PlayscoreError, Reason
from playscore.release import Release
from scorer.core import chance
from scorer.core.chance import Attempt, StoredChance, above_expected, probability_of
from scorer.core.inference import Outputs
from scorer.core.task import Scoring

LOGIT: Final = "logit"
"""The graph's output (1,)."""


@dataclass(frozen=True, slots=True)
class ScoredFaceoff:
    """What a model says of a face-off."""

    probability: float
    """That the taker wins."""
    wins_above_expected: float | None
    """None: the result is not known yet."""


class Faceoffs:
    """Grades face-offs by whether the taker won."""

    name = "faceoffs"

    def scoring(self, release: Release) -> Scoring[Attempt, ScoredFaceoff]:
        """Reads `logit`.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND if the release has no such output.
        """
        shapes = {tensor.name: tensor.shape for tensor in release.outputs}
        if shapes.get(LOGIT) != (1,):
            raise PlayscoreError(
                Reason.MODEL_NOT_FOUND,
                f"{release.key} cannot score face-offs: its outputs are {shapes}, not {LOGIT} (1,)",
            )

        def score(outputs: Outputs, faceoffs: Sequence[Attempt]) -> list[ScoredFaceoff | PlayscoreError]:
            return [_scored(*each) for each in zip(faceoffs, outputs[LOGIT][:, 0].tolist(), strict=True)]

        return score

    def grade(self, stored: Sequence[StoredChance]) -> list[float | PlayscoreError]:
        """Wins above expected."""
        return chance.grade(stored)


def _scored(faceoff: Attempt, logit: float) -> ScoredFaceoff | PlayscoreError:
    if not math.isfinite(logit):
        return PlayscoreError(Reason.DISTRIBUTION_INVALID, "the model gives no chance for this tensor")
    probability = probability_of(logit)
    return ScoredFaceoff(probability, above_expected(probability, faceoff.succeeded))
