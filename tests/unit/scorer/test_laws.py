"""A law is what a model gave, in double precision, or what stands up to being one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from playscore.errors import PlayscoreError, Reason
from scorer.core.inference import Outputs
from scorer.core.laws import Law, Support, check, predicted, stack, unstack

SUPPORT = Support((-1.5, -0.5, 0.5, 1.5, 2.5), 0.05, 0.05)
LAW = Law(SUPPORT, (0.1, 0.4, 0.4, 0.1), 0.1, 1.0, 0.2, 2.0)


def outputs(logits: np.ndarray) -> Outputs:
    return Outputs(logits, np.tile(np.array([0.1, 1.0, 0.2, 2.0], np.float32), (len(logits), 1)))


@given(hnp.arrays(np.float32, st.tuples(st.integers(1, 8), st.just(4)), elements=st.floats(-1000, 1000, width=32)))
def test_probabilities_are_doubles_that_sum_to_one(logits: np.ndarray) -> None:
    laws = predicted(SUPPORT, outputs(logits))
    assert laws.probabilities.dtype == np.float64
    np.testing.assert_allclose(laws.probabilities.sum(axis=1), 1.0, atol=1e-14)
    for law in unstack(SUPPORT, laws):
        check(law)


def test_laws_one_by_one_and_together_are_the_same() -> None:
    laws = predicted(SUPPORT, outputs(np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)))
    again = stack(unstack(SUPPORT, laws))
    np.testing.assert_allclose(again.probabilities, laws.probabilities, atol=1e-15)
    yards = np.linspace(-30.0, 40.0, 15)[:, None]
    np.testing.assert_allclose(again.cdf(yards), laws.cdf(yards), atol=1e-14)


def test_a_law_may_have_empty_bins() -> None:
    check(replace(LAW, probabilities=(0.0, 1.0, 0.0, 0.0)))


@pytest.mark.parametrize(
    ("law", "what"),
    [
        (replace(LAW, support=replace(SUPPORT, edges=())), "edges"),
        (replace(LAW, support=replace(SUPPORT, edges=(0.5,)), probabilities=()), "edges"),
        (replace(LAW, support=replace(SUPPORT, edges=(-1.5, 0.5, -0.5, 1.5, 2.5))), "rising"),
        (replace(LAW, support=replace(SUPPORT, edges=(-1.5, -0.5, -0.5, 1.5, 2.5))), "rising"),
        (replace(LAW, support=replace(SUPPORT, edges=(-1.5, -0.5, 0.5, 1.5, np.inf))), "finite"),
        (replace(LAW, support=replace(SUPPORT, edges=(-1.5, np.nan, 0.5, 1.5, 2.5))), "finite"),
        (replace(LAW, probabilities=(0.5, 0.5)), "4 bins"),
        (replace(LAW, probabilities=(0.1, 0.4, 0.4, 0.2)), "sum to 1"),
        (replace(LAW, probabilities=(-0.1, 0.6, 0.4, 0.1)), "at least 0"),
        (replace(LAW, probabilities=(np.nan, 0.4, 0.4, 0.1)), "sum to"),
        (replace(LAW, support=replace(SUPPORT, lower_tail=0.0)), "leave a body"),
        (replace(LAW, support=replace(SUPPORT, lower_tail=0.6, upper_tail=0.6)), "leave a body"),
        (replace(LAW, support=replace(SUPPORT, upper_tail=np.nan)), "leave a body"),
        (replace(LAW, lower_scale=-1.0), "scale"),
        (replace(LAW, upper_scale=0.0), "scale"),
        (replace(LAW, upper_scale=np.inf), "scale"),
        (replace(LAW, lower_shape=np.nan), "shape"),
    ],
)
def test_what_is_no_law_is_refused_by_what_is_wrong_with_it(law: Law, what: str) -> None:
    with pytest.raises(PlayscoreError, match=what) as refused:
        check(law)
    assert refused.value.reason is Reason.LAW_INVALID
