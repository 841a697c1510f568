"""The contract's messages as the core's types, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from typing import TypeVar

from aggregator.core.board import Coverage, Rating
from aggregator.core.fields import PASSING, Field, FieldType
from aggregator.core.records import (
    ModelVersion,
    PlayKey,
    Role,
    Score,
    Subject,
    Unscored,
    Value,
    check_id,
    check_released,
    check_score,
    check_unscored,
)
from aggregator.core.store import Refused, Write, Written
from playscore.aggregator.v1 import aggregator_pb2
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.scorer.v1 import scorer_pb2
from playscore.tracking.v1 import reason_pb2, tracking_pb2

MOST_ITEMS = 10_000

_Message = TypeVar("_Message")
_Item = TypeVar("_Item")
_DEPTHS = dict(enumerate(PASSING.fields["depth"].values, start=1))
"""PassDepth's numbers and the words that filters use."""
_DEPTH_NUMBERS = {word: number for number, word in _DEPTHS.items()}
_FIELD_TYPES = {
    FieldType.INTEGER: aggregator_pb2.SPLIT_FIELD_TYPE_INTEGER,
    FieldType.NUMBER: aggregator_pb2.SPLIT_FIELD_TYPE_NUMBER,
    FieldType.BOOLEAN: aggregator_pb2.SPLIT_FIELD_TYPE_BOOLEAN,
    FieldType.STRING: aggregator_pb2.SPLIT_FIELD_TYPE_STRING,
}


def write_from_message(request: aggregator_pb2.RecordScoresRequest, released: Collection[ModelVersion]) -> Write:
    """What a request asks to be written, by `released` models, and its items that cannot be.

    Raises:
        PlayscoreError: FIELD_INVALID for a request that is wrong as a whole.
    """
    check_id("request_id", request.request_id)
    items = len(request.records) + len(request.unscored)
    if items > MOST_ITEMS:
        detail = f"{items} items in one request; at most {MOST_ITEMS} may be, so split them"
        raise PlayscoreError(Reason.FIELD_INVALID, detail, fields=(FieldViolation("records", detail),))
    refused: list[Refused] = []

    def accepted(
        messages: Iterable[_Message], read: Callable[[_Message], _Item], *, in_unscored: bool
    ) -> dict[int, _Item]:
        items: dict[int, _Item] = {}
        for index, message in enumerate(messages):
            try:
                items[index] = read(message)
            except PlayscoreError as error:
                refused.append(Refused(index, in_unscored, error.reason, error.detail))
        return items

    def released_score(message: aggregator_pb2.ScoreRecord) -> Score:
        score = score_from_message(message)
        check_released(score.model, released)
        return score

    return Write(
        request_id=request.request_id,
        digest=hashlib.sha256(request.SerializeToString(deterministic=True)).digest(),
        scores=accepted(request.records, released_score, in_unscored=False),
        unscored=accepted(request.unscored, unscored_from_message, in_unscored=True),
        refused=refused,
    )


def written_message(written: Written, token: str) -> aggregator_pb2.RecordScoresResponse:
    """The answer to a request that was written."""
    return aggregator_pb2.RecordScoresResponse(
        inserted=written.inserted,
        replaced=written.replaced,
        unchanged=written.unchanged,
        stale=written.stale,
        rejections=[
            aggregator_pb2.RejectedRecord(
                index=refused.index,
                in_unscored=refused.in_unscored,
                reason=reason_pb2.Reason.ValueType(refused.reason.value),
                detail=refused.detail,
            )
            for refused in written.refused
        ],
        revision_token=token,
        withdrawn=written.withdrawn,
    )


def score_from_message(message: aggregator_pb2.ScoreRecord) -> Score:
    """A score to write.

    Raises:
        PlayscoreError: FIELD_INVALID, SCORE_OUT_OF_RANGE, YARDS_OUT_OF_RANGE or ROLE_UNSUPPORTED.
    """
    subject = _subject_from_message(message.subject)
    if message.model.name != PASSING.model:
        raise _invalid(f'model.name is "{message.model.name}"; passers are rated by "{PASSING.model}"')
    if message.WhichOneof("measure") != "pass_measure":
        raise _invalid("measure is not a pass_measure, which role passer needs")
    if message.WhichOneof("attributes") == "shot_attributes":
        raise _invalid("attributes are a shot's; role passer needs pass_attributes")
    measures = {field.name: value for field, value in message.pass_measure.ListFields()}
    if absent := [f"pass_measure.{name}" for name in PASSING.measures if name not in measures]:
        raise _invalid(f"{', '.join(absent)} must be there; absent is not 0")
    score = Score(
        play=_play_from_message(message.key),
        subject=subject,
        model=ModelVersion(message.model.name, message.model.version),
        revision=message.revision,
        outcome_revision=message.outcome_revision,
        measures=measures,
        attributes=_attributes_from_message(message.pass_attributes),
    )
    check_score(score)
    return score


