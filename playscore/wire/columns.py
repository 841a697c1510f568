"""Columns of numbers as they travel: little-endian IEEE 754 float32, 4 bytes each."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats
from playscore.wire.validation import invalid

_FLOAT32: Final = np.dtype("<f4")
FLOAT_BYTES: Final = _FLOAT32.itemsize
"""Of a number."""


def to_bytes(values: Floats | None) -> bytes:
    """Numbers row by row; none for a column that is not known."""
    return b"" if values is None else values.astype(_FLOAT32, copy=False).tobytes()


def from_bytes(data: bytes, shape: Sequence[int], path: str, reason: Reason) -> Floats:
    """Numbers of a shape, without copying. Raises `reason` where there are not 4 bytes for each."""
    if len(data) != math.prod(shape) * FLOAT_BYTES:
        numbers = " x ".join(map(str, shape))
        raise invalid(
            path, f"must have {FLOAT_BYTES * math.prod(shape)} bytes ({numbers} float32), not {len(data)}", reason
        )
    return np.frombuffer(data, _FLOAT32).reshape(shape)


def finite(values: Floats, path: str, names: Sequence[str]) -> Floats:
    """The numbers, if all are finite. Raises TENSOR_NOT_FINITE with the row and, out of `names`, the column."""
    if np.isfinite(values).all():
        return values
    *row, column = (int(place) for place in np.argwhere(~np.isfinite(values))[0])
    where = f"{path}{row}" if row else path
    raise PlayscoreError(
        Reason.TENSOR_NOT_FINITE,
        f"{where}, column {names[column]} is {values[(*row, column)]}; every value must be finite, with what is unknown"
        " masked",
        fields=invalid(path, "must be finite").fields,
    )
