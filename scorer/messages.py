"""Messages that all tasks share, to the core's types and back; and what a task must provide for its own messages."""

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
from playscore.wire.distributions import support_from_message, support_to_message
from playscore.wire.validation import check, invalid
from scorer.core.batching import bucket_length
from scorer.core.model import Model
from scorer.core.task import Task
from scorer.core.tensors import Tensor
from servicekit import spans
from servicekit.spans import Span

MAX_SUPPORTS: Final = FIELD_LIMITS["playscore.scorer.v1.GradePassesRequest.supports"].max_items
"""How many supports a caller may state, in a request or on a stream."""


class TaskMessages(Protocol):
    """Reads and writes a task's messages.

    Those to score have a `tensor`, those to grade a `key`, a `revision` and a `traceparent`.
    """

    @property
    def task(self) -> Task[Any, Any, Any, Any]:
        """The task."""
        ...

    def item(self, message: Any, release: Release, path: str) -> Any:
        """A play to score, from a message that passed `check_play` and `check_specification`.

        Raises:
            PlayscoreError: what is wrong with it. `path` leads to the message in the request.
        """
        ...

    def score(self, message: Any, scored: Any, release: Release) -> Any:
        """The answer to a message to score."""
        ...

    def stored(self, message: Any, supports: Supports, path: str) -> Any:
        """A play to grade, from a message that passed `check_play`.

        Raises:
            PlayscoreError: what is wrong with it. `path` leads to the message in the request.
        """
        ...

    def graded(self, message: Any, grade: Any) -> Any:
        """The answer to a message to grade."""
        ...


class Supports:
    """The supports that stored distributions may name: those of the models being served, and those a caller stated."""

    def __init__(self, served: Mapping[str, Support]) -> None:
        self._served = served
        self._stated: dict[str, Support | PlayscoreError] = {}

    def state(self, message: distributions.Support, path: str) -> None:
        """Remember a support.

        Raises:
            PlayscoreError: as `support_from_message`, which `named` will raise again; or FIELD_INVALID if
                `MAX_SUPPORTS` others are remembered.
        """
        support_id = message.support_id
        if support_id not in self._stated and len(self._stated) == MAX_SUPPORTS:
            raise invalid(path, f"must be one of at most {MAX_SUPPORTS} supports that a caller states")
        try:
            self._stated[support_id] = support_from_message(message, path)
        except PlayscoreError as error:
            if is_identifier(support_id):
                self._stated[support_id] = error
            raise

    def named(self, support_id: str, path: str) -> Support:
        """The support with that identifier. `path` leads to the distribution that names it.

        Raises:
            PlayscoreError: DISTRIBUTION_INVALID if it was not stated, or is not valid.
        """
        found = self._stated.get(support_id) or self._served.get(support_id)
        if isinstance(found, Support):
            return found
        if isinstance(found, PlayscoreError):
            raise PlayscoreError(Reason.DISTRIBUTION_INVALID, found.detail, fields=found.fields)
        raise invalid(
            f"{path}.support_id",
            f'must name a support stated by the caller, or of a model being served; "{support_id}" is neither',
            Reason.DISTRIBUTION_INVALID,
        )


def span_of(name: str, play: Any) -> Span:
    """Begins a span of a play, as a part of the trace that `play` names: its tensor, or the message to grade it."""
    span = spans.begin(name, play.traceparent, kind=spans.Kind.SERVER)
    if span:
        span.set(spans.of_play(play.key.league, play.key.game_id, play.key.play_id, play.revision))
    return span


def model_from_message(message: Any) -> ModelVersion | None:
    """The model that a request names; None if it leaves the choice to the service.

    Raises:
        PlayscoreError: FIELD_INVALID.
    """
    if not message.HasField("model"):
        return None
    check(message.model, "model")
    return ModelVersion(message.model.name, message.model.version)


def key_to_message(key: ModelVersion) -> common.ModelVersion:
    """A model's key as a message."""
    return common.ModelVersion(name=key.name, version=key.version)


def check_play(message: Any, path: str) -> None:
    """Refuse a play to score or to grade that breaks the limits of its contract. Its outcome is left to its task.

    Raises:
        PlayscoreError: FIELD_INVALID, or the reason that the contract states.
    """
    check(message, path, leaving=("outcome",))


def check_specification(tensor: featurizer.PlayTensor, release: Release, path: str) -> None:
    """Refuse a tensor of another feature specification than the model was trained on.

    Raises:
        PlayscoreError: FEATURE_SPECIFICATION_MISMATCH.
    """
    made_to, trained_on = tensor.feature_specification_id, release.features.id
    if made_to != trained_on:
        raise PlayscoreError(
            Reason.FEATURE_SPECIFICATION_MISMATCH,
            f'{path} has feature specification "{made_to}"; {release.key} was trained on "{trained_on}"',
            fields=(FieldViolation(f"{path}.feature_specification_id", f'must be "{trained_on}"'),),
        )


def tensor_from_message(message: featurizer.PlayTensor, release: Release, path: str) -> Tensor:
    """A play's tensor, read without copying.

    Raises:
        PlayscoreError: TENSOR_SHAPE_INVALID, TOO_LONG or TENSOR_NOT_FINITE.
    """
    features, shape = release.features, message.shape
    columns = len(features.frame_columns)
    if not columns and list(shape) != [0, 0]:
        raise invalid(
            f"{path}.shape",
            f"must be [0, 0], not {list(shape)}: statics alone describe such a play",
            Reason.TENSOR_SHAPE_INVALID,
        )
    if columns and (len(shape) != 2 or shape[0] < 1 or shape[1] != columns):
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


def chance_to_message(probability: float) -> distributions.Distribution:
    """A chance, as it travels."""
    return distributions.Distribution(bernoulli=distributions.Bernoulli(probability=probability))


def chance_from_message(message: distributions.Distribution, path: str) -> float:
    """The chance that was stored with a play, of a message that passed `check_play`.

    Raises:
        PlayscoreError: DISTRIBUTION_INVALID where the distribution is of another kind.
    """
    if message.WhichOneof("kind") != "bernoulli":
        raise invalid(f"{path}.bernoulli", "must be set: the play is graded by a chance", Reason.DISTRIBUTION_INVALID)
    return message.bernoulli.probability


def rejection_of(error: PlayscoreError, message: Any, task: str = "", *, index: int | None = None) -> common.Rejection:
    """A rejection.

    Args:
        error: why.
        message: what is rejected: a message to score, to grade, or one that names no play.
        task: the name of its task, if known.
        index: its place in the request's list, if it came in one.
    """
    named = getattr(message, "tensor", message)
    return rejection(
        getattr(named, "key", None),
        getattr(named, "revision", 0),
        error.reason.value,
        error.detail,
        getattr(named, "subjects", ()),
        index=index,
        task=task_to_message(task),
    )


def task_to_message(name: str) -> common.Task.ValueType:
    """A task's number in the contract; unspecified if the contract does not have it."""
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