def score_message(score: Score) -> aggregator_pb2.ScoreRecord:
    """A score as it was recorded."""
    attributes = tracking_pb2.PassAttributes()
    for name, value in score.attributes.items():
        setattr(attributes, name, _DEPTH_NUMBERS[str(value)] if name == "depth" else value)
    return aggregator_pb2.ScoreRecord(
        key=tracking_pb2.PlayKey(league=score.play.league, game_id=score.play.game_id, play_id=score.play.play_id),
        subject=_subject_message(score.subject),
        model=_model_message(score.model),
        revision=score.revision,
        outcome_revision=score.outcome_revision,
        pass_measure=aggregator_pb2.PassMeasure(**score.measures),
        pass_attributes=attributes,
    )


def unscored_from_message(message: tracking_pb2.PlayRejection) -> Unscored:
    """A play that was not scored.

    Raises:
        PlayscoreError: FIELD_INVALID or ROLE_UNSUPPORTED.
    """
    unscored = Unscored(
        play=_play_from_message(message.key),
        revision=message.revision,
        reason=message.reason,
        detail=message.detail,
        subjects=tuple(_subject_from_message(subject) for subject in message.subjects),
    )
    check_unscored(unscored)
    return unscored


def rating_message(rating: Rating) -> aggregator_pb2.Rating:
    """A rating."""
    return aggregator_pb2.Rating(
        subject=_subject_message(rating.subject),
        model=_model_message(rating.model),
        plays=rating.plays,
        passing=aggregator_pb2.PassingRating(
            rating=rating.rating,
            rating_low=rating.rating_low,
            rating_high=rating.rating_high,
            mean_play_score=rating.mean_play_score,
            yards_per_play=rating.yards_per_play,
            expected_yards_per_play=rating.expected_yards_per_play,
        ),
        qualified=rating.qualified,
        rank=rating.rank,
        qualified_peers=rating.qualified_peers,
    )


def coverage_message(coverage: Coverage, token: str) -> aggregator_pb2.GetCoverageResponse:
    """How much is covered."""
    return aggregator_pb2.GetCoverageResponse(
        plays=coverage.scored + sum(plays for _, plays in coverage.unscored),
        scored=coverage.scored,
        unscored=[
            aggregator_pb2.ReasonCount(reason=reason_pb2.Reason.ValueType(reason), plays=plays)
            for reason, plays in coverage.unscored
        ],
        revision_token=token,
    )


def field_message(field: Field) -> aggregator_pb2.SplitField:
    """A field of a filter."""
    return aggregator_pb2.SplitField(
        name=field.name,
        type=_FIELD_TYPES[field.type],
        unit=field.unit,
        description=field.description,
        values=field.values,
    )


def role_from_message(number: tracking_pb2.Role.ValueType) -> Role:
    """A role.

    Raises:
        PlayscoreError: FIELD_INVALID for none, ROLE_UNSUPPORTED for one that this release does not rate.
    """
    try:
        return Role(number)
    except ValueError:
        rated = ", ".join(f"ROLE_{role.name}" for role in Role)
        if number == tracking_pb2.ROLE_UNSPECIFIED:
            reason, detail = Reason.FIELD_INVALID, f"role is not stated; this release rates {rated}"
        else:
            known = number in tracking_pb2.Role.values()
            name = tracking_pb2.Role.Name(number) if known else str(number)
            reason, detail = Reason.ROLE_UNSUPPORTED, f"role {name} is not rated by this release; {rated} is"
        raise PlayscoreError(reason, detail, fields=(FieldViolation("role", detail),)) from None


def _subject_from_message(message: tracking_pb2.Subject) -> Subject:
    return Subject(role_from_message(message.role), message.subject_id, message.subject_name, message.team_id)


def _subject_message(subject: Subject) -> tracking_pb2.Subject:
    return tracking_pb2.Subject(
        role=tracking_pb2.Role.ValueType(subject.role.value),
        subject_id=subject.subject_id,
        subject_name=subject.name,
        team_id=subject.team_id,
    )


def _model_message(model: ModelVersion) -> scorer_pb2.ModelVersion:
    return scorer_pb2.ModelVersion(name=model.name, version=model.version)


def _play_from_message(key: tracking_pb2.PlayKey) -> PlayKey:
    return PlayKey(key.league, key.game_id, key.play_id)


def _attributes_from_message(message: tracking_pb2.PassAttributes) -> dict[str, Value]:
    """What is known: neither absent, nor empty, nor unspecified."""
    attributes: dict[str, Value] = {field.name: value for field, value in message.ListFields()}
    if "depth" in attributes:
        if message.depth not in _DEPTHS:
            raise _invalid(f"pass_attributes.depth is {message.depth}, which is none of PassDepth")
        attributes["depth"] = _DEPTHS[message.depth]
    return attributes


def _invalid(detail: str) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, detail)
