"""Box score measures of a passer: passer rating, and what completion percentage over expected needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from featurizer.passing.columns import SPECIFICATION
from models.passing.columns import places
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
"""Of Newton's method, which converges in five here."""
_RIDGE = 1e-3


def passer_rating(attempts: Array, completions: Array, yards: Array, touchdowns: Array, interceptions: Array) -> Array:
    """The league's passer rating, 0 to 158.3, by the formula of 1973. All totals have the same shape, which is any."""
    parts = (
        (completions / attempts - 0.3) * 5,
        (yards / attempts - 3) / 4,
        20 * touchdowns / attempts,
        2.375 - 25 * interceptions / attempts,
    )
    rating: Array = np.sum([part.clip(0, 2.375) for part in parts], axis=0) * 100 / 6
    return rating


def touchdowns(plays: PassPlays) -> NDArray[np.bool_]:
    """(N,) whether the pass gained all the yards to the goal line."""
    scored: NDArray[np.bool_] = plays.yards >= _static(plays, "yards_to_end_zone")
    return scored


def situations(plays: PassPlays) -> Array:
    """(N, 9) inputs for the chance of a completion, those of published models with tracking.

    At the release: the receiver's depth and speed downfield, their distances to the nearest defender, the sideline and
    the passer, and the distance of the nearest rusher to the passer. Before the snap: down, distance, field position.
    """
    release = plays.frames[plays.starts[1:] - 1]
    place = places(SPECIFICATION.frame_columns)
    columns = [release[:, place[name]] for name in _AT_RELEASE]
    columns += [_static(plays, name) for name in _BEFORE_SNAP]
    return np.stack(columns, axis=1).astype(np.float64)


def expected_completion(known: Array, complete: NDArray[np.bool_], folds: NDArray[np.int64]) -> Array:
    """(N,) chance of a completion by logistic regression on the inputs `known` (N, F) and their squares.

    Each fold is predicted by a regression on the others, or on itself if it is the only one.
    """
    factors = np.concatenate([known, known**2], axis=1)
    scaled = (factors - factors.mean(axis=0)) / np.maximum(factors.std(axis=0), 1e-9)
    design = np.concatenate([np.ones((len(factors), 1)), scaled], axis=1)
    expected = np.empty(len(factors))
    alone = len(np.unique(folds)) == 1
    for fold in np.unique(folds):
        held_out = folds == fold
        training = held_out if alone else ~held_out
        expected[held_out] = _chances(design[held_out], _fitted(design[training], complete[training]))
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
    return plays.statics[:, places(SPECIFICATION.static_columns)[name]]
