"""Figures of chances of yes or no, and their intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from models.core.chances import GameResamples, brier_scores, difference, interval, log_losses, wilson
from models.core.logistic import Logistic

ROWS = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.9]), st.booleans()), min_size=2, max_size=40)


@given(ROWS)
def test_the_area_is_how_often_a_goal_had_the_better_chance(rows: list[tuple[float, bool]]) -> None:
    chances, goals = np.asarray([chance for chance, _ in rows]), np.asarray([goal for _, goal in rows])
    area, _ = GameResamples(np.full(len(rows), "a/1"), resamples=1).auc(chances, goals)
    if goals.all() or not goals.any():
        assert math.isnan(area)
        return
    pairs = [
        1.0 if scored > missed else 0.5 if scored == missed else 0.0
        for scored in chances[goals]
        for missed in chances[~goals]
    ]
    assert area == pytest.approx(np.mean(pairs))


def test_a_resample_has_the_area_of_its_rows_counted_as_often_as_their_games_were_drawn() -> None:
    rng = np.random.default_rng(0)
    games = np.repeat(["a/1", "a/2", "a/3"], 30)
    chances = rng.uniform(size=90)
    goals = rng.uniform(size=90) < chances
    resamples = GameResamples(games, resamples=4)
    _, areas = resamples.auc(chances, goals)
    for draw, area in zip(resamples._draws, areas, strict=True):
        chosen = np.concatenate([np.tile(np.arange(30) + 30 * game, int(times)) for game, times in enumerate(draw)])
        again, _ = GameResamples(games[chosen], resamples=1).auc(chances[chosen], goals[chosen])
        assert area == pytest.approx(again)


def test_the_interval_of_a_mean_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    games = np.repeat(np.arange(60), 10).astype(str)
    covered = 0
    for _ in range(200):
        values = np.repeat(rng.normal(0, 1, 60), 10) + rng.normal(0, 1, 600)
        _, low, high = GameResamples(games, resamples=200).mean(values)
        covered += low <= 0 <= high
    assert 175 <= covered <= 199


def test_a_forecast_less_itself_is_nothing() -> None:
    rng = np.random.default_rng(0)
    chances = rng.uniform(size=200)
    goals = rng.uniform(size=200) < chances
    area = GameResamples(np.repeat(np.arange(20), 10).astype(str)).auc(chances, goals)
    assert difference(area, area) == [0.0, 0.0, 0.0]
    value, low, high = interval(area)
    assert low <= value <= high


def test_losses_of_certain_forecasts_stay_finite_and_those_of_the_truth_are_least() -> None:
    sure = np.asarray([0.0, 1.0])
    assert np.isfinite(log_losses(sure, np.asarray([True, False]))).all()
    assert brier_scores(sure, np.asarray([True, False])).tolist() == [1.0, 1.0]
    truth = np.linspace(0.05, 0.95, 19)
    for shift in (-0.04, 0.04):
        assert (log_losses(truth + shift, truth) > log_losses(truth, truth)).all()


@given(st.integers(0, 50), st.integers(1, 50))
@example(0, 14)
@example(0, 1)
def test_a_share_lies_in_its_interval(successes: int, more: int) -> None:
    share, low, high = wilson(successes, successes + more)
    assert 0 <= low <= share <= high <= 1


def test_logistic_regression_finds_the_weights_that_outcomes_were_drawn_by() -> None:
    rng = np.random.default_rng(0)
    columns = np.column_stack([rng.normal(2, 3, 40_000), rng.uniform(-1, 1, 40_000), np.ones(40_000)])
    logits = -1 + 0.4 * columns[:, 0] - 0.8 * columns[:, 1]
    outcomes = rng.uniform(size=40_000) < 1 / (1 + np.exp(-logits))
    fitted = Logistic.fit(columns, outcomes)
    np.testing.assert_allclose(fitted.weights[:2], [0.4, -0.8], atol=0.05)
    np.testing.assert_allclose(fitted.logits(columns), logits, atol=0.15)
