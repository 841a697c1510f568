"""The alternatives of `playscore evaluate shots --compare`, each fitted on the same rows."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xgboost
from numpy.typing import NDArray

from featurizer.shots.factors import FACTORS
from models.core.logistic import Logistic
from models.shots.additive import sigmoid
from models.shots.binning import Floats
from models.shots.fitting import known_factors
from models.shots.rows import Shots

Array = NDArray[np.float64]
Chances = Callable[[Shots], Array]
"""The probabilities (N,) of a goal that a fitted alternative gives."""

FOLDS = 3
_UNTUNED_TREES = 100
_MAX_TREES = 2_000
_PATIENCE = 60
_RATE = 0.03
GRID: Sequence[Mapping[str, Any]] = [
    {"max_depth": depth, "min_child_weight": weight, "colsample_bytree": columns}
    for depth, weight, columns in itertools.product((2, 3, 5), (5, 30), (0.5,))
]
_MAX_TUNED_ON = 40_000
"""Shots by which settings are chosen; the trees are grown on all."""


def logistic(shots: Shots, _threads: int, _seed: int) -> Chances:
    """Logistic regression on values, squares and flags; codes as columns of 0 and 1."""
    used = known_factors(shots.statics)
    codes = {
        place: np.unique(shots.statics[shots.statics[:, len(FACTORS) + place] > 0, place])
        for place in used
        if not FACTORS[place].ordered
    }
    mean = {place: _known(shots.statics, place).mean() for place in used}
    spread = {place: _known(shots.statics, place).std() or 1.0 for place in used}

    def columns(statics: Floats) -> Array:
        made = []
        for place in used:
            flag = statics[:, len(FACTORS) + place].astype(np.float64)
            if place in codes:
                made += [(statics[:, place] == code) * flag for code in codes[place]]
            else:
                value = (statics[:, place] - mean[place]) / spread[place] * flag
                made += [value, value**2]
            made.append(flag)
        return np.column_stack(made)

    fitted = Logistic.fit(columns(shots.statics), shots.goals)
    return lambda others: sigmoid(fitted.logits(columns(others.statics)))


def untuned_trees(shots: Shots, threads: int, seed: int) -> Chances:
    """XGBoost as it comes."""
    used = known_factors(shots.statics)
    return _trees(shots, used, {}, _UNTUNED_TREES, threads, seed)


def tuned_trees(shots: Shots, threads: int, seed: int, grid: Sequence[Mapping[str, Any]] = GRID) -> Chances:
    """XGBoost with depth, leaf weight, share of columns and number of trees chosen in folds by game."""
    used = known_factors(shots.statics)
    some = _some(shots, _MAX_TUNED_ON, seed)
    games, game_of = np.unique(some.games, return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(games)) % FOLDS)[game_of]
    table = _table(some.statics, used)
    best: tuple[float, Mapping[str, Any], int] = (np.inf, {}, 0)
    for settings in grid:
        losses = []
        for held in range(FOLDS):
            inside, outside = fold != held, fold == held
            history: dict[str, Any] = {}
            xgboost.train(
                _settings({**settings, "learning_rate": _RATE, "subsample": 0.7}, threads, seed),
                xgboost.QuantileDMatrix(table[inside], some.goals[inside], nthread=threads),
                _MAX_TREES,
                evals=[(xgboost.DMatrix(table[outside], some.goals[outside], nthread=threads), "held")],
                early_stopping_rounds=_PATIENCE,
                evals_result=history,
                verbose_eval=False,
            )
            losses.append(history["held"]["logloss"])
        shortest = min(map(len, losses))
        mean = np.mean([loss[:shortest] for loss in losses], axis=0)
        best = min(best, (float(mean.min()), settings, int(mean.argmin()) + 1), key=lambda each: each[0])
    _, settings, trees = best
    return _trees(shots, used, {**settings, "learning_rate": _RATE, "subsample": 0.7}, trees, threads, seed)


def explainable(shots: Shots, threads: int, seed: int, bags: int = 14) -> Chances:
    """InterpretML's explainable boosting machine as it comes."""
    from interpret.glassbox import ExplainableBoostingClassifier  # noqa: PLC0415

    used = known_factors(shots.statics)
    machine = ExplainableBoostingClassifier(
        feature_types=["continuous" if FACTORS[place].ordered else "nominal" for place in used],
        n_jobs=threads,
        outer_bags=bags,
        random_state=seed,
    )
    with warnings.catch_warnings():
        # Its pictures, which are not drawn here, would not show missing values.
        warnings.simplefilter("ignore")
        machine.fit(_table(shots.statics, used), shots.goals)
    return lambda others: np.asarray(machine.predict_proba(_table(others.statics, used))[:, 1], np.float64)


def base_rate(shots: Shots, _threads: int, _seed: int) -> Chances:
    """The share of goals, the same for every shot."""
    rate = float(shots.goals.mean())
    return lambda others: np.full(len(others), rate)


def _some(shots: Shots, most: int, seed: int) -> Shots:
    """Whole games drawn at random, of at most about so many shots."""
    names, game_of = np.unique(shots.games, return_inverse=True)
    share = min(1.0, most / len(shots))
    return shots.subset((np.random.default_rng(seed).random(len(names)) < share)[game_of])


def _trees(shots: Shots, used: Sequence[int], settings: dict[str, Any], trees: int, threads: int, seed: int) -> Chances:
    data = xgboost.QuantileDMatrix(_table(shots.statics, used), shots.goals, nthread=threads)
    grown = xgboost.train(_settings(settings, threads, seed), data, trees)
    return lambda others: np.asarray(grown.inplace_predict(_table(others.statics, used)), np.float64)


def _settings(own: dict[str, Any], threads: int, seed: int) -> dict[str, Any]:
    return {"objective": "binary:logistic", "eval_metric": "logloss", "nthread": threads, "seed": seed, **own}


def _table(statics: Floats, used: Sequence[int]) -> Floats:
    """(N, U) the values, NaN where unknown."""
    places = np.asarray(used)
    known = statics[:, places + len(FACTORS)] > 0
    table: Floats = np.full((len(statics), len(used)), np.nan, np.float32)
    table[known] = statics[:, places][known]
    return table


def _known(statics: Floats, place: int) -> Floats:
    known: Floats = statics[statics[:, len(FACTORS) + place] > 0, place]
    return known
