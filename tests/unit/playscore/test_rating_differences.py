"""The difference of two ratings is as sure as what the plays say of it, and says so."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.rating_differences import Case, Parts, calibration, cases, covered, passers
from playscore.rating_differences import (
    NOTHING,
    Difference,
    Points,
    Side,
    Worth,
    above_expected,
    normal,
    of_one_subject,
    of_two_opponents,
    of_two_subjects,
)
from playscore.ratings import rate
from playscore.release import ReferencePopulation

POPULATION = ReferencePopulation(
    description="made up",
    subjects=31,
    min_plays=200,
    mean=0.5,
    standard_deviation=0.1,
    play_standard_deviation=0.3,
    shrinkage_plays=100,
)
POINTS = Points(POPULATION)
SPREAD = 0.2

COUNTS = st.integers(0, 500)
MEANS = st.floats(0, 1)


def passes(plays: int, mean: float, points: Points = POINTS) -> Worth:
    return points.worth(plays, plays * mean)


def of_passes(own: Worth, shared: Worth = NOTHING, points: Points = POINTS) -> Side:
    return Side(own, shared, points.spread, average=points.population.median_rating)


def of_chances(own: Worth, shared: Worth = NOTHING) -> Side:
    return Side(own, shared, SPREAD)


def close(one: Difference, other: Difference, tolerance: float = 1e-9) -> bool:
    pairs = zip(
        (one.value, one.low, one.high, one.probability),
        (other.value, other.low, other.high, other.probability),
        strict=True,
    )
    return all(math.isclose(a, b, rel_tol=tolerance, abs_tol=tolerance) for a, b in pairs)


# --- Any difference ---


def test_the_interval_and_the_probability_say_the_same() -> None:
    at_the_end = normal(1.6448536269514722, 1.0)
    assert at_the_end.low == pytest.approx(0.0)
    assert at_the_end.probability == pytest.approx(0.95)


def test_what_is_certain_has_no_interval() -> None:
    assert normal(2.0, 0.0) == Difference(2.0, 2.0, 2.0, 1.0)
    assert normal(-2.0, 0.0) == Difference(-2.0, -2.0, -2.0, 0.0)
    assert normal(0.0, 0.0) == Difference(0.0, 0.0, 0.0, 0.5)


def test_those_for_whom_less_is_better_see_it_the_other_way() -> None:
    seen = -normal(1.0, 2.0)
    assert close(seen, normal(-1.0, 2.0))


# --- Two passers ---


def test_two_passers_by_hand() -> None:
    # True means (300 * 0.52 + 100 * 0.5) / 400 = 0.515 and (100 * 0.48 + 100 * 0.5) / 200 = 0.49: 0.025, of which 0.1
    # are 7 points. The deviations are 0.3 / sqrt(400) and 0.3 / sqrt(200): together 0.02598, or 1.8187 points.
    found = of_two_subjects(of_passes(passes(300, 0.52)), of_passes(passes(100, 0.48)))
    assert found.value == pytest.approx(1.75)
    assert found.high - found.value == pytest.approx(1.6448536 * 1.8187, abs=1e-3)
    assert found.probability == pytest.approx(0.8320, abs=1e-4)  # of 1.75 / 1.8187 = 0.9622 deviations


@given(st.integers(1, 500), MEANS, st.integers(1, 500), MEANS)
def test_the_difference_of_two_passers_is_that_of_their_ratings(
    plays: int, mean: float, more: int, other: float
) -> None:
    wide = POPULATION.model_copy(update={"rating_per_standard_deviation": 0.1})  # so that no rating is cut
    ratings = rate(np.array([plays, more]), np.array([plays * mean, more * other]), wide).rating
    points = Points(wide)
    sides = (
        of_passes(passes(plays, mean, points), points=points),
        of_passes(passes(more, other, points), points=points),
    )
    assert of_two_subjects(*sides).value == pytest.approx(float(ratings[0] - ratings[1]))


def test_each_passer_is_rated_by_the_population_of_their_model() -> None:
    raised = Points(POPULATION.model_copy(update={"mean": 0.6, "median_rating": 83.0}))
    found = of_two_subjects(of_passes(passes(50, 0.5)), of_passes(passes(50, 0.6, raised), points=raised))
    assert found.value == pytest.approx(84.0 - 83.0)


def test_without_shrinkage_the_plays_alone_speak() -> None:
    points = Points(POPULATION.model_copy(update={"shrinkage_plays": 0.0}))
    for compare in (of_two_subjects, of_one_subject):
        found = compare(
            of_passes(passes(10, 0.7, points), points=points), of_passes(passes(40, 0.6, points), points=points)
        )
        assert found.value == pytest.approx(7.0)
        assert found.high - found.value == pytest.approx(1.6448536 * 21.0 * math.sqrt(1 / 10 + 1 / 40))


# --- One passer in two splits ---


def test_one_passer_in_two_splits_by_hand() -> None:
    # Plays of other kinds differ with variance 2 * 0.3^2 / 100 = 0.0018; 20 and 80 plays show it with a variance of
    # 0.3^2 (1 / 20 + 1 / 80) = 0.005625: of what they show, 0.0018 / 0.007425 = 0.2424 is to be believed.
    found = of_one_subject(of_passes(passes(20, 0.6)), of_passes(passes(80, 0.5)))
    assert found.value == pytest.approx(7.0 * 0.2424, abs=1e-3)
    assert found.high - found.value == pytest.approx(1.6448536 * 70 * math.sqrt(0.0018 * (1 - 0.2424)), abs=1e-3)


@given(st.integers(1, 500), st.integers(1, 500), MEANS)
def test_a_few_plays_as_good_as_the_others_speak_for_neither(few: int, many: int, mean: float) -> None:
    # Their ratings differ: each is shrunk by its own plays. The difference is not fooled by that.
    found = of_one_subject(of_passes(passes(few, mean)), of_passes(passes(many, mean)))
    assert found.value == pytest.approx(0.0, abs=1e-7)
    assert found.probability == pytest.approx(0.5, abs=1e-7)


@given(st.integers(1, 300), MEANS, st.integers(1, 300), MEANS)
def test_some_plays_against_all_are_as_sure_as_against_the_others(
    some: int, mean: float, others: int, other: float
) -> None:
    chosen, rest = passes(some, mean), passes(others, other)
    against_all = of_one_subject(of_passes(NOTHING, chosen), of_passes(rest, chosen))
    against_the_others = of_one_subject(of_passes(chosen), of_passes(rest))
    assert against_all.probability == pytest.approx(against_the_others.probability)
    assert against_all.value == pytest.approx(against_the_others.value * others / (some + others))


@given(st.integers(1, 200), MEANS, MEANS, COUNTS, MEANS)
def test_plays_added_to_both_sides_make_nothing_surer(
    plays: int, mean: float, other: float, added: int, their_mean: float
) -> None:
    first, second, shared = passes(plays, mean), passes(plays, other), passes(added, their_mean)
    without = of_one_subject(of_passes(first), of_passes(second))
    both = of_one_subject(of_passes(first, shared), of_passes(second, shared))
    assert both.probability == pytest.approx(without.probability, abs=1e-7)
    assert both.value == pytest.approx(without.value * plays / (plays + added), abs=1e-7)


@given(COUNTS, MEANS)
def test_the_same_plays_do_not_differ(plays: int, mean: float) -> None:
    for side in (of_passes(NOTHING, passes(plays + 1, mean)), of_chances(NOTHING, shots(plays + 1, 0, 0.1))):
        assert of_one_subject(side, side) == Difference(0.0, 0.0, 0.0, 0.5)


def test_two_models_differ_for_certain_on_the_same_plays() -> None:
    other = Points(POPULATION.model_copy(update={"mean": 0.52}))
    now, shadow = (of_passes(NOTHING, passes(50, 0.55, points), points) for points in (POINTS, other))
    found = of_one_subject(now, shadow)
    assert found.value == pytest.approx(70 * 0.02)
    assert (found.low, found.high, found.probability) == (found.value, found.value, 1.0)


def test_plays_that_one_model_alone_has_scored_leave_a_doubt() -> None:
    other = Points(POPULATION.model_copy(update={"mean": 0.52}))
    now = of_passes(passes(5, 0.55), passes(50, 0.55))
    shadow = of_passes(NOTHING, passes(50, 0.55, other), other)
    found = of_one_subject(now, shadow)
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(70 * 0.02, abs=0.1)


# --- Chances ---


def shots(count: int, goals: int, chance: float) -> Worth:
    return above_expected(count, goals, count * chance, count * chance * (1 - chance))


def test_two_shooters_by_hand() -> None:
    # 100 chances of 0.1: V = 9, and 25 from the spread of skills. G - E = 4 is a skill of 4 / 34 logits, worth 9 / 100
    # each; none of the other's 100 chances of 0.1 went in: -10 / 34.
    found = of_two_subjects(of_chances(shots(100, 14, 0.1)), of_chances(shots(100, 0, 0.1)))
    assert found.value == pytest.approx(0.09 * 14 / 34)
    assert found.high - found.value == pytest.approx(1.6448536 * 0.09 * math.sqrt(2 / 34))


CHANCES = st.lists(st.tuples(st.floats(0.001, 0.999), st.booleans()), min_size=1, max_size=40)


def of_shots(taken: list[tuple[float, bool]]) -> Worth:
    chances = np.array([chance for chance, _ in taken])
    return above_expected(
        len(taken), float(sum(goal for _, goal in taken)), float(chances.sum()), float((chances * (1 - chances)).sum())
    )


@given(CHANCES, CHANCES)
def test_a_difference_is_of_what_can_be(one: list[tuple[float, bool]], other: list[tuple[float, bool]]) -> None:
    for compare in (of_two_subjects, of_one_subject):
        found = compare(of_chances(of_shots(one)), of_chances(of_shots(other)))
        assert -2 <= found.low < found.value < found.high <= 2
        assert 0 < found.probability < 1


@given(CHANCES, CHANCES)
def test_one_more_goal_never_makes_a_shooter_worse(
    one: list[tuple[float, bool]], other: list[tuple[float, bool]]
) -> None:
    chance, _ = one[0]
    missed, scored = ([(chance, goal), *one[1:]] for goal in (False, True))
    for compare in (of_two_subjects, of_one_subject):
        less, more = (compare(of_chances(of_shots(shots)), of_chances(of_shots(other))) for shots in (missed, scored))
        assert less.probability < more.probability


def test_certain_chances_say_nothing() -> None:
    sure = of_chances(above_expected(3, 2.0, 2.0, 0.0))
    for compare in (of_two_subjects, of_one_subject):
        assert compare(sure, sure) == Difference(0.0, 0.0, 0.0, 0.5)


def test_one_chance_each_hardly_says_anything() -> None:
    found = of_two_subjects(of_chances(shots(1, 1, 0.1)), of_chances(shots(1, 0, 0.1)))
    assert 0.5 < found.probability < 0.6


def test_face_offs_against_each_other_are_one_event_seen_twice() -> None:
    won = above_expected(50, 30, 25, 12.5)
    lost = above_expected(50, 20, 25, 12.5)
    met = of_two_opponents(of_chances(NOTHING, won), of_chances(NOTHING, lost))
    # Only the difference of the two skills shows: a variance of 2 * 0.2^2 known by V = 12.5.
    skill = 5 / (12.5 + 1 / (2 * SPREAD**2))
    assert met.value == pytest.approx(0.25 * skill)
    elsewhere = of_two_opponents(of_chances(won), of_chances(lost))
    assert elsewhere.probability > met.probability > 0.5  # twice as many events say more


# --- Both ways round ---


@st.composite
def sides(draw: st.DrawFn) -> tuple[Side, Side]:
    counts = [draw(st.integers(0, 200)) for _ in range(3)]
    first, second, shared = (passes(count, draw(MEANS)) for count in counts)
    if not shared.plays:
        first, second = (each if each.plays else passes(1, draw(MEANS)) for each in (first, second))
    return of_passes(first, shared), of_passes(second, shared)


@given(sides(), st.booleans())
def test_swapped_sides_are_the_same_difference_the_other_way(both: tuple[Side, Side], other_model: bool) -> None:
    first, second = both
    if other_model:
        second = replace(second, average=83.0, shared=second.shared + replace(NOTHING, total=3.0))
    for compare in (of_two_subjects, of_two_opponents, of_one_subject):
        assert close(compare(second, first), -compare(first, second), 1e-7)


# --- Calibration: of seasons whose true skills are known ---

DRAWS = 1500
CASES = cases(POPULATION)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.name}, {case.parts}" for case in CASES])
def test_ninety_percent_intervals_hold_the_truth_and_probabilities_come_true(case: Case) -> None:
    random = np.random.default_rng(20)
    drawn = [case.draw(random, case.parts, 1.0) for _ in range(DRAWS)]
    # Binomial: four standard errors, and a point for the chances, which are no normal distribution.
    assert abs(covered(drawn) - 0.9) <= 0.01 + 4 * math.sqrt(0.9 * 0.1 / DRAWS)
    for stated, true, count in calibration(drawn):
        if count:
            assert abs(stated - true) <= 0.01 + 4 * math.sqrt(stated * (1 - stated) / count)


def test_where_kinds_of_plays_differ_less_than_passers_the_interval_holds_more() -> None:
    random = np.random.default_rng(21)
    draw = passers(POPULATION, one=True)
    assert covered([draw(random, Parts(50, 100, 50), 0.5) for _ in range(DRAWS)]) > 0.93
