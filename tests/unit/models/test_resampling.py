"""Resamples, halves and their figures do what their names say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.ratings import resampling


def test_the_first_resample_counts_everyone_once_and_a_cluster_is_drawn_whole() -> None:
    clusters = np.asarray(["b", "a", "b", "c", "a"])
    weights = resampling.resampled(np.random.default_rng(0), clusters, 50)
    assert weights.shape == (51, 5)
    assert weights[0].tolist() == [1] * 5
    for name in "abc":
        of_cluster = weights[:, clusters == name]
        assert (of_cluster == of_cluster[:, :1]).all()
    first_of_each = weights[1:, [1, 0, 3]]
    assert (first_of_each.sum(axis=1) == 3).all()


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 5))
def test_everyones_items_are_split_in_halves(owners: list[int], seed: int) -> None:
    owner = np.asarray(owners)
    first = resampling.split(np.random.default_rng(seed), owner)
    for one in np.unique(owner):
        mine = first[owner == one]
        assert 0 <= mine.sum() - (~mine).sum() <= 1


def test_a_split_is_at_random() -> None:
    rng = np.random.default_rng(0)
    shares = np.mean([resampling.split(rng, np.zeros(8, int)) for _ in range(2000)], axis=0)
    np.testing.assert_allclose(shares, 0.5, atol=0.05)


def test_correlations_and_shared_deviations_of_a_resample_are_those_of_its_items() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (2, 30)) + 2 * rng.normal(0, 1, 30)
    weights = resampling.resampled(rng, np.arange(30), 3)
    for weight, correlation, deviation in zip(
        weights,
        resampling.correlations(x, y, weights),
        resampling.shared_deviations(x, y, weights),
        strict=True,
    ):
        drawn = np.repeat(np.arange(30), weight.astype(int))
        assert correlation == pytest.approx(np.corrcoef(x[drawn], y[drawn])[0, 1])
        assert deviation**2 == pytest.approx(np.cov(x[drawn], y[drawn], ddof=0)[0, 1])
    assert resampling.shared_deviations(x, -x, weights)[0] == 0


@given(st.floats(0, 0.99), st.floats(0.5, 5))
def test_spearman_brown_goes_there_and_back(reliability: float, times: float) -> None:
    longer = resampling.lengthened(reliability, times)
    assert resampling.lengthened(longer, 1 / times) == pytest.approx(reliability)
    assert resampling.lengthened(0.5) == pytest.approx(2 / 3)


def test_the_interval_of_a_difference_and_of_a_ratio_is_that_of_independent_figures() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(3, 0.2, 100_000), rng.normal(2, 0.1, 100_000)
    figures = [[mean, *np.quantile(of, [0.025, 0.975])] for mean, of in ((3, one), (2, other))]
    for found, drawn in ((resampling.difference(*figures), one - other), (resampling.ratio(*figures), one / other)):
        np.testing.assert_allclose(found[1:], np.quantile(drawn, [0.025, 0.975]), atol=0.01)
    assert resampling.ratio(*figures)[0] == pytest.approx(1.5)


def test_a_ratio_to_nothing_is_unknown() -> None:
    value, low, high = resampling.ratio([1.0, 0.5, 2.0], [0.0, 0.0, 0.1])
    assert math.isnan(value)
    assert (low, high) == (0, math.inf)
    assert resampling.ratio([1.0, 0.5, 2.0], [1.0, 0.0, 2.0])[2] == math.inf


def test_the_reference_is_compared_with_the_others_resample_by_resample() -> None:
    found = {"a": np.asarray([0.5, 0.4, 0.6]), "b": np.asarray([0.3, 0.2, 0.4])}
    compared = resampling.compared(found, "a")
    assert compared["a_less"] == {"b": pytest.approx([0.2, 0.2, 0.2])}
    assert compared["measures"]["a"][0] == 0.5
