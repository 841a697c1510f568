"""The shot task: a graph's contributions become chances, levels and reasons; stored chances become grades."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from playscore.errors import PlayscoreError, Reason
from playscore.release import Release
from playscore.shots import OpportunityLevel
from scorer.core import chance
from scorer.core.chance import Attempt, StoredChance, above_expected, probability_of
from scorer.core.inference import Outputs
from scorer.core.task import Scoring
from scorer.shots.factors import Contribution, Factors
from scorer.shots.wording import Catalog, english

CONTRIBUTIONS: Final = "contributions"
"""The graph's output (F,): each factor's share of the logit."""
KNOWN: Final = ".known"
"""Behind the name of a factor, the name of the column that says whether its value is known."""


@dataclass(frozen=True, slots=True)
class ScoredShot:
    """What a model says of a shot."""

    probability: float
    """Of a goal. Its logit is the sum of intercept and contributions."""
    level: OpportunityLevel
    contributions: Sequence[Contribution]
    """Those that are not 0, strongest first."""
    goals_above_expected: float | None
    """None: the result is not known yet."""


class Shots:
    """Grades shots by whether they were goals."""

    name = "shots"

    def __init__(self, catalog: Catalog | None = None) -> None:
        """`catalog` has the words for factors; None: in English."""
        self._catalog = catalog or english()

    def scoring(self, release: Release) -> Scoring[Attempt, ScoredShot]:
        """Adds `contributions` to the release's intercept, in double precision.

        Raises:
            PlayscoreError: MODEL_NOT_FOUND if the release has no such output, or not what makes sense of it.
        """
        intercept = release.intercept_logit
        if wrong := _wrong(release, self._catalog):
            raise PlayscoreError(Reason.MODEL_NOT_FOUND, f"{release.key} cannot score shots: {'; '.join(wrong)}")
        assert intercept is not None
        lower, upper = release.thresholds
        factors = Factors(release.factors, self._catalog)

        def level_of(probability: float) -> OpportunityLevel:
            if probability < lower:
                return OpportunityLevel.LOW
            return OpportunityLevel.MEDIUM if probability < upper else OpportunityLevel.HIGH

        def score_one(shot: Attempt, logits: Sequence[float]) -> ScoredShot | PlayscoreError:
            if not all(map(math.isfinite, logits)):
                return PlayscoreError(
                    Reason.DISTRIBUTION_INVALID,
                    "the model gives no chance for this tensor: a contribution is no number",
                )
            probability = probability_of(intercept + math.fsum(logits))
            return ScoredShot(
                probability,
                level_of(probability),
                factors.contributions(shot.tensor.statics, logits),
                above_expected(probability, shot.succeeded),
            )

        def score(outputs: Outputs, shots: Sequence[Attempt]) -> list[ScoredShot | PlayscoreError]:
            return [score_one(*each) for each in zip(shots, outputs[CONTRIBUTIONS].tolist(), strict=True)]

        return score

    def grade(self, stored: Sequence[StoredChance]) -> list[float | PlayscoreError]:
        """Goals above expected."""
        return chance.grade(stored)


def _wrong(release: Release, catalog: Catalog) -> list[str]:
    """What of a release does not fit together."""
    wrong = []
    names = [factor.name for factor in release.factors]
    shapes = {tensor.name: tensor.shape for tensor in release.outputs}
    if not names:
        wrong.append("it names no factors")
    if shapes.get(CONTRIBUTIONS) != (len(names),):
        wrong.append(f"its outputs are {shapes}, not {CONTRIBUTIONS} ({len(names)},), one for each factor")
    columns = (*names, *(f"{name}{KNOWN}" for name in names))
    if release.features.frame_columns or release.features.static_names != columns:
        wrong.append(f"its columns are not its factors and then, for each, whether it is known: NAME{KNOWN}")
    if release.intercept_logit is None or not math.isfinite(release.intercept_logit):
        wrong.append(f"its intercept_logit is {release.intercept_logit}, no number")
    if len(release.thresholds) != 2 or not 0.0 < release.thresholds[0] < release.thresholds[1] < 1.0:
        wrong.append(f"its thresholds are {release.thresholds}, not two rising probabilities")
    for factor in release.factors:
        rises = all(before <= after for before, after in itertools.pairwise(factor.quantiles))
        if len(factor.quantiles) == 1 or not rises:
            wrong.append(f"the quantiles of {factor.name} must be none, or two or more that do not fall")
    if lacking := catalog.lacking(names):
        wrong.append(f"the catalog of texts lacks {', '.join(lacking)}")
    return wrong
