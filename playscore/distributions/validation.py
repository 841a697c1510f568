"""Parameters that make no distribution: every function raises PlayscoreError(DISTRIBUTION_INVALID).

Conditions are written so that NaN fails them.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

from playscore.errors import PlayscoreError, Reason

Array: TypeAlias = Any
Pair: TypeAlias = tuple[Array, Array]
"""Of the lower and the upper tail."""

_SHAPE_NAMES, _SCALE_NAMES = ("lower_shape", "upper_shape"), ("lower_scale", "upper_scale")


def check_bins(edges: Array, logits: Array) -> None:
    """Refuses edges and logits of other shapes than (K + 1,) and (..., K)."""
    if edges.ndim != 1 or logits.ndim < 1 or edges.shape[0] != logits.shape[-1] + 1:
        raise _invalid(
            f"K bins need edges of shape (K + 1,) and logits or probabilities of shape (..., K), "
            f"not {tuple(edges.shape)} and {tuple(logits.shape)}"
        )


def check_support(xp: Any, widths: Array, lower_tail: float, upper_tail: float) -> None:
    """Refuses edges that do not increase, by the widths (K,) between them, and tails that leave no body."""
    if not bool(xp.all((widths > 0) & (widths < xp.inf))):
        raise _invalid("edges must be finite and increasing")
    if not (lower_tail > 0 and upper_tail > 0 and lower_tail + upper_tail < 1):
        raise _invalid(
            f"lower_tail and upper_tail must be above 0 and add up to less than 1; "
            f"they are {lower_tail} and {upper_tail}"
        )


def check_numbers(shapes: Pair, scales: Pair) -> None:
    """Refuses shapes and scales out of range if they are plain Python numbers; arrays are not looked at."""
    for name, value in zip(_SHAPE_NAMES, shapes, strict=True):
        if type(value) in {int, float} and not math.isfinite(value):
            raise _invalid(f"{name} must be finite; it is {value}")
    for name, value in zip(_SCALE_NAMES, scales, strict=True):
        if type(value) in {int, float} and not 0 < value < math.inf:
            raise _invalid(f"{name} must be finite and above 0; it is {value}")


def check_ceiling(ceiling: Array) -> None:
    """Refuses a ceiling that nothing can reach if it is a plain Python number; arrays are not looked at."""
    if type(ceiling) in {int, float} and not ceiling > -math.inf:
        raise _invalid(f"ceiling must be a number above -inf, or inf for none; it is {ceiling}")


def check_rows(xp: Any, probabilities: Array, shapes: Pair, scales: Pair) -> None:
    """Refuses a batch in which any value is out of range, naming the first."""
    _require(xp, "probabilities", probabilities, (probabilities >= 0) & (probabilities < xp.inf), "at least 0")
    total = xp.sum(probabilities, axis=-1)
    _require(xp, "the sum of probabilities", total, (total > 0) & (total < xp.inf), "above 0")
    for name, value in zip(_SHAPE_NAMES, shapes, strict=True):
        _require(xp, name, value, xp.isfinite(value))
    for name, value in zip(_SCALE_NAMES, scales, strict=True):
        _require(xp, name, value, (value > 0) & (value < xp.inf), "above 0")


def _require(xp: Any, name: str, values: Array, valid: Array, bound: str = "") -> None:
    if bool(xp.all(valid)):
        return
    place = tuple(int(axis[0]) for axis in xp.nonzero(~valid)) if values.ndim else ()
    where = f"{name}[{', '.join(map(str, place))}]" if place else name
    wanted = f"finite and {bound}" if bound else "finite"
    raise _invalid(f"{where} must be {wanted}; it is {float(values[place]):g}")


def _invalid(detail: str) -> PlayscoreError:
    return PlayscoreError(Reason.DISTRIBUTION_INVALID, detail)
