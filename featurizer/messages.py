"""What the featurizer answers, as the messages of its contract."""

from __future__ import annotations

from typing import Any

from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.progress import Progress
from featurizer.core.task import Task
from featurizer.faceoffs import messages as faceoffs
from featurizer.passing import messages as passing
from featurizer.shots import messages as shots
from playscore.common.v1 import common_pb2 as common
from playscore.faceoffs import FaceoffAttributes
from playscore.features import Column
from playscore.featurizer.v1 import featurizer_pb2 as messages
from playscore.feed.v1 import feed_pb2 as feed
from playscore.game import GameHeader
from playscore.passing import PassAttributes
from playscore.shots import ShotAttributes
from playscore.subjects import Subject
from playscore.wire import faceoffs as faceoffs_wire
from playscore.wire import shots as shots_wire
from playscore.wire.columns import to_bytes
from playscore.wire.common import number, play_key, rejection, subject_to_message
from playscore.wire.passing import attributes_to_message


def tensor_to_message(header: GameHeader, tensor: Tensor) -> messages.PlayTensor:
    """A play of a game that became a tensor."""
    return messages.PlayTensor(
        key=play_key(header, tensor.play_id),
        revision=tensor.revision,
        feature_specification_id=tensor.specification_id,
        shape=tensor.frames.shape,
        frames=to_bytes(tensor.frames),
        statics=to_bytes(tensor.statics),
        subjects=map(subject_to_message, tensor.subjects),
        interpolated_frames=tensor.interpolated_frames,
        duplicate_samples=tensor.duplicate_samples,
        **_attributes(tensor.attributes),
    )


def _attributes(attributes: object) -> dict[str, Any]:
    match attributes:
        case PassAttributes():
            return {"pass_attributes": attributes_to_message(attributes)}
        case ShotAttributes():
            return {"shot_attributes": shots_wire.attributes_to_message(attributes)}
        case FaceoffAttributes():
            return {"faceoff_attributes": faceoffs_wire.attributes_to_message(attributes)}
        case _:
            return {}


def rejection_to_message(header: GameHeader, rejected: Rejection) -> common.Rejection:
    """A play of a game that was rejected."""
    message = rejection(
        play_key(header, rejected.play_id),
        rejected.revision,
        rejected.reason.value,
        rejected.detail,
        map(subject_to_message, rejected.subjects),
    )
    message.task = common.Task.ValueType(rejected.task)
    return message


def progress_to_message(progress: Progress, resume_token: str) -> messages.StreamPlaysResponse:
    """How far a game has got."""
    checkpoint = messages.Checkpoint(
        resume_token=messages.ResumeToken(value=resume_token),
        last_play_id=progress.last_play_id,
        plays_finished=progress.plays_finished,
        tensors=progress.tensors,
        rejections=progress.rejections,
        frames_dropped=progress.frames_dropped,
        contexts_ignored=progress.contexts_ignored,
    )
    return messages.StreamPlaysResponse(checkpoint=checkpoint)


def outcome_to_message(header: GameHeader, outcome: Tensor | Rejection) -> messages.StreamPlaysResponse:
    """What became of a play."""
    match outcome:
        case Tensor():
            return messages.StreamPlaysResponse(tensor=tensor_to_message(header, outcome))
        case Rejection():
            return messages.StreamPlaysResponse(rejection=rejection_to_message(header, outcome))


def specification_to_message(task: Task) -> messages.FeatureSpecification:
    """What the columns of a task's tensors mean."""
    specification = task.specification
    return messages.FeatureSpecification(
        id=specification.id,
        task=common.Task.ValueType(task.number),
        sport=number(specification.sport),
        frame_rate_hertz=specification.frame_rate_hertz,
        frame_columns=map(_column_to_message, specification.frame_columns),
        static_columns=map(_column_to_message, specification.static_columns),
    )


def _column_to_message(column: Column) -> messages.Column:
    return messages.Column(name=column.name, unit=column.unit, description=column.description)


def refused_play(context: feed.PlayContext) -> tuple[tuple[Subject, ...], int]:
    """Whose play it is and the number of its task, by a context that may be wrong in itself."""
    match context.WhichOneof("situation"):
        case "shot":
            return shots.subjects_in(context), common.TASK_SHOTS
        case "faceoff":
            return faceoffs.subjects_in(context), common.TASK_FACEOFFS
        case _:
            return passing.subjects_in(context), common.TASK_PASSING
