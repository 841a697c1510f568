"""What services tabulate is what the general distributions answer, to rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from playscore.distributions import Censored, SplicedBinnedPareto
from playscore.distributions.tabulated import Bins, Tabulated

EDGES = (-20.5, -10.0, -3.5, -0.5, 0.5, 1.5, 2.5, 4.0, 8.0, 15.0, 40.5)
ROWS = 4
LEVELS = np.array([0.001, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.999])

shapes = st.sampled_from([-0.9, -0.3, -1e-9, 0.0, 1e-300, 1e-12, 1e-5, 0.2, 0.7, 1.0, 1.3]) | st.floats(-1.5, 1.5)
scales = st.floats(0.01, 50.0)
tails = st.lists(st.tuples(shapes, scales, shapes, scales), min_size=ROWS, max_size=ROWS).map(np.array)
logits = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed).normal(scale=2.0, size=(ROWS, 10)))
ceilings = st.lists(st.integers(-5, 99).map(float) | st.just(np.inf), min_size=ROWS, max_size=ROWS).map(np.array)
probabilities = st.sampled_from([0.005, 0.05, 0.1, 0.3])
points = st.lists(st.floats(-150.0, 150.0) | st.sampled_from([*EDGES, 3.5, 30.0]), min_size=1, max_size=6)
bounds = st.tuples(st.floats(-99.0, 50.0), st.floats(-20.0, 109.0))


def both(
    logits: NDArray[np.float64], tails: NDArray[np.float64], ceiling: NDArray[np.float64], lower: float, upper: float
) -> tuple[Tabulated, Censored]:
    latent = SplicedBinnedPareto(
        np.array(EDGES), logits, tails[:, 0], tails[:, 1], tails[:, 2], tails[:, 3], lower, upper
    )
    general = Censored(latent, ceiling)
    return Tabulated.from_logits(Bins(EDGES, lower, upper), logits, tails, ceiling), general


@given(logits, tails, ceilings, probabilities, probabilities, points, bounds)
def test_every_answer_is_that_of_the_general_distribution(
    logits: NDArray[np.float64],
    tails: NDArray[np.float64],
    ceiling: NDArray[np.float64],
    lower: float,
    upper: float,
    points: list[float],
    bounds: tuple[float, float],
) -> None:
    tabulated, general = both(logits, tails, ceiling, lower, upper)
    asked = np.repeat(np.array(points)[:, None], ROWS, axis=1)
    low, high = (np.full(ROWS, bound) for bound in bounds)
    answers = tabulated.answers(asked, LEVELS, low, high)
    np.testing.assert_allclose(answers.cdf, general.cdf(asked), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(tabulated.cdf(asked), answers.cdf)
    np.testing.assert_allclose(answers.quantiles, general.icdf(LEVELS[:, None]), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(answers.mean, general.mean(low, high), rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(tabulated.probabilities, general.latent.probabilities, rtol=1e-13)


@given(logits, tails, st.integers(0, ROWS - 1), st.sampled_from(["logits", "shape", "scale", "ceiling"]))
def test_a_row_that_is_no_distribution_answers_nan_and_leaves_the_others_alone(
    logits: NDArray[np.float64], tails: NDArray[np.float64], row: int, what: str
) -> None:
    ceiling = np.full(ROWS, 30.0)
    asked, low, high = (
        np.array([[-30.0] * ROWS, [3.5] * ROWS, [60.0] * ROWS]),
        np.full(ROWS, -50.0),
        np.full(ROWS, 50.0),
    )
    sound = both(logits, tails, ceiling, 0.05, 0.05)[0].answers(asked, LEVELS, low, high)
    logits, tails = logits.copy(), tails.copy()
    place = {"logits": logits[row, 2:3], "shape": tails[row, 0:1], "scale": tails[row, 3:4], "ceiling": ceiling[row:]}
    place[what][0] = {"scale": 0.0, "logits": np.inf}.get(what, np.nan)
    answers = both(logits, tails, ceiling, 0.05, 0.05)[0].answers(asked, LEVELS, low, high)
    for found, before in ((answers.cdf, sound.cdf), (answers.quantiles, sound.quantiles), (answers.mean, sound.mean)):
        assert np.isnan(found[..., row]).all()
        np.testing.assert_array_equal(np.delete(found, row, axis=-1), np.delete(before, row, axis=-1))


@pytest.mark.parametrize("missing", [0, 4, 9])
def test_bins_may_be_empty(missing: int) -> None:
    logits = np.zeros((1, 10))
    logits[0, missing] = -np.inf
    tails = np.array([[0.1, 2.0, 0.2, 3.0]])
    tabulated, general = both(logits, tails, np.array([25.0]), 0.05, 0.05)
    answers = tabulated.answers(np.array([[0.0]]), LEVELS, np.array([-40.0]), np.array([60.0]))
    np.testing.assert_allclose(answers.quantiles, general.icdf(LEVELS[:, None]), atol=1e-9)
    np.testing.assert_allclose(answers.mean, general.mean(-40.0, 60.0), atol=1e-12)
