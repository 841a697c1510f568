"""How good chances of yes or no are: figures with intervals by bootstrap over games."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Truths = NDArray[np.bool_]
Interval = list[float]
"""A figure and the ends of its 95% interval."""

RESAMPLES = 500
_SEED = 0
_LEAST = 1e-9
_NORMAL = 1.959964


def log_losses(chances: Array, truths: Truths | Array) -> Array:
    """(N,) the negative log likelihood of each; of truths that are chances themselves, its mean over draws."""
    held = np.clip(chances, _LEAST, 1.0 - _LEAST)
    return np.asarray(-(truths * np.log(held) + (1.0 - truths) * np.log1p(-held)), np.float64)


def brier_scores(chances: Array, truths: Truths) -> Array:
    """(N,) the squared errors."""
    return (chances - truths) ** 2


class GameResamples:
    """Resamples of games: the same for all forecasts of the same rows, so that differences have intervals too."""

    def __init__(self, games: NDArray[np.str_], resamples: int = RESAMPLES) -> None:
        """`games` (N,) names the game of each row."""
        names, self._game_of = np.unique(games, return_inverse=True)
        self.games = len(names)
        rng = np.random.default_rng(_SEED)
        self._draws = rng.multinomial(self.games, np.full(self.games, 1 / self.games), size=resamples).astype(float)

    def mean(self, values: Array) -> Interval:
        """The mean of N values."""
        return self.ratio(values, np.ones(len(values)))

    def ratio(self, values: Array, others: Array) -> Interval:
        """The sum of N values over that of others."""
        sums, totals = (np.bincount(self._game_of, each, self.games) for each in (values, others))
        below = self._draws @ totals
        resampled = (self._draws @ sums)[below != 0] / below[below != 0]
        return [float(values.sum() / others.sum()), *_ends_of(resampled)]

    def auc(self, chances: Array, truths: Truths) -> tuple[float, Array]:
        """The area under the ROC curve, and that of each resample (NaN where one has no goals)."""
        order = np.argsort(chances, kind="stable")
        starts = np.flatnonzero(np.diff(chances[order], prepend=-np.inf) > 0)
        truth, game_of = truths[order].astype(float), self._game_of[order]
        whole = _area(truth, np.ones(len(truth)), starts)
        return whole, np.asarray([_area(truth, draw[game_of], starts) for draw in self._draws])


def interval(found: tuple[float, Array]) -> Interval:
    """A figure and its resamples as a figure with its interval."""
    value, resampled = found
    known = resampled[~np.isnan(resampled)]
    return [value, *(_ends_of(known) if len(known) else [math.nan, math.nan])]


def difference(found: tuple[float, Array], other: tuple[float, Array]) -> Interval:
    """One figure less another one of the same rows."""
    return interval((found[0] - other[0], found[1] - other[1]))


def wilson(successes: float, trials: float) -> Interval:
    """A share of independent trials and its interval."""
    if trials == 0:
        return [math.nan, 0.0, 1.0]
    share, z = successes / trials, _NORMAL**2 / trials
    middle = (share + z / 2) / (1 + z)
    half = _NORMAL / (1 + z) * math.sqrt(share * (1 - share) / trials + z / (4 * trials))
    return [share, min(max(middle - half, 0.0), share), max(min(middle + half, 1.0), share)]


def _area(truth: Array, weight: Array, starts: NDArray[np.intp]) -> float:
    """Of rows by rising chance; rows of one chance begin at each of `starts`."""
    yes, no = np.add.reduceat(weight * truth, starts), np.add.reduceat(weight * (1.0 - truth), starts)
    below = np.cumsum(no) - no / 2.0
    whole = yes.sum() * no.sum()
    return float((yes * below).sum() / whole) if whole > 0 else math.nan


def _ends_of(resampled: Array | Sequence[float]) -> list[float]:
    return [float(end) for end in np.quantile(resampled, [0.025, 0.975])]
