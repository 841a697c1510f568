"""How good chances of goals are: figures, paired differences, reliability, groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.core.chances import (
    GameResamples,
    Interval,
    brier_scores,
    difference,
    interval,
    log_losses,
    wilson,
)
from models.shots.rows import GROUPS, Shots

Array = NDArray[np.float64]

DECILES = 10


def compared(shots: Shots, chances: Mapping[str, Array], ours: str) -> dict[str, Any]:
    """Figures of forecasts of the same shots, and of each less ours."""
    resamples = GameResamples(shots.games)
    losses = {name: log_losses(each, shots.goals) for name, each in chances.items()}
    squares = {name: brier_scores(each, shots.goals) for name, each in chances.items()}
    areas = {name: resamples.auc(each, shots.goals) for name, each in chances.items()}
    return {
        "shots": len(shots),
        "goals": int(shots.goals.sum()),
        "games": resamples.games,
        "figures": {
            name: {
                "auc": interval(areas[name]),
                "log_loss": resamples.mean(losses[name]),
                "brier": resamples.mean(squares[name]),
                "goals_per_expected": resamples.ratio(shots.goals.astype(float), chances[name]),
            }
            for name in chances
        },
        "less_ours": {
            name: {
                "auc": difference(areas[name], areas[ours]),
                "log_loss": resamples.mean(losses[name] - losses[ours]),
                "brier": resamples.mean(squares[name] - squares[ours]),
            }
            for name in chances
            if name != ours
        },
    }


def regret(shots: Shots, chances: Array) -> Interval:
    """How much higher the expected log loss is than that of the truth, as a share of the latter; no luck is in it."""
    truth = shots.truth
    least = log_losses(truth, truth)
    resamples = GameResamples(shots.games)
    value, low, high = resamples.ratio(log_losses(chances, truth), least)
    return [value - 1.0, low - 1.0, high - 1.0]


def reliability(chances: Array, goals: NDArray[np.bool_], parts: int = DECILES) -> list[dict[str, Any]]:
    """By tenths of the shots, from the worst chance to the best: what was expected and what was scored."""
    return [
        {
            "shots": len(part),
            "expected": float(chances[part].mean()),
            "scored": wilson(float(goals[part].sum()), len(part)),
        }
        for part in np.array_split(np.argsort(chances, kind="stable"), parts)
        if len(part)
    ]


def by_group(shots: Shots, chances: Array) -> dict[str, dict[str, dict[str, Any]]]:
    """What was expected and scored in every group of each kind, with log loss and AUC."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in GROUPS:
        names = shots.of(kind)
        found[kind] = {}
        for name in np.unique(names).tolist():
            mine = names == name
            found[kind][name] = of_group(shots.subset(mine), chances[mine])
    return found


def of_group(shots: Shots, chances: Array) -> dict[str, Any]:
    """What was expected and scored of these shots, with log loss and AUC."""
    resamples = GameResamples(shots.games)
    return {
        "shots": len(shots),
        "games": resamples.games,
        "goals": int(shots.goals.sum()),
        "expected": float(chances.sum()),
        "goals_per_expected": resamples.ratio(shots.goals.astype(float), chances),
        "log_loss": resamples.mean(log_losses(chances, shots.goals)),
        "auc": interval(resamples.auc(chances, shots.goals)),
    }
