"""The additive model: contributions that add up, means where they belong, both listings."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from featurizer.shots.factors import PLACE
from models.shots.additive import Additive, ByListing, joint, pure_interaction, purified
from models.shots.binning import UNKNOWN, Bins
from models.shots.fitting import ORDERED
from playscore.errors import PlayscoreError
from tests.unit.models.shots import COUNT, random_model, random_statics

STATICS = random_statics(500)


def test_contributions_and_intercept_add_up_to_the_logit() -> None:
    model = random_model(STATICS)
    for contributions, logit in zip(model.contributions(STATICS), model.logits(STATICS), strict=True):
        assert model.intercept + math.fsum(contributions) == pytest.approx(logit, abs=1e-12)


def test_a_value_on_an_edge_is_above_it_and_what_is_not_known_has_a_bin_of_its_own() -> None:
    bins = Bins.of(STATICS, ORDERED)
    for place, cut in enumerate(bins.edges):
        row = np.zeros((3, 2 * COUNT), np.float32)
        row[0, place], row[1, place] = cut[0], np.nextafter(cut[0], np.float32(-np.inf))
        row[:2, COUNT + place] = 1
        assert bins.places(row)[place].tolist() == [2, 1, UNKNOWN]


def test_every_code_has_a_bin_of_its_own() -> None:
    bins = Bins.of(STATICS, ORDERED)
    place = PLACE["event_kind"]
    codes = np.arange(-5, 6)
    row = np.zeros((len(codes), 2 * COUNT), np.float32)
    row[:, place], row[:, COUNT + place] = codes, 1
    assert len(set(bins.places(row)[place])) == len(codes)


@settings(max_examples=50)
@given(st.integers(2, 7), st.integers(2, 7), st.integers(0, 10_000))
def test_a_pure_interaction_has_rows_and_columns_of_mean_0_and_the_same_sum(rows: int, columns: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    table, weights = rng.normal(size=(rows, columns)), rng.integers(0, 5, (rows, columns)).astype(float)
    pure, of_rows, of_columns = pure_interaction(table, weights)
    np.testing.assert_allclose(pure + of_rows[:, None] + of_columns, table, atol=1e-9)
    np.testing.assert_allclose((pure * weights).sum(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose((pure * weights).sum(axis=1), 0, atol=1e-9)


def test_purification_changes_no_logit_and_leaves_the_mean_logit_to_the_intercept() -> None:
    rng = np.random.default_rng(1)
    bins = Bins.of(STATICS, ORDERED)
    places = bins.places(STATICS)
    coarse = bins.coarse_places(places)
    mains = [rng.normal(size=count) for count in bins.counts]
    tables = {
        pair: rng.normal(size=tuple(bins.coarse_counts[place] for place in pair))
        for pair in itertools.islice(itertools.combinations(range(COUNT), 2), 20)
    }
    raw = 0.3 + sum(table[mine] for table, mine in zip(mains, places, strict=True))
    raw = raw + sum(table[coarse[first], coarse[second]] for (first, second), table in tables.items())
    model = purified(bins, 0.3, mains, tables, places)
    np.testing.assert_allclose(model.logits(STATICS), raw, atol=1e-9)
    np.testing.assert_allclose(model.contributions(STATICS).mean(axis=0), 0, atol=1e-9)
    assert model.intercept == pytest.approx(raw.mean())
    for pair in model.pairs:
        weights = joint(bins, coarse, pair.first, pair.second)
        np.testing.assert_array_equal(pair.to_first, pair.to_second)
        np.testing.assert_allclose((pair.to_first * weights).sum(axis=1), 0, atol=1e-9)


def test_contributions_of_a_pure_model_are_its_shapley_values() -> None:
    """For three factors, by all orders: the value of a coalition is the sum of the terms that it holds."""
    model = random_model(random_statics(300, known=1.0), pairs=0)
    bins = model.bins
    rng = np.random.default_rng(2)
    tables = {pair: rng.normal(size=tuple(bins.coarse_counts[place] for place in pair)) for pair in ((0, 1), (1, 2))}
    model = purified(bins, 0.0, model.mains, tables, bins.places(STATICS))
    row = STATICS[:1]
    places = bins.places(row)
    coarse = bins.coarse_places(places)[:, 0]
    terms: dict[tuple[int, ...], float] = {(place,): float(model.mains[place][places[place, 0]]) for place in range(3)}
    for pair in model.pairs:
        terms[pair.first, pair.second] = 2 * float(pair.to_first[coarse[pair.first], coarse[pair.second]])
    shares = dict.fromkeys(range(3), 0.0)
    orders = list(itertools.permutations(range(3)))
    for order in orders:
        for step, place in enumerate(order):
            held = set(order[: step + 1])
            shares[place] += sum(value for term, value in terms.items() if place in term and set(term) <= held)
    contributions = model.contributions(row)[0]
    for place, total in shares.items():
        assert contributions[place] == pytest.approx(total / len(orders))


def test_sums_of_models_have_the_sums_of_their_logits() -> None:
    one = random_model(STATICS, seed=1)
    two = Additive(one.bins, 0.5, tuple(2 * table for table in one.mains), one.pairs)
    np.testing.assert_allclose(one.plus(two).logits(STATICS), one.logits(STATICS) + two.logits(STATICS), atol=1e-12)
    assert len(one.plus(two).pairs) == len(one.pairs)


def test_each_listing_has_its_own_chances_and_the_factor_that_tells_them_apart_the_difference_of_intercepts() -> None:
    unblocked, on_goal = random_model(STATICS, 1), random_model(STATICS, 2)
    listing = PLACE["listed_on_goal"]
    model = ByListing(unblocked, on_goal, listing)
    for value, own in ((0, unblocked), (1, on_goal)):
        statics = STATICS.copy()
        statics[:, listing], statics[:, COUNT + listing] = value, 1
        np.testing.assert_allclose(model.chances(statics), own.chances(statics), atol=1e-12)
        others = np.delete(model.contributions(statics) - own.contributions(statics), listing, axis=1)
        np.testing.assert_allclose(others, 0, atol=1e-12)


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    model = random_model(STATICS)
    model.save(tmp_path / "model.npz")
    again = Additive.load(tmp_path / "model.npz")
    np.testing.assert_array_equal(again.contributions(STATICS), model.contributions(STATICS))
    (tmp_path / "other.npz").write_bytes(b"no model")
    with pytest.raises(PlayscoreError, match=r"other\.npz is no saved additive model"):
        Additive.load(tmp_path / "other.npz")
