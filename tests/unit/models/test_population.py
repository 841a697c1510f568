"""The reference population separates skill from luck, and its own passers have the mean and spread of the scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.ratings.population import (
    MEDIAN_RATING,
    MIN_PLAYS,
    RATING_PER_STANDARD_DEVIATION,
    reference_population,
    spread,
)
from playscore.errors import PlayscoreError
from playscore.ratings import rate
from playscore.release import ReferencePopulation

WITHIN, BETWEEN = 0.25, 0.02


def drawn(
    plays: NDArray[np.int64], seed: int = 0, *, mean: float = 0.48, between: float = BETWEEN
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Play scores, and who made them, of one passer for each number of plays."""
    rng = np.random.default_rng(seed)
    passer = np.repeat(np.arange(len(plays)), plays)
    scores = rng.normal(mean, between, len(plays))[passer] + rng.normal(0, WITHIN, len(passer))
    return scores, np.char.add("passer ", passer.astype(str))


def population(plays: NDArray[np.int64], seed: int = 0, *, mean: float = 0.48) -> ReferencePopulation:
    scores, passers = drawn(plays, seed, mean=mean)
    return reference_population(scores, passers, seasons=1, description="{passers} in {seasons}")


def test_the_population_separates_skill_from_luck() -> None:
    found = population(np.full(400, 300))
    assert found.subjects == 400
    assert found.description == "400 in 1"
    assert found.mean == pytest.approx(0.48, abs=0.003)
    assert found.play_standard_deviation == pytest.approx(WITHIN, rel=0.01)
    assert found.shrinkage_plays == pytest.approx(WITHIN**2 / BETWEEN**2, rel=0.25)
    assert found.standard_deviation < BETWEEN


def test_the_variance_between_passers_is_found_without_bias_however_unequal_their_plays() -> None:
    plays = np.random.default_rng(1).integers(MIN_PLAYS, 800, 40)
    between = []
    for seed in range(200):
        scores, passers = drawn(plays, seed)
        _, passer = np.unique(passers, return_inverse=True)
        counts = np.bincount(passer)
        means = np.bincount(passer, scores) / counts
        found = spread(means, np.bincount(passer, scores**2) / counts - means**2, counts)
        between.append(found.between)
    error = np.std(between) / np.sqrt(len(between))
    assert abs(np.mean(between) - BETWEEN**2) < 3.5 * error
    assert error < 0.05 * BETWEEN**2


def test_passers_with_too_few_plays_do_not_count() -> None:
    plays = np.full(60, 300)
    scores, passers = drawn(plays)
    rare = np.full(MIN_PLAYS - 1, 0.99), np.full(MIN_PLAYS - 1, "rare")
    alone = reference_population(scores, passers, 1, "{passers}")
    together = reference_population(
        np.concatenate([scores, rare[0]]), np.concatenate([passers, rare[1]]), 1, "{passers}"
    )
    assert together == alone


@settings(max_examples=10)
@given(st.integers(0, 1000), st.floats(0.4, 0.6))
def test_the_season_of_the_reference_has_the_mean_and_the_deviation_of_the_scale(seed: int, mean: float) -> None:
    plays = np.random.default_rng(seed).integers(MIN_PLAYS, 600, 40)
    scores, passers = drawn(plays, seed, mean=mean)
    found = reference_population(scores, passers, 1, "")
    _, passer = np.unique(passers, return_inverse=True)
    # Without the clamp, which is not part of the standardization: halve the points, then double them.
    narrow = found.model_copy(update={"rating_per_standard_deviation": RATING_PER_STANDARD_DEVIATION / 2})
    halved = rate(np.bincount(passer), np.bincount(passer, scores).astype(np.float64), narrow).rating
    ratings = MEDIAN_RATING + 2 * (halved - MEDIAN_RATING)
    assert ratings.mean() == pytest.approx(MEDIAN_RATING, abs=1e-6)
    assert ratings.std(ddof=1) == pytest.approx(RATING_PER_STANDARD_DEVIATION, abs=1e-6)
    assert np.median(ratings) == pytest.approx(MEDIAN_RATING, abs=4)


def test_a_population_without_skill_is_all_shrinkage() -> None:
    found = spread(np.full(10, 0.5), np.full(10, 0.06), np.full(10, 300))
    assert found.shrinkage_plays >= 300


def test_less_than_a_season_is_not_a_population() -> None:
    with pytest.raises(PlayscoreError, match=f"1 of 3 passers have {MIN_PLAYS} plays"):
        population(np.asarray([10, 300, MIN_PLAYS - 1]))
