"""Distributions of yards gained: one play's as it is stored, and many over one support as they are computed with.

Distributions that callers send are checked one by one. A model's outputs are not: where they make no distribution, the
results for that play are NaN.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playscore.distributions import Censored, SplicedBinnedPareto
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


def predicted(support: Support, outputs: Outputs, ceilings: Sequence[float] = (math.inf,)) -> Censored:
    """The N distributions of a model that answers `logits` (N, K) and `tails` (N, 4), in double precision.

    The tails are lower shape, lower scale, upper shape and upper scale; scales in yards. `ceilings` (N,) or one for
    all: the most yards each can gain, infinite where nothing is cut.
    """
    lower_shape, lower_scale, upper_shape, upper_scale = outputs["tails"].T
    latent = SplicedBinnedPareto(
        np.asarray(support.edges_yards),
        outputs["logits"].astype(np.float64),
        lower_shape,
        lower_scale,
        upper_shape,
        upper_scale,
        support.lower_tail_probability,
        support.upper_tail_probability,
    )
    return Censored(latent, np.asarray(ceilings))


def stack(distributions: Sequence[YardsDistribution]) -> Censored:
    """Distributions over one support as one of batch shape (N,).

    Raises:
        PlayscoreError: DISTRIBUTION_INVALID if one of them did not pass `check`.
    """
    support = distributions[0].support
    latent = SplicedBinnedPareto.from_probabilities(
        np.asarray(support.edges_yards),
        np.array([each.probabilities for each in distributions]),
        np.array([each.lower_shape for each in distributions]),
        np.array([each.lower_scale_yards for each in distributions]),
        np.array([each.upper_shape for each in distributions]),
        np.array([each.upper_scale_yards for each in distributions]),
        support.lower_tail_probability,
        support.upper_tail_probability,
    )
    ceilings = [each.ceiling_yards for each in distributions]
    return Censored(latent, np.array([math.inf if ceiling is None else ceiling for ceiling in ceilings]))


def unstack(support: Support, distributions: Censored) -> list[YardsDistribution]:
    """A distribution of batch shape (N,) as N distributions."""
    latent = distributions.latent
    tails = (latent.lower_shape, latent.lower_scale, latent.upper_shape, latent.upper_scale)
    columns = (column.tolist() for column in (latent.probabilities, *tails))
    ceilings = (ceiling if math.isfinite(ceiling) else None for ceiling in distributions.ceiling.tolist())
    return [YardsDistribution(support, *row) for row in zip(*columns, ceilings, strict=True)]


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
