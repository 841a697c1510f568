"""What a box score says of a passer: passer rating, yards per attempt, completion percentage over expected."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from featurizer.core.columns import PASSING
from models.passing.plays import PassPlays

Array = NDArray[np.float64]

_AT_RELEASE = (
    "target.x",
    "target.speed_x",
    "target.separation",
    "target.sideline_distance",
    "passer.separation",
    "pass.distance",
)
_BEFORE_SNAP = ("down", "yards_to_go", "yards_to_end_zone")
_STEPS = 8
"""Of Newton's method, which converges here in five."""
_RIDGE = 1e-3


def passer_rating(attempts: Array, completions: Array, yards: Array, touchdowns: Array, interceptions: Array) -> Array:
    """The league's passer rating, 0 to 158.3, of totals of any one shape; its formula is that of 1973."""
    parts = (
        (completions / attempts - 0.3) * 5,
        (yards / attempts - 3) / 4,
        20 * touchdowns / attempts,
        2.375 - 25 * interceptions / attempts,
    )
    rating: Array = np.sum([part.clip(0, 2.375) for part in parts], axis=0) * 100 / 6
    return rating


def touchdowns(plays: PassPlays) -> NDArray[np.bool_]:
    """(N,) whether the pass gained all that was left to the goal line."""
    scored: NDArray[np.bool_] = plays.yards >= _static(plays, "yards_to_end_zone")
    return scored


def situations(plays: PassPlays) -> Array:
    """(N, 9) what the chance of a completion is estimated from, as published models with tracking do.

    At the release the receiver's depth and speed downfield, his distance to the nearest defender, to the sideline and
    to the passer, and the nearest rusher's to the passer; before the snap down, distance and field position.
    """
    release = plays.frames[plays.starts[1:] - 1]
    names = [column.name for column in PASSING.frame_columns]
    columns = [release[:, names.index(name)] for name in _AT_RELEASE]
    columns += [_static(plays, name) for name in _BEFORE_SNAP]
    return np.stack(columns, axis=1).astype(np.float64)


def expected_completion(known: Array, complete: NDArray[np.bool_], folds: NDArray[np.int64]) -> Array:
    """(N,) chance of a completion by logistic regression on what is known (N, F) and its squares.

    Every fold by a regression on the others; by one on all plays where there is a single fold.
    """
    factors = np.concatenate([known, known**2], axis=1)
    scaled = (factors - factors.mean(axis=0)) / np.maximum(factors.std(axis=0), 1e-9)
    design = np.concatenate([np.ones((len(factors), 1)), scaled], axis=1)
    expected = np.empty(len(factors))
    alone = len(np.unique(folds)) == 1
    for fold in np.unique(folds):
        held_out = folds == fold
        taught = held_out if alone else ~held_out
        expected[held_out] = _chances(design[held_out], _fitted(design[taught], complete[taught]))
    return expected


def _fitted(design: Array, complete: NDArray[np.bool_]) -> Array:
    """Coefficients of the logistic regression, by Newton's method."""
    found = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chances = _chances(design, found)
        slope = design.T @ (complete - chances) - _RIDGE * found
        curvature = (design * (chances * (1 - chances))[:, None]).T @ design + _RIDGE * np.eye(len(found))
        found = found + np.linalg.solve(curvature, slope)
    return found


def _chances(design: Array, coefficients: Array) -> Array:
    chances: Array = 1 / (1 + np.exp(-design @ coefficients))
    return chances


def _static(plays: PassPlays, name: str) -> NDArray[np.float32]:
    return plays.statics[:, [column.name for column in PASSING.static_columns].index(name)]
