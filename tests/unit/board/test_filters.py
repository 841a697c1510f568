"""Filters that pages put together select what they are meant to, in the aggregator's own language."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.filter import And, Comparison, Operator, parse_filter
from aggregator.faceoffs.fields import SCHEMA as FACEOFFS
from aggregator.passing.fields import SCHEMA as PASSES
from aggregator.shots.fields import SCHEMA as SHOTS
from board.filters import both, equals
from board.report.splits import SPLITS
from playscore.common.v1 import common_pb2 as common

SCHEMAS = {
    common.ROLE_PASSER: PASSES,
    common.ROLE_SHOOTER: SHOTS,
    common.ROLE_GOALIE: SHOTS,
    common.ROLE_SHOOTING_TEAM: SHOTS,
    common.ROLE_FACEOFF_TAKER: FACEOFFS,
}
TEXTS = st.text(st.characters(exclude_categories=["C", "Z"]) | st.sampled_from(" \"'\\*"), min_size=1, max_size=20)


@given(TEXTS)
def test_a_text_is_asked_for_exactly(text: str) -> None:
    match parse_filter(equals("team_id", text), PASSES):
        case Comparison(operator=Operator.EQ, value=value):
            assert value == text
            assert "*" not in text
        case And((Comparison(operator=Operator.GE, value=low), Comparison(operator=Operator.LE, value=high))):
            assert low == high == text
        case other:
            pytest.fail(f"not a comparison: {other}")


@given(TEXTS)
def test_a_filter_narrows_another_whatever_it_is(text: str) -> None:
    loose = "home OR down = 3 down = 4"
    narrowed = parse_filter(both(loose, equals("team_id", text)), PASSES)
    assert isinstance(narrowed, And)
    assert parse_filter(loose, PASSES) in narrowed.operands or len(narrowed.operands) > 2
    assert both(loose, " ") == f"({loose})"


@pytest.mark.parametrize("role", SPLITS)
def test_every_split_of_a_report_is_a_filter_of_its_role(role: common.Role.ValueType) -> None:
    for splits in SPLITS[role]:
        assert len({name for name, _ in splits.filters}) == len(splits.filters)
        for _, text in splits.filters:
            parse_filter(text, SCHEMAS[role])
