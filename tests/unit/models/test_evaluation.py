"""Figures of forecasts: right distributions pass, wrong ones are detected, and intervals cover what they say."""

from __future__ import annotations

import numpy as np
import pytest

from models.core.bootstrap import Array, Bootstrap
from models.passing import evaluation, sources
from models.passing.evaluation import PIT_PARTS, figures, judge, oracle_cdf
from models.passing.plays import GROUPS, PassPlays, joined, yard_rates
from models.passing.support import BINS, EDGES, FIRST_YARD, GRID
from playscore.distributions import SplicedBinnedPareto


@pytest.fixture(scope="module")
def simulated() -> PassPlays:
    return joined(list(sources.simulated(3, range(40), skill_spread=0.0, processes=1)))


def test_the_oracle_is_calibrated_and_beats_the_base_rates(simulated: PassPlays) -> None:
    bootstrap = Bootstrap(simulated.games)
    judged = judge(oracle_cdf(simulated), simulated.yards)
    oracle = figures(judged, bootstrap)
    base = judge(evaluation.base_rate_cdf(yard_rates(simulated.yards), simulated), simulated.yards)
    assert oracle["pit_ks"][0] < 1.63 / np.sqrt(len(simulated))
    assert oracle["coverage_80"][1] <= 0.8 <= oracle["coverage_80"][2]
    assert oracle["below_lower_tail"][1] <= 0.05 <= oracle["below_lower_tail"][2]
    assert oracle["mean_play_score"][1] <= 0.5 <= oracle["mean_play_score"][2]
    assert bootstrap.mean(base.crps - judged.crps)[1] > 0
    assert bootstrap.mean(base.log_score - judged.log_score)[1] > 0


def test_a_wrong_distribution_is_detected(simulated: PassPlays) -> None:
    never_complete = np.zeros(BINS)
    never_complete[-FIRST_YARD] = 1.0
    found = figures(
        judge(evaluation.base_rate_cdf(never_complete, simulated), simulated.yards), Bootstrap(simulated.games)
    )
    assert found["pit_ks"][0] > 0.3
    assert found["median_absolute_error"][0] == pytest.approx(np.abs(simulated.yards).mean())
    assert found["log_score"][0] > 5


def test_the_sum_over_whole_yards_is_the_crps_of_the_distribution() -> None:
    """The sum puts the mass at whole yards, where outcomes are, so it differs by no more than the width of a bin."""
    dist = SplicedBinnedPareto(EDGES, np.linspace(0, -5, BINS), 0.1, 2.0, 0.2, 4.0)
    cdf = dist.cdf(GRID)[None]
    for yards in (-12.0, 0.0, 30.0):
        assert judge(cdf, np.asarray([yards])).crps[0] == pytest.approx(float(dist.crps(yards)), abs=0.2)


def test_expected_crps_is_least_for_the_truth() -> None:
    rng = np.random.default_rng(0)
    truth = rng.dirichlet(np.ones(BINS) * 0.2)
    yards = FIRST_YARD + rng.choice(BINS, 20_000, p=truth).astype(float)
    right = np.repeat(np.concatenate([[0], np.cumsum(truth)])[None], len(yards), 0)
    shifted = np.roll(right, 2, axis=1)
    shifted[:, :2] = 0
    gained = judge(shifted, yards).crps.mean() - judge(right, yards).crps.mean()
    assert gained == pytest.approx(((shifted - right) ** 2).sum(axis=1).mean(), rel=0.1)


def test_yards_beyond_the_bins_count_in_the_outer_ones(simulated: PassPlays) -> None:
    cdf = oracle_cdf(simulated)[:2]
    judged = judge(cdf, np.asarray([-42.0, 120.0]))
    assert np.isfinite(judged.crps).all()
    assert judged.play_score == pytest.approx([cdf[0, :2].mean(), cdf[1, -2:].mean()])


def test_weights_count_plays_more_than_once(simulated: PassPlays) -> None:
    few = simulated.subset(np.arange(60))
    judged = judge(oracle_cdf(few), few.yards)
    weights = np.where(np.arange(60) < 10, 3.0, 1.0)
    repeated = np.concatenate([np.arange(60), np.arange(10), np.arange(10)])
    assert Bootstrap(few.games, weights).mean(judged.crps)[0] == pytest.approx(judged.crps[repeated].mean())
    counted = Bootstrap(few.games, weights).distances_from_uniform(judged.pit, PIT_PARTS)
    again = Bootstrap(few.games[repeated]).distances_from_uniform(judged.pit[repeated], PIT_PARTS)
    for name, distance in again.items():
        assert counted[name][0] == pytest.approx(distance[0]), name


def test_intervals_are_by_game_not_by_play() -> None:
    """Identical plays of one game are one piece of evidence."""
    rng = np.random.default_rng(1)
    by_game = rng.normal(size=50)
    alike = np.repeat(by_game, 40)
    games = np.repeat([f"g{number}" for number in range(50)], 40)
    value, low, high = Bootstrap(games).mean(alike)
    assert low < value < high
    assert high - low == pytest.approx(2 * 1.96 * by_game.std() / np.sqrt(50), rel=0.15)


