"""The same distributions with the loss of the published reference, GluonTS's `SplicedBinnedPareto`. For comparison."""

from __future__ import annotations

from gluonts.torch.distributions.spliced_binned_pareto import SplicedBinnedPareto
from torch import Tensor

from models.passing.heads import Outputs, SplicedHead
from models.passing.support import BINS, EDGES, LOWER_TAIL


class GluontsHead(SplicedHead):
    """As `SplicedHead`, but no tail ends: GluonTS has no such tails. With bins one yard wide the densities agree."""

    ends_at_goal_line = False

    def log_score(self, outputs: Outputs, yards: Tensor) -> Tensor:
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
