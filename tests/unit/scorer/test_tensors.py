"""Tensors that do not fit the release are refused, naming what would be right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2
from playscore.release import Release
from scorer.messages import tensor_from_message
from tests.hockey import release_shots, shot_to_score
from tests.releases import pass_to_score


@pytest.fixture
def tensor(passing_release: Release) -> featurizer_pb2.PlayTensor:
    return pass_to_score(passing_release).tensor


def refusal(tensor: featurizer_pb2.PlayTensor, release: Release) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as refused:
        tensor_from_message(tensor, release, "tensor")
    return refused.value


def with_number(data: bytes, place: int, number: float) -> bytes:
    numbers = np.frombuffer(data, "<f4").copy()
    numbers[place] = number
    return numbers.tobytes()


def test_a_tensor_is_read_as_it_was_written(tensor: featurizer_pb2.PlayTensor, passing_release: Release) -> None:
    read = tensor_from_message(tensor, passing_release, "tensor")
    assert read.frames.shape == tuple(tensor.shape)
    assert read.frames.astype("<f4").tobytes() == tensor.frames
    assert read.statics.astype("<f4").tobytes() == tensor.statics


@pytest.mark.parametrize("shape", [[], [30], [0, 233], [-1, 233], [30, 232], [30, 233, 1]])
def test_a_shape_that_is_not_frames_by_columns_is_refused(
    shape: list[int], tensor: featurizer_pb2.PlayTensor, passing_release: Release
) -> None:
    tensor.shape[:] = shape
    error = refusal(tensor, passing_release)
    assert error.reason is Reason.TENSOR_SHAPE_INVALID
    assert f"[T, {len(passing_release.features.frame_columns)}]" in error.detail


def test_too_few_bytes_for_the_shape_are_refused(tensor: featurizer_pb2.PlayTensor, passing_release: Release) -> None:
    whole = len(tensor.frames)
    tensor.frames = tensor.frames[:4]
    error = refusal(tensor, passing_release)
    assert error.reason is Reason.TENSOR_SHAPE_INVALID
    assert error.detail.startswith("tensor.frames must have")
    assert error.detail.endswith("not 4")
    assert str(whole) in error.detail


def test_double_precision_is_refused_as_a_wrong_count_of_bytes(
    tensor: featurizer_pb2.PlayTensor, passing_release: Release
) -> None:
    tensor.statics = np.frombuffer(tensor.statics, "<f4").astype("<f8").tobytes()
    error = refusal(tensor, passing_release)
    assert error.reason is Reason.TENSOR_SHAPE_INVALID
    assert error.detail.startswith("tensor.statics must have")


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_refused_naming_its_column(
    number: float, tensor: featurizer_pb2.PlayTensor, passing_release: Release
) -> None:
    columns = [column.name for column in passing_release.features.frame_columns]
    tensor.frames = with_number(tensor.frames, 3 * len(columns) + 7, number)
    error = refusal(tensor, passing_release)
    assert error.reason is Reason.TENSOR_NOT_FINITE
    assert f"tensor.frames[3], column {columns[7]}" in error.detail


def test_a_static_number_that_is_not_finite_is_refused_naming_its_column(
    tensor: featurizer_pb2.PlayTensor, passing_release: Release
) -> None:
    tensor.statics = with_number(tensor.statics, 2, np.nan)
    error = refusal(tensor, passing_release)
    assert error.reason is Reason.TENSOR_NOT_FINITE
    assert passing_release.features.static_columns[2].name in error.detail


def test_a_play_longer_than_the_longest_bucket_is_too_long(passing_release: Release) -> None:
    tensor = pass_to_score(passing_release, frames=passing_release.bucket_lengths[-1] + 1).tensor
    assert refusal(tensor, passing_release).reason is Reason.TOO_LONG


# --- Plays that statics alone describe ---


def test_a_play_without_frames_is_read_as_it_was_written(tmp_path: Path) -> None:
    release = release_shots(tmp_path)
    tensor = shot_to_score(release, values={"screens": 2.0}).tensor
    read = tensor_from_message(tensor, release, "tensor")
    assert len(read) == 0
    assert read.statics.astype("<f4").tobytes() == tensor.statics


@pytest.mark.parametrize("shape", [[], [0], [1, 0], [0, 233], [30, 233], [0, 0, 0]])
def test_a_shape_of_frames_is_refused_where_the_model_takes_none(shape: list[int], tmp_path: Path) -> None:
    release = release_shots(tmp_path)
    tensor = shot_to_score(release).tensor
    tensor.shape[:] = shape
    error = refusal(tensor, release)
    assert error.reason is Reason.TENSOR_SHAPE_INVALID
    assert "must be [0, 0]" in error.detail


def test_frames_are_refused_where_the_model_takes_none(tmp_path: Path) -> None:
    release = release_shots(tmp_path)
    tensor = shot_to_score(release).tensor
    tensor.frames = bytes(4)
    assert refusal(tensor, release).detail.startswith("tensor.frames must have 0 bytes")


def test_a_factor_that_is_not_finite_is_refused_by_its_name(tmp_path: Path) -> None:
    release = release_shots(tmp_path)
    tensor = shot_to_score(release).tensor
    tensor.statics = with_number(tensor.statics, 22, np.nan)
    error = refusal(tensor, release)
    assert error.reason is Reason.TENSOR_NOT_FINITE
    assert release.factors[22].name in error.detail
