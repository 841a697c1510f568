from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from aggregator.commands.model_comparison import Rated, compare


def rated(subject_id: str, value: float, rank: int = 1) -> Rated:
    return Rated(subject_id, f"Player {subject_id}", 100, value, rank)


def test_subjects_who_qualify_by_both_models_are_compared_largest_difference_first() -> None:
    compared = compare(
        [rated("a", 90.0), rated("b", 80.0), rated("c", 70.0), rated("d", 60.0, rank=0)],
        [rated("a", 89.0), rated("b", 84.0), rated("d", 65.0), rated("e", 50.0)],
    )
    assert [(moved.first.subject_id, moved.difference) for moved in compared.moved] == [("b", 4.0), ("a", -1.0)]
    assert compared.mean_difference == 2.5
    assert compared.largest_difference == 4.0
    assert compared.only_first == ["c"]
    assert compared.only_second == ["d", "e"]


def test_a_comparison_without_common_subjects_is_empty() -> None:
    compared = compare([rated("a", 90.0)], [rated("b", 80.0)])
    assert not compared.moved
    assert compared.mean_difference is compared.largest_difference is compared.rank_correlation is None


def test_the_same_order_is_a_correlation_of_1_and_the_reverse_one_of_minus_1() -> None:
    ratings = [rated(name, value) for name, value in zip("abc", (60.0, 70.0, 71.0), strict=True)]
    apart = [rated(name, value) for name, value in zip("abc", (1.0, 50.0, 51.0), strict=True)]
    turned = [rated(name, -value) for name, value in zip("abc", (1.0, 50.0, 51.0), strict=True)]
    assert compare(ratings, apart).rank_correlation == pytest.approx(1.0)
    assert compare(ratings, turned).rank_correlation == pytest.approx(-1.0)


@given(st.lists(st.tuples(st.integers(50, 60), st.integers(50, 60)), min_size=2, max_size=30))
def test_ranks_correlate_as_scipy_has_it_ties_included(pairs: list[tuple[int, int]]) -> None:
    first = [rated(str(place), float(one)) for place, (one, _) in enumerate(pairs)]
    second = [rated(str(place), float(other)) for place, (_, other) in enumerate(pairs)]
    correlation = compare(first, second).rank_correlation
    if min(len({one for one, _ in pairs}), len({other for _, other in pairs})) < 2:
        assert correlation is None
    else:
        assert correlation == pytest.approx(spearmanr(*np.array(pairs).T).statistic)
