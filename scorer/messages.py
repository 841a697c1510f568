"""The messages that every task's calls share, as the core's types, and back; and what a task adds for its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Protocol

from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.field_limits import FIELD_LIMITS
from playscore.limits import is_identifier
from playscore.release import ModelVersion, Release, Support
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.wire.columns import finite, from_bytes
from playscore.wire.common import rejection
from playscore.wire.validation import check, invalid
from scorer.core.batching import bucket_length
from scorer.core.model import Model
from scorer.core.task import Task
from scorer.core.tensors import Tensor

MAX_SUPPORTS: Final = FIELD_LIMITS["playscore.scorer.v1.GradePassesRequest.supports"].max_items
"""That a caller may state and have remembered."""


class TaskMessages(Protocol):
    """A task's own messages. Those to score have a `tensor`, those to grade a `key` and a `revision`."""

    @property
    def task(self) -> Task[Any, Any, Any, Any]:
        """What it is the edge of."""
        ...

    def item(self, message: Any, release: Release, path: str) -> Any:
        """An item of the task, from a message that passed `check_play` and is of the release's specification.

        Raises:
            PlayscoreError: what is wrong with it; `path` is the message's.
        """
        ...

    def score(self, message: Any, scored: Any, release: Release) -> Any:
        """The message that answers an item's."""
        ...

    def stored(self, message: Any, supports: Supports, path: str) -> Any:
        """What is to be graded, from a message that passed `check_play`.

        Raises:
            PlayscoreError: what is wrong with it; `path` is the message's.
        """
        ...

    def graded(self, message: Any, grade: Any) -> Any:
        """The message that answers what was to be graded."""
        ...


class Supports:
    """The supports that stored distributions may name: those of models being served, and what a caller stated last."""

    def __init__(self, served: Mapping[str, Support]) -> None:
        self._served = served
        self._stated: dict[str, Support | PlayscoreError] = {}

    def state(self, message: distributions.Support, path: str) -> None:
        """Remember a support.

        Raises:
            PlayscoreError: as `support_from_message`; whoever names the support is told, too.
        """
        stated = self._stated
        stated.pop(message.support_id, None)
        try:
            stated[message.support_id] = support_from_message(message, path)
        except PlayscoreError as error:
            if is_identifier(message.support_id):
                stated[message.support_id] = error
            raise
        finally:
            if len(stated) > MAX_SUPPORTS:
                del stated[next(iter(stated))]

    def named(self, support_id: str, path: str) -> Support:
        """The support of that identifier; `path` is that of the distribution which names it.

        Raises:
            PlayscoreError: DISTRIBUTION_INVALID, nobody stated it, or what was stated is none.
        """
        found = self._stated.get(support_id) or self._served.get(support_id)
        if isinstance(found, Support):
            return found
        if isinstance(found, PlayscoreError):
            raise PlayscoreError(Reason.DISTRIBUTION_INVALID, found.detail, fields=found.fields)
        raise invalid(
            f"{path}.support_id",
            f'must name a support that was stated, or that of a model being served; "{support_id}" is neither',
            Reason.DISTRIBUTION_INVALID,
        )


def support_from_message(message: distributions.Support, path: str) -> Support:
    """A support as a caller states it.

    Raises:
        PlayscoreError: FIELD_INVALID, or DISTRIBUTION_INVALID where it is none or not the one that it is named.
    """
    check(message, path)
    support = Support(
        edges_yards=tuple(message.edges_yards),
        lower_tail_probability=message.lower_tail_probability,
        upper_tail_probability=message.upper_tail_probability,
    )
    try:
        support.check()
    except PlayscoreError as error:
        raise PlayscoreError(error.reason, f"{path}.{error.detail}") from error
    if message.support_id != support.id:
        raise invalid(
            f"{path}.support_id",
            f'must be "{support.id}", the digest of edges and tails, not "{message.support_id}"',
            Reason.DISTRIBUTION_INVALID,
        )
    return support


def support_to_message(support: Support) -> distributions.Support:
    """A support as it travels."""
    return distributions.Support(
        support_id=support.id,
        edges_yards=support.edges_yards,
        lower_tail_probability=support.lower_tail_probability,
        upper_tail_probability=support.upper_tail_probability,
    )


