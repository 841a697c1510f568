"""The messages of the face-off task: `FaceoffToScore`, `FaceoffToGrade` in, `FaceoffScore`, `GradedFaceoff` out."""

from __future__ import annotations

from playscore.faceoffs import FaceoffResult
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.release import Release
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.wire.faceoffs import outcome_from_message
from playscore.wire.validation import invalid
from scorer.core.chance import Attempt, StoredChance
from scorer.faceoffs.task import Faceoffs, ScoredFaceoff
from scorer.messages import Supports, chance_from_message, chance_to_message, key_to_message, tensor_from_message


class FaceoffMessages:
    """Reads and writes them."""

    task = Faceoffs()

    def item(self, message: messages.FaceoffToScore, release: Release, path: str) -> Attempt:
        """A face-off to score.

        Raises:
            PlayscoreError: TENSOR_SHAPE_INVALID, TENSOR_NOT_FINITE or FIELD_INVALID.
        """
        return Attempt(
            tensor_from_message(message.tensor, release, f"{path}.tensor"), _won(message.outcome, f"{path}.outcome")
        )

    def score(self, message: messages.FaceoffToScore, scored: ScoredFaceoff, release: Release) -> messages.FaceoffScore:
        """The chance of a face-off, with its grade if the result is known."""
        tensor, above = message.tensor, scored.wins_above_expected
        return messages.FaceoffScore(
            key=tensor.key,
            revision=tensor.revision,
            model=key_to_message(release.key),
            distribution=chance_to_message(scored.probability),
            grade=None if above is None else _grade(message.outcome, above),
        )

    def stored(self, message: messages.FaceoffToGrade, supports: Supports, path: str) -> StoredChance:
        """A face-off to grade.

        Raises:
            PlayscoreError: FIELD_INVALID or DISTRIBUTION_INVALID.
        """
        won = _won(message.outcome, f"{path}.outcome")
        if won is None:
            raise invalid(f"{path}.outcome.result", "must be set: without a result there is no grade")
        return StoredChance(chance_from_message(message.distribution, f"{path}.distribution"), won)

    def graded(self, message: messages.FaceoffToGrade, wins_above_expected: float) -> messages.GradedFaceoff:
        """The grade of a face-off."""
        return messages.GradedFaceoff(
            key=message.key, revision=message.revision, grade=_grade(message.outcome, wins_above_expected)
        )


def _won(message: hockey.FaceoffOutcome, path: str) -> bool | None:
    """Whether the taker won; None if it is not known yet. Raises FIELD_INVALID."""
    result = outcome_from_message(message, path).result
    return None if result is None else result is FaceoffResult.WON


def _grade(outcome: hockey.FaceoffOutcome, wins_above_expected: float) -> messages.FaceoffGrade:
    return messages.FaceoffGrade(
        result=outcome.result, wins_above_expected=wins_above_expected, outcome_revision=outcome.outcome_revision
    )
