"""The messages of the shot task: `ShotToScore` and `ShotToGrade` in, `ShotScore` and `GradedShot` out."""

from __future__ import annotations

from playscore.errors import PlayscoreError, Reason
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import Release
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.shots import ShotResult
from playscore.wire.common import number
from playscore.wire.shots import outcome_from_message
from playscore.wire.validation import invalid
from scorer.core.chance import Attempt, StoredChance
from scorer.messages import Supports, chance_from_message, chance_to_message, key_to_message, tensor_from_message
from scorer.shots.factors import Contribution
from scorer.shots.task import ScoredShot, Shots


class ShotMessages:
    """Reads and writes them."""

    task = Shots()

    def item(self, message: messages.ShotToScore, release: Release, path: str) -> Attempt:
        """A shot to score.

        Raises:
            PlayscoreError: TENSOR_SHAPE_INVALID, TENSOR_NOT_FINITE, or as `_goal`.
        """
        return Attempt(
            tensor_from_message(message.tensor, release, f"{path}.tensor"), _goal(message.outcome, f"{path}.outcome")
        )

    def score(self, message: messages.ShotToScore, scored: ScoredShot, release: Release) -> messages.ShotScore:
        """The chance of a shot, with its grade if the result is known."""
        tensor, above = message.tensor, scored.goals_above_expected
        assert release.intercept_logit is not None
        return messages.ShotScore(
            key=tensor.key,
            revision=tensor.revision,
            model=key_to_message(release.key),
            distribution=chance_to_message(scored.probability),
            level=number(scored.level),
            intercept_logit=release.intercept_logit,
            contributions=map(_contribution, scored.contributions),
            grade=None if above is None else _grade(message.outcome, above),
        )

    def stored(self, message: messages.ShotToGrade, supports: Supports, path: str) -> StoredChance:
        """A shot to grade.

        Raises:
            PlayscoreError: FIELD_INVALID, DISTRIBUTION_INVALID, or as `_goal`.
        """
        goal = _goal(message.outcome, f"{path}.outcome")
        if goal is None:
            raise invalid(f"{path}.outcome.result", "must be set: without a result there is no grade")
        return StoredChance(chance_from_message(message.distribution, f"{path}.distribution"), goal)

    def graded(self, message: messages.ShotToGrade, goals_above_expected: float) -> messages.GradedShot:
        """The grade of a shot."""
        return messages.GradedShot(
            key=message.key, revision=message.revision, grade=_grade(message.outcome, goals_above_expected)
        )


def _goal(message: hockey.ShotOutcome, path: str) -> bool | None:
    """Whether a shot was a goal; None if it is not known yet.

    Raises:
        PlayscoreError: FIELD_INVALID, or SHOT_BLOCKED.
    """
    result = outcome_from_message(message, path).result
    if result is ShotResult.BLOCKED:
        raise PlayscoreError(
            Reason.SHOT_BLOCKED, f"{path}.result is BLOCKED: a skater stopped the shot, and chances are of the others"
        )
    return None if result is None else result is ShotResult.GOAL


def _grade(outcome: hockey.ShotOutcome, goals_above_expected: float) -> messages.ShotGrade:
    return messages.ShotGrade(
        result=outcome.result, goals_above_expected=goals_above_expected, outcome_revision=outcome.outcome_revision
    )


def _contribution(contribution: Contribution) -> hockey.FactorContribution:
    return hockey.FactorContribution(
        factor=contribution.factor,
        value=contribution.value,
        logit=contribution.logit,
        text=contribution.text,
        unit=contribution.unit,
        percentile=contribution.percentile,
    )
