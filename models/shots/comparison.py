"""The comparison with the alternatives, on the same rows, in one run.

unblocked   all unblocked attempts of the last season that a source lists them of; trained on earlier ones
on_goal     shots on goal, with their types; the same
simulated   simulated shots with everything that film tells, of other seeds; trained on simulated ones
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.core.chances import wilson
from models.core.progress import Progress
from models.shots import competitors, evaluation, tracked
from models.shots.competitors import Chances
from models.shots.contestants import (
    BASE,
    CONTESTANTS,
    EXPLAINABLE,
    LOGISTIC,
    ORACLE,
    OURS,
    POOLED,
    PREVIOUS,
    TUNED,
    UNTUNED,
)
from models.shots.graph import digest_of
from models.shots.rows import EMPTY, ON_GOAL, UNBLOCKED, Shots, earlier_and_last
from models.shots.run import Run

Array = NDArray[np.float64]

SIMULATED = "simulated"
HIGH_SHARE, MEDIUM_SHARE = 0.1, 0.3
"""Of the reference shots that are high, and medium, chances."""
LEVELS = ("low", "medium", "high")
Alternative = Callable[[Shots, int, int], Chances]
"""Fits to shots, in so many threads, with a seed."""
ALTERNATIVES: Mapping[str, Alternative] = {
    LOGISTIC: competitors.logistic,
    UNTUNED: competitors.untuned_trees,
    TUNED: competitors.tuned_trees,
    EXPLAINABLE: competitors.explainable,
}


def evaluate(
    run: Run,
    *,
    compare: bool,
    progress: Progress,
    previous: Chances | None = None,
    filmed: tuple[Shots, Array] | None = None,
    alternatives: Mapping[str, Alternative] = ALTERNATIVES,
) -> dict[str, Any]:
    """All figures of a run, as `evaluation.json` keeps them; with `alternatives` if `compare` is set.

    `filmed`: real shots with everybody's places, and a vendor's expected goals of them; see `models.shots.tracked`.
    """
    threads = run.processes
    found: dict[str, Any] = {"settings": run.settings, "universes": {}}
    if run.has_real:
        earlier, last = earlier_and_last(run.men)
        ours = run.of_seasons(last=False).chances
        for listing in (UNBLOCKED, ON_GOAL):
            mine = run.men.of("listing") == listing
            training, test = run.men.subset(mine & earlier), run.men.subset(mine & last)
            if len(training) and len(test):
                chances = {OURS: ours(test.statics), BASE: competitors.base_rate(training, threads, 0)(test)}
                if compare:
                    chances |= {
                        POOLED: run.kept("pooled", partial(run.fit, run.men.subset(earlier))).chances(test.statics)
                    }
                    chances |= _others(training, test, progress, listing, alternatives, threads)
                    if previous is not None:
                        chances[PREVIOUS] = previous(test)
                found["universes"][listing] = _universe(training, test, chances)
        if len(run.women):
            found["women"] = _women(run)
    found["thresholds"] = thresholds(run)
    training, test = run.simulated, run.test
    chances = {
        OURS: run.of_everything().chances(test.statics),
        BASE: competitors.base_rate(training, threads, 0)(test),
        ORACLE: test.truth,
    }
    if compare:
        chances |= _others(training, test, progress, SIMULATED, alternatives, threads)
    universe = _universe(training, test, chances)
    universe["regret"] = {name: evaluation.regret(test, each) for name, each in chances.items() if name != ORACLE}
    universe["drawn_regret"] = evaluation.regret(_graded_as_drawn(test), test.truth)
    found["universes"][SIMULATED] = universe
    if filmed is not None:
        found["tracked"] = tracked.check(run.shipped(), *filmed, run.filmed)
    return {**found, "model": {"sha256": digest_of(run.shipped())}}


def thresholds(run: Run) -> dict[str, Any]:
    """Where chances become medium and high: quantiles of the chances of the reference shots, and how many score.

    The shares that score are of the last season, by the model that does not know it; of test shots if none is real.
    """
    shots = run.reference
    values = np.quantile(
        run.of_seasons(last=True).chances(shots.statics), [1 - HIGH_SHARE - MEDIUM_SHARE, 1 - HIGH_SHARE]
    )
    test = shots.subset(earlier_and_last(shots)[1]) if run.has_real else run.test
    return {
        "values": [float(round(value, 4)) for value in values],
        "shots": len(shots),
        "levels": levels(run.of_seasons(last=False).chances(test.statics), test.goals, values),
    }


def levels(chances: Array, goals: NDArray[np.bool_], values: Array | list[float]) -> dict[str, dict[str, Any]]:
    """Of each level, how many shots it has, what was expected of them and what they scored."""
    place = np.searchsorted(np.asarray(values), chances, side="right")
    found = {}
    for level, name in enumerate(LEVELS):
        mine = place == level
        found[name] = {
            "shots": int(mine.sum()),
            "expected": float(chances[mine].mean()) if mine.any() else 0.0,
            "scored": wilson(float(goals[mine].sum()), int(mine.sum())),
        }
    return found


def _universe(training: Shots, test: Shots, chances: Mapping[str, Array]) -> dict[str, Any]:
    empty = test.of("net") == EMPTY
    found = {
        "trained_on": {
            "shots": len(training),
            "games": len(np.unique(training.games)),
            "seasons": np.unique(training.of("season")).tolist(),
        },
        "tested_on": np.unique(test.of("season")).tolist(),
        **evaluation.compared(test, chances, OURS),
        "reliability": evaluation.reliability(chances[OURS], test.goals),
        "groups": evaluation.by_group(test, chances[OURS]),
    }
    for name, mine in (("guarded", ~empty), ("empty", empty)):
        part = test.subset(mine)
        if 0 < part.goals.sum() < len(part):
            found[name] = evaluation.compared(part, {key: each[mine] for key, each in chances.items()}, OURS)
        else:
            found[name] = {"shots": len(part), "goals": int(part.goals.sum())}
    return found


def _others(
    training: Shots,
    test: Shots,
    progress: Progress,
    universe: str,
    alternatives: Mapping[str, Alternative],
    threads: int,
) -> dict[str, Array]:
    names = progress(f"fitting alternatives ({universe})", list(alternatives), len(alternatives))
    return {name: alternatives[name](training, threads, 0)(test) for name in names}


def _women(run: Run) -> dict[str, Any]:
    """The women's league, by the model that is released: it was not trained on it."""
    shots = run.women
    chances = run.of_seasons(last=True).chances(shots.statics)
    return {
        **evaluation.compared(shots, {OURS: chances}, OURS),
        "reliability": evaluation.reliability(chances, shots.goals),
        "groups": evaluation.by_group(shots, chances),
    }


def _graded_as_drawn(shots: Shots) -> Shots:
    """The shots with the skills of shooter and goalie in their truth."""
    return Shots(**{**vars(shots), "truth": shots.drawn})


def summary(found: Mapping[str, Any]) -> list[str]:
    """The main figures in a few lines."""
    lines = []
    for name, universe in found["universes"].items():
        lines.append(
            f"{name}: {universe['shots']:,} shots, {universe['goals']:,} goals of {universe['games']:,} games, 95% "
            "intervals by bootstrap over games"
        )
        for key in CONTESTANTS:
            if key in universe["figures"]:
                figures = universe["figures"][key]
                cells = [f"AUC {_interval(figures['auc'])}", f"log loss {_interval(figures['log_loss'])}"]
                if key in universe.get("regret", {}):
                    cells.append("regret {:.2%} [{:.2%}, {:.2%}]".format(*universe["regret"][key]))
                lines.append(f"  {key:14} " + "   ".join(cells))
    return lines


def _interval(figure: list[float]) -> str:
    return "{:.4f} [{:.4f}, {:.4f}]".format(*figure)
