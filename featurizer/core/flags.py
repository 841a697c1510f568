"""Values that may not be known, each beside a flag that says whether it is."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from playscore.features import Column
from playscore.game import Floats

KNOWN = "known"
"""Of the column beside each value's: 1 where the value is known, 0 where it is not, and then the value is 0."""


def with_flags(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns, then one for the flag of each."""
    return (
        *columns,
        *(Column(f"{column.name}.{KNOWN}", "1", f"1 where {column.name} is known, else 0.") for column in columns),
    )


def flagged(values: Iterable[float | None]) -> Floats:
    """(2C,) the values, 0 where one is None or not finite, then a flag for each that is known."""
    row = np.array([math.nan if value is None else value for value in values])
    known = np.isfinite(row)
    return np.concatenate([np.where(known, row, 0.0), known]).astype(np.float32)
