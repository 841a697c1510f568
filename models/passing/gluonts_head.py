"""The same laws with the published reference's loss: GluonTS's `SplicedBinnedPareto`. For comparison alone."""

from __future__ import annotations

from gluonts.torch.distributions.spliced_binned_pareto import SplicedBinnedPareto
from torch import Tensor

from models.passing.heads import EDGES, LOWER_TAIL, Outputs, SplicedHead


class GluontsHead(SplicedHead):
    """As `SplicedHead`, with tails that never end: GluonTS has no others. On bins one yard wide both mean one law."""

    ends_at_goal_line = False

    def log_score(self, outputs: Outputs, yards: Tensor) -> Tensor:
        """As GluonTS trains: in the tails the log-densities of the bin and of the Pareto law are added up."""
        logits, tails = outputs
        lower_shape, lower_scale, upper_shape, upper_scale = tails.unsqueeze(-1).unbind(1)
        law = SplicedBinnedPareto(
            EDGES[0],
            EDGES[-1],
            logits,
            upper_gp_xi=upper_shape,
            upper_gp_beta=upper_scale,
            lower_gp_xi=lower_shape,
            lower_gp_beta=lower_scale,
            numb_bins=len(EDGES) - 1,
            tail_percentile_gen_pareto=LOWER_TAIL,
        )
        score: Tensor = -law.log_prob(yards)
        return score
