"""The passing task: a model's outputs become scored passes, stored distributions become play scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from playscore.errors import PlayscoreError, Reason
from playscore.release import Release
from scorer.core.inference import Outputs
from scorer.core.task import Scoring
from scorer.core.tensors import Tensor
from scorer.passing.distributions import YardsDistribution, bins_of, predicted, unstack
from scorer.passing.grading import Assessment, Situation, assess, play_scores

TAILS = 4
"""Shape and scale of the lower and of the upper tail."""


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """A pass to score."""

    tensor: Tensor
    situation: Situation
    yards: float | None
    """Gained; None: not known yet."""


@dataclass(frozen=True, slots=True)
class ScoredPass:
    """What a model says of a pass."""

    distribution: YardsDistribution
    assessment: Assessment


@dataclass(frozen=True, slots=True)
class StoredPass:
    """The distribution of a pass that was scored before, and its official yards."""

    distribution: YardsDistribution
    yards: float


class Passing:
    """Grades passes by the yards they gained."""

    name = "passing"

    def scoring(self, release: Release) -> Scoring[Pass, ScoredPass]:
        """Reads `logits` and `tails` as distributions of yards over the release's support, cut by its ceiling.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND if the release has no such outputs or no support.
        """
        support, shapes = release.support, {tensor.name: tensor.shape for tensor in release.outputs}
        if support is None:
            raise _not_of_passes(release, "it has no support")
        needed = {"logits": (len(support.edges_yards) - 1,), "tails": (TAILS,)}
        if any(shapes.get(name) != shape for name, shape in needed.items()):
            raise _not_of_passes(release, f"its outputs are {shapes}, not {needed}")
        bins, censored = bins_of(support), release.ceiling is not None

        def score(outputs: Outputs, passes: Sequence[Pass]) -> list[ScoredPass | PlayscoreError]:
            situations = [each.situation for each in passes]
            ceilings = [situation.ceiling_yards if censored else math.inf for situation in situations]
            distributions = predicted(bins, outputs, ceilings)
            assessments = assess(distributions, situations, [each.yards for each in passes])
            return [
                ScoredPass(distribution, assessment) if assessment.is_of_a_distribution else _no_distribution()
                for distribution, assessment in zip(unstack(support, distributions), assessments, strict=True)
            ]

        return score

    def grade(self, stored: Sequence[StoredPass]) -> list[float | PlayscoreError]:
        """The play scores of passes whose distributions passed `check`."""
        scores = play_scores([each.distribution for each in stored], [each.yards for each in stored])
        return [score if math.isfinite(score) else _too_extreme() for score in scores]


def _not_of_passes(release: Release, why: str) -> PlayscoreError:
    return PlayscoreError(Reason.MODEL_NOT_FOUND, f"{release.key} cannot score passes: {why}")


def _no_distribution() -> PlayscoreError:
    return PlayscoreError(
        Reason.DISTRIBUTION_INVALID, "the model gives no distribution for this tensor: its outputs are out of range"
    )


def _too_extreme() -> PlayscoreError:
    return PlayscoreError(Reason.DISTRIBUTION_INVALID, "the distribution is too extreme to compute with")