def model_from_message(message: Any) -> ModelVersion | None:
    """The model that a request names; None where it leaves the choice to the service.

    Raises:
        PlayscoreError: FIELD_INVALID.
    """
    if not message.HasField("model"):
        return None
    check(message.model, "model")
    return ModelVersion(message.model.name, message.model.version)


def key_to_message(key: ModelVersion) -> common.ModelVersion:
    """Which model, as it travels."""
    return common.ModelVersion(name=key.name, version=key.version)


def check_play(message: Any, path: str) -> None:
    """Refuse a play to score or to grade beyond its stated limits; its outcome is checked by the task that reads it.

    Raises:
        PlayscoreError: mostly FIELD_INVALID.
    """
    check(message, path, leaving=("outcome",))


def check_specification(tensor: featurizer.PlayTensor, release: Release, path: str) -> None:
    """Refuse a tensor that is made to another feature specification than the model's.

    Raises:
        PlayscoreError: FEATURE_SPECIFICATION_MISMATCH.
    """
    made_to, trained_on = tensor.feature_specification_id, release.features.id
    if made_to != trained_on:
        raise PlayscoreError(
            Reason.FEATURE_SPECIFICATION_MISMATCH,
            f'{path} is made to feature specification "{made_to}"; {release.key} was trained on "{trained_on}"',
            fields=(FieldViolation(f"{path}.feature_specification_id", f'must be "{trained_on}"'),),
        )


def tensor_from_message(message: featurizer.PlayTensor, release: Release, path: str) -> Tensor:
    """A tensor of the release's shape, its numbers read in place.

    Raises:
        PlayscoreError: TENSOR_SHAPE_INVALID, TOO_LONG or TENSOR_NOT_FINITE.
    """
    features, shape = release.features, message.shape
    columns = len(features.frame_columns)
    if len(shape) != 2 or shape[0] < 1 or shape[1] != columns:
        raise invalid(
            f"{path}.shape",
            f"must be [T, {columns}] with at least one frame, not {list(shape)}",
            Reason.TENSOR_SHAPE_INVALID,
        )
    frames = from_bytes(message.frames, tuple(shape), f"{path}.frames", Reason.TENSOR_SHAPE_INVALID)
    statics = from_bytes(
        message.statics, (len(features.static_columns),), f"{path}.statics", Reason.TENSOR_SHAPE_INVALID
    )
    bucket_length(len(frames), release.bucket_lengths)
    return Tensor(
        finite(frames, f"{path}.frames", features.frame_names),
        finite(statics, f"{path}.statics", features.static_names),
    )


def rejection_of(error: PlayscoreError, message: Any, task: str = "", *, index: int | None = None) -> common.Rejection:
    """Why something was refused.

    Args:
        error: the reason.
        message: what was refused. A play to score is named by its tensor, one to grade by itself, anything else not.
        task: name of the task that it is for, if known.
        index: its place in the request's list, if it came in one.
    """
    named = getattr(message, "tensor", message)
    key, revision = getattr(named, "key", common.PlayKey()), getattr(named, "revision", 0)
    subjects = getattr(named, "subjects", ())
    made = rejection(key, revision, error.reason.value, error.detail, subjects, index=index)
    made.task = task_to_message(task)
    if made.key == common.PlayKey():
        made.ClearField("key")
    return made


def task_to_message(name: str) -> common.Task.ValueType:
    """A task's number in the contract; unspecified for one that the contract does not have."""
    return dict(common.Task.items()).get(f"TASK_{name.upper()}", common.TASK_UNSPECIFIED)


def model_to_message(model: Model[Any, Any], *, ready: bool, is_default: bool) -> messages.Model:
    """A model as it is listed."""
    release = model.release
    return messages.Model(
        model=key_to_message(release.key),
        task=task_to_message(release.task),
        feature_specification_id=release.features.id,
        graph_sha256=release.graph_sha256,
        ready=ready,
        is_default=is_default,
        bucket_lengths=release.bucket_lengths,
        outputs=[messages.TensorDescription(name=output.name, shape=output.shape) for output in release.outputs],
        support=None if release.support is None else support_to_message(release.support),
    )
