"""Intervals of figures by bootstrap over games."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Interval = list[float]
"""A figure and the ends of its 95% interval."""
Reweighting = Callable[[Array], Array]
"""From how often each of N plays counts (N,) to its weight (N,)."""

_RESAMPLES = 1_000
_CHANCE_DRAWS = 400
_SEED = 0


class Bootstrap:
    """Resamples of games: the same for all forecasts of the same plays, so that differences have intervals too.

    Games are drawn within their source (the part of their name before the `/`), so that every resample has the same
    number of each. If plays are weighted to known rates, every resample is weighted to them again: what is known is not
    resampled.
    """

    def __init__(self, games: NDArray[np.str_], weighted: Reweighting | NDArray[np.floating] | None = None) -> None:
        """`games` (N,) names the game of each play; `weighted`: weights (N,), or how to weight a resample."""
        names, game_of = np.unique(games, return_inverse=True)
        rng = np.random.default_rng(_SEED)
        draws = np.zeros((_RESAMPLES, len(names)))
        sources = np.asarray([name.rpartition("/")[0].partition("/")[0] for name in names.tolist()])
        for source in np.unique(sources):
            mine = np.flatnonzero(sources == source)
            draws[:, mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=_RESAMPLES)
        once = np.ones(len(games))
        self.games = len(names)
        self.equal = weighted is None
        """Whether all plays weigh the same."""
        self.weights: Array
        """(N,)"""
        self._resampled: Array
        if callable(weighted):
            self.weights = weighted(once)
            self._resampled = np.stack([weighted(draw[game_of]) for draw in draws])
        else:
            self.weights = once if weighted is None else np.asarray(weighted, np.float64)
            self._resampled = draws[:, game_of] * self.weights
        by_game = np.bincount(game_of, self.weights)
        self.effective_games = float(by_game.sum() ** 2 / (by_game**2).sum())
        """The number of games of equal weight that would give as much evidence."""

    def mean(self, values: Array) -> Interval:
        """The weighted mean of N values."""
        resampled = self._resampled @ values / self._resampled.sum(axis=1)
        return [float(np.average(values, weights=self.weights)), *_ends_of(resampled)]

    def ratio(self, values: Array, others: Array) -> Interval:
        """The weighted sum of N values over that of others, minus 1."""
        resampled = (self._resampled @ values) / (self._resampled @ others) - 1
        return [float((self.weights @ values) / (self.weights @ others)) - 1, *_ends_of(resampled)]

    def distances_from_uniform(self, values: Array, parts: Mapping[str, tuple[float, float]]) -> dict[str, Interval]:
        """The Kolmogorov-Smirnov distance of N weighted values from the uniform distribution, in parts of [0, 1]."""
        order = np.argsort(values, kind="stable")
        rising = values[order]
        resampled = np.asarray([_distances(rising, weights[order], parts.values()) for weights in self._resampled])
        found = _distances(rising, self.weights[order], parts.values())
        return {
            name: [distance, *_ends_of(resampled[:, place])]
            for place, (name, distance) in enumerate(zip(parts, found, strict=True))
        }

    def distance_by_chance(self, values: Array) -> float:
        """The distance from uniform that luck alone exceeds in one case of 20.

        For plays of equal weight: the distance of as many uniform values. For weighted plays, whose weights depend on
        their outcomes: the distance between the distribution functions of the resamples and of the sample.
        """
        if self.equal:
            rng, whole = np.random.default_rng(_SEED), [(0.0, 1.0)]
            chance = [
                _distances(np.sort(rng.uniform(size=len(values))), self.weights, whole)[0] for _ in range(_CHANCE_DRAWS)
            ]
        else:
            order = np.argsort(values, kind="stable")
            sampled = _shares(self.weights[order])
            chance = [float(np.abs(_shares(weights[order]) - sampled).max()) for weights in self._resampled]
        return float(np.quantile(chance, 0.95))


def _ends_of(resampled: Array | list[float]) -> list[float]:
    return [float(end) for end in np.quantile(resampled, [0.025, 0.975])]


def _shares(weight: Array) -> Array:
    shares: Array = np.cumsum(weight) / weight.sum()
    return shares


def _distances(rising: Array, weight: Array, parts: Iterable[tuple[float, float]]) -> list[float]:
    """The largest distance of a weighted sample from the uniform distribution, within each of these parts of [0, 1]."""
    upto = _shares(weight)
    before = upto - weight / weight.sum()
    apart = np.maximum(np.abs(upto - rising), np.abs(before - rising))
    found = []
    for low, high in parts:
        ends = [abs(float(weight[rising <= end].sum() / weight.sum()) - end) for end in (low, high)]
        within = apart[(rising >= low) & (rising <= high)]
        found.append(max(*ends, float(within.max(initial=0.0))))
    return found