def test_the_distance_by_chance_is_that_of_kolmogorov() -> None:
    games = np.repeat([f"g{number}" for number in range(40)], 50)
    pit = np.random.default_rng(3).uniform(size=2000)
    assert Bootstrap(games).distance_by_chance(pit) == pytest.approx(1.358 / np.sqrt(2000), rel=0.1)


def test_what_is_known_is_not_resampled() -> None:
    """Plays are weighted so that half are of kind 1. So they are in every resample, and the interval has no width."""
    rng = np.random.default_rng(4)
    kind = (rng.random(600) < 0.2).astype(float)
    games = np.repeat([f"one/{number}" for number in range(60)], 10)

    def to_a_half(counts: Array) -> Array:
        share = np.average(kind, weights=counts)
        weighted: Array = counts * np.where(kind > 0, 0.5 / share, 0.5 / (1 - share))
        return weighted

    bootstrap = Bootstrap(games, to_a_half)
    assert bootstrap.mean(kind) == pytest.approx([0.5, 0.5, 0.5])
    value, low, high = Bootstrap(games, to_a_half(np.ones(600))).mean(kind)
    assert value == pytest.approx(0.5)
    assert high - low > 0.05


def test_every_resample_has_games_of_every_source() -> None:
    games = np.asarray([*(f"many/{number}" for number in range(200)), "few/1", "few/2"])
    few = np.char.startswith(games, "few").astype(float)
    assert Bootstrap(games).mean(few) == pytest.approx([2 / 202] * 3)


def test_effective_games_count_the_weight() -> None:
    games = np.repeat(["one/1", "one/2", "one/3", "one/4"], 5)
    assert Bootstrap(games).effective_games == pytest.approx(4)
    assert Bootstrap(games, np.repeat([1.0, 1.0, 0.0, 0.0], 5)).effective_games == pytest.approx(2)


def test_a_wrong_tail_is_detected_in_that_tail() -> None:
    pit = np.random.default_rng(5).uniform(size=5000)
    pit = np.where(pit > 0.95, 0.95 + (pit - 0.95) / 4, pit)
    found = Bootstrap(np.repeat([f"g{number}" for number in range(50)], 100)).distances_from_uniform(pit, PIT_PARTS)
    assert found["pit_ks_upper"][0] > 0.03
    assert found["pit_ks_lower"][0] < 0.01


def test_every_play_is_in_one_group_of_each_kind(simulated: PassPlays) -> None:
    judged = judge(oracle_cdf(simulated), simulated.yards)
    for column, kind in enumerate(GROUPS):
        found = evaluation.by_group(judged, simulated, column)
        assert sum(group["plays"] for group in found.values()) == len(simulated), kind
    depths = evaluation.by_group(judged, simulated, GROUPS.index("depth"))
    assert {"behind line", "short", "intermediate", "deep"} <= set(depths)


def test_reliability_compares_chances_with_what_happened(simulated: PassPlays) -> None:
    tenths = evaluation.reliability(oracle_cdf(simulated), simulated.yards, Bootstrap(simulated.games))
    for reach, parts in tenths.items():
        assert sum(part["plays"] for part in parts) == len(simulated)
        forecast = np.average([part["forecast"] for part in parts], weights=[part["plays"] for part in parts])
        assert forecast == pytest.approx((simulated.yards >= int(reach)).mean(), abs=0.03)


def test_the_oracle_expects_as_many_touchdowns_as_are_scored(simulated: PassPlays) -> None:
    truth = oracle_cdf(simulated)
    never = np.ones_like(truth)
    found = evaluation.touchdowns({"oracle": truth, "never": never}, simulated, np.ones(len(simulated)))
    assert list(found) == ["1 to 5", "6 to 10", "11 to 20", "21 to 40", "41 to 99"]
    assert sum(part["plays"] for part in found.values()) == len(simulated)
    for part in found.values():
        _, low, high = part["scored"]
        assert low <= part["expected"]["oracle"] <= high
        assert part["expected"]["never"] == 0
    assert not found["1 to 5"]["scored"][1] <= 0


def test_a_share_of_touchdowns_is_weighted_and_its_interval_widens_with_unequal_weights(simulated: PassPlays) -> None:
    cdf = {"oracle": oracle_cdf(simulated)}
    even = evaluation.touchdowns(cdf, simulated, np.ones(len(simulated)))["21 to 40"]["scored"]
    uneven = np.where(np.arange(len(simulated)) % 10 == 0, 50.0, 1.0)
    some = evaluation.touchdowns(cdf, simulated, uneven)["21 to 40"]["scored"]
    assert some[2] - some[1] > even[2] - even[1]
    assert 0 <= some[1] <= some[0] <= some[2] <= 1


def test_the_least_chance_is_that_of_the_long_gain_least_expected(simulated: PassPlays) -> None:
    long = np.flatnonzero(simulated.yards >= evaluation.LONG_GAIN)
    cdf = np.zeros((len(simulated), BINS + 1))
    cdf[long[0]] = 1 - 1e-4
    found = evaluation.long_gains({"one": cdf}, simulated)
    assert found["plays"] == len(long) > 0
    assert found["least_chance"]["one"] == pytest.approx(1e-4)
    assert evaluation.long_gains({"one": cdf}, simulated.subset(np.arange(0)))["plays"] == 0
