"""What training relies on: gradients with respect to everything equal finite differences, and are finite."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor

from playscore.distributions import SplicedBinnedPareto

pytestmark = pytest.mark.filterwarnings("error")

SHAPES = [-2.0, -1.0, -0.5, -1e-4, -1e-12, 0.0, 1e-12, 1e-4, 0.3, 0.9, 1.0, 1.5, 3.0]
EDGES = [-3.0, -1.0, 0.5, 0.501, 3.0, 4.5, 30.0]
POINTS = {"icdf": [1e-3, 0.03, 0.3, 0.6, 0.97, 0.999], "isf": [1e-3, 0.03, 0.3, 0.6, 0.97, 0.999]}
FUNCTIONS = ["log_prob", "cdf", "sf", "crps", "icdf", "isf"]
NUMBERS = ["mean", "var", "std", "entropy", "median"]
CLAMPED = ["mean on the field", "var on the field", "std on the field", "var in a tail"]
INTERVALS = ["prob", "prob of a ray"]
EVERYTHING = [*FUNCTIONS, *NUMBERS, *CLAMPED, *INTERVALS]
MAY_DIVERGE = {"mean", "var", "std"}


def answer(dist: SplicedBinnedPareto, method: str, points: Tensor) -> Tensor:
    name, _, where = method.partition(" ")
    call = getattr(dist, name)
    if name == "prob":
        value: Tensor = call(points, torch.inf if where else points + 1.3)
    elif method in CLAMPED:
        value = call(-5.0, 35.0) if where == "on the field" else call(50.0, 90.0)
    else:
        value = call() if method in NUMBERS else call(points)
    return value


def build(parameters: list[Tensor], edges: Any = EDGES) -> SplicedBinnedPareto:
    """Of logits, lower shape and scale, upper shape and scale."""
    logits, lower_shape, lower_scale, upper_shape, upper_scale = parameters
    return SplicedBinnedPareto(edges, logits, lower_shape, lower_scale, upper_shape, upper_scale)


@pytest.mark.parametrize(
    ("method", "shape"),
    [
        (method, shape)
        for method, shape in itertools.product(EVERYTHING, [-0.5, -1e-4, 0.0, 1e-12, 1e-4, 0.3, 0.9])
        if shape < 0.5 or method not in {"var", "std"}
    ],
)
def test_gradients_equal_differences(method: str, shape: float) -> None:
    logits = torch.randn(2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    places = POINTS.get(method, [-5.0, -3.1, 0.2, 2.3, 29.0, 31.0])
    points = torch.tensor(places, dtype=torch.float64)[:, None].expand(-1, 2)
    shapes, scales = torch.full((2,), shape, dtype=torch.float64), torch.tensor([20.0, 17.0], dtype=torch.float64)
    edges = torch.tensor(EDGES, dtype=torch.float64)

    def of_everything(edges: Tensor, logits: Tensor, a: Tensor, b: Tensor, c: Tensor, d: Tensor, x: Tensor) -> Tensor:
        return answer(SplicedBinnedPareto(edges, logits, a, b, c, d), method, x)

    parameters = (edges, logits, shapes, scales, shapes, 1.3 * scales, points)
    inputs = tuple(value.clone().requires_grad_() for value in parameters)
    assert torch.autograd.gradcheck(of_everything, inputs, eps=1e-7, atol=2e-5, rtol=1e-4)


def test_thresholds_move_as_derived() -> None:
    logits = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(5), requires_grad=True)
    edges = torch.tensor(EDGES, dtype=torch.float64)
    dist = SplicedBinnedPareto(edges, logits, 0.1, 1.0, 0.1, 1.0, 0.2, 0.3)
    probabilities = torch.softmax(logits.detach(), 0)
    densities = probabilities / edges.diff()
    for threshold, level in ((dist.lower_threshold, 0.2), (dist.upper_threshold, 0.7)):
        share = ((threshold.detach() - edges[:-1]) / edges.diff()).clamp(0, 1)
        density = densities[torch.searchsorted(edges, threshold.detach()) - 1]
        (gradient,) = torch.autograd.grad(threshold, logits, retain_graph=True)
        torch.testing.assert_close(gradient, probabilities * (level - share) / density)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "logits", [[0.0] * 6, [-torch.inf, 0, -torch.inf, 0, 0, -torch.inf], [1e4, -1e4, 0, 0, 0, 1e4]]
)
@pytest.mark.parametrize("method", EVERYTHING)
def test_gradients_are_finite_everywhere(method: str, logits: list[float], dtype: torch.dtype) -> None:
    shapes = torch.tensor(SHAPES, dtype=dtype)
    scales = torch.full((len(SHAPES),), 0.7, dtype=dtype)
    edges = torch.tensor(EDGES, dtype=dtype, requires_grad=True)
    parameters = torch.tensor([logits] * len(SHAPES), dtype=dtype), shapes, scales, shapes.flip(0), 1.3 * scales
    inputs = [value.requires_grad_() for value in parameters]
    dist = build(inputs, edges)
    if method in {"icdf", "isf"}:
        points = torch.tensor([0, 1e-6, 0.05, 0.5, 0.95, 1 - 1e-6, 1], dtype=dtype)[:, None].expand(-1, len(SHAPES))
    else:
        lower, upper = dist.lower_threshold.detach(), dist.upper_threshold.detach()
        # The thresholds, the ends of the supports of shapes -2 and -1, and just inside them.
        seams = [lower, upper, lower - 0.35, lower - 0.7, upper + 0.455, upper + 0.91, lower - 0.3499, upper + 0.9099]
        far = [-torch.inf, -1e8, -40.0, *EDGES, 40.0, 1e8, torch.inf]
        points = torch.stack([*seams, *(torch.full_like(lower, place) for place in far)])
    points = points.clone().requires_grad_()
    value = answer(dist, method, points)
    assert method in MAY_DIVERGE or not value.isnan().any()
    for taken in (value.isfinite(), ~value.isnan()):
        gradients = torch.autograd.grad(
            value[taken].sum(), [edges, *inputs, points], retain_graph=True, allow_unused=True
        )
        assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("method", [*FUNCTIONS, *INTERVALS])
def test_a_nan_point_leaves_gradients_finite(method: str) -> None:
    inputs = [torch.zeros(3, 6), torch.full((3,), 0.1), torch.ones(3), torch.full((3,), 0.2), torch.ones(3)]
    inputs = [value.requires_grad_() for value in inputs]
    value = answer(build(inputs), method, torch.tensor([[torch.nan, 0.1, 0.2]]))
    assert value.isnan().tolist() == [[True, False, False]]
    gradients = torch.autograd.grad(value.nansum(), inputs, allow_unused=True)
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("parameter", range(5))
def test_a_row_out_of_range_leaves_its_neighbors_gradients_alone(parameter: int) -> None:
    inputs = [torch.zeros(3, 6), torch.full((3,), 0.1), torch.ones(3), torch.full((3,), 0.2), torch.ones(3)]
    inputs[parameter][1] = torch.nan
    inputs = [value.requires_grad_() for value in inputs]
    dist = build(inputs)
    x = torch.tensor([[-40.0], [2.0], [95.0]])
    value = dist.log_prob(x) + dist.cdf(x) + dist.sf(x) + dist.crps(x) + dist.prob(x, x + 1)
    value = value + dist.mean(-9, 99) + dist.var(-9, 99) + dist.entropy() + dist.median()
    for gradient in torch.autograd.grad(value[:, [0, 2]].sum(), inputs):
        assert gradient[[0, 2]].isfinite().all()


def test_points_may_be_views() -> None:
    dist = SplicedBinnedPareto(EDGES, torch.zeros(3, 6), 0.1, 1.0, 0.2, 1.0)
    x = torch.linspace(-5, 35, 12).reshape(3, 4)
    torch.testing.assert_close(dist.cdf(x.T), dist.cdf(x.T.contiguous()))
    torch.testing.assert_close(dist.log_prob(torch.tensor(2.0).expand(4, 3)), dist.log_prob(torch.full((4, 3), 2.0)))
