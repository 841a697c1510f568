"""Heads of the network: from the state of a play to the distribution of its yards, and the loss."""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.passing.contestants import GAUSSIAN, GLUONTS, SPLICED
from models.passing.support import BINS, EDGES, GRID, UPPER_TAIL, distribution_of

MAX_SHAPE = 0.5
MIN_ENDED_SHAPE, MAX_ENDED_SHAPE = 0.05, 10.0
"""Of an upper tail that ends at the goal line, with the sign reversed; above 1 it rises toward its end."""
END_BEYOND_GOAL = 0.49
"""Yards by which the distribution goes past the whole yards of the longest gain."""
MIN_SCALE = 0.05
"""Yards."""
IMPOSSIBLE = -20.0
"""Added to the logits of gains beyond the goal line."""
FLOOR = 1e-6
"""Added to every probability in the loss, so that an outcome considered impossible costs 14 nats."""

Outputs = tuple[Tensor, ...]


class Head(nn.Module, ABC):
    """From the state (N, H) of plays to the parameters of their distributions."""

    @abstractmethod
    def forward(self, state: Tensor, end_zone: Tensor, end_zone_known: Tensor) -> Outputs:
        """Parameters of the distributions; `end_zone`: yards to it (N, 1), `end_zone_known`: 1 where they are known."""

    @abstractmethod
    def log_score(self, outputs: Outputs, yards: Tensor) -> Tensor:
        """(N,) minus the log-likelihood of these whole yards: the loss."""

    @abstractmethod
    def cdf(self, outputs: Outputs) -> Tensor:
        """(N, K + 1) distribution functions at EDGES, in double precision."""


class SplicedHead(Head):
    """Spliced binned Pareto distributions: logits (N, K) and tails (N, 4), as in `models.passing.support`.

    If the goal line is known, nothing is gained beyond it: the bins there are all but ruled out, the gain that reaches
    it has its own logit, and the upper tail ends there. The tail's shape is then negative, and its scale follows from
    where it ends.
    """

    ends_at_goal_line = True
    yards: Tensor

    def __init__(self, state: int, base_rates: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("yards", torch.tensor(EDGES[:-1]) + 0.5)
        self.linear = nn.Linear(state, BINS + 6)
        nn.init.normal_(self.linear.weight, std=0.01)
        with torch.no_grad():
            self.linear.bias.zero_()
            self.linear.bias[:BINS] = torch.log(torch.tensor(base_rates))

    def forward(self, state: Tensor, end_zone: Tensor, end_zone_known: Tensor) -> Outputs:
        """Logits and tails."""
        answer = self.linear(state)
        free, goal_line, raw = answer[:, :-6], answer[:, -6:-5], answer[:, -5:]
        longest = torch.floor(end_zone + 0.5)
        beyond = self.yards - longest
        scores = (beyond == 0).to(answer.dtype) * end_zone_known
        impossible = (beyond > 0).to(answer.dtype) * end_zone_known
        logits = free + scores * goal_line + impossible * IMPOSSIBLE
        tails = self._free_tails(raw[:, :4])
        if self.ends_at_goal_line:
            ended = self._ended_tail(raw[:, 4:], longest, logits)
            tails = torch.cat([tails[:, :2], torch.where(end_zone_known > 0, ended, tails[:, 2:])], dim=-1)
        return logits, tails

    def _free_tails(self, raw: Tensor) -> Tensor:
        shapes = MAX_SHAPE * torch.sigmoid(raw[:, ::2] - 1)
        scales = nn.functional.softplus(raw[:, 1::2] + 1) + MIN_SCALE
        return torch.stack([shapes[:, 0], scales[:, 0], shapes[:, 1], scales[:, 1]], dim=-1)

    def _ended_tail(self, raw: Tensor, longest: Tensor, logits: Tensor) -> Tensor:
        """Shape and scale (N, 2) of an upper tail that ends with the longest gain.

        It ends slightly before the next half-integer, so that rounding leaves no mass beyond it.
        """
        bounded = (nn.functional.softplus(raw - 1) + MIN_ENDED_SHAPE).clamp(max=MAX_ENDED_SHAPE)
        room = (longest + END_BEYOND_GOAL - self._upper_threshold(logits)).clamp(min=MIN_SCALE)
        return torch.cat([-bounded, bounded * room], dim=-1)

    def _upper_threshold(self, logits: Tensor) -> Tensor:
        """(N, 1) where the upper tail begins: the body exceeds this point with probability UPPER_TAIL."""
        masses = torch.softmax(logits, dim=-1)
        upto = torch.cumsum(masses, dim=-1)
        found = (upto < 1 - UPPER_TAIL).sum(-1, keepdim=True).clamp(max=BINS - 1)
        excess = torch.gather(upto, 1, found) - (1 - UPPER_TAIL)
        return self.yards[found] + 0.5 - (excess / torch.gather(masses, 1, found)).clamp(0, 1)

    def log_score(self, outputs: Outputs, yards: Tensor) -> Tensor:
        """The loss of the mass within half a yard of the yards: the likelihood of whole yards, without dithering."""
        dist = distribution_of(*outputs)
        ends = torch.stack([yards - 0.5, yards + 0.5])
        cdf, sf = dist.cdf(ends), dist.sf(ends)
        mass = torch.where(cdf[1] < 0.5, cdf[1] - cdf[0], sf[0] - sf[1])
        return -torch.log(mass.clamp_min(0.0) + FLOOR)

    def cdf(self, outputs: Outputs) -> Tensor:
        """At EDGES."""
        dist = distribution_of(*(output.double() for output in outputs))
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

    def log_score(self, outputs: Outputs, yards: Tensor) -> Tensor:
        """The loss of the mass within half a yard of the yards."""
        mean, deviation = outputs[0].unbind(-1)
        # Mirrored to below the mean, where the distribution function is small and keeps its digits.
        away = (yards - mean).abs()
        mass = torch.special.ndtr((0.5 - away) / deviation) - torch.special.ndtr((-0.5 - away) / deviation)
        return -torch.log(mass + FLOOR)

    def cdf(self, outputs: Outputs) -> Tensor:
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
