"""Correlations over passers' seasons, and their intervals by bootstrap: shared by the simulated and the real league.

A resample is a row of weights that says how often each passer's season counts. The first row counts everyone once.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Figure = list[float]
"""A value and the ends of its 95% interval."""

_LEAST = 1e-300
_Number = TypeVar("_Number", float, Array)


def resampled(rng: np.random.Generator, clusters: NDArray[Any], number: int) -> Array:
    """(B + 1, P) how often each of P items counts: first each once, then in B = `number` resamples.

    `clusters` (P,) names what is drawn. Items of the same cluster are drawn together.
    """
    names, cluster_of = np.unique(clusters, return_inverse=True)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=number)
    return np.concatenate([np.ones((1, len(clusters))), np.take(drawn, cluster_of, axis=1)])


def correlations(x: Array, y: Array, weights: Array) -> Array:
    """(B,) Pearson correlations of (..., P) with (..., P) for each of the weights (B, P), averaged over other axes."""
    together, of_x, of_y = _moments(x, y, weights)
    found: Array = (together / np.sqrt(np.maximum(of_x * of_y, _LEAST))).mean(axis=1)
    return found


def shared_deviations(x: Array, y: Array, weights: Array) -> Array:
    """(B,) the square root of the covariance of (..., P) with (..., P), which is averaged over other axes.

    If x and y are measured on different games, this is the standard deviation of what they have in common. It is 0 if
    they have nothing in common.
    """
    together, _, _ = _moments(x, y, weights)
    deviations: Array = np.sqrt(np.maximum(together.mean(axis=1), 0))
    return deviations


def _moments(x: Array, y: Array, weights: Array) -> tuple[Array, Array, Array]:
    """The covariances and both variances, each (B, R), for R pairs of rows."""
    x, y = np.broadcast_arrays(np.atleast_2d(x), np.atleast_2d(y))
    x, y = x - x.mean(axis=1, keepdims=True), y - y.mean(axis=1, keepdims=True)
    shares = weights / weights.sum(axis=1, keepdims=True)
    mean_x, mean_y = shares @ x.T, shares @ y.T
    return shares @ (x * y).T - mean_x * mean_y, shares @ (x * x).T - mean_x**2, shares @ (y * y).T - mean_y**2


def lengthened(reliability: _Number, times: float = 2.0) -> _Number:
    """The reliability of a measure of this many times as many plays, by the Spearman-Brown formula. Any shape."""
    return times * reliability / (1 + (times - 1) * reliability)


def figure(values: Array) -> Figure:
    """[value, lower, upper] of an estimate and its resamples (B + 1,)."""
    return [float(values[0]), *(float(end) for end in np.quantile(values[1:], [0.025, 0.975]))]


def compared(found: Mapping[str, Array], reference: str) -> dict[str, Any]:
    """Each measure, and how much higher the reference is, resample by resample."""
    return {
        "measures": {name: figure(values) for name, values in found.items()},
        f"{reference}_less": {
            name: figure(found[reference] - values) for name, values in found.items() if name != reference
        },
    }


def split(rng: np.random.Generator, owner: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N,) a random half of each owner's items: true for one half, false for the other. `owner` (N,) says whose."""
    order = np.lexsort((rng.random(len(owner)), owner))
    first = np.searchsorted(owner[order], owner[order])
    chosen = np.empty(len(owner), bool)
    chosen[order] = (np.arange(len(owner)) - first) % 2 == 0
    return chosen


def of_halves(one: Mapping[str, Array], other: Mapping[str, Array], weights: Array, reference: str) -> dict[str, Any]:
    """What measures of two halves, each (..., P), say about the whole.

    The reliability of each measure, which is the correlation of the halves by the Spearman-Brown formula, compared with
    that of the reference; and the standard deviation, in the measure's unit, of what the halves have in common.
    """
    return {
        **compared({name: lengthened(correlations(one[name], other[name], weights)) for name in one}, reference),
        "deviations": {name: figure(shared_deviations(one[name], other[name], weights)) for name in one},
    }


def difference(one: Figure, other: Figure) -> Figure:
    """One independent figure minus another. Its interval follows from theirs by the method of Zou and Donner (2008)."""
    apart = one[0] - other[0]
    return [
        apart,
        apart - math.hypot(one[0] - one[1], other[2] - other[0]),
        apart + math.hypot(one[2] - one[0], other[0] - other[1]),
    ]


def ratio(one: Figure, other: Figure) -> Figure:
    """One independent figure divided by another: the difference of their logarithms, turned back.

    Neither may be negative. Where one is 0, the ratio is unknown: NaN, with an interval that excludes nothing.
    """
    if not one[0] > 0 < other[0]:
        return [math.nan, 0.0, math.inf]
    logs = ([math.log(value) if value > 0 else -math.inf for value in of] for of in (one, other))
    return [math.exp(value) for value in difference(*logs)]
