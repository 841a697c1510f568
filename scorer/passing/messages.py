"""The messages of the passing task: `PassToScore` and `PassToGrade` in, `PassScore` and `GradedPass` out."""

from __future__ import annotations

from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.football.v1 import football_pb2 as football
from playscore.passing import PassResult
from playscore.release import Release
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.wire.passing import outcome_from_message
from playscore.wire.validation import invalid
from scorer.messages import Supports, key_to_message, tensor_from_message
from scorer.passing.distributions import YardsDistribution, check
from scorer.passing.grading import QUANTILES, Assessment, Situation
from scorer.passing.task import Pass, Passing, ScoredPass, StoredPass


class PassMessages:
    """Reads and writes them."""

    task = Passing()

    def item(self, message: messages.PassToScore, release: Release, path: str) -> Pass:
        """A pass to score.

        Raises:
            PlayscoreError: TENSOR_SHAPE_INVALID, TOO_LONG, TENSOR_NOT_FINITE, or as `_yards`.
        """
        tensor = message.tensor
        return Pass(
            tensor_from_message(tensor, release, f"{path}.tensor"),
            _situation(tensor),
            _yards(message.outcome, f"{path}.outcome"),
        )

    def score(self, message: messages.PassToScore, scored: ScoredPass, release: Release) -> messages.PassScore:
        """The score of a pass, with its grade if the yards are known."""
        assessment, tensor = scored.assessment, message.tensor
        return messages.PassScore(
            key=tensor.key,
            revision=tensor.revision,
            model=key_to_message(release.key),
            distribution=_distribution_to_message(scored.distribution),
            quantiles=_quantiles(assessment),
            expected_yards=assessment.expected_yards,
            first_down_probability=assessment.first_down_probability,
            touchdown_probability=assessment.touchdown_probability,
            grade=None if assessment.play_score is None else _grade(message.outcome, assessment.play_score),
        )

    def stored(self, message: messages.PassToGrade, supports: Supports, path: str) -> StoredPass:
        """A pass to grade.

        Raises:
            PlayscoreError: FIELD_INVALID, DISTRIBUTION_INVALID, or as `_yards`.
        """
        yards = _yards(message.outcome, f"{path}.outcome")
        if yards is None:
            raise invalid(f"{path}.outcome.yards_gained", "must be set: without yards there is no grade")
        return StoredPass(_distribution_from_message(message.distribution, supports, f"{path}.distribution"), yards)

    def graded(self, message: messages.PassToGrade, play_score: float) -> messages.GradedPass:
        """The grade of a pass."""
        return messages.GradedPass(
            key=message.key, revision=message.revision, grade=_grade(message.outcome, play_score)
        )


def _situation(tensor: featurizer.PlayTensor) -> Situation:
    attributes = tensor.pass_attributes
    return Situation(
        attributes.yards_to_go if attributes.HasField("yards_to_go") else None,
        attributes.yards_to_end_zone if attributes.HasField("yards_to_end_zone") else None,
    )


def _yards(message: football.PassOutcome, path: str) -> float | None:
    """The yards to rank; None if they are not known yet.

    Raises:
        PlayscoreError: FIELD_INVALID, YARDS_OUT_OF_RANGE, OUTCOME_CONTRADICTORY, or NO_RELEASE for a sack or scramble.
    """
    outcome = outcome_from_message(message, path)
    result, yards = outcome.result, outcome.yards_gained
    if result in (PassResult.SACK, PassResult.SCRAMBLE):
        raise PlayscoreError(Reason.NO_RELEASE, f"{path}.result is {result.name}: no pass was thrown")
    if yards is not None and not yards.is_integer():
        raise PlayscoreError(
            Reason.OUTCOME_CONTRADICTORY, f"{path}.yards_gained is {yards}; official yards are whole numbers"
        )
    if yards and result in (PassResult.INCOMPLETE, PassResult.INTERCEPTED):
        raise PlayscoreError(
            Reason.OUTCOME_CONTRADICTORY,
            f"{path}.result is {result.name} and {path}.yards_gained is {yards:g}; such a pass gains 0",
        )
    return yards


def _distribution_from_message(message: distributions.Distribution, supports: Supports, path: str) -> YardsDistribution:
    if message.WhichOneof("kind") != "spliced_binned_pareto":
        raise invalid(
            f"{path}.spliced_binned_pareto", "must be set: a pass is graded by yards", Reason.DISTRIBUTION_INVALID
        )
    path, stated = f"{path}.spliced_binned_pareto", message.spliced_binned_pareto
    distribution = YardsDistribution(
        supports.named(stated.support_id, path),
        tuple(stated.probabilities),
        stated.lower_shape,
        stated.lower_scale_yards,
        stated.upper_shape,
        stated.upper_scale_yards,
        stated.ceiling_yards if stated.HasField("ceiling_yards") else None,
    )
    check(distribution, path)
    return distribution


def _distribution_to_message(distribution: YardsDistribution) -> distributions.Distribution:
    return distributions.Distribution(
        spliced_binned_pareto=distributions.SplicedBinnedPareto(
            support_id=distribution.support.id,
            probabilities=distribution.probabilities,
            lower_shape=distribution.lower_shape,
            lower_scale_yards=distribution.lower_scale_yards,
            upper_shape=distribution.upper_shape,
            upper_scale_yards=distribution.upper_scale_yards,
            ceiling_yards=distribution.ceiling_yards,
        )
    )


def _grade(outcome: football.PassOutcome, play_score: float) -> messages.PassGrade:
    # An incompletion or interception may leave its yards out; they are 0, and an absent number reads as 0.
    return messages.PassGrade(
        yards_gained=outcome.yards_gained, play_score=play_score, outcome_revision=outcome.outcome_revision
    )


def _quantiles(assessment: Assessment) -> list[messages.Quantile]:
    return [
        messages.Quantile(probability=probability, yards=yards)
        for probability, yards in zip(QUANTILES, assessment.quantiles, strict=True)
    ]
