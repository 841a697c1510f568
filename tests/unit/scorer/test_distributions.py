"""Distributions from a model's outputs, and checks of those that callers send."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from playscore.distributions.tabulated import Tabulated
from playscore.errors import PlayscoreError, Reason
from playscore.release import Support
from scorer.passing.distributions import YardsDistribution, bins_of, check, predicted, stack, unstack

SUPPORT = Support(edges_yards=(-1.5, -0.5, 0.5, 1.5, 2.5), lower_tail_probability=0.05, upper_tail_probability=0.05)
DISTRIBUTION = YardsDistribution(SUPPORT, (0.1, 0.4, 0.4, 0.1), 0.1, 1.0, 0.2, 2.0)


def of(logits: NDArray[np.float32]) -> Tabulated:
    tails = np.tile(np.array([0.1, 1.0, 0.2, 2.0], np.float32), (len(logits), 1))
    return predicted(bins_of(SUPPORT), {"logits": logits, "tails": tails}, [np.inf] * len(logits))


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 8), st.just(4)), elements=st.floats(-1000, 1000, width=32)))
def test_probabilities_are_doubles_that_sum_to_one(logits: NDArray[np.float32]) -> None:
    distributions = of(logits)
    assert distributions.probabilities.dtype == np.float64
    np.testing.assert_allclose(distributions.probabilities.sum(axis=1), 1.0, atol=1e-14)
    for distribution in unstack(SUPPORT, distributions):
        check(distribution, "distribution")


def test_distributions_one_by_one_and_together_are_the_same() -> None:
    distributions = of(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32))
    again = stack(unstack(SUPPORT, distributions))
    np.testing.assert_allclose(again.probabilities, distributions.probabilities, atol=1e-15)
    yards = np.linspace(-30.0, 40.0, 15)[:, None].repeat(5, axis=1)
    np.testing.assert_allclose(again.cdf(yards), distributions.cdf(yards), atol=1e-14)


def test_a_distribution_may_have_empty_bins() -> None:
    distribution = replace(DISTRIBUTION, probabilities=(0.0, 1.0, 0.0, 0.0))
    check(distribution, "distribution")
    stack([distribution])


@pytest.mark.parametrize(
    ("distribution", "field", "what"),
    [
        (replace(DISTRIBUTION, probabilities=(0.5, 0.5)), "probabilities", "must be 4"),
        (replace(DISTRIBUTION, probabilities=(0.1, 0.4, 0.4, 0.2)), "probabilities", "sum to 1"),
        (replace(DISTRIBUTION, probabilities=(-0.1, 0.6, 0.4, 0.1)), "probabilities", "at least 0"),
        (replace(DISTRIBUTION, probabilities=(np.nan, 0.4, 0.4, 0.1)), "probabilities", "sum to 1"),
        (replace(DISTRIBUTION, lower_scale_yards=-1.0), "lower_scale_yards", "above 0"),
        (replace(DISTRIBUTION, upper_scale_yards=0.0), "upper_scale_yards", "above 0"),
        (replace(DISTRIBUTION, upper_scale_yards=np.inf), "upper_scale_yards", "finite"),
        (replace(DISTRIBUTION, lower_shape=np.nan), "lower_shape", "finite"),
        (replace(DISTRIBUTION, upper_shape=-np.inf), "upper_shape", "finite"),
    ],
)
def test_an_invalid_distribution_is_refused_naming_the_field(
    distribution: YardsDistribution, field: str, what: str
) -> None:
    with pytest.raises(PlayscoreError, match=what) as refused:
        check(distribution, "passes[3].distribution")
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID
    assert [violation.field for violation in refused.value.fields] == [f"passes[3].distribution.{field}"]
