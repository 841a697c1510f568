"""What training may rely on: gradients through every parameter that equal differences and are finite everywhere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from playscore.distributions import SplicedBinnedPareto

pytestmark = pytest.mark.filterwarnings("error")

SHAPES = [-2.0, -1.0, -0.5, -1e-4, -1e-12, 0.0, 1e-12, 1e-4, 0.3, 0.9, 1.0, 1.5, 3.0]
EDGES = [-3.0, -1.0, 0.5, 0.501, 3.0, 4.5, 30.0]
POINTS = {"icdf": [1e-3, 0.03, 0.3, 0.6, 0.97, 0.999], "isf": [1e-3, 0.03, 0.3, 0.6, 0.97, 0.999]}
FUNCTIONS = ["log_prob", "cdf", "sf", "crps", "icdf", "isf"]
NUMBERS = ["mean", "entropy", "median"]


def answer(law: SplicedBinnedPareto, method: str, points: Tensor) -> Tensor:
    if method == "mean on the field":
        value: Tensor = law.mean(-5.0, 35.0)
        return value
    value = getattr(law, method)() if method in NUMBERS else getattr(law, method)(points)
    return value


@pytest.mark.parametrize("shape", [-0.5, -1e-4, 0.0, 1e-12, 1e-4, 0.3, 0.9])
@pytest.mark.parametrize("method", [*FUNCTIONS, *NUMBERS, "mean on the field"])
def test_gradients_equal_differences(method: str, shape: float) -> None:
    logits = torch.randn(2, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    places = POINTS.get(method, [-5.0, -3.1, 0.2, 2.3, 29.0, 31.0])
    points = torch.tensor(places, dtype=torch.float64)[:, None].expand(-1, 2)
    shapes, scales = torch.full((2,), shape, dtype=torch.float64), torch.tensor([20.0, 17.0], dtype=torch.float64)
    edges = torch.tensor(EDGES, dtype=torch.float64)

    def of_everything(edges: Tensor, logits: Tensor, *others: Tensor) -> Tensor:
        *tails, x = others
        return answer(SplicedBinnedPareto(edges, logits, *tails), method, x)

    inputs = (edges, logits, shapes, scales, shapes, 1.3 * scales, points)
    inputs = tuple(value.clone().requires_grad_() for value in inputs)
    assert torch.autograd.gradcheck(of_everything, inputs, eps=1e-7, atol=2e-5, rtol=1e-4)


def test_thresholds_move_as_derived() -> None:
    logits = torch.randn(6, dtype=torch.float64, generator=torch.Generator().manual_seed(5), requires_grad=True)
    edges = torch.tensor(EDGES, dtype=torch.float64)
    law = SplicedBinnedPareto(edges, logits, 0.1, 1.0, 0.1, 1.0, 0.2, 0.3)
    probabilities = torch.softmax(logits.detach(), 0)
    densities = probabilities / edges.diff()
    for threshold, level in ((law.lower_threshold, 0.2), (law.upper_threshold, 0.7)):
        share = ((threshold.detach() - edges[:-1]) / edges.diff()).clamp(0, 1)
        density = densities[torch.searchsorted(edges, threshold.detach()) - 1]
        (gradient,) = torch.autograd.grad(threshold, logits, retain_graph=True)
        torch.testing.assert_close(gradient, probabilities * (level - share) / density)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    "logits", [[0.0] * 6, [-torch.inf, 0, -torch.inf, 0, 0, -torch.inf], [1e4, -1e4, 0, 0, 0, 1e4]]
)
@pytest.mark.parametrize("method", [*FUNCTIONS, *NUMBERS, "mean on the field"])
def test_gradients_are_finite_everywhere(method: str, logits: list[float], dtype: torch.dtype) -> None:
    shapes = torch.tensor(SHAPES, dtype=dtype)
    scales = torch.full((len(SHAPES),), 0.7, dtype=dtype)
    inputs = [torch.tensor(EDGES, dtype=dtype), torch.tensor([logits] * len(SHAPES), dtype=dtype)]
    inputs = [value.requires_grad_() for value in (*inputs, shapes, scales, shapes.flip(0), 1.3 * scales)]
    law = SplicedBinnedPareto(*inputs)
    if method in {"icdf", "isf"}:
        points = torch.tensor([0, 1e-6, 0.05, 0.5, 0.95, 1 - 1e-6, 1], dtype=dtype)[:, None].expand(-1, len(SHAPES))
    else:
        lower, upper = law.lower_threshold.detach(), law.upper_threshold.detach()
        # The thresholds, the ends of the supports of shapes -2 and -1, and just inside them.
        seams = [lower, upper, lower - 0.35, lower - 0.7, upper + 0.455, upper + 0.91, lower - 0.3499, upper + 0.9099]
        far = [-torch.inf, -1e8, -40.0, *EDGES, 40.0, 1e8, torch.inf]
        points = torch.stack([*seams, *(torch.full_like(lower, place) for place in far)])
    points = points.clone().requires_grad_()
    value = answer(law, method, points)
    assert method == "mean" or not value.isnan().any()
    for taken in (value.isfinite(), ~value.isnan()):
        gradients = torch.autograd.grad(value[taken].sum(), [*inputs, points], retain_graph=True, allow_unused=True)
        assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("method", FUNCTIONS)
def test_an_unknown_point_leaves_gradients_finite(method: str) -> None:
    inputs = [torch.zeros(3, 6), torch.full((3,), 0.1), torch.ones(3), torch.full((3,), 0.2), torch.ones(3)]
    inputs = [value.requires_grad_() for value in inputs]
    value = getattr(SplicedBinnedPareto(EDGES, *inputs), method)(torch.tensor([[torch.nan, 0.1, 0.2]]))
    assert value.isnan().tolist() == [[True, False, False]]
    gradients = torch.autograd.grad(value.nansum(), inputs, allow_unused=True)
    assert all(gradient.isfinite().all() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("parameter", range(5))
def test_what_is_no_law_leaves_its_neighbours_gradients_alone(parameter: int) -> None:
    inputs = [torch.zeros(3, 6), torch.full((3,), 0.1), torch.ones(3), torch.full((3,), 0.2), torch.ones(3)]
    inputs[parameter][1] = torch.nan
    inputs = [value.requires_grad_() for value in inputs]
    law = SplicedBinnedPareto(EDGES, *inputs)
    x = torch.tensor([[-40.0], [2.0], [95.0]])
    value = law.log_prob(x) + law.cdf(x) + law.sf(x) + law.crps(x) + law.mean(-9, 99) + law.entropy() + law.median()
    for gradient in torch.autograd.grad(value[:, [0, 2]].sum(), inputs):
        assert gradient[[0, 2]].isfinite().all()


def test_points_may_be_views() -> None:
    law = SplicedBinnedPareto(EDGES, torch.zeros(3, 6), 0.1, 1.0, 0.2, 1.0)
    x = torch.linspace(-5, 35, 12).reshape(3, 4)
    torch.testing.assert_close(law.cdf(x.T), law.cdf(x.T.contiguous()))
    torch.testing.assert_close(law.log_prob(torch.tensor(2.0).expand(4, 3)), law.log_prob(torch.full((4, 3), 2.0)))
