"""Laws of yards gained: one play's, as it travels, and many that share their bins, as they are computed with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from playscore.distributions import SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason
from scorer.core.inference import Outputs

SUM_TOLERANCE = 1e-6
"""How far the sum of a law's probabilities may be from 1."""


@dataclass(frozen=True, slots=True)
class Support:
    """What laws of one model share: where the bins end, in yards, and where the tails begin."""

    edges: tuple[float, ...]
    lower_tail: float
    upper_tail: float


@dataclass(frozen=True, slots=True)
class Law:
    """One play's law: probabilities of the K bins; shape and scale (yards) of the tails."""

    support: Support
    probabilities: Sequence[float]
    lower_shape: float
    lower_scale: float
    upper_shape: float
    upper_scale: float


def predicted(support: Support, outputs: Outputs) -> SplicedBinnedPareto:
    """The N laws a model gave, in double precision. Outputs that are no law answer NaN, and only they."""
    lower_shape, lower_scale, upper_shape, upper_scale = outputs.tails.T
    return SplicedBinnedPareto(
        np.asarray(support.edges),
        outputs.logits.astype(np.float64),
        lower_shape,
        lower_scale,
        upper_shape,
        upper_scale,
        support.lower_tail,
        support.upper_tail,
    )


def stack(laws: Sequence[Law]) -> SplicedBinnedPareto:
    """Laws over one support as one distribution of batch shape (N,)."""
    support = laws[0].support
    return SplicedBinnedPareto.from_probabilities(
        np.asarray(support.edges),
        np.array([law.probabilities for law in laws]),
        np.array([law.lower_shape for law in laws]),
        np.array([law.lower_scale for law in laws]),
        np.array([law.upper_shape for law in laws]),
        np.array([law.upper_scale for law in laws]),
        support.lower_tail,
        support.upper_tail,
    )


def unstack(support: Support, laws: SplicedBinnedPareto) -> list[Law]:
    """The laws of one distribution of batch shape (N,), one by one."""
    tails = (laws.lower_shape, laws.lower_scale, laws.upper_shape, laws.upper_scale)
    columns = (laws.probabilities, *tails)
    return [Law(support, *row) for row in zip(*(column.tolist() for column in columns), strict=True)]


def check(law: Law) -> None:
    """Refuses what is no law.

    Raises:
        PlayscoreError: LAW_INVALID.
    """
    edges, probabilities = np.asarray(law.support.edges), np.asarray(law.probabilities)
    tails = (law.support.lower_tail, law.support.upper_tail)
    scales = (law.lower_scale, law.upper_scale)
    with np.errstate(over="ignore"):
        widths = edges[1:] - edges[:-1]
    if len(edges) < 2 or not np.isfinite(edges).all() or not ((widths > 0.0) & (widths < np.inf)).all():
        raise PlayscoreError(Reason.LAW_INVALID, "law.edges must be at least two finite, rising yards")
    if len(probabilities) != len(edges) - 1:
        raise PlayscoreError(
            Reason.LAW_INVALID,
            f"law.probabilities has {len(probabilities)} values; {len(edges)} edges make {len(edges) - 1} bins",
        )
    # Written so that NaN fails every comparison.
    if not (probabilities >= 0.0).all() or not abs(probabilities.sum() - 1.0) <= SUM_TOLERANCE:
        raise PlayscoreError(
            Reason.LAW_INVALID,
            f"law.probabilities must be at least 0 and sum to 1; they sum to {probabilities.sum():g}",
        )
    if not (min(tails) > 0.0 and sum(tails) < 1.0):
        raise PlayscoreError(
            Reason.LAW_INVALID, f"law.lower_tail and upper_tail must be above 0 and leave a body; they are {tails}"
        )
    if not all(0.0 < scale < np.inf for scale in scales):
        raise PlayscoreError(
            Reason.LAW_INVALID, f"law.lower_scale and upper_scale must be finite and above 0; they are {scales}"
        )
    if not np.isfinite((law.lower_shape, law.upper_shape)).all():
        raise PlayscoreError(
            Reason.LAW_INVALID,
            f"law.lower_shape and upper_shape must be finite; they are {(law.lower_shape, law.upper_shape)}",
        )
