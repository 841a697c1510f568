"""How good the laws are, on plays that the network has not seen: figures with intervals by bootstrap over games.

Yards are whole, so every law is judged on whole yards: the probability of y is its mass between y - 1/2 and y + 1/2.
That puts the oracle of simulated plays, which is a law over whole yards, on the same footing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from models.passing.graph import INPUTS, OUTPUTS
from models.passing.network import EDGES, LOWER_TAIL, UPPER_TAIL
from models.passing.plays import FIRST_YARD, PassPlays
from playscore.distributions import SplicedBinnedPareto

Array = NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-9
"""What the log score takes for impossible: 21 nats."""
_GRID = np.asarray(EDGES)
_COVERAGES = (0.5, 0.8, 0.95)
_RESAMPLES = 500


@dataclass(frozen=True, eq=False)
class Ranks:
    """Laws of N plays on the grid of half-integers, and where the yards fell in them."""

    cdf: Array
    """(N, K + 1) at the edges"""
    below: Array
    """(N,) F(y - 1/2)"""
    upto: Array
    """(N,) F(y + 1/2)"""

    @property
    def play_scores(self) -> Array:
        """(N,) mid-ranks."""
        return (self.below + self.upto) / 2


def ranks(graph: onnxruntime.InferenceSession, plays: PassPlays, batch: int = 256) -> Ranks:
    """The laws of the released graph."""
    cdf = np.empty((len(plays), len(EDGES)))
    ends = np.empty((2, len(plays)))
    order = np.argsort(plays.lengths, kind="stable")
    for start in range(0, len(order), batch):
        chosen = order[start : start + batch]
        logits, tails = graph.run(OUTPUTS, dict(zip(INPUTS, plays.padded(chosen), strict=True)))
        law = law_of(logits, tails)
        cdf[chosen] = law.cdf(_GRID[:, None]).T
        yards = plays.yards[chosen].astype(float)
        ends[:, chosen] = law.cdf(np.stack([yards - 0.5, yards + 0.5]))
    return Ranks(cdf, *ends)


def law_of(logits: NDArray[np.float32], tails: NDArray[np.float32]) -> SplicedBinnedPareto:
    """The laws that a graph's answer stands for, in double precision."""
    lower_shape, lower_scale, upper_shape, upper_scale = tails.astype(np.float64).T
    return SplicedBinnedPareto(
        EDGES, logits.astype(np.float64), lower_shape, lower_scale, upper_shape, upper_scale, LOWER_TAIL, UPPER_TAIL
    )


def oracle_ranks(plays: PassPlays) -> Ranks:
    """The laws that simulated outcomes were drawn about: those of the league-average passer."""
    return _whole_yard_ranks(plays.truth.astype(np.float64), plays.yards)


def base_rate_ranks(probabilities: Array, plays: PassPlays) -> Ranks:
    """The same law over whole yards (K,) for every play."""
    return _whole_yard_ranks(np.broadcast_to(probabilities, (len(plays), len(probabilities))), plays.yards)


def _whole_yard_ranks(probabilities: Array, yards: NDArray[np.float32]) -> Ranks:
    cdf = np.concatenate([np.zeros((len(probabilities), 1)), np.cumsum(probabilities, axis=1)], axis=1)
    bins = (yards - FIRST_YARD).astype(int)
    plays = np.arange(len(yards))
    return Ranks(cdf, cdf[plays, bins], cdf[plays, bins + 1])


def figures(
    found: Ranks, plays: PassPlays, *, weights: NDArray[np.floating] | None = None, seed: int = 0
) -> dict[str, list[float]]:
    """Figures by name, each [value, lower, upper] with a 95% interval by bootstrap over games.

    `crps`, `median_absolute_error` in yards; `log_score` in nats; `pit_ks`, the Kolmogorov-Smirnov distance of the
    randomised probability integral transform from the uniform law; `mean_play_score`; `coverage_50` and so on, of the
    central intervals.
    """
    rng = np.random.default_rng(seed)
    weight = np.ones(len(plays)) if weights is None else np.asarray(weights, dtype=np.float64)
    columns = _by_play(found, plays, rng)
    games, game_of = np.unique(plays.games, return_inverse=True)
    draws = rng.multinomial(len(games), np.full(len(games), 1 / len(games)), size=_RESAMPLES)

    def with_interval(statistic: Callable[[Array], float]) -> list[float]:
        resampled = [statistic(weight * draw[game_of]) for draw in draws]
        return [statistic(weight), *(float(end) for end in np.quantile(resampled, [0.025, 0.975]))]

    found_figures = {
        name: with_interval(lambda w, column=column: float(np.average(column, weights=w)))  # type: ignore[misc]
        for name, column in columns.items()
        if name != "pit"
    }
    order = np.argsort(columns["pit"], kind="stable")
    return {**found_figures, "pit_ks": with_interval(lambda w: _ks_distance(columns["pit"][order], w[order]))}


def _by_play(found: Ranks, plays: PassPlays, rng: np.random.Generator) -> dict[str, Array]:
    yards = plays.yards.astype(np.float64)
    mass = np.maximum(found.upto - found.below, 0)
    reached = _GRID[None, :] >= yards[:, None] + 0.5
    medians = FIRST_YARD + (found.cdf < 0.5).sum(axis=1) - 1.0
    pit = found.below + rng.uniform(size=len(plays)) * mass
    columns = {
        "crps": ((found.cdf - reached) ** 2).sum(axis=1),
        "log_score": -np.log(np.maximum(mass, SMALLEST_PROBABILITY)),
        "median_absolute_error": np.abs(medians - yards),
        "mean_play_score": found.play_scores,
        "pit": pit,
    }
    for share in _COVERAGES:
        columns[f"coverage_{100 * share:g}"] = (np.abs(pit - 0.5) <= share / 2).astype(np.float64)
    return columns


def _ks_distance(rising: Array, weight: Array) -> float:
    upto = np.cumsum(weight) / weight.sum()
    before = upto - weight / weight.sum()
    return float(max(np.abs(upto - rising).max(), np.abs(before - rising).max()))
