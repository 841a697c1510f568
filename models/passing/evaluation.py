"""How good forecasts are on plays that no one trained on: figures with intervals by bootstrap over games.

A forecast of N plays is their distribution functions at the half-integers of yards, `cdf` (N, K + 1) at EDGES. Whatever
made it, a network, trees or the simulator itself, is judged in the same way. Yards are whole numbers, so the
probability of y is the mass between y - 1/2 and y + 1/2, and integrals over yards are sums over the grid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.core.bootstrap import Array, Bootstrap, Interval
from models.core.chances import wilson
from models.core.graph import INPUTS
from models.passing.plays import PassPlays
from models.passing.support import BINS, FIRST_YARD, GRID, OUTPUTS, distribution_of
from playscore.distributions import Censored
from playscore.passing import PassResult

MIN_PROBABILITY = 1e-9
"""In the log score, where an impossible outcome costs 21 nats."""
COVERAGES = (0.5, 0.8, 0.95)
PIT_BINS = 20
TAIL = 0.05
PIT_PARTS = {"pit_ks": (0.0, 1.0), "pit_ks_lower": (0.0, TAIL), "pit_ks_upper": (1 - TAIL, 1.0)}
"""By the name of the figure: the part of [0, 1] in which the PIT is compared with the uniform distribution."""
REACHED = (1, 10, 20)
"""Yards whose chance is compared with how often they were reached."""
FIELD_POSITIONS = ((1, 5), (6, 10), (11, 20), (21, 40), (41, 99))
"""Yards to the end zone, in whole yards, by which the chance of a touchdown is compared with how often one came."""
LONG_GAIN = 60
"""Yards."""
_DEVIATIONS = 1.96
_SEED = 0


def graph_cdf(
    graph: onnxruntime.InferenceSession, plays: PassPlays, *, censored: bool = True, batch: int = 256
) -> Array:
    """The forecast of a released graph: (N, K + 1) distribution functions at EDGES.

    `censored`: the goal line censors the distributions, as the release says.
    """
    cdf = np.empty((len(plays), BINS + 1))
    order = np.argsort(plays.lengths, kind="stable")
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        logits, tails = graph.run(list(OUTPUTS), dict(zip(INPUTS, plays.padded(chosen), strict=True)))
        latent = distribution_of(logits.astype(np.float64), tails.astype(np.float64))
        dist = Censored(latent, plays.ceiling[chosen] if censored else math.inf)
        cdf[chosen] = dist.cdf(GRID[:, None]).T
    return cdf


def oracle_cdf(plays: PassPlays) -> Array:
    """The distributions of the league-average passer, which simulated outcomes were drawn from."""
    return _cumulative(plays.truth.astype(np.float64))


def base_rate_cdf(probabilities: Array, plays: PassPlays) -> Array:
    """The same distribution over whole yards, (K,), for every play."""
    return np.repeat(_cumulative(probabilities[None]), len(plays), axis=0)


def _cumulative(probabilities: Array) -> Array:
    return np.concatenate([np.zeros((len(probabilities), 1)), np.cumsum(probabilities, axis=1)], axis=1)


def _ends(cdf: Array, yards: NDArray[np.floating]) -> tuple[Array, Array]:
    """For each play, the distribution function half a yard below its yards and half a yard above.

    Yards beyond the bins count in the first or last one.
    """
    plays, place = np.arange(len(yards)), np.clip(yards - FIRST_YARD, 0, BINS - 1).astype(int)
    return cdf[plays, place], cdf[plays, place + 1]


@dataclass(frozen=True, eq=False)
class Judged:
    """How well a forecast did on each of N plays; arrays (N,)."""

    crps: Array
    """Yards."""
    log_score: Array
    """Nats."""
    median_absolute_error: Array
    """Yards."""
    play_score: Array
    pit: Array
    """The randomized probability integral transform: uniform if the distributions are right."""

    @property
    def means(self) -> dict[str, Array]:
        """What is averaged over plays, by the name of the figure."""
        averaged = {
            "crps": self.crps,
            "log_score": self.log_score,
            "median_absolute_error": self.median_absolute_error,
            "mean_play_score": self.play_score,
            "below_lower_tail": (self.pit < TAIL).astype(np.float64),
            "above_upper_tail": (self.pit > 1 - TAIL).astype(np.float64),
        }
        for share in COVERAGES:
            averaged[f"coverage_{100 * share:g}"] = (np.abs(self.pit - 0.5) <= share / 2).astype(np.float64)
        return averaged


def judge(cdf: Array, yards: NDArray[np.floating]) -> Judged:
    """Judge a forecast by what happened. The PIT uses the same random numbers for every forecast of the same plays."""
    below, upto = _ends(cdf, yards)
    mass = np.maximum(upto - below, 0)
    reached = GRID[None, :] >= np.asarray(yards, np.float64)[:, None] + 0.5
    medians = FIRST_YARD + (cdf < 0.5).sum(axis=1) - 1.0
    return Judged(
        crps=((cdf - reached) ** 2).sum(axis=1),
        log_score=-np.log(np.maximum(mass, MIN_PROBABILITY)),
        median_absolute_error=np.abs(medians - yards),
        play_score=(below + upto) / 2,
        pit=below + np.random.default_rng(_SEED).uniform(size=len(yards)) * mass,
    )


def figures(judged: Judged, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Every figure of a forecast with its interval."""
    found = {name: bootstrap.mean(values) for name, values in judged.means.items()}
    return {**found, **bootstrap.distances_from_uniform(judged.pit, PIT_PARTS)}


