"""How good laws are, on plays that nobody learnt from: figures with intervals by bootstrap over games.

A forecast of N plays is their distribution functions at the half-integers of yards, `cdf` (N, K + 1) at EDGES: whatever
made it, a network, trees or the simulator itself, is judged alike. Yards are whole, so the probability of y is its mass
between y - 1/2 and y + 1/2, and integrals over yards are sums over the grid.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.passing.graph import INPUTS, OUTPUTS
from models.passing.heads import EDGES, LOWER_TAIL, UPPER_TAIL
from models.passing.plays import BINS, FIRST_YARD, PassPlays
from playscore.distributions import SplicedBinnedPareto

Array = NDArray[np.float64]
Interval = list[float]
"""A figure and the ends of its 95% interval."""

SMALLEST_PROBABILITY = 1e-9
"""What the log score takes for impossible: 21 nats."""
COVERAGES = (0.5, 0.8, 0.95)
PIT_BINS = 20
TAIL = 0.05
REACHED = (1, 10, 20)
"""Yards whose chance is compared with how often they were reached."""
GRID = np.asarray(EDGES)
_RESAMPLES = 1_000
_SEED = 0


def graph_cdf(graph: onnxruntime.InferenceSession, plays: PassPlays, batch: int = 256) -> Array:
    """The forecast of a released graph."""
    cdf = np.empty((len(plays), BINS + 1))
    order = np.argsort(plays.lengths, kind="stable")
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        logits, tails = graph.run(OUTPUTS, dict(zip(INPUTS, plays.padded(chosen), strict=True)))
        lower_shape, lower_scale, upper_shape, upper_scale = tails.astype(np.float64).T
        law = SplicedBinnedPareto(
            EDGES, logits.astype(np.float64), lower_shape, lower_scale, upper_shape, upper_scale, LOWER_TAIL, UPPER_TAIL
        )
        cdf[chosen] = law.cdf(GRID[:, None]).T
    return cdf


def oracle_cdf(plays: PassPlays) -> Array:
    """The laws that simulated outcomes were drawn from: those of the league-average passer."""
    return _cumulative(plays.truth.astype(np.float64))


def base_rate_cdf(probabilities: Array, plays: PassPlays) -> Array:
    """The same law over whole yards, (K,), for every play."""
    return np.repeat(_cumulative(probabilities[None]), len(plays), axis=0)


def _cumulative(probabilities: Array) -> Array:
    return np.concatenate([np.zeros((len(probabilities), 1)), np.cumsum(probabilities, axis=1)], axis=1)


def _ends(cdf: Array, yards: NDArray[np.floating]) -> tuple[Array, Array]:
    """Of each play the distribution function half a yard below its yards and half a yard above; yards off the grid
    count at its end."""
    plays, place = np.arange(len(yards)), np.clip(yards - FIRST_YARD, 0, BINS - 1).astype(int)
    return cdf[plays, place], cdf[plays, place + 1]


@dataclass(frozen=True, eq=False)
class Judged:
    """What each of N plays says of a forecast; arrays (N,)."""

    crps: Array
    """Yards."""
    log_score: Array
    """Nats."""
    median_absolute_error: Array
    """Yards."""
    play_score: Array
    pit: Array
    """The randomised probability integral transform: uniform where the law is right."""

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
    """Judge a forecast by what happened. The dice of the PIT are the same for every forecast of the same plays."""
    below, upto = _ends(cdf, yards)
    mass = np.maximum(upto - below, 0)
    reached = GRID[None, :] >= np.asarray(yards, np.float64)[:, None] + 0.5
    medians = FIRST_YARD + (cdf < 0.5).sum(axis=1) - 1.0
    return Judged(
        crps=((cdf - reached) ** 2).sum(axis=1),
        log_score=-np.log(np.maximum(mass, SMALLEST_PROBABILITY)),
        median_absolute_error=np.abs(medians - yards),
        play_score=(below + upto) / 2,
        pit=below + np.random.default_rng(_SEED).uniform(size=len(yards)) * mass,
    )


Reweighting = Callable[[Array], Array]
"""From how often each of N plays counts (N,) to how much it weighs (N,)."""


class Bootstrap:
    """Resamples of games: the same ones for all forecasts of the same plays, so that differences can be judged too.

    Games are drawn within their source (what stands before the `/`), so that every resample has as many of each. Where
    plays are weighted to known rates, every resample is weighted to them anew: what is known is not resampled.
    """

    def __init__(self, games: NDArray[np.str_], weighted: Reweighting | NDArray[np.floating] | None = None) -> None:
        names, game_of = np.unique(games, return_inverse=True)
        rng = np.random.default_rng(_SEED)
        draws = np.zeros((_RESAMPLES, len(names)))
        sources = np.asarray([name.rpartition("/")[0].partition("/")[0] for name in names.tolist()])
        for source in np.unique(sources):
            mine = np.flatnonzero(sources == source)
            draws[:, mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=_RESAMPLES)
        once = np.ones(len(games))
        self.games = len(names)
        self.equal = weighted is None
        self.weights: Array
        self._resampled: Array
        if callable(weighted):
            self.weights = weighted(once)
            self._resampled = np.stack([weighted(draw[game_of]) for draw in draws])
        else:
            self.weights = once if weighted is None else np.asarray(weighted, np.float64)
            self._resampled = draws[:, game_of] * self.weights
        by_game = np.bincount(game_of, self.weights)
        self.effective_games = float(by_game.sum() ** 2 / (by_game**2).sum())
        """As many games of equal weight would tell as much."""

    def mean(self, values: Array) -> Interval:
        """The weighted mean of N values."""
        resampled = self._resampled @ values / self._resampled.sum(axis=1)
        return [float(np.average(values, weights=self.weights)), *_ends_of(resampled)]

    def ratio(self, values: Array, others: Array) -> Interval:
        """The weighted sum of N values over that of others, less 1."""
        resampled = (self._resampled @ values) / (self._resampled @ others) - 1
        return [float((self.weights @ values) / (self.weights @ others)) - 1, *_ends_of(resampled)]

    def distances_from_uniform(self, pit: Array) -> dict[str, Interval]:
        """The Kolmogorov-Smirnov distance of the weighted PITs from the uniform law: overall, and in each tail."""
        order = np.argsort(pit, kind="stable")
        rising = pit[order]
        parts = {"pit_ks": (0.0, 1.0), "pit_ks_lower": (0.0, TAIL), "pit_ks_upper": (1 - TAIL, 1.0)}
        resampled = np.asarray([_distances(rising, weights[order], parts.values()) for weights in self._resampled])
        found = _distances(rising, self.weights[order], parts.values())
        return {
            name: [distance, *_ends_of(resampled[:, place])]
            for place, (name, distance) in enumerate(zip(parts, found, strict=True))
        }

    def distance_by_chance(self, pit: Array) -> float:
        """The distance that luck alone exceeds in one case of 20.

        Of plays that weigh the same, that of uniform PITs. Of weighted ones, whose weights go by their outcome, how far
        the resamples' distribution functions are from that of the sample.
        """
        if self.equal:
            rng, whole = np.random.default_rng(_SEED), [(0.0, 1.0)]
            chance = [_distances(np.sort(rng.uniform(size=len(pit))), self.weights, whole)[0] for _ in range(400)]
        else:
            order = np.argsort(pit, kind="stable")
            sampled = _shares(self.weights[order])
            chance = [float(np.abs(_shares(weights[order]) - sampled).max()) for weights in self._resampled]
        return float(np.quantile(chance, 0.95))


def _ends_of(resampled: Array | list[float]) -> list[float]:
    return [float(end) for end in np.quantile(resampled, [0.025, 0.975])]


def _shares(weight: Array) -> Array:
    shares: Array = np.cumsum(weight) / weight.sum()
    return shares


def _distances(rising: Array, weight: Array, parts: Iterable[tuple[float, float]]) -> list[float]:
    """The largest distance from the uniform law of a weighted sample, within each of these parts of [0, 1]."""
    upto = _shares(weight)
    before = upto - weight / weight.sum()
    apart = np.maximum(np.abs(upto - rising), np.abs(before - rising))
    found = []
    for low, high in parts:
        ends = [abs(float(weight[rising <= end].sum() / weight.sum()) - end) for end in (low, high)]
        within = apart[(rising >= low) & (rising <= high)]
        found.append(max(*ends, float(within.max(initial=0.0))))
    return found


def figures(judged: Judged, bootstrap: Bootstrap) -> dict[str, Interval]:
    """Every figure of a forecast with its interval."""
    found = {name: bootstrap.mean(values) for name, values in judged.means.items()}
    return {**found, **bootstrap.distances_from_uniform(judged.pit)}


def pit_histogram(judged: Judged, bootstrap: Bootstrap) -> list[Interval]:
    """Share of the PITs in each of PIT_BINS equal parts of [0, 1]."""
    part = np.minimum((judged.pit * PIT_BINS).astype(int), PIT_BINS - 1)
    return [bootstrap.mean((part == number).astype(np.float64)) for number in range(PIT_BINS)]


def reliability(cdf: Array, yards: NDArray[np.floating], bootstrap: Bootstrap) -> dict[str, list[dict[str, Any]]]:
    """By yards to reach: in ten equal parts of the plays, ordered by the chance forecast, how often it came about."""
    found: dict[str, list[dict[str, Any]]] = {}
    for reach in REACHED:
        chance = 1 - cdf[:, reach - FIRST_YARD]
        came = (yards >= reach).astype(np.float64)
        tenth = np.digitize(chance, np.quantile(chance, np.arange(0.1, 1, 0.1)))
        found[str(reach)] = [
            _part(chance, came, tenth == number, bootstrap) for number in range(10) if (tenth == number).any()
        ]
    return found


def _part(chance: Array, came: Array, mine: NDArray[np.bool_], bootstrap: Bootstrap) -> dict[str, Any]:
    weights = bootstrap.weights[mine]
    often = float(np.average(came[mine], weights=weights))
    # Of the weighted share of independent plays.
    spread = 1.96 * float(np.sqrt(often * (1 - often) * (weights**2).sum())) / float(weights.sum())
    return {
        "plays": int(mine.sum()),
        "forecast": float(np.average(chance[mine], weights=weights)),
        "came": [often, max(often - spread, 0.0), min(often + spread, 1.0)],
    }


def by_group(
    judged: Judged, plays: PassPlays, column: int, weights: NDArray[np.floating] | None = None
) -> dict[str, dict[str, Any]]:
    """The figures of every group of one kind (a column of `plays.groups`)."""
    found: dict[str, dict[str, Any]] = {}
    for group in np.unique(plays.groups[:, column]).tolist():
        mine = np.flatnonzero(plays.groups[:, column] == group)
        bootstrap = Bootstrap(plays.games[mine], None if weights is None else weights[mine])
        part = Judged(*(getattr(judged, name)[mine] for name in Judged.__dataclass_fields__))
        found[group] = {"plays": len(mine), "games": bootstrap.games, "figures": figures(part, bootstrap)}
    return found
