"""A distribution that arrives is the one that was sent, or is refused with the field at fault."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playscore.distribution.v1 import distribution_pb2 as messages
from playscore.distributions import Censored, SplicedBinnedPareto
from playscore.errors import PlayscoreError, Reason
from playscore.wire.distributions import distribution_from_message


def support(**changes: Any) -> messages.Support:
    stated: dict[str, Any] = {
        "support_id": "s",
        "edges_yards": [-10.0, 0.0, 5.0, 40.0],
        "lower_tail_probability": 0.05,
        "upper_tail_probability": 0.1,
    }
    return messages.Support(**(stated | changes))


def distribution(**changes: Any) -> messages.Distribution:
    stated: dict[str, Any] = {
        "support_id": "s",
        "probabilities": [0.2, 0.5, 0.3],
        "lower_shape": -0.1,
        "lower_scale_yards": 2.0,
        "upper_shape": 0.3,
        "upper_scale_yards": 6.0,
    }
    return messages.Distribution(spliced_binned_pareto=messages.SplicedBinnedPareto(**(stated | changes)))


@given(
    st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3),
    st.floats(-0.5, 0.5),
    st.floats(0.1, 20.0),
    st.floats(-60.0, 120.0),
    st.none() | st.integers(1, 100).map(float),
)
def test_is_the_one_that_was_stated(
    weights: list[float], shape: float, scale: float, yards: float, ceiling: float | None
) -> None:
    message = distribution(
        probabilities=(np.array(weights) / sum(weights)).tolist(),
        lower_shape=shape,
        upper_shape=-shape,
        lower_scale_yards=scale,
        upper_scale_yards=2 * scale,
        ceiling_yards=ceiling,
    )
    stated = message.spliced_binned_pareto
    latent = SplicedBinnedPareto.from_probabilities(
        np.array([-10.0, 0.0, 5.0, 40.0]), np.array(stated.probabilities), shape, scale, -shape, 2 * scale, 0.05, 0.1
    )
    expected = Censored(latent, math.inf if ceiling is None else ceiling)
    arrived = distribution_from_message(message, [support(support_id="other", edges_yards=[0.0, 1.0]), support()])
    assert arrived.batch_shape == ()
    assert float(arrived.cdf(yards)) == float(expected.cdf(yards))


@pytest.mark.parametrize(
    ("message", "supports", "field"),
    [
        (messages.Distribution(), [support()], "distribution.spliced_binned_pareto"),
        (
            messages.Distribution(bernoulli=messages.Bernoulli(probability=0.3)),
            [support()],
            "distribution.spliced_binned_pareto",
        ),
        (distribution(), [], "distribution.spliced_binned_pareto.support_id"),
        (distribution(support_id="t"), [support()], "distribution.spliced_binned_pareto.support_id"),
        (distribution(probabilities=[]), [support()], "distribution.spliced_binned_pareto.probabilities"),
        (distribution(probabilities=[0.5, 0.5]), [support()], "distribution.spliced_binned_pareto"),
        (distribution(probabilities=[0.5, -0.5, 1.0]), [support()], "distribution.spliced_binned_pareto"),
        (distribution(upper_scale_yards=0.0), [support()], "distribution.spliced_binned_pareto.upper_scale_yards"),
        (distribution(ceiling_yards=0.0), [support()], "distribution.spliced_binned_pareto.ceiling_yards"),
        (distribution(ceiling_yards=44.5), [support()], "distribution.spliced_binned_pareto.ceiling_yards"),
        (distribution(ceiling_yards=101.0), [support()], "distribution.spliced_binned_pareto.ceiling_yards"),
        (distribution(ceiling_yards=math.nan), [support()], "distribution.spliced_binned_pareto.ceiling_yards"),
        (distribution(upper_shape=float("nan")), [support()], "distribution.spliced_binned_pareto"),
        (distribution(), [support(edges_yards=[0.0, 5.0, 5.0, 9.0])], "distribution.spliced_binned_pareto"),
        (distribution(), [support(upper_tail_probability=0.96)], "distribution.spliced_binned_pareto"),
    ],
)
def test_what_is_none_is_refused_with_the_field_at_fault(
    message: messages.Distribution, supports: list[messages.Support], field: str
) -> None:
    with pytest.raises(PlayscoreError) as refused:
        distribution_from_message(message, supports)
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID
    assert refused.value.fields[0].field == field
