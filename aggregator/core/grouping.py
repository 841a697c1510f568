"""Rows of a table put into groups: by subject, by team and season, by any combination."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from aggregator.core.columns import Codes, Column, Selection
from aggregator.core.records import Value

GroupValues: TypeAlias = tuple[Value | None, ...]
"""One value for each column that is grouped by; None is unknown."""

_MAX_CELLS: Final = 1 << 20
"""Combinations of values that are counted in one array; more are sorted."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """R rows in G groups, some of which may be empty."""

    codes: Codes
    """(R,) each row's group."""
    values: Sequence[GroupValues]
    """(G) what each group has in common."""


def group(columns: Sequence[Column], selection: Selection) -> Groups:
    """Selected rows by the values of columns."""
    parts = [column.coded(selection) for column in columns]
    if len(parts) == 1:
        ((codes, values),) = parts
        return Groups(codes, [(value,) for value in values])
    sizes = [len(values) for _, values in parts]
    combined = parts[0][0]
    for (codes, _), size in zip(parts[1:], sizes[1:], strict=True):
        combined = combined * size + codes
    if math.prod(sizes) <= _MAX_CELLS:
        present = np.flatnonzero(np.bincount(combined, minlength=math.prod(sizes)))
        places = np.zeros(math.prod(sizes), dtype=np.intp)
        places[present] = np.arange(len(present))
        codes = places[combined]
    else:
        present, codes = np.unique(combined, return_inverse=True)
    apart = np.unravel_index(present, sizes)
    common = [[values[code] for code in part.tolist()] for part, (_, values) in zip(apart, parts, strict=True)]
    return Groups(codes, list(zip(*common, strict=True)))
