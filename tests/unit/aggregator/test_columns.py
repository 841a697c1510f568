"""Columns are narrow, and lose nothing."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core import columns
from aggregator.core.arrays import Numbers, Texts
from aggregator.core.columns import (
    MAX_CODED,
    Addends,
    Coded,
    Plain,
    added_up,
    encode_numbers,
    encode_texts,
    joined,
)
from aggregator.core.fields import FieldType
from aggregator.core.filter import Operator

COMPARE: Mapping[Operator, Callable[[Any, Any], Any]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}
ROWS = 100_000
RNG = np.random.default_rng(2021)
KINDS: Mapping[str, tuple[Numbers, type[Coded] | type[Plain], int]] = {
    "tenths": (RNG.integers(0, 50, ROWS) / 10, Coded, 1),
    "whole": (RNG.integers(-21, 22, ROWS).astype(np.float64), Coded, 1),
    "hundredths": (RNG.integers(0, 5000, ROWS) / 100, Coded, 2),
    "single precision": (RNG.random(ROWS).astype(np.float32).astype(np.float64), Plain, 4),
    "double precision": (RNG.random(ROWS), Plain, 8),
    "far apart": (RNG.integers(0, 2**50, ROWS).astype(np.float64), Plain, 8),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("with_unknown", [False, True])
def test_numbers_are_kept_in_the_narrowest_exact_form_and_compare_as_they_are(kind: str, *, with_unknown: bool) -> None:
    numbers, form, width = KINDS[kind]
    if with_unknown:
        numbers = np.where(RNG.random(ROWS) < 0.1, np.nan, numbers)
    column = encode_numbers(numbers, FieldType.NUMBER)
    assert type(column) is form
    assert column.nbytes == width * ROWS
    known = numbers[~np.isnan(numbers)]
    for value in known[:20].tolist():
        for bound in (value, np.nextafter(value, -np.inf), np.nextafter(value, np.inf)):
            for sign, holds in COMPARE.items():
                expected = holds(numbers, bound) & ~np.isnan(numbers)
                assert np.array_equal(column.compare(sign, float(bound)), expected)
    assert [column.get(row) for row in range(50)] == [None if np.isnan(each) else each for each in numbers[:50]]
    assert np.array_equal(column.known(), ~np.isnan(numbers))


@given(
    st.lists(st.lists(st.none() | st.floats(-5, 5, width=16), max_size=20), min_size=1, max_size=4),
    st.lists(st.lists(st.sampled_from([None, "", "a", "b", "B*", "é"]), max_size=20), min_size=1, max_size=4),
)
def test_columns_that_are_joined_say_what_their_kept_rows_said(
    numbers: list[list[float | None]], texts: list[list[str | None]]
) -> None:
    columns = [encode_numbers(np.array(each, dtype=np.float64), FieldType.NUMBER) for each in numbers]
    kept = [np.arange(0, len(each), 2) for each in numbers]
    together = joined(columns, kept, FieldType.NUMBER)
    expected = [value for each in numbers for value in each[::2]]
    assert [together.get(row) for row in range(len(expected))] == expected
    coded = [encode_texts(Texts.of(each)) for each in texts]
    of_texts = joined(coded, [np.arange(0, len(each), 2) for each in texts], FieldType.STRING)
    told = [value or None for each in texts for value in each[::2]]
    assert [of_texts.get(row) for row in range(len(told))] == told
    assert set(of_texts.coded().values) == {value for value in told if value}


def test_more_different_numbers_than_codes_are_joined_as_they_are() -> None:
    halves = [RNG.integers(0, 40_000, 4 * MAX_CODED).astype(np.float64) + fraction for fraction in (0.0, 0.5)]
    columns = [encode_numbers(half, FieldType.NUMBER) for half in halves]
    assert all(isinstance(column, Coded) for column in columns)
    together = joined(columns, [slice(None), slice(None)], FieldType.NUMBER)
    assert isinstance(together, Plain)
    assert np.array_equal(together.data, np.concatenate(halves))


@settings(max_examples=50)
@given(st.lists(st.floats(-(2.0**20), 2.0**20), min_size=1, max_size=200), st.randoms())
def test_sums_are_exact_to_the_grid_whatever_the_order_and_the_way(numbers: list[float], random: Any) -> None:
    wanted = sum(round(number * 2**30) for number in numbers)
    shuffled = list(numbers)
    random.shuffle(shuffled)
    for each in (numbers, shuffled):
        addends = Addends.of(np.array(each))
        rows = np.arange(len(each))
        assert int(addends.at(rows).sum()) == wanted
        assert int(addends.runs(rows, np.array([0])).sum()) == wanted
        assert int(addends.by_code(rows, rows % 3, 3).sum()) == wanted
    assert added_up(np.array([wanted]))[0] == pytest.approx(sum(numbers), abs=len(numbers) * 2.0**-30)


def test_what_a_pattern_holds_for_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    column = encode_texts(Texts.of([f"play {n % 1_200}" for n in range(3_000)] + [None]))
    steps = sum(1 for _ in column.match("*7*"))
    assert steps > 1, "others have their turn between"
    monkeypatch.setattr(columns, "matches", lambda text, pattern: pytest.fail("it was looked for again"))
    assert sum(1 for _ in column.match("*7*")) == 0
    holds, fails = column.compare(Operator.EQ, "*7*"), column.compare(Operator.NE, "*7*")
    assert holds.tolist() == ["7" in str(n % 1_200) for n in range(3_000)] + [False]
    assert fails.tolist() == ["7" not in str(n % 1_200) for n in range(3_000)] + [False]
