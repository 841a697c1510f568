"""The same network with the loss of the published reference, GluonTS's `SplicedBinnedPareto`. For comparison."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from gluonts.torch.distributions.spliced_binned_pareto import SplicedBinnedPareto
from torch import Tensor, nn

from models.passing.heads import Head, Outputs, from_base_rates
from models.passing.support import BINS, EDGES, GRID, LOWER_TAIL, distribution_of, whole_yards

MAX_SHAPE = 0.5
MIN_SCALE = 0.05
"""Yards."""
IMPOSSIBLE = -20.0
"""Added to the logits of gains beyond the goal line."""


class GluontsHead(Head):
    """Logits (N, K) and tails (N, 4) of positive shapes, which are the only ones that GluonTS has.

    It knows of no goal line, so the head tells it as far as it can: where the goal line is known, the bins beyond it
    are all but ruled out, and the gain that reaches it has its own logit. With bins one yard wide the densities agree
    with ours.
    """

    yards: Tensor

    def __init__(self, state: int, base_rates: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("yards", torch.tensor(EDGES[:-1]) + 0.5)
        self.linear = from_base_rates(state, base_rates, 5)

    def forward(self, state: Tensor, end_zone: Tensor, end_zone_known: Tensor) -> Outputs:
        """Logits and tails."""
        answer = self.linear(state)
        free, goal_line, raw = answer[:, :BINS], answer[:, BINS : BINS + 1], answer[:, BINS + 1 :]
        beyond = self.yards - whole_yards(end_zone)
        scores = (beyond == 0).to(answer.dtype) * end_zone_known
        impossible = (beyond > 0).to(answer.dtype) * end_zone_known
        shapes = MAX_SHAPE * torch.sigmoid(raw[:, ::2] - 1)
        scales = nn.functional.softplus(raw[:, 1::2] + 1) + MIN_SCALE
        tails = torch.stack([shapes[:, 0], scales[:, 0], shapes[:, 1], scales[:, 1]], dim=-1)
        return free + scores * goal_line + impossible * IMPOSSIBLE, tails

    def log_score(self, outputs: Outputs, yards: Tensor, ceiling: Tensor) -> Tensor:
        """The loss of GluonTS: in the tails it adds the log-densities of the bin and of the Pareto distribution."""
        logits, tails = outputs
        lower_shape, lower_scale, upper_shape, upper_scale = tails.unsqueeze(-1).unbind(1)
        dist = SplicedBinnedPareto(
            EDGES[0],
            EDGES[-1],
            logits,
            upper_gp_xi=upper_shape,
            upper_gp_beta=upper_scale,
            lower_gp_xi=lower_shape,
            lower_gp_beta=lower_scale,
            numb_bins=BINS,
            tail_percentile_gen_pareto=LOWER_TAIL,
        )
        score: Tensor = -dist.log_prob(yards)
        return score

    def cdf(self, outputs: Outputs, ceiling: Tensor) -> Tensor:
        """At EDGES."""
        dist = distribution_of(*(output.double() for output in outputs))
        found: Tensor = dist.cdf(torch.from_numpy(GRID)[:, None]).T
        return found
