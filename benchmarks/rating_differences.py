"""Whether differences of ratings are as sure as they say: docs/score.md has the figures.

    python -m benchmarks.rating_differences

Seasons are drawn whose true skills are known: skills as the formulas take them to be spread, or `--spread` times as
widely; play scores between 0 and 1 with the mean and the standard deviation of the release's population; shots and
face-offs with realistic chances. The true difference is that of the means that the plays were drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray

from aggregator.faceoffs.task import SKILL_SPREAD as TAKERS
from aggregator.shots.task import SKILL_SPREAD
from benchmarks.shot_intervals import faceoffs, logistic, unblocked, unblocked_with_empty_nets
from models.core.releasing import newest, population_of
from playscore.rating_differences import (
    Difference,
    Points,
    Side,
    above_expected,
    of_one_subject,
    of_two_opponents,
    of_two_subjects,
)
from playscore.release import ReferencePopulation
from playscore.shipped import RELEASES
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM

Numbers = NDArray[np.float64]
DECILES: Final = 10


@dataclass(frozen=True)
class Parts:
    """How many plays only the first side has, only the second, and both."""

    first: int
    second: int
    shared: int = 0


@dataclass(frozen=True)
class Drawn:
    """A difference as it is answered, and as it truly is."""

    answered: Difference
    true: float


@dataclass(frozen=True)
class Case:
    """Comparisons of one kind."""

    name: str
    parts: Parts
    draw: Callable[[np.random.Generator, Parts, float], Drawn]
    """Draws one; the number is how much more widely skills are spread than the formulas take them to be."""


def passers(population: ReferencePopulation, *, one: bool = False) -> Callable[..., Drawn]:
    """Two passers, or one in two splits, whose level is that of any passer."""
    points = Points(population)
    tau = population.play_standard_deviation / population.shrinkage_plays**0.5

    def draw(random: np.random.Generator, parts: Parts, spread: float) -> Drawn:
        level = random.normal(population.mean, tau) if one else population.mean
        means = (level + spread * random.normal(0.0, tau, 3)).clip(0.2, 0.8)
        counts = (parts.first, parts.second, parts.shared)
        worths = [
            points.worth(count, float(play_scores(random, population, mean, count).sum()))
            for mean, count in zip(means.tolist(), counts, strict=True)
        ]
        first, second = (Side(own, worths[2], points.spread) for own in worths[:2])
        scale = population.rating_per_standard_deviation / population.standard_deviation
        true = [
            scale * (own.plays * mean + parts.shared * means[2]) / (own.plays + parts.shared)
            for own, mean in zip(worths[:2], means[:2], strict=True)
        ]
        return Drawn((of_one_subject if one else of_two_subjects)(first, second), true[0] - true[1])

    return draw


def play_scores(random: np.random.Generator, population: ReferencePopulation, mean: float, count: int) -> Numbers:
    """(count,) play scores of a passer, from 0 to 1."""
    concentration = mean * (1 - mean) / population.play_standard_deviation**2 - 1
    return random.beta(mean * concentration, (1 - mean) * concentration, count)


def chances(
    mix: Callable[[np.random.Generator, int], Numbers], spread: float, *, one: bool = False
) -> Callable[..., Drawn]:
    """Two subjects who take their chances, or one in two splits. Shared plays of two are against each other."""

    def draw(random: np.random.Generator, parts: Parts, wider: float) -> Drawn:
        skills = (random.normal(0.0, spread) if one else 0.0) + wider * random.normal(0.0, spread, 3)
        if not one:
            skills[2] = skills[0] - skills[1]
        worths, taken = [], []
        for skill, count in zip(skills.tolist(), (parts.first, parts.second, parts.shared), strict=True):
            expected = mix(random, count)
            came_off = float((random.random(count) < moved(expected, skill)).sum())
            variance = float((expected * (1 - expected)).sum())
            worths.append(above_expected(count, came_off, float(expected.sum()), variance))
            taken.append(expected)
        own, other, shared = worths
        lifts = np.array([[own.lift, 0.0, shared.lift], [0.0, other.lift, shared.lift]])
        of_sides = lifts @ skills / lifts.sum(axis=1) if one else skills[:2]
        chances = np.concatenate([*taken, taken[2]])
        true = float((moved(chances, of_sides[0]) - moved(chances, of_sides[1])).mean())
        seen = shared if one else replace(shared, total=-shared.total)
        compare = of_one_subject if one else of_two_opponents
        return Drawn(compare(Side(own, shared, spread), Side(other, seen, spread)), true)

    return draw


def moved(chances: Numbers, skill: float) -> Numbers:
    """Chances of a subject of some skill."""
    return logistic(np.log(chances / (1 - chances)) + skill)


def cases(population: ReferencePopulation) -> Sequence[Case]:
    """What is drawn."""
    two, one = passers(population), passers(population, one=True)
    shooters, goalies = SKILL_SPREAD[SHOOTER], SKILL_SPREAD[GOALIE]
    return (
        Case("two passers", Parts(1, 1), two),
        Case("two passers", Parts(20, 300), two),
        Case("two passers", Parts(400, 500), two),
        Case("a passer, other plays", Parts(20, 280), one),
        Case("a passer, overlapping", Parts(100, 200, 150), one),
        Case("a passer, some of all", Parts(0, 240, 60), one),
        Case("two shooters", Parts(5, 5), chances(unblocked, shooters)),
        Case("two shooters", Parts(30, 300), chances(unblocked_with_empty_nets, shooters)),
        Case("two shooters", Parts(1000, 2000), chances(unblocked_with_empty_nets, shooters)),
        Case("a shooter, overlapping", Parts(60, 100, 80), chances(unblocked_with_empty_nets, shooters, one=True)),
        Case("two goalies", Parts(300, 1500), chances(unblocked, goalies)),
        Case("a goalie, some of all", Parts(0, 1200, 300), chances(unblocked, goalies, one=True)),
        Case("two teams", Parts(3000, 3000), chances(unblocked_with_empty_nets, SKILL_SPREAD[SHOOTING_TEAM])),
        Case("two takers who met", Parts(100, 300, 40), chances(faceoffs, TAKERS)),
        Case("two takers who only met", Parts(0, 0, 60), chances(faceoffs, TAKERS)),
        Case("a taker, some of all", Parts(0, 400, 100), chances(faceoffs, TAKERS, one=True)),
    )


def covered(drawn: Sequence[Drawn]) -> float:
    """The share whose interval holds the truth."""
    return float(np.mean([each.answered.low <= each.true <= each.answered.high for each in drawn]))


def calibration(drawn: Sequence[Drawn]) -> list[tuple[float, float, int]]:
    """By decile of the stated probability: its mean, the share whose first is truly better, and how many there are."""
    stated = np.array([each.answered.probability for each in drawn])
    better = np.array([each.true > 0 for each in drawn])
    deciles = np.minimum((stated * DECILES).astype(np.intp), DECILES - 1)
    return [
        (float(stated[chosen].mean()), float(better[chosen].mean()), int(chosen.sum())) if chosen.any() else (0, 0, 0)
        for chosen in (deciles == decile for decile in range(DECILES))
    ]


@click.command()
@click.option("--draws", type=click.IntRange(1), default=4000, show_default=True, help="Of each case and seed.")
@click.option("--seed", "seeds", type=int, multiple=True, default=(1, 2, 3), show_default=True)
@click.option("--spread", type=float, default=1.0, show_default=True, help="True spread over the one that is assumed.")
def main(draws: int, seeds: Sequence[int], spread: float) -> None:
    """Print a row for each case: coverage by seed, and how often the first is better by decile of its probability.

    Deciles with fewer than 100 draws are left out.
    """
    heads = [f"{decile / DECILES:.1f}-" for decile in range(DECILES)]
    click.echo(f"| | only first, only second, both | covered by seed | {' | '.join(heads)} |")
    click.echo("|" + "---|" * (3 + DECILES))
    for case in cases(population_of(newest(RELEASES, "passing"))):
        drawn = [
            [case.draw(random, case.parts, spread) for _ in range(draws)]
            for random in (np.random.default_rng([seed, 7]) for seed in seeds)
        ]
        shares = ", ".join(f"{100 * covered(each):.1f}" for each in drawn)
        together = calibration([each for of_seed in drawn for each in of_seed])
        figures = " | ".join(f"{share:.2f}" if count >= 100 else "" for _, share, count in together)
        parts = case.parts
        click.echo(f"| {case.name} | {parts.first}, {parts.second}, {parts.shared} | {shares} | {figures} |")


if __name__ == "__main__":
    main()
