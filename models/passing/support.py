"""The support that all distributions of the passing model share: bins of one yard, and tails of 5%."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from array_api_compat import array_namespace

from playscore.distributions import SplicedBinnedPareto
from playscore.release import Support

FIRST_YARD: Final = -20
BINS: Final = 120
"""One for each whole number of yards from FIRST_YARD on: -20 ... 99, all that a play can gain."""
EDGES: Final = tuple(float(edge) - 0.5 for edge in range(FIRST_YARD, FIRST_YARD + BINS + 1))
GRID: Final = np.asarray(EDGES)
LOWER_TAIL: Final = 0.05
UPPER_TAIL: Final = 0.05
SUPPORT: Final = Support(edges_yards=EDGES, lower_tail_probability=LOWER_TAIL, upper_tail_probability=UPPER_TAIL)
OUTPUTS: Final = {"logits": (BINS,), "tails": (4,)}
"""What the network answers, and the shape for one play. Tails: lower shape and scale, upper shape and scale."""


def distribution_of(logits: Any, tails: Any) -> SplicedBinnedPareto:
    """The distributions that logits (N, K) and tails (N, 4) describe, arrays of numpy or torch."""
    lower_shape, lower_scale, upper_shape, upper_scale = (tails[..., place] for place in range(4))
    return SplicedBinnedPareto(
        EDGES, logits, lower_shape, lower_scale, upper_shape, upper_scale, LOWER_TAIL, UPPER_TAIL
    )


def whole_yards(end_zone: Any) -> Any:
    """The gain in whole yards that reaches the end zone so far away: rounded, at least 1. Arrays of numpy or torch."""
    xp = array_namespace(end_zone)
    return xp.clip(xp.floor(end_zone + 0.5), 1.0)
