"""Distributions of yards gained: one play's as it is stored, and many over one support as they are computed with.

Distributions that callers send are checked one by one. A model's outputs are not: where they make no distribution, the
results for that play are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from playscore.distributions.tabulated import Bins, Tabulated
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import Support
from scorer.core.inference import Outputs

SUM_TOLERANCE = 1e-6
"""How far the sum of a distribution's probabilities may be from 1."""


@dataclass(frozen=True, slots=True)
class YardsDistribution:
    """One play's distribution: probabilities of the K bins; shape and scale of the tails; what it can gain at most."""

    support: Support
    probabilities: Sequence[float]
    lower_shape: float
    lower_scale_yards: float
    upper_shape: float
    upper_scale_yards: float
    ceiling_yards: float | None = None
    """None: nothing is cut."""


@cache
def bins_of(support: Support) -> Bins:
    """The bins and tails of a support, to compute with."""
    return Bins(support.edges_yards, support.lower_tail_probability, support.upper_tail_probability)


def predicted(bins: Bins, outputs: Outputs, ceilings: Sequence[float]) -> Tabulated:
    """The N distributions of a model that answers `logits` (N, K) and `tails` (N, 4), in double precision.

    The tails are lower shape, lower scale, upper shape and upper scale; scales in yards. `ceilings` (N,): the most
    yards each can gain, infinite where nothing is cut.
    """
    logits, tails = (outputs[name].astype(np.float64) for name in ("logits", "tails"))
    return Tabulated.from_logits(bins, logits, tails, np.asarray(ceilings))


def stack(distributions: Sequence[YardsDistribution]) -> Tabulated:
    """Distributions over one support, which passed `check`, as one batch."""
    tails = [
        (each.lower_shape, each.lower_scale_yards, each.upper_shape, each.upper_scale_yards) for each in distributions
    ]
    ceilings = [math.inf if each.ceiling_yards is None else each.ceiling_yards for each in distributions]
    weights = np.array([each.probabilities for each in distributions])
    return Tabulated(bins_of(distributions[0].support), weights, np.array(tails), np.array(ceilings))


def unstack(support: Support, distributions: Tabulated) -> list[YardsDistribution]:
    """A batch of N distributions over a support as N distributions."""
    columns = (distributions.probabilities, *distributions.tails.T)
    ceilings = (ceiling if math.isfinite(ceiling) else None for ceiling in distributions.ceiling.tolist())
    rows = zip(*(column.tolist() for column in columns), ceilings, strict=True)
    return [YardsDistribution(support, *row) for row in rows]


def check(distribution: YardsDistribution, path: str) -> None:
    """Refuse parameters that do not make a distribution over the support, which was checked before.

    `path` leads to the distribution in the request.

    Raises:
        PlayscoreError: DISTRIBUTION_INVALID.
    """
    probabilities, edges = np.asarray(distribution.probabilities), distribution.support.edges_yards
    if len(probabilities) != len(edges) - 1:
        raise _invalid(
            f"{path}.probabilities", f"must be {len(edges) - 1}, one a bin of its support, not {len(probabilities)}"
        )
    # Written so that NaN fails every comparison.
    if not (probabilities >= 0.0).all() or not abs(probabilities.sum() - 1.0) <= SUM_TOLERANCE:
        raise _invalid(f"{path}.probabilities", f"must be at least 0 and sum to 1, not to {probabilities.sum():g}")
    for name in ("lower_scale_yards", "upper_scale_yards"):
        scale = getattr(distribution, name)
        if not 0.0 < scale < math.inf:
            raise _invalid(f"{path}.{name}", f"must be finite and above 0, not {scale:g}")
    for name in ("lower_shape", "upper_shape"):
        shape = getattr(distribution, name)
        if not math.isfinite(shape):
            raise _invalid(f"{path}.{name}", f"must be finite, not {shape:g}")
    ceiling = distribution.ceiling_yards
    if ceiling is not None and not ceiling.is_integer():
        raise _invalid(f"{path}.ceiling_yards", f"must be whole yards, not {ceiling:g}")


def _invalid(field: str, description: str) -> PlayscoreError:
    return PlayscoreError(
        Reason.DISTRIBUTION_INVALID, f"{field} {description}", fields=(FieldViolation(field, description),)
    )
