"""The numbers of docs/score.md, computed by the code that serves: from a distribution to play scores and a rating.

`python -m models.ratings.worked_example` rewrites them in the page, with the constants of the newest release.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from models.core.releasing import newest, population_of
from models.ratings.markdown import table
from playscore.distributions import Censored, SplicedBinnedPareto
from playscore.rating_differences import NOTHING, Points, Side, of_one_subject, of_two_subjects
from playscore.ratings import INTERVAL_DEVIATIONS, rate
from playscore.release import Release
from playscore.shipped import RELEASES

PAGE = Path("docs/score.md")

EDGES = (-20.5, -4.5, -0.5, 0.5, 4.5, 9.5, 14.5, 24.5, 99.5)
LOGITS = (-2.9, -1.8, 0.0, -1.1, -0.7, -1.1, -1.3, -2.2)
LOWER_SHAPE, LOWER_SCALE, UPPER_SHAPE, UPPER_SCALE = 0.1, 2.0, 0.2, 9.0
TAIL = 0.05
YARDS_TO_GO = 8
CEILING = 38
OUTCOMES = {"incompletion": 0, "gain of 7": 7, "gain of 30": 30, "touchdown of 38": CEILING, "loss of 6": -6}
PASSERS = {20: 10.2, 300: 153.0}
"""The sum of play scores, by number of plays."""
COMPARED = ((60, 33.0), (240, 120.0))
"""Plays and the sum of their play scores, of two sides that are compared."""


def written(page: str, release: Release) -> str:
    """The page with every part between `<!-- worked: name -->` and `<!-- end -->` rewritten."""
    parts = {
        "distribution": _bins(),
        "thresholds": _thresholds(),
        "ranks": _ranks(),
        "rating": _rating(release),
        "difference": _difference(release),
    }

    def part(found: re.Match[str]) -> str:
        return f"<!-- worked: {found[1]} -->\n\n{parts[found[1]]}\n\n<!-- end -->"

    return re.sub(r"<!-- worked: (\w+) -->.*?<!-- end -->", part, page, flags=re.DOTALL)


def example_distribution() -> Censored:
    """The distribution of the example."""
    latent = SplicedBinnedPareto(
        np.asarray(EDGES), np.asarray(LOGITS), LOWER_SHAPE, LOWER_SCALE, UPPER_SHAPE, UPPER_SCALE, TAIL, TAIL
    )
    return Censored(latent, CEILING)


def _bins() -> str:
    probabilities = example_distribution().latent.probabilities
    rows = [
        [f"{left:g} to {right:g}", f"{logit:g}", f"{np.exp(logit):.5f}", f"{probability:.5f}", f"{total:.5f}"]
        for left, right, logit, probability, total in zip(
            EDGES[:-1], EDGES[1:], LOGITS, probabilities, np.cumsum(probabilities), strict=True
        )
    ]
    rows.append(["sum", "", f"{np.exp(LOGITS).sum():.5f}", f"{probabilities.sum():.5f}", ""])
    return table(["bin, yards", "logit", "exp(logit)", "p", "B at its end"], rows)


def _thresholds() -> str:
    dist = example_distribution().latent
    lower, upper = f"{float(dist.lower_threshold):.4f}", f"{float(dist.upper_threshold):.4f}"
    rows = [
        ["l", f"{TAIL:g}", _interpolated(TAIL), lower, f"{LOWER_SHAPE:g}", f"{LOWER_SCALE:g}"],
        ["u", f"{1 - TAIL:g}", _interpolated(1 - TAIL), upper, f"{UPPER_SHAPE:g}", f"{UPPER_SCALE:g}"],
    ]
    return table(["", "where B is", "worked", "yards", "shape ξ", "scale σ, yards"], rows)


def _interpolated(level: float) -> str:
    sums = np.cumsum(example_distribution().latent.probabilities)
    place = int(np.searchsorted(sums, level))
    before, mass = sums[place - 1], sums[place] - sums[place - 1]
    left, width = EDGES[place], EDGES[place + 1] - EDGES[place]
    return f"{left:g} + {width:g} · ({level:g} − {before:.5f}) / {mass:.5f}"


def _ranks() -> str:
    dist = example_distribution()
    rows = []
    for name, yards in OUTCOMES.items():
        below, upto = (float(value) for value in dist.cdf(np.asarray([yards - 0.5, yards + 0.5])))
        worked = "; ".join(_worked(yards + end) for end in (-0.5, 0.5))
        rows.append([name, worked, f"{below:.4f}", f"{upto:.4f}", f"{(below + upto) / 2:.4f}"])
    gained, scored = float(dist.sf(YARDS_TO_GO - 0.5)), float(dist.atom)
    expectation = (
        f"The chance of a first down with {YARDS_TO_GO} yards to go: 1 − F({YARDS_TO_GO - 0.5:g}) = {gained:.4f}. "
        f"That of a touchdown, {CEILING} yards away: 1 − F({CEILING - 0.5:g}) = {scored:.4f}."
    )
    heads = ["outcome", "F at both ends, worked", "F(y − ½)", "F(y + ½)", "play score"]
    return table(heads, rows) + "\n\n" + expectation


def _worked(yards: float) -> str:
    """F(yards) as one computes it by hand."""
    dist = example_distribution().latent
    low, high = float(dist.lower_threshold), float(dist.upper_threshold)
    if yards >= CEILING:
        return "1"
    if yards < low:
        power = f"(1 + {LOWER_SHAPE:g} · ({low:.4f} − {yards:g}) / {LOWER_SCALE:g})^(−{1 / LOWER_SHAPE:g})"
        return f"{TAIL:g} · {power}".replace("− -", "+ ")
    if yards > high:
        return (
            f"1 − {TAIL:g} · (1 + {UPPER_SHAPE:g} · ({yards:g} − {high:.4f}) / {UPPER_SCALE:g})^(−{1 / UPPER_SHAPE:g})"
        )
    sums = np.concatenate([[0.0], np.cumsum(dist.probabilities)])
    if yards in EDGES:
        return f"{sums[EDGES.index(yards)]:.5f}"
    place = int(np.searchsorted(EDGES, yards)) - 1
    left, width = EDGES[place], EDGES[place + 1] - EDGES[place]
    mass = sums[place + 1] - sums[place]
    return f"{sums[place]:.5f} + {mass:.5f} · ({yards:g} − {left:g}) / {width:g}"


def _rating(release: Release) -> str:
    population = population_of(release)
    mu, sd = population.mean, population.standard_deviation
    s, k = population.play_standard_deviation, population.shrinkage_plays
    median, per_deviation = population.median_rating, population.rating_per_standard_deviation
    constants = table(
        ["in `release.json`", "", f"{release.model} {release.version}"],
        [
            ["`mean`", "μ", f"{mu:.6f}"],
            ["`standard_deviation`", "sd", f"{sd:.6f}"],
            ["`play_standard_deviation`", "s", f"{s:.6f}"],
            ["`shrinkage_plays`", "k", f"{k:.4f}"],
            ["`median_rating`", "", f"{median:g}"],
            ["`rating_per_standard_deviation`", "", f"{per_deviation:g}"],
        ],
    )
    plays, totals = np.asarray(list(PASSERS)), np.asarray(list(PASSERS.values()))
    rated = rate(plays, totals, population)
    means = (totals + k * mu) / (plays + k)
    margins = INTERVAL_DEVIATIONS * s / np.sqrt(plays + k)
    rows = {
        "plays n": [f"{n}" for n in plays],
        "sum of play scores": [f"{total:g}" for total in totals],
        "mean of play scores, sum / n": [f"{mean:.4f}" for mean in totals / plays],
        "m = (sum + k μ) / (n + k)": [f"{mean:.5f}" for mean in means],
        f"rating = {median:g} + {per_deviation:g} (m − μ) / sd": [f"{rating:.1f}" for rating in rated.rating],
        "margin = 1.645 s / √(n + k)": [f"{margin:.5f}" for margin in margins],
        "low end, the scale at m − margin": [f"{low:.1f}" for low in rated.low],
        "high end, the scale at m + margin, at most 99": [f"{high:.1f}" for high in rated.high],
    }
    return constants + "\n\n" + table(["", "few plays", "many"], [[name, *values] for name, values in rows.items()])


def _difference(release: Release) -> str:
    population = population_of(release)
    points = Points(population)
    mu, k = population.mean, population.shrinkage_plays
    s = population.play_standard_deviation
    scale = population.rating_per_standard_deviation
    (n1, sum1), (n2, sum2) = COMPARED
    first, second = (Side(points.worth(n, total), NOTHING, points.spread) for n, total in COMPARED)
    two, one = of_two_subjects(first, second), of_one_subject(first, second)
    m1, m2 = (sum1 + k * mu) / (n1 + k), (sum2 + k * mu) / (n2 + k)
    believed = (2 / k) / (2 / k + 1 / n1 + 1 / n2)
    estimates = m1 - m2, believed * (sum1 / n1 - sum2 / n2)
    deviations = s * (1 / (n1 + k) + 1 / (n2 + k)) ** 0.5, s * (2 / k * (1 - believed)) ** 0.5
    found = (two, one)
    rows = [
        ["means of play scores", f"{sum1 / n1:.4f} of {n1}, {sum2 / n2:.4f} of {n2}", "the same"],
        ["m of each", f"{m1:.5f}, {m2:.5f}", ""],
        ["believed, f", "", f"{believed:.4f}"],
        ["difference of true means", *(f"{estimate:.5f}" for estimate in estimates)],
        ["its standard deviation", *(f"{deviation:.5f}" for deviation in deviations)],
        [f"difference in points, {scale:g} / sd times as much", *(f"{each.value:.1f}" for each in found)],
        ["low end, 1.645 deviations below", *(f"{each.low:.1f}" for each in found)],
        ["high end", *(f"{each.high:.1f}" for each in found)],
        ["probability that the first is better", *(f"{each.probability:.2f}" for each in found)],
    ]
    return table(["", "two passers", "one passer, other plays"], rows)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(), newest(RELEASES, "passing")))
