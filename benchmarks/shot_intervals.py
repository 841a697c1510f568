"""How often the intervals of goals and wins above expected hold what they should: docs/shots.md has the figures.

    python -m benchmarks.shot_intervals

Subjects take plays of drawn chances, and are truly better or worse than the model thinks by an odds ratio that all
their plays have in common. Given the chances, how many plays come off is a sum of independent events, whose
distribution is computed exactly: only the chances are drawn.
"""

from __future__ import annotations

from collections.abc import Callable

import click
import numpy as np
from numpy.typing import NDArray

from playscore.ratings import INTERVAL_DEVIATIONS, AboveExpected, above_expected

Numbers = NDArray[np.float64]
ODDS_RATIOS = (0.7, 0.85, 1.0, 1.2, 1.4)
PLAYS = (10, 20, 50, 100, 300, 1000, 2000)
LEAST = 1e-12
"""Probabilities that are left out."""


def unblocked(random: np.random.Generator, plays: int) -> Numbers:
    """Unblocked attempts at a goalie: 6.9% go in on average."""
    return logistic(random.normal(-3.05, 1.05, plays))


def unblocked_with_empty_nets(random: np.random.Generator, plays: int) -> Numbers:
    """Unblocked attempts, of which none, 1% or 3% are at an empty net."""
    chances = unblocked(random, plays)
    empty = random.random(plays) < random.choice([0.0, 0.01, 0.03])
    return np.where(empty, random.beta(6.0, 3.5, plays), chances)


def on_goal_with_empty_nets(random: np.random.Generator, plays: int) -> Numbers:
    """Shots on goal: 9.7% go in on average; of none, 1% or 3%, at an empty net, almost all do."""
    chances = logistic(random.normal(-2.6, 1.0, plays))
    empty = random.random(plays) < random.choice([0.0, 0.01, 0.03])
    return np.where(empty, random.beta(40.0, 2.0, plays), chances)


def faceoffs(random: np.random.Generator, plays: int) -> Numbers:
    """Face-offs: about even."""
    return random.normal(0.5, 0.05, plays).clip(0.05, 0.95)


MIXES: tuple[Callable[[np.random.Generator, int], Numbers], ...] = (
    unblocked,
    unblocked_with_empty_nets,
    on_goal_with_empty_nets,
    faceoffs,
)


def logistic(logit: Numbers) -> Numbers:
    chance: Numbers = 1.0 / (1.0 + np.exp(-logit))
    return chance


def counts(chances: Numbers) -> Numbers:
    """(N + 1,) how probable it is that 0 to N of the plays come off."""
    probability = np.zeros(len(chances) + 1)
    probability[0] = 1.0
    for place, chance in enumerate(chances.tolist(), start=1):
        probability[1 : place + 1] = probability[1 : place + 1] * (1.0 - chance) + probability[:place] * chance
        probability[0] *= 1.0 - chance
    return probability


def wilson(
    plays: NDArray[np.intp], came_off: Numbers, expected: Numbers, variance: Numbers, third_moment: Numbers
) -> AboveExpected:
    """Wilson's interval, were the plays a binomial of the same mean and variance."""
    trials = expected**2 / (expected - variance)
    share = np.minimum(came_off, trials) / trials
    squared = INTERVAL_DEVIATIONS**2 / trials
    center = (share + squared / 2) / (1 + squared)
    margin = np.sqrt(squared * share * (1 - share) + squared**2 / 4) / (1 + squared)
    low, high = ((center + side * margin) * trials - expected for side in (-1, 1))
    return AboveExpected(came_off - expected, low, high)


METHODS = {"served": above_expected, "wilson": wilson}


def coverage(chances: Numbers, odds_ratio: float, method: str = "served") -> float:
    """How probable it is that the interval holds the mean of what comes off, less what was expected."""
    true = odds_ratio * chances / (1.0 - chances + odds_ratio * chances)
    probability = counts(true)
    came_off = np.flatnonzero(probability > LEAST).astype(np.float64)
    variance = chances * (1.0 - chances)
    sums = [np.full(len(came_off), float(each.sum())) for each in (chances, variance, variance * (1.0 - 2.0 * chances))]
    interval = METHODS[method](np.full(len(came_off), len(chances)), came_off, *sums)
    above = float(true.sum() - chances.sum())
    holds = (interval.low <= above) & (above <= interval.high)
    return float(probability[probability > LEAST][holds].sum())


@click.command()
@click.option("--subjects", type=click.IntRange(1), default=200, show_default=True, help="Drawn for each figure.")
@click.option("--seed", default=1, show_default=True)
@click.option("--method", type=click.Choice(list(METHODS)), default="served", show_default=True)
def main(subjects: int, seed: int, method: str) -> None:
    """Print a table of coverage: mixes and numbers of plays by odds ratios."""
    random = np.random.default_rng(seed)
    click.echo(
        f"| | plays | {' | '.join(f'{ratio:g}' for ratio in ODDS_RATIOS)} |\n|---|---|{'---|' * len(ODDS_RATIOS)}"
    )
    for mix in MIXES:
        for plays in PLAYS:
            drawn = [mix(random, plays) for _ in range(subjects)]
            shares = [np.mean([coverage(chances, ratio, method) for chances in drawn]) for ratio in ODDS_RATIOS]
            figures = " | ".join(f"{100 * share:.1f}%" for share in shares)
            click.echo(f"| {mix.__name__.replace('_', ' ')} | {plays} | {figures} |")


if __name__ == "__main__":
    main()
