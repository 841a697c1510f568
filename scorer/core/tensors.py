"""Tensors off the wire, checked against the release they are meant for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats
from playscore.release import Release
from scorer.core.batching import bucket_length

_FLOAT32 = np.dtype("<f4")


def read_tensor(shape: Sequence[int], frames: bytes, statics: bytes, release: Release) -> tuple[Floats, Floats]:
    """Frames (T, C) and statics (S,) from little-endian float32 bytes, without copying.

    Raises:
        PlayscoreError: TENSOR_SHAPE_INVALID, TOO_LONG or TENSOR_NOT_FINITE.
    """
    columns, static_columns = len(release.features.frame_columns), len(release.features.static_columns)
    if len(shape) != 2 or shape[0] < 1 or shape[1] != columns:
        raise PlayscoreError(
            Reason.TENSOR_SHAPE_INVALID, f"shape is {list(shape)}; it must be [T, {columns}] with at least one frame"
        )
    _check_size("frames", frames, shape[0] * columns, f"{shape[0]} x {columns}")
    _check_size("statics", statics, static_columns, str(static_columns))
    bucket_length(shape[0], release.bucket_lengths)
    read = np.frombuffer(frames, _FLOAT32).reshape(shape[0], columns)
    read_statics = np.frombuffer(statics, _FLOAT32)
    if not np.isfinite(read).all():
        frame, column = np.argwhere(~np.isfinite(read))[0]
        raise PlayscoreError(
            Reason.TENSOR_NOT_FINITE,
            f"frame {frame}, column {release.features.frame_columns[column].name} is {read[frame, column]}; "
            "every value must be finite, with what is unknown masked",
        )
    if not np.isfinite(read_statics).all():
        column = np.flatnonzero(~np.isfinite(read_statics))[0]
        raise PlayscoreError(
            Reason.TENSOR_NOT_FINITE,
            f"static column {release.features.static_columns[column].name} is {read_statics[column]}; "
            "every value must be finite, with what is unknown masked",
        )
    return read, read_statics


def _check_size(name: str, data: bytes, numbers: int, layout: str) -> None:
    if len(data) != _FLOAT32.itemsize * numbers:
        raise PlayscoreError(
            Reason.TENSOR_SHAPE_INVALID,
            f"{name} has {len(data)} bytes; {layout} float32 have {_FLOAT32.itemsize * numbers}",
        )
