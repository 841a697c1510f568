"""Heads of the network: from the state of a play to the distribution of its yards, and the loss."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.passing.contestants import GAUSSIAN, GLUONTS, SPLICED
from models.passing.support import BINS, EDGES, GRID, distribution_of
from playscore.distributions import Censored

MAX_LOWER_SHAPE = 0.5
MIN_UPPER_SHAPE, MAX_UPPER_SHAPE = -0.5, 1.0
MIN_SCALE = 0.05
"""Yards."""
FLOOR = 1e-6
"""Added to every probability in the loss, so that an outcome considered impossible costs 14 nats."""

Outputs = tuple[Tensor, ...]


class Head(nn.Module, ABC):
    """From the state (N, H) of plays to the parameters of their distributions."""

    @abstractmethod
    def forward(self, state: Tensor, end_zone: Tensor, end_zone_known: Tensor) -> Outputs:
        """Parameters of the distributions; `end_zone`: yards to it (N, 1), `end_zone_known`: 1 where they are known."""

    @abstractmethod
    def log_score(self, outputs: Outputs, yards: Tensor, ceiling: Tensor) -> Tensor:
        """(N,) minus the log-likelihood of these whole yards: the loss. `ceiling` (N,): what can be gained at most."""

    @abstractmethod
    def cdf(self, outputs: Outputs, ceiling: Tensor) -> Tensor:
        """(N, K + 1) distribution functions at EDGES, in double precision."""


def from_base_rates(state: int, base_rates: Sequence[float], more: int) -> nn.Linear:
    """A layer from the state to K logits, which start near the base rates, and `more` numbers, which start near 0."""
    linear = nn.Linear(state, BINS + more)
    nn.init.normal_(linear.weight, std=0.01)
    with torch.no_grad():
        linear.bias.zero_()
        linear.bias[:BINS] = torch.log(torch.tensor(base_rates))
    return linear


class SplicedHead(Head):
    """Spliced binned Pareto distributions that the goal line censors, as in `models.passing.support`.

    The outputs are logits (N, K) and tails (N, 4) of the yards that a play would gain on an endless field. What would
    go further than the ceiling, the whole yards to the end zone, counts as these: a touchdown teaches only that the
    goal line was reached.
    """

    def __init__(self, state: int, base_rates: Sequence[float]) -> None:
        super().__init__()
        self.linear = from_base_rates(state, base_rates, 4)

    def forward(self, state: Tensor, end_zone: Tensor, end_zone_known: Tensor) -> Outputs:
        """Logits and tails."""
        answer = self.linear(state)
        return answer[:, :BINS], self._tails(answer[:, BINS:])

    def _tails(self, raw: Tensor) -> Tensor:
        lower_shape, lower_scale, upper_shape, upper_scale = raw.unbind(-1)
        return torch.stack(
            [
                MAX_LOWER_SHAPE * torch.sigmoid(lower_shape - 1),
                nn.functional.softplus(lower_scale + 1) + MIN_SCALE,
                MIN_UPPER_SHAPE + (MAX_UPPER_SHAPE - MIN_UPPER_SHAPE) * torch.sigmoid(upper_shape - 0.4),
                nn.functional.softplus(upper_scale + 6) + MIN_SCALE,
            ],
            dim=-1,
        )

    def log_score(self, outputs: Outputs, yards: Tensor, ceiling: Tensor) -> Tensor:
        """The loss of the mass within half a yard of the yards: the likelihood of whole yards, without dithering."""
        dist = Censored(distribution_of(*outputs), ceiling)
        counted = torch.minimum(yards, ceiling)
        ends = torch.stack([counted - 0.5, counted + 0.5])
        cdf, sf = dist.cdf(ends), dist.sf(ends)
        mass = torch.where(cdf[1] < 0.5, cdf[1] - cdf[0], sf[0] - sf[1])
        return -torch.log(mass.clamp_min(0.0) + FLOOR)

    def cdf(self, outputs: Outputs, ceiling: Tensor) -> Tensor:
        """At EDGES."""
        dist = Censored(distribution_of(*(output.double() for output in outputs)), ceiling.double())
        found: Tensor = dist.cdf(torch.from_numpy(GRID)[:, None]).T
        return found


class GaussianHead(Head):
    """Normal distributions: mean and standard deviation (N, 2), in yards."""

    def __init__(self, state: int, base_rates: Sequence[float]) -> None:
        super().__init__()
        rates, yards = torch.tensor(base_rates), torch.tensor(EDGES[:-1]) + 0.5
        self.linear = nn.Linear(state, 2)
        self.mean = float((rates * yards).sum())
        self.deviation = float((rates * (yards - self.mean) ** 2).sum().sqrt())
        nn.init.normal_(self.linear.weight, std=0.01)
        nn.init.zeros_(self.linear.bias)

    def forward(self, state: Tensor, end_zone: Tensor, end_zone_known: Tensor) -> Outputs:
        """Moments."""
        raw = self.linear(state)
        mean = self.mean + self.deviation * raw[:, :1]
        return (torch.cat([mean, self.deviation * torch.exp(raw[:, 1:].clamp(-6, 3))], dim=-1),)

    def log_score(self, outputs: Outputs, yards: Tensor, ceiling: Tensor) -> Tensor:
        """The loss of the mass within half a yard of the yards."""
        mean, deviation = outputs[0].unbind(-1)
        # Mirrored to below the mean, where the distribution function is small and keeps its digits.
        away = (yards - mean).abs()
        mass = torch.special.ndtr((0.5 - away) / deviation) - torch.special.ndtr((-0.5 - away) / deviation)
        return -torch.log(mass + FLOOR)

    def cdf(self, outputs: Outputs, ceiling: Tensor) -> Tensor:
        """At EDGES."""
        mean, deviation = outputs[0].double().unbind(-1)
        found: Tensor = torch.special.ndtr((torch.from_numpy(GRID) - mean[:, None]) / deviation[:, None])
        return found


_HEADS = {
    SPLICED: "models.passing.heads:SplicedHead",
    GAUSSIAN: "models.passing.heads:GaussianHead",
    GLUONTS: "models.passing.gluonts_head:GluontsHead",
}


def head_named(name: str) -> type[Head]:
    """The head that a checkpoint names."""
    found: type[Head] = pkgutil.resolve_name(_HEADS[name])
    return found
