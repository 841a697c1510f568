"""The contract's messages as the core's types, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from aggregator.core.board import Coverage, Rating
from aggregator.core.fields import PASSING, Field, FieldType
from aggregator.core.records import (
    ModelVersion,
    PlayKey,
    Role,
    Score,
    Unscored,
    Value,
    check_id,
    check_score,
    check_unscored,
)
from aggregator.core.store import Write, Written
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


def write_from_message(
    request: aggregator_pb2.RecordScoresRequest,
) -> tuple[Write, list[aggregator_pb2.RejectedRecord]]:
    """What a request asks to be written, and its items that cannot be.

    Raises:
        PlayscoreError: FIELD_INVALID for a request that is wrong as a whole.
    """
    check_id("request_id", request.request_id)
    items = len(request.records) + len(request.unscored)
    if items > MOST_ITEMS:
        detail = f"{items} items in one request; at most {MOST_ITEMS} may be, so split them"
        raise PlayscoreError(Reason.FIELD_INVALID, detail, fields=(FieldViolation("records", detail),))
    rejections: list[aggregator_pb2.RejectedRecord] = []

    def accepted(messages: Iterable[_Message], read: Callable[[_Message], _Item], in_unscored: bool) -> Iterator[_Item]:
        for index, message in enumerate(messages):
            try:
                yield read(message)
            except PlayscoreError as error:
                rejections.append(
                    aggregator_pb2.RejectedRecord(
                        index=index,
                        in_unscored=in_unscored,
                        reason=reason_pb2.Reason.ValueType(error.reason.value),
                        detail=error.detail,
                    )
                )

    write = Write(
        request_id=request.request_id,
        digest=hashlib.sha256(request.SerializeToString(deterministic=True)).digest(),
        scores=list(accepted(request.records, score_from_message, in_unscored=False)),
        unscored=list(accepted(request.unscored, unscored_from_message, in_unscored=True)),
    )
    return write, rejections


def written_message(
    written: Written, rejections: Iterable[aggregator_pb2.RejectedRecord], token: str
) -> aggregator_pb2.RecordScoresResponse:
    """The answer to a request that was written."""
    return aggregator_pb2.RecordScoresResponse(
        inserted=written.inserted,
        replaced=written.replaced,
        unchanged=written.unchanged,
        stale=written.stale,
        rejections=rejections,
        revision_token=token,
    )


def score_from_message(message: aggregator_pb2.ScoreRecord) -> Score:
    """A score to write.

    Raises:
        PlayscoreError: FIELD_INVALID, SCORE_OUT_OF_RANGE, YARDS_OUT_OF_RANGE or NOT_IMPLEMENTED.
    """
    role = role_from_message(message.role)
    if role is not Role.PASSER:
        raise PlayscoreError(Reason.NOT_IMPLEMENTED, f"scores of role {role.name.lower()} are not kept by this release")
    if message.model.name != PASSING.model:
        raise _invalid(f'model.name is "{message.model.name}"; passers are rated by "{PASSING.model}"')
    if message.WhichOneof("measure") != "pass":
        raise _invalid("measure is not a pass measure, which role passer needs")
    if message.WhichOneof("attributes") == "shot_attributes":
        raise _invalid("attributes are a shot's; role passer needs pass_attributes")
    measure: aggregator_pb2.PassMeasure = getattr(message, "pass")  # the field's name is a keyword of Python
    score = Score(
        play=_play_from_message(message.key),
        subject_id=message.subject_id,
        role=role,
        model=ModelVersion(message.model.name, message.model.version),
        revision=message.revision,
        subject_name=message.subject_name,
        measures={name: getattr(measure, name) for name in PASSING.measures},
        attributes=_attributes_from_message(message.pass_attributes),
    )
    check_score(score)
    return score


def score_message(score: Score) -> aggregator_pb2.ScoreRecord:
    """A score as it was recorded."""
    attributes = tracking_pb2.PassAttributes()
    for name, value in score.attributes.items():
        setattr(attributes, name, _DEPTH_NUMBERS[str(value)] if name == "depth" else value)
    message = aggregator_pb2.ScoreRecord(
        key=tracking_pb2.PlayKey(league=score.play.league, game_id=score.play.game_id, play_id=score.play.play_id),
        subject_id=score.subject_id,
        subject_name=score.subject_name,
        role=role_message(score.role),
        model=model_message(score.model),
        revision=score.revision,
        pass_attributes=attributes,
    )
    getattr(message, "pass").MergeFrom(aggregator_pb2.PassMeasure(**score.measures))
    return message


def unscored_from_message(message: tracking_pb2.PlayRejection) -> Unscored:
    """A play that was not scored.

    Raises:
        PlayscoreError: FIELD_INVALID.
    """
    try:
        reason = Reason(message.reason)
    except ValueError:
        raise _invalid(f"reason is {message.reason}, which is none of playscore.tracking.v1.Reason") from None
    unscored = Unscored(
        play=_play_from_message(message.key),
        revision=message.revision,
        reason=reason,
        detail=message.detail,
        subject_id=message.subject_id,
        team_id=message.team_id,
    )
    check_unscored(unscored)
    return unscored


def rating_message(rating: Rating) -> aggregator_pb2.Rating:
    """A rating."""
    return aggregator_pb2.Rating(
        subject_id=rating.subject_id,
        subject_name=rating.subject_name,
        team_id=rating.team_id,
        role=role_message(rating.role),
        model=model_message(rating.model),
        plays=rating.plays,
        rating=rating.rating,
        rating_low=rating.rating_low,
        rating_high=rating.rating_high,
        mean_play_score=rating.mean_play_score,
        yards_per_play=rating.yards_per_play,
        expected_yards_per_play=rating.expected_yards_per_play,
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
            aggregator_pb2.ReasonCount(reason=reason_pb2.Reason.ValueType(reason.value), plays=plays)
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


def role_from_message(role: aggregator_pb2.Role.ValueType) -> Role:
    """A role. FIELD_INVALID for one unspecified or not known."""
    try:
        return Role(role)
    except ValueError:
        known = ", ".join(aggregator_pb2.Role.keys()[1:])
        detail = f"role is {role}; it must be one of {known}"
        raise PlayscoreError(Reason.FIELD_INVALID, detail, fields=(FieldViolation("role", detail),)) from None


def role_message(role: Role) -> aggregator_pb2.Role.ValueType:
    """A role."""
    return aggregator_pb2.Role.ValueType(role.value)


def model_message(model: ModelVersion) -> scorer_pb2.ModelVersion:
    """A released model."""
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
