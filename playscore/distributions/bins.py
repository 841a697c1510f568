"""The operations that touch every bin of every distribution, and so dominate its cost.

Under numpy, distributions are processed in blocks that fit in the cache, because large temporaries cost more than the
arithmetic. Running sums are two products with triangular matrices, because `cumsum` waits for each addition before it
starts the next. Under torch, which manages its own memory and must track gradients, one line does the same.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from array_api_compat import is_numpy_namespace
from numpy.typing import DTypeLike, NDArray

Array: TypeAlias = Any

_BLOCK = 1 << 14
"""Numbers in a block: 128 KiB of doubles."""


def running_sums(xp: Any, logits: Array) -> tuple[Array, Array]:
    """The largest of the logits (..., K), and the running sums of exp(logits - largest); NaN if that is infinite."""
    if is_numpy_namespace(xp):
        return _running_sums_by_block(logits)
    peak = xp.max(logits, axis=-1)
    return peak, xp.cumulative_sum(xp.exp(logits - peak[..., None]), axis=-1)


def first_reached(xp: Any, sums: Array, level: Array) -> Array:
    """The first bin at which the sums (..., K) reach the level (broadcast to ...)."""
    reached = sums >= level[..., None]
    # numpy stops at the first True; torch has no argmax of booleans.
    return np.argmax(reached, axis=-1) if is_numpy_namespace(xp) else xp.argmax(xp.astype(reached, xp.uint8), axis=-1)


def bin_of(xp: Any, edges: Array, x: Array) -> Array:
    """The bin that holds x, an edge belonging to the bin above it; points outside the edges get the outermost bin."""
    # torch warns about points that are not contiguous.
    return xp.searchsorted(edges[1:-1], x if is_numpy_namespace(xp) else x.contiguous(), side="right")


def _running_sums_by_block(logits: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    bins = logits.shape[-1]
    group = math.isqrt(bins - 1) + 1
    groups = -(-bins // group)
    within, before = _triangle(group, 0, logits.dtype), _triangle(groups, 1, logits.dtype)
    flat = logits.reshape(-1, bins)
    rows = max(1, _BLOCK // bins)
    peak, sums = np.empty((len(flat), 1), logits.dtype), np.empty(flat.shape, logits.dtype)
    padded = np.zeros((min(rows, len(flat)), groups * group), logits.dtype)
    for start in range(0, len(flat), rows):
        block = slice(start, start + rows)
        count = len(flat[block])
        np.max(flat[block], axis=-1, keepdims=True, out=peak[block])
        peak[block][np.isinf(peak[block])] = np.nan  # inf - inf would be NaN too, but with a warning.
        weights = padded[:count, :bins]
        np.subtract(flat[block], peak[block], out=weights)
        np.exp(weights, out=weights)
        summed = (padded[:count].reshape(-1, group) @ within).reshape(count, groups, group)
        summed += (summed[:, :, -1] @ before)[:, :, None]
        sums[block] = summed.reshape(count, -1)[:, :bins]
    return peak.reshape(logits.shape[:-1]), sums.reshape(logits.shape)


@cache
def _triangle(size: int, above: int, dtype: DTypeLike) -> NDArray[Any]:
    """Ones on and above the diagonal `above`: row @ triangle gives the row's running sums."""
    return np.triu(np.ones((size, size), dtype), above)
