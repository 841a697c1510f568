"""Distributions to test with, and quadrature to test them against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from playscore.distributions import SplicedBinnedPareto

Array = NDArray[np.float64]
SHAPES = (-2.0, -1.0, -0.5, -1e-4, -1e-12, 0.0, 1e-12, 1e-4, 0.3, 0.9, 1.0, 1.5, 3.0)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(24)
DEPTH = 40
"""Quadrature ends where a tail's survival function is 1e-40."""


@st.composite
def distributions(draw: st.DrawFn, heaviest: float = 3.0) -> SplicedBinnedPareto:
    """One distribution: 1 to 12 bins of any widths, some of them empty, and tails of at most this shape."""
    bins = draw(st.integers(1, 12))
    width = st.one_of(st.floats(0.05, 7.0), st.sampled_from([1e-3, 50.0]))
    logit = st.one_of(st.floats(-4, 4), st.sampled_from([-np.inf, -1e4]))
    widths = draw(st.lists(width, min_size=bins, max_size=bins))
    logits = draw(st.lists(logit, min_size=bins, max_size=bins))
    logits[draw(st.integers(0, bins - 1))] = 0.0
    among = [shape for shape in SHAPES if shape <= heaviest]
    shapes = st.one_of(st.floats(-2.0, heaviest, allow_subnormal=False), st.sampled_from(among))
    scales = st.floats(0.2, 5.0)
    return SplicedBinnedPareto(
        np.concatenate([[-10.0], -10.0 + np.cumsum(widths)]),
        logits,
        draw(shapes),
        draw(scales),
        draw(shapes),
        draw(scales),
        draw(st.sampled_from([0.01, 0.05, 0.2])),
        draw(st.sampled_from([0.01, 0.05, 0.3])),
    )


def breaks(dist: SplicedBinnedPareto) -> Array:
    """Points between which every function is smooth and the tails change by a quarter of a power of ten."""
    levels = 10.0 ** -np.arange(0, DEPTH, 0.25)
    tails = dist.icdf(dist.lower_tail * levels), dist.isf(dist.upper_tail * levels)
    inner = dist.edges[(dist.edges > dist.lower_threshold) & (dist.edges < dist.upper_threshold)]
    return np.unique(np.concatenate([*tails, inner, [dist.lower_threshold, dist.upper_threshold]]))


def integral(function: Callable[[Array], Array], points: Array) -> float:
    """The integral from the first point to the last, of a function that is smooth between them."""
    left, right = points[:-1, None], points[1:, None]
    half = (right - left) / 2
    return float(np.sum(function((left + right) / 2 + half * NODES) * WEIGHTS * half))


def field_distributions(count: int, module: Any = np, dtype: str = "float64") -> SplicedBinnedPareto:
    """Random distributions with a hundred bins of one yard, from -20.5 to 79.5."""
    rng = np.random.default_rng(0)
    edges = np.arange(-20.5, 80.5)
    logits, lower_shape, lower_scale, upper_shape, upper_scale = (
        module.asarray(numbers.astype(dtype))
        for numbers in (
            rng.normal(size=(count, 100)) * 2,
            rng.uniform(-0.5, 0.5, count),
            rng.uniform(0.5, 5, count),
            rng.uniform(-0.5, 0.5, count),
            rng.uniform(0.5, 9, count),
        )
    )
    return SplicedBinnedPareto(edges, logits, lower_shape, lower_scale, upper_shape, upper_scale)


def exponential(**parameters: Any) -> SplicedBinnedPareto:
    """Three even bins from 0 to 3 with exponential tails, except for these parameters."""
    unit = {"lower_shape": 0.0, "lower_scale": 1.0, "upper_shape": 0.0, "upper_scale": 1.0}
    return SplicedBinnedPareto(np.arange(4.0), np.zeros(3), **{**unit, **parameters})
