"""Distributions as they travel, made into ones to compute with."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from playscore.distribution.v1 import distribution_pb2 as messages
from playscore.distributions import Censored, SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason
from playscore.release import Support
from playscore.wire.validation import check, invalid


def distribution_from_message(
    message: messages.Distribution, supports: Iterable[messages.Support], path: str = "distribution"
) -> Censored:
    """The distribution of yards gained that a message states.

    Args:
        message: a `spliced_binned_pareto`.
        supports: those stated beside it; the one that it names must be among them.
        path: of the message, in front of the field that an error names.

    Returns:
        One distribution, `batch_shape` (), in double precision. Its `latent` is that of the yards the play would gain
        on an endless field; without `ceiling_yards` in the message, the two are the same.

    Raises:
        PlayscoreError: DISTRIBUTION_INVALID, with the field at fault, where the message is of another kind, its support
            is not given, or its numbers are impossible.
    """
    if message.WhichOneof("kind") != "spliced_binned_pareto":
        raise _invalid(f"{path}.spliced_binned_pareto", "must be set: only distributions of yards are computed with")
    stated = message.spliced_binned_pareto
    path = f"{path}.spliced_binned_pareto"
    support = next((support for support in supports if support.support_id == stated.support_id), None)
    if support is None:
        raise _invalid(f"{path}.support_id", f"must be one of the supports given, not {stated.support_id!r}")
    try:
        check(stated, path)
        if not stated.ceiling_yards.is_integer():
            raise _invalid(f"{path}.ceiling_yards", "must be whole yards")
        latent = SplicedBinnedPareto.from_probabilities(
            np.array(support.edges_yards),
            np.array(stated.probabilities),
            stated.lower_shape,
            stated.lower_scale_yards,
            stated.upper_shape,
            stated.upper_scale_yards,
            support.lower_tail_probability,
            support.upper_tail_probability,
        )
        return Censored(latent, stated.ceiling_yards if stated.HasField("ceiling_yards") else math.inf)
    except PlayscoreError as error:
        fields = error.fields or invalid(path, error.detail).fields
        raise PlayscoreError(Reason.DISTRIBUTION_INVALID, f"{path}: {error.detail}", fields=fields) from None


def support_from_message(message: messages.Support, path: str) -> Support:
    """A support as a caller states it.

    Raises:
        PlayscoreError: FIELD_INVALID, or DISTRIBUTION_INVALID where it is none or not the one that it is named.
    """
    check(message, path)
    support = Support(
        edges_yards=tuple(message.edges_yards),
        lower_tail_probability=message.lower_tail_probability,
        upper_tail_probability=message.upper_tail_probability,
    )
    try:
        support.check()
    except PlayscoreError as error:
        raise PlayscoreError(error.reason, f"{path}.{error.detail}") from error
    if message.support_id != support.id:
        raise _invalid(
            f"{path}.support_id", f'must be "{support.id}", the digest of edges and tails, not "{message.support_id}"'
        )
    return support


def support_to_message(support: Support) -> messages.Support:
    """A support as it travels."""
    return messages.Support(
        support_id=support.id,
        edges_yards=support.edges_yards,
        lower_tail_probability=support.lower_tail_probability,
        upper_tail_probability=support.upper_tail_probability,
    )


def _invalid(field: str, description: str) -> PlayscoreError:
    return invalid(field, description, Reason.DISTRIBUTION_INVALID)
