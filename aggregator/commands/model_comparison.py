"""How the ratings of one model differ from those of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rated:
    """A subject's rating by one model."""

    subject_id: str
    name: str
    plays: int
    value: float
    """What the role is ranked by; more is better."""
    rank: int
    """0 where the subject does not qualify."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A subject rated by both models."""

    first: Rated
    second: Rated

    @property
    def difference(self) -> float:
        """The second value minus the first."""
        return self.second.value - self.first.value


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ratings by two models, of the subjects who qualify by both."""

    moved: Sequence[Moved]
    """Sorted by absolute difference, the largest first."""
    only_first: Sequence[str]
    """Identifiers of subjects who qualify by the first model only."""
    only_second: Sequence[str]
    rank_correlation: float | None
    """Spearman's: of the ranks by value, ties sharing their mean rank. None where either model gives one value only."""

    @property
    def mean_difference(self) -> float | None:
        """The mean absolute difference of the values; None if no subject is rated by both."""
        return float(np.mean([abs(each.difference) for each in self.moved])) if self.moved else None

    @property
    def largest_difference(self) -> float | None:
        """The largest absolute difference of the values; None if no subject is rated by both."""
        return max((abs(each.difference) for each in self.moved), default=None)


def compare(first: Iterable[Rated], second: Iterable[Rated]) -> Comparison:
    """Compares the subjects who qualify by both models."""
    one, other = _qualified(first), _qualified(second)
    moved = [Moved(one[subject_id], other[subject_id]) for subject_id in one if subject_id in other]
    moved.sort(key=lambda each: (-abs(each.difference), each.first.subject_id))
    return Comparison(
        moved=moved,
        only_first=[subject_id for subject_id in one if subject_id not in other],
        only_second=[subject_id for subject_id in other if subject_id not in one],
        rank_correlation=_rank_correlation(
            np.array([each.first.value for each in moved]), np.array([each.second.value for each in moved])
        ),
    )


def _qualified(ratings: Iterable[Rated]) -> Mapping[str, Rated]:
    return {rated.subject_id: rated for rated in ratings if rated.rank}


def _rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    if len(np.unique(first)) < 2 or len(np.unique(second)) < 2:
        return None
    return float(np.corrcoef(_ranks(first), _ranks(second))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean ranks."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    means: NDArray[np.float64] = (last - (count - 1) / 2)[place]
    return means
