"""The chance of what comes off or does not, a goal or a won face-off: what tasks that grade such plays share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from playscore.errors import PlayscoreError
from scorer.core.tensors import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Attempt:
    """A play to score."""

    tensor: Tensor
    succeeded: bool | None
    """None: not known yet."""


@dataclass(frozen=True, slots=True)
class StoredChance:
    """The chance of a play that was scored before, and what came of it."""

    probability: float
    succeeded: bool


def probability_of(logit: float) -> float:
    """The chance whose log odds are `logit`, to the last digits where it is small."""
    if logit >= 0.0:
        return 1.0 / (1.0 + math.exp(-logit))
    odds = math.exp(logit)
    return odds / (1.0 + odds)


def above_expected(probability: float, succeeded: bool | None) -> float | None:
    """1 less the chance for a success, 0 less the chance otherwise; None where it is not known what came of it."""
    return None if succeeded is None else float(succeeded) - probability


def grade(stored: Sequence[StoredChance]) -> list[float | PlayscoreError]:
    """How far each play came out above what was expected of it."""
    return [float(each.succeeded) - each.probability for each in stored]