def pit_histogram(judged: Judged, bootstrap: Bootstrap) -> list[Interval]:
    """The share of the PITs in each of PIT_BINS equal parts of [0, 1]."""
    part = np.minimum((judged.pit * PIT_BINS).astype(int), PIT_BINS - 1)
    return [bootstrap.mean((part == number).astype(np.float64)) for number in range(PIT_BINS)]


def reliability(cdf: Array, yards: NDArray[np.floating], bootstrap: Bootstrap) -> dict[str, list[dict[str, Any]]]:
    """By yards to reach: for tenths of the plays, ordered by the forecast chance, how often the yards were reached."""
    found: dict[str, list[dict[str, Any]]] = {}
    for reach in REACHED:
        chance = 1 - cdf[:, reach - FIRST_YARD]
        came = (yards >= reach).astype(np.float64)
        tenth = np.digitize(chance, np.quantile(chance, np.arange(0.1, 1, 0.1)))
        found[str(reach)] = [
            _part(chance, came, tenth == number, bootstrap) for number in range(10) if (tenth == number).any()
        ]
    return found


def touchdowns(cdf: Mapping[str, Array], plays: PassPlays, weights: NDArray[np.floating]) -> dict[str, dict[str, Any]]:
    """By yards to the end zone: the share of touchdowns, and the share that each forecast expects.

    The interval of the share is Wilson's, for as many independent plays of equal weight as give the same evidence.
    """
    goal_line = plays.ceiling
    scored = (plays.results == PassResult.COMPLETE.value) & (plays.yards >= goal_line)
    found: dict[str, dict[str, Any]] = {}
    for nearest, farthest in FIELD_POSITIONS:
        mine = np.flatnonzero((goal_line >= nearest) & (goal_line <= farthest))
        if not len(mine):
            continue
        reach = mine, (goal_line[mine] - FIRST_YARD).astype(int)
        found[f"{nearest} to {farthest}"] = {
            "plays": len(mine),
            "scored": _share(scored[mine], weights[mine]),
            "expected": {name: float(np.average(1 - each[reach], weights=weights[mine])) for name, each in cdf.items()},
        }
    return found


def _share(came: NDArray[np.bool_], weights: NDArray[np.floating]) -> Interval:
    """The weighted share, and Wilson's interval for it."""
    share, count = float(np.average(came, weights=weights)), float(weights.sum() ** 2 / (weights**2).sum())
    return wilson(share * count, count)


def long_gains(cdf: Mapping[str, Array], plays: PassPlays) -> dict[str, Any]:
    """Gains of at least LONG_GAIN yards: how many there are, and the least chance that each forecast gave to one."""
    long = np.flatnonzero(plays.yards >= LONG_GAIN)
    reach = long, np.clip(plays.yards[long] - FIRST_YARD, 0, BINS - 1).astype(int)
    least = {name: float((1 - each[reach]).min(initial=1.0)) for name, each in cdf.items()}
    return {"plays": len(long), "least_chance": least}


def _part(chance: Array, came: Array, mine: NDArray[np.bool_], bootstrap: Bootstrap) -> dict[str, Any]:
    weights = bootstrap.weights[mine]
    often = float(np.average(came[mine], weights=weights))
    # For a weighted share of independent plays.
    spread = _DEVIATIONS * float(np.sqrt(often * (1 - often) * (weights**2).sum())) / float(weights.sum())
    return {
        "plays": int(mine.sum()),
        "forecast": float(np.average(chance[mine], weights=weights)),
        "came": [often, max(often - spread, 0.0), min(often + spread, 1.0)],
    }


def by_group(
    judged: Judged, plays: PassPlays, column: int, weights: NDArray[np.floating] | None = None
) -> dict[str, dict[str, Any]]:
    """The figures of every group of one kind, a column of `plays.groups`."""
    found: dict[str, dict[str, Any]] = {}
    for group in np.unique(plays.groups[:, column]).tolist():
        mine = np.flatnonzero(plays.groups[:, column] == group)
        bootstrap = Bootstrap(plays.games[mine], None if weights is None else weights[mine])
        part = Judged(*(getattr(judged, name)[mine] for name in Judged.__dataclass_fields__))
        found[group] = {"plays": len(mine), "games": bootstrap.games, "figures": figures(part, bootstrap)}
    return found
