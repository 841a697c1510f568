"""Batches: made, indexed, pickled and printed, and with parameters out of range."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings

from playscore.distributions import SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason
from tests.unit.distributions.examples import distributions, exponential, field_distributions

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("batch", [(), (0,), (1,), (5,), (2, 5)])
@pytest.mark.parametrize("points", [(), (5,), (3, 1, 1), (4, 2, 5)])
@pytest.mark.parametrize("module", [np, torch])
def test_arguments_broadcast_against_the_batch(batch: tuple[int, ...], points: tuple[int, ...], module: Any) -> None:
    if batch == (0,):
        points = points[:-1] + (1,) * bool(points)
    rng = np.random.default_rng(0)
    logits, shape = module.asarray(rng.normal(size=(*batch, 3))), module.asarray(rng.normal(size=batch))
    scale = module.asarray(np.ones(batch))
    dist = SplicedBinnedPareto(np.arange(4.0), logits, shape, scale, -shape, scale)
    assert dist.batch_shape == batch
    x, expected = module.asarray(rng.uniform(size=points)), np.broadcast_shapes(batch, points)
    for method in (dist.log_prob, dist.cdf, dist.sf, dist.crps, dist.icdf, dist.isf):
        assert tuple(method(x).shape) == expected
    for moment in (dist.mean, dist.var, dist.std, dist.prob):
        assert tuple(moment(x, x + 1).shape) == expected
    for answer in (dist.median(), dist.mean(), dist.var(), dist.std(), dist.entropy()):
        assert tuple(answer.shape) == batch
    assert tuple(dist.sample(3, rng).shape) == (3, *batch)


def test_every_distribution_of_a_batch_answers_as_if_alone() -> None:
    together = field_distributions(6)
    x = np.linspace(-30, 90, 7)[:, None]
    for place in range(6):
        alone = SplicedBinnedPareto(
            together.edges,
            np.log(together.probabilities[place]),
            together.lower_shape[place],
            together.lower_scale[place],
            together.upper_shape[place],
            together.upper_scale[place],
        )
        for name in ("log_prob", "cdf", "sf", "crps"):
            answer = getattr(together, name)(x)[:, place]
            np.testing.assert_allclose(getattr(alone, name)(x[:, 0]), answer, rtol=1e-12, atol=1e-15)
    shared = SplicedBinnedPareto(np.arange(4.0), np.zeros(3), np.zeros(5), 1.0, 0.0, np.ones((2, 1)))
    assert shared.median().shape == shared.mean().shape == shared.log_prob(1.0).shape == (2, 5)
    assert shared.sample(3, np.random.default_rng(0)).shape == (3, 2, 5)


@pytest.mark.parametrize(
    ("parameter", "bad"),
    [
        *itertools.product(["logits"], [np.nan, np.inf]),
        *itertools.product(["lower_shape", "upper_shape"], [np.nan, np.inf, -np.inf]),
        *itertools.product(["lower_scale", "upper_scale"], [np.nan, np.inf, -np.inf, 0.0, -1.0]),
    ],
)
def test_a_row_out_of_range_answers_nan_and_leaves_its_neighbors_alone(parameter: str, bad: float) -> None:
    good = field_distributions(3)
    numbers = {"logits": np.log(good.probabilities)}
    numbers |= {name: getattr(good, name) for name in ("lower_shape", "lower_scale", "upper_shape", "upper_scale")}
    numbers[parameter][1] = bad
    dist = SplicedBinnedPareto(good.edges, **numbers)
    x = np.asarray([-40.0, 3.0, 95.0])[:, None]
    q = np.asarray([0.01, 0.5, 0.99])[:, None]
    answers = [method(x) for method in (dist.log_prob, dist.cdf, dist.sf, dist.crps)]
    answers += [dist.icdf(q), dist.isf(q)]
    answers += [moment(-(x**2), x**2) for moment in (dist.mean, dist.var, dist.std, dist.prob)]
    answers += [np.atleast_2d(value) for value in (dist.median(), dist.mean(), dist.var(), dist.entropy())]
    answers.append(dist.sample(4, np.random.default_rng(0)))
    for answer in answers:
        assert np.isnan(answer[:, 1]).all()
        assert np.isfinite(answer[:, [0, 2]]).all()


def test_a_row_without_any_bin_answers_nan() -> None:
    dist = SplicedBinnedPareto(np.arange(4.0), [[-np.inf] * 3, [0.0] * 3], 0.0, 1.0, 0.0, 1.0)
    assert np.isnan(dist.cdf([[1.5], [9.0]])).tolist() == [[True, False]] * 2


def test_a_nan_point_answers_nan_and_leaves_the_others_alone() -> None:
    dist = field_distributions(3)
    x, q = np.asarray([1.0, np.nan, 95.0]), np.asarray([0.1, np.nan, 0.99])
    answers = [method(x) for method in (dist.log_prob, dist.cdf, dist.sf, dist.crps)]
    answers += [dist.icdf(q), dist.isf(q), dist.prob(x, 99.0), dist.prob(-99.0, x), dist.var(x, 99.0)]
    for answer in answers:
        assert np.isnan(answer).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("edges", "lower_tail", "upper_tail"),
    [
        ([0, 1, 1, 2], 0.05, 0.05),
        ([0, 1, 2], 0.05, 0.05),
        ([[0, 1, 2, 3]], 0.05, 0.05),
        ([0, 1, 2, np.inf], 0.05, 0.05),
        ([0, 1, np.nan, 3], 0.05, 0.05),
        ([0, 1, 2, 3], 0.5, 0.5),
        ([0, 1, 2, 3], 0.0, 0.05),
        ([0, 1, 2, 3], 0.05, np.nan),
    ],
)
def test_edges_and_tail_probabilities_out_of_range_are_refused(
    edges: list[float], lower_tail: float, upper_tail: float
) -> None:
    with pytest.raises(PlayscoreError) as refused:
        SplicedBinnedPareto(edges, np.zeros(3), 0.0, 1.0, 0.0, 1.0, lower_tail, upper_tail)
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID


@pytest.mark.parametrize(
    "logits",
    [
        [1, 0, 2, 1],
        (1.0, 0.0, 2.0, 1.0),
        np.array([1, 0, 2, 1]),
        np.array([1, 0, 2, 1], np.float32),
        np.array([1, 0, 2, 1], np.float16),
        torch.tensor([1, 0, 2, 1]),
        torch.tensor([1.0, 0.0, 2.0, 1.0]),
        torch.tensor([1.0, 0.0, 2.0, 1.0], dtype=torch.bfloat16),
        torch.nn.Parameter(torch.tensor([1.0, 0.0, 2.0, 1.0], dtype=torch.float64)),
    ],
    ids=lambda logits: f"{type(logits).__name__} {getattr(logits, 'dtype', '')}",
)
@pytest.mark.parametrize("edges", [[-2, -1, 0, 3, 4], np.array([-2.0, -1, 0, 3, 4]), torch.tensor([-2, -1, 0, 3, 4])])
def test_any_kind_of_numbers_will_do(edges: Any, logits: Any) -> None:
    expected = SplicedBinnedPareto([-2.0, -1.0, 0.0, 3.0, 4.0], [1.0, 0.0, 2.0, 1.0], 0.1, 1.0, 0.2, 2.0)
    dist = SplicedBinnedPareto(edges, logits, 0.1, np.float32(1), torch.tensor(0.2), [2])
    single = getattr(logits, "dtype", None) in (np.float32, torch.float32)
    for x in (1, 3.5, [-9, 0, 9], (1.0, 8.0), np.array([-5, 7]), torch.tensor([2, 6]), np.float32(3)):
        answer = dist.crps(x) + dist.log_prob(x) + dist.cdf(x)
        assert isinstance(answer, torch.Tensor) == isinstance(logits, torch.Tensor)
        assert str(answer.dtype).endswith("float32" if single else "float64")
        points = np.asarray(x, dtype=np.float64)
        wanted = expected.crps(points) + expected.log_prob(points) + expected.cdf(points)
        found = answer.detach().numpy() if isinstance(answer, torch.Tensor) else answer
        np.testing.assert_allclose(found, np.atleast_1d(wanted), rtol=1e-5 if single else 1e-7)


def test_probabilities_make_the_distribution_they_came_from() -> None:
    dist = field_distributions(4)
    again = SplicedBinnedPareto.from_probabilities(
        dist.edges, 7 * dist.probabilities, dist.lower_shape, dist.lower_scale, dist.upper_shape, dist.upper_scale
    )
    x = np.linspace(-40, 120, 50)[:, None]
    np.testing.assert_allclose(again.cdf(x), dist.cdf(x), atol=1e-14)
    gap = SplicedBinnedPareto.from_probabilities(np.arange(4.0), [0.5, 0.0, 0.5], 0.0, 1.0, 0.0, 1.0)
    assert float(gap.log_prob(1.5)) == -np.inf
    assert float(gap.cdf(1.2)) == float(gap.cdf(1.8)) == 0.5


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        *itertools.product(["lower_shape", "upper_shape"], [math.nan, math.inf, -math.inf]),
        *itertools.product(["lower_scale", "upper_scale"], [math.nan, math.inf, -math.inf, -1.0, 0.0, 0, -2]),
    ],
)
def test_a_plain_number_out_of_range_is_refused(name: str, bad: float) -> None:
    with pytest.raises(PlayscoreError, match=f"^{name} must be finite.* it is {bad}$") as refused:
        exponential(**{name: bad})
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID


@pytest.mark.parametrize("module", [np, torch])
@pytest.mark.parametrize(
    ("name", "bad", "message"),
    [
        ("lower_scale", -1.0, r"lower_scale\[1\] must be finite and above 0; it is -1"),
        ("upper_scale", 0.0, r"upper_scale\[1\] must be finite and above 0; it is 0"),
        ("upper_scale", math.inf, r"upper_scale\[1\] must be finite and above 0; it is inf"),
        ("lower_scale", math.nan, r"lower_scale\[1\] must be finite and above 0; it is nan"),
        ("lower_shape", math.inf, r"lower_shape\[1\] must be finite; it is inf"),
        ("upper_shape", math.nan, r"upper_shape\[1\] must be finite; it is nan"),
        ("probabilities", -0.1, r"probabilities\[1, 0\] must be finite and at least 0; it is -0.1"),
        ("probabilities", math.nan, r"probabilities\[1, 0\] must be finite and at least 0; it is nan"),
    ],
)
def test_probabilities_come_with_parameters_in_range(module: Any, name: str, bad: float, message: str) -> None:
    numbers = {"probabilities": np.ones((3, 3)), "lower_shape": np.zeros(3), "lower_scale": np.ones(3)}
    numbers |= {"upper_shape": np.zeros(3), "upper_scale": np.ones(3)}
    numbers[name].reshape(3, -1)[1, 0] = bad
    with pytest.raises(PlayscoreError, match=message) as refused:
        SplicedBinnedPareto.from_probabilities(np.arange(4.0), **{key: module.asarray(numbers[key]) for key in numbers})
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID


def test_some_probability_must_be_above_0() -> None:
    with pytest.raises(PlayscoreError, match="the sum of probabilities must be finite and above 0; it is 0"):
        SplicedBinnedPareto.from_probabilities(np.arange(4.0), np.zeros(3), 0.0, 1.0, 0.0, 1.0)


INDICES = [0, -1, 2, slice(1, 3), ..., (..., 0), (1, ...), (slice(None), 2), (2, 3)]
INDICES += [[0, 2], np.array([2, 0, 0]), ([0, 1], [3, 1]), np.arange(4) > 1, None, (None, 1), (..., None)]
INDICES += [np.arange(20).reshape(4, 5) % 3 == 0, (np.arange(4) > 1, 0), (slice(0, 0),)]


@pytest.mark.parametrize(
    ("module", "index"),
    # torch has no negative steps.
    [(np, slice(None, None, -1)), *itertools.product([np, torch], INDICES)],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_an_index_means_what_it_means_for_the_answers(module: Any, index: Any) -> None:
    rng = np.random.default_rng(0)
    # Only together do the parameters have the shape of the batch.
    logits, column, row = rng.normal(size=(5, 6)), rng.uniform(0.1, 0.4, (4, 1)), rng.uniform(0.5, 2, 5)
    dist = SplicedBinnedPareto(
        np.arange(7.0), module.asarray(logits), module.asarray(column), 1.5, 0.2, module.asarray(row), 0.1, 0.02
    )
    part = dist[index]
    assert part.batch_shape == tuple(dist.median()[index].shape)
    assert (part.lower_tail, part.upper_tail) == (0.1, 0.02)
    for x in (-3.0, 2.5, 9.0):
        for name in ("log_prob", "cdf", "sf", "crps"):
            found, expected = (np.asarray(answer) for answer in (getattr(part, name)(x), getattr(dist, name)(x)[index]))
            np.testing.assert_allclose(found, expected, rtol=1e-13)
    np.testing.assert_allclose(np.asarray(part.std()), np.asarray(dist.std()[index]), rtol=1e-13)


@pytest.mark.parametrize("index", [4, -5, (0, 5), (0, 0, 0), (..., 0, 0, 0), np.zeros(3, bool), "a", 1.5])
def test_an_index_outside_the_batch_is_an_index_error(index: Any) -> None:
    dist = SplicedBinnedPareto(np.arange(4.0), np.zeros((4, 5, 3)), 0.0, 1.0, 0.0, 1.0)
    with pytest.raises(IndexError):
        dist[index]


def test_a_batch_can_be_taken_apart() -> None:
    dist = field_distributions(5)
    assert [float(one.median()) for one in dist] == pytest.approx(dist.median(), rel=1e-13)
    with pytest.raises(TypeError, match="not iterable"):
        iter(dist[0])


def test_a_row_out_of_range_is_still_one_by_itself() -> None:
    dist = SplicedBinnedPareto(np.arange(4.0), np.zeros((2, 3)), 0.0, np.array([1.0, -1.0]), 0.0, 1.0)
    assert np.isnan(dist[1].median())
    assert np.isnan(pickle.loads(pickle.dumps(dist[1])).median())
    assert np.isfinite(dist[0].median())


@given(distributions())
@settings(max_examples=50)
def test_pickling_changes_nothing(dist: SplicedBinnedPareto) -> None:
    dist.var()  # Nothing that was cached may be in the way.
    x = np.linspace(-40, 90, 27)
    for again in (pickle.loads(pickle.dumps(dist)), copy.copy(dist), copy.deepcopy(dist)):
        for name in ("log_prob", "cdf", "sf", "crps"):
            np.testing.assert_array_equal(getattr(again, name)(x), getattr(dist, name)(x))
        assert repr(again) == repr(dist)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("module", [np, torch])
def test_a_pickled_batch_has_its_shape_its_dtype_and_its_namespace(module: Any, dtype: str) -> None:
    dist = field_distributions(4, module=module, dtype=dtype)
    again = pickle.loads(pickle.dumps(dist))
    assert again.batch_shape == dist.batch_shape
    assert type(again.median()) is type(dist.median())
    assert again.median().dtype == dist.median().dtype
    assert (again.crps(3.0) == dist.crps(3.0)).all()


def test_what_a_network_put_out_can_be_pickled() -> None:
    parameters = torch.zeros(2, 3, requires_grad=True)
    scale = torch.nn.functional.softplus(parameters[:, 0])
    dist = SplicedBinnedPareto(np.arange(4.0), 2 * parameters, 0.1, scale, 0.1, scale)
    again = pickle.loads(pickle.dumps(dist))
    assert (again.cdf(1.2) == dist.cdf(1.2)).all()


def test_repr_of_a_batch_says_what_its_rows_share() -> None:
    assert repr(field_distributions(4)) == (
        "SplicedBinnedPareto(batch_shape=(4,), 100 bins from -20.5 to 79.5, lower_tail=0.05, upper_tail=0.05, float64)"
    )
    assert "batch_shape=(2, 3)" in repr(SplicedBinnedPareto([0, 1], np.zeros((2, 3, 1)), 0.0, 1.0, 0.0, 1.0))
    assert repr(field_distributions(4, module=torch, dtype="float32")).endswith("torch.float32)")


def test_repr_of_a_single_distribution_describes_it() -> None:
    assert repr(exponential(upper_shape=0.25, upper_scale=9.0)) == (
        "SplicedBinnedPareto(batch_shape=(), 3 bins from 0 to 3, lower_tail=0.05 below 0.15 (shape 0, scale 1), "
        "upper_tail=0.05 above 2.85 (shape 0.25, scale 9), float64)"
    )
