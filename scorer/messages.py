"""The contract's messages as the core's types, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass

from playscore.errors import PlayscoreError, Reason
from playscore.game import PassResult
from playscore.game_messages import MAX_ID_LENGTH, is_identifier, outcome_from_message
from playscore.release import Release
from playscore.scorer.v1 import scorer_pb2
from playscore.tracking.v1 import reason_pb2, tracking_pb2
from scorer.core.grading import FIELD_YARDS, QUANTILES, Grade, Situation
from scorer.core.laws import Law, Support, check
from scorer.core.passing import Pass, ScoredPass
from scorer.core.tensors import read_tensor

MOST_EDGES = 4_096
"""Of a law that is sent to be graded."""


@dataclass(frozen=True, slots=True)
class PassToGrade:
    """A law from before, and the yards that became official since."""

    law: Law
    yards: float


def pass_from_message(message: scorer_pb2.PassToScore, release: Release) -> Pass:
    """A play to score, checked against the release.

    Raises:
        PlayscoreError: FIELD_INVALID, TENSOR_SHAPE_INVALID, TOO_LONG, TENSOR_NOT_FINITE, or as `_yards`.
    """
    tensor = message.tensor
    _check_key(tensor.key)
    frames, statics = read_tensor(tensor.shape, tensor.frames, tensor.statics, release)
    return Pass(frames, statics, _situation(tensor.pass_attributes), _yards(message.outcome))


def pass_to_grade_from_message(message: scorer_pb2.PassToGrade) -> PassToGrade:
    """A play to grade.

    Raises:
        PlayscoreError: FIELD_INVALID, LAW_INVALID, or as `_yards`.
    """
    score = message.score
    _check_key(score.key)
    yards = _yards(message.outcome)
    if yards is None:
        raise PlayscoreError(Reason.FIELD_INVALID, "outcome.yards_gained is absent; without yards there is no grade")
    law = _law(score.law)
    check(law)
    return PassToGrade(law, yards)


def score_message(message: scorer_pb2.PassToScore, scored: ScoredPass, release: Release) -> scorer_pb2.PassScore:
    """The score of a play."""
    law, grade, tensor = scored.law, scored.grade, message.tensor
    score = scorer_pb2.PassScore(
        key=tensor.key,
        revision=tensor.revision,
        model=scorer_pb2.ModelVersion(name=release.model, version=release.version),
        law=scorer_pb2.BinnedParetoLaw(
            edges=law.support.edges,
            probabilities=law.probabilities,
            lower_tail=law.support.lower_tail,
            upper_tail=law.support.upper_tail,
            lower_shape=law.lower_shape,
            lower_scale=law.lower_scale,
            upper_shape=law.upper_shape,
            upper_scale=law.upper_scale,
        ),
        quantiles=_quantiles(grade),
        expected_yards=grade.expected_yards,
        first_down_probability=grade.first_down,
        touchdown_probability=grade.touchdown,
        play_score=grade.play_score,
    )
    if message.outcome.HasField("yards_gained"):
        score.yards_gained = message.outcome.yards_gained
        score.outcome_revision = message.outcome.outcome_revision
    return score


def regraded_message(message: scorer_pb2.PassToGrade, play_score: float) -> scorer_pb2.PassScore:
    """The score with its new grade; all else stays as it was."""
    score = scorer_pb2.PassScore()
    score.CopyFrom(message.score)
    score.yards_gained = message.outcome.yards_gained
    score.play_score = play_score
    score.outcome_revision = message.outcome.outcome_revision
    return score


def rejection_message(index: int, key: tracking_pb2.PlayKey, error: PlayscoreError) -> scorer_pb2.RejectedScore:
    """Why the play at that place of the request has no score."""
    return scorer_pb2.RejectedScore(
        index=index, key=key, reason=reason_pb2.Reason.ValueType(error.reason.value), detail=error.detail
    )


def _check_key(key: tracking_pb2.PlayKey) -> None:
    names = (key.league, key.game_id, key.play_id)
    if not all(map(is_identifier, names)):
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"the key must name league, game_id and play_id, each in 1 to {MAX_ID_LENGTH} printable characters; it is"
            f" ({', '.join(repr(name[:MAX_ID_LENGTH]) for name in names)})",
        )


def _situation(message: tracking_pb2.PassAttributes) -> Situation:
    yards_to_go = message.yards_to_go if message.HasField("yards_to_go") else None
    yards_to_end_zone = message.yards_to_end_zone if message.HasField("yards_to_end_zone") else None
    if yards_to_go is not None and not 0.0 < yards_to_go < math.inf:
        raise PlayscoreError(Reason.FIELD_INVALID, f"yards_to_go is {yards_to_go}; it must be above 0, or absent")
    if yards_to_end_zone is not None and not 0.0 <= yards_to_end_zone <= FIELD_YARDS:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"yards_to_end_zone is {yards_to_end_zone}; it must be from 0 to {FIELD_YARDS:g}, or absent",
        )
    return Situation(yards_to_go, yards_to_end_zone)


def _yards(message: tracking_pb2.PassOutcome) -> float | None:
    """The yards to rank; None before they are known.

    Raises:
        PlayscoreError: FIELD_INVALID, YARDS_OUT_OF_RANGE, OUTCOME_CONTRADICTORY, or NO_RELEASE for what is no pass.
    """
    outcome = outcome_from_message(message)
    result, yards = outcome.result, outcome.yards_gained
    if result in (PassResult.SACK, PassResult.SCRAMBLE):
        raise PlayscoreError(Reason.NO_RELEASE, f"outcome.result is {result.name}: no pass was thrown")
    if yards is not None and not yards.is_integer():
        raise PlayscoreError(
            Reason.OUTCOME_CONTRADICTORY, f"outcome.yards_gained is {yards}; official yards are whole numbers"
        )
    if yards and result in (PassResult.INCOMPLETE, PassResult.INTERCEPTED):
        raise PlayscoreError(
            Reason.OUTCOME_CONTRADICTORY,
            f"outcome.result is {result.name} and outcome.yards_gained is {yards:g}; such a pass gains 0",
        )
    return yards


def _law(message: scorer_pb2.BinnedParetoLaw) -> Law:
    if len(message.edges) > MOST_EDGES or len(message.probabilities) > MOST_EDGES:
        raise PlayscoreError(
            Reason.LAW_INVALID,
            f"law has {len(message.edges)} edges and {len(message.probabilities)} probabilities; at most {MOST_EDGES}"
            " are graded",
        )
    return Law(
        Support(tuple(message.edges), message.lower_tail, message.upper_tail),
        tuple(message.probabilities),
        lower_shape=message.lower_shape,
        lower_scale=message.lower_scale,
        upper_shape=message.upper_shape,
        upper_scale=message.upper_scale,
    )


def _quantiles(grade: Grade) -> list[scorer_pb2.Quantile]:
    return [
        scorer_pb2.Quantile(probability=probability, yards=yards)
        for probability, yards in zip(QUANTILES, grade.quantiles, strict=True)
    ]
