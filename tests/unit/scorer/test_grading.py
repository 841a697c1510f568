"""What a distribution says of a pass, and how what happened ranks in it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from playscore.distributions import Censored, SplicedBinnedPareto
from playscore.distributions.tabulated import Tabulated
from playscore.release import Support
from scorer.core.inference import Outputs
from scorer.passing.distributions import bins_of, predicted, unstack
from scorer.passing.grading import QUANTILES, Assessment, Situation, assess, play_scores

SUPPORT = Support(edges_yards=tuple(np.arange(-20.5, 100.5)), lower_tail_probability=0.05, upper_tail_probability=0.05)

seeds = st.integers(0, 2**32 - 1)
yards = st.integers(-100, 110).map(float)
to_end_zone = st.integers(1, 99).map(float)


def outputs_of(seed: int, count: int = 1, support: Support = SUPPORT) -> Outputs:
    random = np.random.default_rng(seed)
    logits = random.normal(scale=2.0, size=(count, len(support.edges_yards) - 1)).astype(np.float32)
    shapes, scales = random.uniform(-0.4, 0.6, (count, 2)), random.uniform(0.5, 9.0, (count, 2))
    tails = np.stack([shapes, scales], axis=2).reshape(count, 4).astype(np.float32)
    return {"logits": logits, "tails": tails}


def whole(outputs: Outputs, support: Support = SUPPORT) -> Tabulated:
    """Distributions that no goal line cuts."""
    return predicted(bins_of(support), outputs, [np.inf] * len(outputs["tails"]))


def distributions_of(seed: int, count: int = 1, support: Support = SUPPORT) -> Tabulated:
    return whole(outputs_of(seed, count, support), support)


def exact(seed: int, goal_line: float = np.inf) -> Censored:
    """The same distribution to compute with in general."""
    outputs = outputs_of(seed)
    lower_shape, lower_scale, upper_shape, upper_scale = outputs["tails"].T
    latent = SplicedBinnedPareto(
        np.array(SUPPORT.edges_yards),
        outputs["logits"].astype(np.float64),
        lower_shape,
        lower_scale,
        upper_shape,
        upper_scale,
        SUPPORT.lower_tail_probability,
        SUPPORT.upper_tail_probability,
    )
    return Censored(latent, goal_line)


UNKNOWN = Situation()


def assess_one(seed: int, situation: Situation = UNKNOWN, gained: float | None = None) -> Assessment:
    return assess(distributions_of(seed), [situation], [gained])[0]


def assert_same(one: Assessment, other: Assessment) -> None:
    np.testing.assert_allclose(one.quantiles, other.quantiles, atol=1e-9)
    for name in ("expected_yards", "first_down_probability", "touchdown_probability", "play_score"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=1e-9)


@given(seeds)
def test_quantiles_rise_and_are_those_of_the_distribution(seed: int) -> None:
    assessed = assess_one(seed)
    assert np.all(np.diff(assessed.quantiles) > 0.0)
    reached = exact(seed).cdf(np.array(assessed.quantiles)[:, None])[:, 0]
    np.testing.assert_allclose(reached, QUANTILES, atol=1e-9)


@given(seeds, to_end_zone)
def test_expected_yards_stay_on_the_field(seed: int, yards_to_end_zone: float) -> None:
    assessed = assess_one(seed, Situation(yards_to_end_zone=yards_to_end_zone))
    assert yards_to_end_zone - 100.0 <= assessed.expected_yards <= yards_to_end_zone


@given(seeds)
def test_expected_yards_are_the_mean_of_draws_from_the_distribution_held_to_the_field(seed: int) -> None:
    draws = exact(seed).sample(20_000, np.random.default_rng(1))[:, 0].clip(-60.0, 40.0)
    assessed = assess_one(seed, Situation(yards_to_end_zone=40.0))
    assert assessed.expected_yards == pytest.approx(draws.mean(), abs=6.0 * draws.std() / np.sqrt(len(draws)))


@given(seeds, st.integers(1, 60).map(float), to_end_zone)
def test_a_touchdown_is_a_first_down(seed: int, yards_to_go: float, yards_to_end_zone: float) -> None:
    assessed = assess_one(seed, Situation(yards_to_go, yards_to_end_zone))
    assert assessed.first_down_probability is not None
    assert assessed.touchdown_probability is not None
    assert 0.0 <= assessed.touchdown_probability <= assessed.first_down_probability <= 1.0
    if yards_to_go >= yards_to_end_zone:
        assert assessed.first_down_probability == assessed.touchdown_probability


@given(seeds)
def test_gaining_exactly_the_yards_to_go_is_a_first_down(seed: int) -> None:
    distribution = exact(seed)
    assessed = assess_one(seed, Situation(yards_to_go=10.0))
    assert assessed.first_down_probability == pytest.approx(float(distribution.sf(9.5)[0]), abs=1e-12)


@given(seeds, yards)
def test_the_play_score_is_the_mid_rank_of_the_yards(seed: int, gained: float) -> None:
    distribution = exact(seed)
    score = assess_one(seed, gained=gained).play_score
    assert score == pytest.approx(
        float(distribution.cdf(gained - 0.5)[0] + distribution.cdf(gained + 0.5)[0]) / 2.0, abs=1e-12
    )
    assert score is not None
    assert 0.0 <= score <= 1.0


@given(seeds)
def test_more_yards_never_score_less(seed: int) -> None:
    gains = [float(gained) for gained in range(-100, 111)]
    outputs = outputs_of(seed)
    many = whole({name: values.repeat(len(gains), 0) for name, values in outputs.items()})
    scores = [assessed.play_score for assessed in assess(many, [UNKNOWN] * len(gains), gains)]
    assert np.all(np.diff(np.array(scores, np.float64)) >= -1e-12)


def censored(seed: int, goal_line: float) -> Tabulated:
    return predicted(bins_of(SUPPORT), outputs_of(seed), [goal_line])


@given(seeds, to_end_zone)
def test_a_touchdown_ranks_midway_between_the_chance_of_less_and_certainty(seed: int, goal_line: float) -> None:
    distribution = censored(seed, goal_line)
    assessed = assess(distribution, [Situation(yards_to_end_zone=goal_line)], [goal_line])[0]
    short = float(exact(seed).cdf(goal_line - 0.5)[0])
    assert assessed.play_score == pytest.approx((short + 1.0) / 2.0, abs=1e-12)
    assert assessed.touchdown_probability == pytest.approx(1.0 - short, abs=1e-12)
    [stored] = unstack(SUPPORT, distribution)
    assert stored.ceiling_yards == goal_line
    assert play_scores([stored], [goal_line]) == pytest.approx([assessed.play_score], abs=1e-9)


@given(seeds, to_end_zone, st.floats(0.01, 20.0))
def test_yards_beyond_the_goal_line_are_a_touchdown_like_any_other(seed: int, goal_line: float, more: float) -> None:
    [stored] = unstack(SUPPORT, censored(seed, goal_line))
    assert play_scores([stored], [goal_line + more]) == play_scores([stored], [goal_line])


@given(seeds, st.integers(2, 99).map(float), st.data())
def test_short_of_the_goal_line_it_changes_no_rank(seed: int, goal_line: float, data: st.DataObject) -> None:
    gained = data.draw(st.integers(-20, int(goal_line) - 1).map(float))
    [cut], [uncut] = unstack(SUPPORT, censored(seed, goal_line)), unstack(SUPPORT, distributions_of(seed))
    assert play_scores([cut], [gained]) == play_scores([uncut], [gained])


@given(seeds, st.integers(1, 98).map(float))
def test_the_farther_the_goal_line_the_better_a_touchdown_ranks(seed: int, goal_line: float) -> None:
    near, far = (unstack(SUPPORT, censored(seed, line))[0] for line in (goal_line, goal_line + 1.0))
    assert play_scores([near], [goal_line])[0] <= play_scores([far], [goal_line + 1.0])[0]


@given(seeds, st.floats(0.0, 100.0))
def test_a_goal_line_between_whole_yards_counts_as_the_nearest(seed: int, end_zone: float) -> None:
    situation = Situation(10.0, end_zone)
    goal_line = situation.ceiling_yards
    assert goal_line == max(1.0, np.floor(end_zone + 0.5))
    distribution = censored(seed, goal_line)
    assessed = assess(distribution, [situation], [None])[0]
    atom = float(exact(seed, goal_line).atom[0])
    assert assessed.touchdown_probability == pytest.approx(atom, abs=1e-12)
    assert assessed.first_down_probability is not None
    assert assessed.first_down_probability >= atom - 1e-12
    assert assessed.quantiles[-1] <= goal_line
    assert assessed.expected_yards <= goal_line


def test_distributions_with_and_without_a_ceiling_are_ranked_in_one_call() -> None:
    [cut], [uncut] = unstack(SUPPORT, censored(3, 30.0)), unstack(SUPPORT, distributions_of(3))
    together = play_scores([cut, uncut, cut], [30.0, 30.0, 4.0])
    assert together == [*play_scores([cut], [30.0]), *play_scores([uncut], [30.0]), *play_scores([cut], [4.0])]
    assert together[0] > together[1]


def test_what_is_not_known_is_none() -> None:
    assessed = assess_one(0)
    assert assessed.first_down_probability is assessed.touchdown_probability is assessed.play_score is None
    assert assess_one(0, Situation(yards_to_go=10.0)).touchdown_probability is None
    goal_only = assess_one(0, Situation(yards_to_end_zone=10.0))
    assert goal_only.first_down_probability is None
    assert goal_only.touchdown_probability is not None


@given(seeds, st.lists(st.tuples(st.none() | to_end_zone, st.none() | yards), min_size=1, max_size=6))
def test_passes_assessed_together_are_assessed_as_alone(
    seed: int, plays: list[tuple[float | None, float | None]]
) -> None:
    outputs = outputs_of(seed, len(plays))
    situations = [Situation(10.0, yards_to_end_zone) for yards_to_end_zone, _ in plays]
    gains = [gained for _, gained in plays]
    together = assess(whole(outputs), situations, gains)
    for row, assessed in enumerate(together):
        one = slice(row, row + 1)
        alone = whole({name: values[one] for name, values in outputs.items()})
        assert_same(assessed, assess(alone, situations[one], gains[one])[0])


@given(seeds)
def test_distributions_of_several_models_are_ranked_in_one_call_as_at_scoring(seed: int) -> None:
    other = Support(
        edges_yards=tuple(np.arange(-10.5, 60.5, 2.0)), lower_tail_probability=0.02, upper_tail_probability=0.1
    )
    some, others = distributions_of(seed, 2), distributions_of(seed + 1, 2, other)
    first, fourth = unstack(SUPPORT, some)
    ranks = play_scores([first, *unstack(other, others), fourth], [3.0, 7.0, 0.0, -2.0])
    assessed = [*assess(some, [UNKNOWN] * 2, [3.0, -2.0]), *assess(others, [UNKNOWN] * 2, [7.0, 0.0])]
    expected = [assessed[place].play_score for place in (0, 2, 3, 1)]
    assert ranks == pytest.approx(expected, abs=1e-9)


def test_no_distributions_no_ranks() -> None:
    assert play_scores([], []) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_outputs_that_make_no_distribution_do_not_affect_the_others(bad: float) -> None:
    outputs = outputs_of(0, 3)
    alone = assess(whole(outputs), [UNKNOWN] * 3, [4.0] * 3)
    outputs["logits"][1, 2] = bad
    assessed = assess(whole(outputs), [UNKNOWN] * 3, [4.0] * 3)
    assert [each.is_of_a_distribution for each in assessed] == [True, False, True]
    assert_same(assessed[0], alone[0])
    assert_same(assessed[2], alone[2])


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan])
def test_an_impossible_scale_makes_no_distribution(scale: float) -> None:
    outputs = outputs_of(0)
    outputs["tails"][0, 3] = scale
    assert not assess(whole(outputs), [UNKNOWN], [4.0])[0].is_of_a_distribution
