"""What a store has of scores, as it is read for a table."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aggregator.core.batches import batch_from
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.scores import PASSING, columns_of, score


@pytest.mark.parametrize("measures", [b"{}", b'{"play_score": "high"}', b'{"play_score": 0.5'])
def test_a_damaged_score_is_told_of_and_never_taken_for_nothing(measures: bytes) -> None:
    columns = columns_of([(0, score("1")), (1, score("2"))])
    damaged = replace(columns, measures=[columns.measures[0], measures])
    with pytest.raises(PlayscoreError) as raised:
        batch_from(PASSING.schema, [damaged], graded=True)
    assert raised.value.reason is Reason.STORE_UNAVAILABLE
    assert "playscore store check" in raised.value.detail
