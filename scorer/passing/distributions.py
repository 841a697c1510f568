"""Distributions of yards gained: one play's as it is stored, and many over one support as they are computed with.

Distributions that callers send are checked one by one. A model's outputs are not: where they make no distribution, the
results for that play are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playscore.distributions import SplicedBinnedPareto
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import Support
from scorer.core.inference import Outputs

SUM_TOLERANCE = 1e-6
"""How far the sum of a distribution's probabilities may be from 1."""


@dataclass(frozen=True, slots=True)
class YardsDistribution:
    """One play's distribution: probabilities of the K bins; shape and scale of the tails."""

    support: Support
    probabilities: Sequence[float]
    lower_shape: float
    lower_scale_yards: float
    upper_shape: float
    upper_scale_yards: float


def predicted(support: Support, outputs: Outputs) -> SplicedBinnedPareto:
    """The N distributions of a model that answers `logits` (N, K) and `tails` (N, 4), in double precision.

    The tails are lower shape, lower scale, upper shape and upper scale; scales in yards.
    """
    lower_shape, lower_scale, upper_shape, upper_scale = outputs["tails"].T
    return SplicedBinnedPareto(
        np.asarray(support.edges_yards),
        outputs["logits"].astype(np.float64),
        lower_shape,
        lower_scale,
        upper_shape,
        upper_scale,
        support.lower_tail_probability,
        support.upper_tail_probability,
    )


def stack(distributions: Sequence[YardsDistribution]) -> SplicedBinnedPareto:
    """Distributions over one support as one of batch shape (N,).

    Raises:
        PlayscoreError: DISTRIBUTION_INVALID if one of them did not pass `check`.
    """
    support = distributions[0].support
    return SplicedBinnedPareto.from_probabilities(
        np.asarray(support.edges_yards),
        np.array([each.probabilities for each in distributions]),
        np.array([each.lower_shape for each in distributions]),
        np.array([each.lower_scale_yards for each in distributions]),
        np.array([each.upper_shape for each in distributions]),
        np.array([each.upper_scale_yards for each in distributions]),
        support.lower_tail_probability,
        support.upper_tail_probability,
    )


def unstack(support: Support, distributions: SplicedBinnedPareto) -> list[YardsDistribution]:
    """A distribution of batch shape (N,) as N distributions."""
    tails = (
        distributions.lower_shape,
        distributions.lower_scale,
        distributions.upper_shape,
        distributions.upper_scale,
    )
    columns = (column.tolist() for column in (distributions.probabilities, *tails))
    return [YardsDistribution(support, *row) for row in zip(*columns, strict=True)]


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


def _invalid(field: str, description: str) -> PlayscoreError:
    return PlayscoreError(
        Reason.DISTRIBUTION_INVALID, f"{field} {description}", fields=(FieldViolation(field, description),)
    )
