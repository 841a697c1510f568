"""The bins of a model's factors: 0 where a factor is not known, else by edges between values."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Places = NDArray[np.intp]

MAX_BINS = 64
"""Of the known values of a factor."""
MAX_PAIR_BINS = 32
"""The same in a term of two factors."""
UNKNOWN = 0
"""The bin of a factor that is not known."""


@dataclass(frozen=True, eq=False)
class Bins:
    """The bins of F factors. Bin 1 + k holds the values from the kth edge on: a value on an edge is above it."""

    edges: tuple[Floats, ...]
    """F rising arrays."""
    coarse: tuple[Places, ...]
    """F arrays: for each bin, the bin in terms of two factors, which may be wider."""

    @classmethod
    def of(cls, statics: Floats, ordered: Sequence[bool]) -> Bins:
        """Bins of about as many rows each, from the values of F factors in statics (N, 2F).

        Values of factors that are not `ordered` are codes: whole numbers, each with a bin of its own.
        """
        factors = len(ordered)
        edges, coarse = [], []
        for place, is_ordered in enumerate(ordered):
            known = statics[statics[:, factors + place] > 0, place].astype(np.float64)
            cut = _edges(known) if is_ordered else _between_codes(known)
            edges.append(cut.astype(np.float32))
            coarse.append(_coarse(known, edges[-1], is_ordered))
        return cls(tuple(edges), tuple(coarse))

    def with_those_of(self, other: Bins, factors: Collection[int]) -> Bins:
        """The same bins, but those of another for these factors."""
        chosen = [other if place in factors else self for place in range(len(self.edges))]
        return Bins(
            tuple(each.edges[place] for place, each in enumerate(chosen)),
            tuple(each.coarse[place] for place, each in enumerate(chosen)),
        )

    @property
    def counts(self) -> tuple[int, ...]:
        """How many bins each factor has, that of unknown values among them."""
        return tuple(len(cut) + 2 for cut in self.edges)

    @property
    def coarse_counts(self) -> tuple[int, ...]:
        """The same in terms of two factors."""
        return tuple(int(bins[-1]) + 1 for bins in self.coarse)

    def places(self, statics: Floats) -> Places:
        """(F, N) the bin of each factor in statics (N, 2F)."""
        factors = len(self.edges)
        found = np.zeros((factors, len(statics)), np.intp)
        for place, cut in enumerate(self.edges):
            known = statics[:, factors + place] > 0
            found[place, known] = 1 + np.searchsorted(cut, statics[known, place], side="right")
        return found

    def coarse_places(self, places: Places) -> Places:
        """(F, N) the bins in terms of two factors, for bins (F, N)."""
        return np.stack([coarse[mine] for coarse, mine in zip(self.coarse, places, strict=True)])


def _edges(known: NDArray[np.float64]) -> NDArray[np.float64]:
    values = np.unique(known)
    if len(values) < 2:
        return np.empty(0)
    if len(values) <= MAX_BINS:
        return (values[1:] + values[:-1]) / 2
    return np.unique(np.quantile(known, np.arange(1, MAX_BINS) / MAX_BINS))


def _between_codes(known: NDArray[np.float64]) -> NDArray[np.float64]:
    if not len(known):
        return np.empty(0)
    return np.arange(known.min(), known.max()) + 0.5


def _coarse(known: NDArray[np.float64], edges: Floats, ordered: bool) -> Places:
    fine = len(edges) + 1
    if not ordered or fine <= MAX_PAIR_BINS:
        return np.arange(fine + 1)
    counts = np.bincount(np.searchsorted(edges, known.astype(np.float32), side="right"), minlength=fine)
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    wide = np.minimum((middle * MAX_PAIR_BINS).astype(np.intp), MAX_PAIR_BINS - 1)
    # Without gaps: a bin with many rows may skip some.
    return np.concatenate([[UNKNOWN], 1 + np.unique(wide, return_inverse=True)[1]])
