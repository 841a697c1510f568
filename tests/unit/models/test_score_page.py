"""docs/score.md is right to the last printed digit, by the code that serves and by hand."""

from __future__ import annotations

import math
import re
from pathlib import Path
from statistics import NormalDist

import pytest

from models.core.releasing import population_of
from models.ratings import worked_example
from models.ratings.worked_example import EDGES
from playscore.release import Release

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def page() -> str:
    return (ROOT / worked_example.PAGE).read_text()


def table(page: str, part: str, which: int = 0) -> list[list[str]]:
    """The cells of a table in a worked part, without its head."""
    text = page.split(f"<!-- worked: {part} -->")[1].split("<!-- end -->", maxsplit=1)[0]
    block = [block for block in text.split("\n\n") if block.startswith("|")][which]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines()[2:]]


def by_hand(formula: str) -> float:
    """The result that a calculator gives for a printed formula."""
    for printed, typed in {"−": "-", "·": "*", "^": "**"}.items():
        formula = formula.replace(printed, typed)
    assert re.fullmatch(r"[-+*/(). \d]+", formula), formula
    return float(eval(formula))


def test_the_page_is_what_the_code_writes_with_the_newest_release(page: str, passing_release: Release) -> None:
    assert page == worked_example.written(page, passing_release), "run: python -m models.ratings.worked_example"


def test_the_bins_follow_from_the_logits_by_hand(page: str) -> None:
    *rows, total = table(page, "distribution")
    weights = [math.exp(float(row[1])) for row in rows]
    running = 0.0
    for row, weight in zip(rows, weights, strict=True):
        running += weight / sum(weights)
        assert float(row[2]) == pytest.approx(weight, abs=6e-6)
        assert float(row[3]) == pytest.approx(weight / sum(weights), abs=6e-6)
        assert float(row[4]) == pytest.approx(running, abs=6e-6)
    assert float(total[2]) == pytest.approx(sum(weights), abs=6e-6)
    assert float(total[3]) == 1.0


def test_the_thresholds_follow_by_hand(page: str) -> None:
    for _, _, formula, yards, _, _ in table(page, "thresholds"):
        assert by_hand(formula) == pytest.approx(float(yards), abs=2e-3)


def test_the_play_scores_follow_by_hand(page: str) -> None:
    body = [float(row[4]) for row in table(page, "distribution")[:-1]]
    (_, _, _, lower, *_), (_, _, _, upper, *_) = table(page, "thresholds")
    rows = table(page, "ranks")
    places = {name: [yards - 0.5, yards + 0.5] for name, yards in worked_example.OUTCOMES.items()}
    assert [row[0] for row in rows] == list(places)
    for name, formulas, below, upto, score in rows:
        ends = [by_hand(formula) for formula in formulas.split(";")]
        assert ends == pytest.approx([float(below), float(upto)], abs=1e-4)
        assert float(score) == pytest.approx(sum(ends) / 2, abs=1e-4)
        for place, end in zip(places[name], ends, strict=True):
            if float(lower) < place < float(upper):
                known = [0.0, *body]
                bin_ = max(number for number, edge in enumerate(EDGES) if edge <= place)
                share = (place - EDGES[bin_]) / (EDGES[bin_ + 1] - EDGES[bin_])
                assert end == pytest.approx(known[bin_] + share * (known[bin_ + 1] - known[bin_]), abs=2e-5)
    scores = [float(row[4]) for row in rows]
    assert sorted(scores) == [scores[4], *scores[:4]]


def test_the_rating_follows_from_the_printed_constants_by_hand(page: str) -> None:
    constants = table(page, "rating")
    mu, sd, s, k, middle, per_deviation = (float(row[2]) for row in constants)
    rows = {name: [float(value) for value in values] for name, *values in table(page, "rating", 1)}
    counts, totals, means, shrunk, ratings, margins, lows, highs = rows.values()

    def scale(mean: float) -> float:
        return min(99.0, max(50.0, middle + per_deviation * (mean - mu) / sd))

    for place, plays in enumerate(counts):
        mean = (totals[place] + k * mu) / (plays + k)
        margin = 1.645 * s / math.sqrt(plays + k)
        assert means[place] == pytest.approx(totals[place] / plays, abs=1e-4)
        assert shrunk[place] == pytest.approx(mean, abs=1e-5)
        assert margins[place] == pytest.approx(margin, abs=1e-5)
        found = (ratings[place], lows[place], highs[place])
        assert found == pytest.approx([scale(mean), scale(mean - margin), scale(mean + margin)], abs=0.06)
    assert means[0] == means[1]
    assert abs(ratings[0] - middle) < abs(ratings[1] - middle)


def test_the_differences_follow_from_the_printed_constants_by_hand(page: str) -> None:
    mu, sd, s, k, _, per_deviation = (float(row[2]) for row in table(page, "rating"))
    (n1, sum1), (n2, sum2) = worked_example.COMPARED
    m1, m2 = (sum1 + k * mu) / (n1 + k), (sum2 + k * mu) / (n2 + k)
    believed = (2 / k) / (2 / k + 1 / n1 + 1 / n2)
    means = [m1 - m2, believed * (sum1 / n1 - sum2 / n2)]
    deviations = [s * math.sqrt(1 / (n1 + k) + 1 / (n2 + k)), s * math.sqrt(2 / k * (1 - believed))]
    rows = table(page, "difference")
    assert rows[0][1] == f"{sum1 / n1:.4f} of {n1}, {sum2 / n2:.4f} of {n2}"
    assert rows[1][1] == f"{m1:.5f}, {m2:.5f}"
    assert float(rows[2][2]) == pytest.approx(believed, abs=1e-4)
    printed = [[float(value) for value in values] for _, *values in rows[3:]]
    assert printed[0] == pytest.approx(means, abs=1e-5)
    assert printed[1] == pytest.approx(deviations, abs=1e-5)
    for sign, values in ((0, printed[2]), (-1, printed[3]), (1, printed[4])):
        ends = [mean + sign * 1.645 * deviation for mean, deviation in zip(means, deviations, strict=True)]
        assert values == pytest.approx([per_deviation * end / sd for end in ends], abs=0.06)
    normal = [NormalDist().cdf(mean / deviation) for mean, deviation in zip(means, deviations, strict=True)]
    assert printed[5] == pytest.approx(normal, abs=6e-3)


def test_what_the_page_says_about_the_release_is_true(page: str, passing_release: Release) -> None:
    support = passing_release.support
    assert support is not None
    edges = support.edges_yards
    assert (len(edges) - 1, edges[0], edges[-1]) == (120, -20.5, 99.5)
    assert "120 bins one yard wide, from −20.5 to 99.5" in page
    assert support.lower_tail_probability == support.upper_tail_probability == 0.05
    population = population_of(passing_release)
    assert population.min_plays == 224
    assert rf"{population.median_rating:g} + {population.rating_per_standard_deviation:g}\,\frac" in page
