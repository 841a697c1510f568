"""Distributions and supports as they are recorded: checked when they come, compared when they come again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from google.protobuf.message import Message
from numpy.typing import NDArray

from aggregator.core.precedence import close
from aggregator.core.records import Distribution
from playscore.distribution.v1 import distribution_pb2 as messages
from playscore.errors import PlayscoreError, Reason
from playscore.wire.distributions import support_from_message
from playscore.wire.validation import invalid

MAX_SUM_ERROR: Final = 1e-3
"""Of the probabilities of the bins, which add up to 1."""


class Supports:
    """The supports that a request states. What is wrong with one is told to whoever names it."""

    def __init__(self, stated: Mapping[str, messages.Support]) -> None:
        self._stated = stated
        self._wrong: dict[str, PlayscoreError] = {}
        for support_id, message in stated.items():
            try:
                support_from_message(message, f'supports["{support_id}"]')
            except PlayscoreError as error:
                self._wrong[support_id] = PlayscoreError(Reason.DISTRIBUTION_INVALID, error.detail, fields=error.fields)

    def bins(self, support_id: str) -> int | None:
        """How many bins a support has; None where it is not stated. Raises DISTRIBUTION_INVALID where it is none."""
        if support_id in self._wrong:
            raise self._wrong[support_id]
        return len(self._stated[support_id].edges_yards) - 1 if support_id in self._stated else None

    def contents(self) -> dict[str, bytes]:
        """The supports that are right, as they are kept."""
        return {
            support_id: message.SerializeToString(deterministic=True)
            for support_id, message in self._stated.items()
            if support_id not in self._wrong
        }


def distribution_from_message(message: messages.Distribution, supports: Supports, path: str) -> Distribution:
    """A distribution as it is kept, of a message that keeps its stated limits. Raises DISTRIBUTION_INVALID."""
    match message.WhichOneof("kind"):
        case None:
            raise _invalid(path, "must be of a kind")
        case "spliced_binned_pareto":
            stated = message.spliced_binned_pareto
            _check_spliced(stated, supports.bins(stated.support_id), f"{path}.spliced_binned_pareto")
            support_id = stated.support_id
        case _:
            support_id = ""
    return Distribution(message.SerializeToString(deterministic=True), support_id)


def same_distribution(one: bytes, other: bytes) -> bool:
    """Whether two distributions that were kept are the same, but for the last digits of inference."""
    return one == other or _same(messages.Distribution.FromString(one), messages.Distribution.FromString(other))


def _check_spliced(stated: messages.SplicedBinnedPareto, bins: int | None, path: str) -> None:
    """Refuse impossible numbers. Written so that NaN fails every comparison."""
    probabilities: NDArray[np.float64] = np.array(stated.probabilities)
    if bins is not None and len(probabilities) != bins:
        raise _invalid(f"{path}.probabilities", f"must be one for each of the support's {bins} bins")
    if not (probabilities.min() >= 0 and abs(probabilities.sum() - 1) <= MAX_SUM_ERROR):
        raise _invalid(f"{path}.probabilities", "must be at least 0 and add up to 1")
    for name in ("lower_shape", "upper_shape"):
        if not np.isfinite(getattr(stated, name)):
            raise _invalid(f"{path}.{name}", "must be finite")
    if not stated.ceiling_yards.is_integer():
        raise _invalid(f"{path}.ceiling_yards", "must be whole yards")
    for name in ("lower_scale_yards", "upper_scale_yards"):
        if not 0 < getattr(stated, name) < np.inf:
            raise _invalid(f"{path}.{name}", "must be finite and above 0")


def _same(one: Message, other: Message) -> bool:
    mine, theirs = ({field.name: value for field, value in each.ListFields()} for each in (one, other))
    return mine.keys() == theirs.keys() and all(_same_value(value, theirs[name]) for name, value in mine.items())


def _same_value(value: Any, other: Any) -> bool:
    if isinstance(value, Message):
        return _same(value, other)
    if isinstance(value, float):
        return close(value, other)
    if isinstance(value, str):
        return bool(value == other)
    return len(value) == len(other) and all(map(close, value, other))


def _invalid(field: str, description: str) -> PlayscoreError:
    return invalid(field, description, Reason.DISTRIBUTION_INVALID)
