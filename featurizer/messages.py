"""What the featurizer answers, as the messages of its contract."""

from __future__ import annotations

import dataclasses
from typing import Any

from featurizer.core.columns import PASSING
from featurizer.core.features import PassAttributes, PassDepth
from featurizer.core.play import Rejection, Tensor
from playscore.errors import PlayscoreError
from playscore.features import Column, FeatureSpecification
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.game import GameHeader
from playscore.game_messages import floats_to_bytes, is_identifier, passer_to_message, rejection_to_message
from playscore.tracking.v1 import tracking_pb2 as tracking


def tensor_to_message(header: GameHeader, tensor: Tensor) -> tracking.PlayTensor:
    """A play of a game that became a tensor."""
    return tracking.PlayTensor(
        key=_key(header, tensor.play_id),
        revision=tensor.revision,
        feature_specification_id=PASSING.id,
        shape=tensor.frames.shape,
        frames=floats_to_bytes(tensor.frames),
        statics=floats_to_bytes(tensor.statics),
        subjects=[passer_to_message(tensor.subject_id, tensor.subject_name, tensor.attributes.team_id)],
        pass_attributes=_attributes_to_message(tensor.attributes),
        interpolated_frames=tensor.interpolated_frames,
        duplicate_samples=tensor.duplicate_samples,
    )


def _attributes_to_message(attributes: PassAttributes) -> tracking.PassAttributes:
    values: dict[str, Any] = {field.name: getattr(attributes, field.name) for field in dataclasses.fields(attributes)}
    depth: PassDepth | None = values.pop("depth")
    return tracking.PassAttributes(depth=tracking.PassDepth.ValueType(depth.value if depth else 0), **values)


def refused_to_message(header: GameHeader, rejection: Rejection) -> tracking.PlayRejection:
    """A play of a game that became none."""
    return rejection_to_message(
        _key(header, rejection.play_id),
        rejection.revision,
        rejection.reason.value,
        rejection.detail,
        [passer_to_message(rejection.subject_id, rejection.subject_name, rejection.team_id)],
    )


def refusal(context: tracking.PlayContext, fault: PlayscoreError) -> Rejection:
    """A play whose messages are wrong in themselves, under a revision that can be recorded: counting starts with 1."""
    passer_id, team_id = context.football.passer_id, context.offense_team_id
    return Rejection(
        play_id=context.play_id,
        revision=max(1, context.revision),
        reason=fault.reason,
        detail=fault.detail,
        subject_id=passer_id if is_identifier(passer_id) else "",
        team_id=team_id if is_identifier(team_id) else "",
    )


def specification_to_message(specification: FeatureSpecification) -> featurizer.FeatureSpecification:
    """What the columns of tensors mean."""
    return featurizer.FeatureSpecification(
        id=specification.id,
        sport=tracking.Sport.ValueType(specification.sport.value),
        frame_rate_hertz=specification.frame_rate_hertz,
        frame_columns=map(_column_to_message, specification.frame_columns),
        static_columns=map(_column_to_message, specification.static_columns),
    )


def _column_to_message(column: Column) -> featurizer.Column:
    return featurizer.Column(name=column.name, unit=column.unit, description=column.description)


def _key(header: GameHeader, play_id: str) -> tracking.PlayKey:
    return tracking.PlayKey(league=header.league, game_id=header.game_id, play_id=play_id)
