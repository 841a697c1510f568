"""The simulated hockey league, and random numbers that do not depend on who else draws."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import kstest

from simulator.hockey.league import BY_SLOT, POSITIONS, ROSTER, TEAMS, Spread, opponents, skills
from simulator.hockey.randomness import Draws


def test_a_game_draws_the_same_numbers_whoever_draws_beside_it() -> None:
    alone, together = Draws(3, [17]), Draws(3, [5, 17, 9])
    own = alone.uniform(np.array([0]), 6)[0]
    together.uniform(np.array([0, 2]), 4)
    first = together.uniform(np.array([1, 2]), 2)[0]
    together.keep(np.array([1]))
    rest = together.uniform(np.array([0]), 4)[0]
    np.testing.assert_array_equal(own, np.concatenate((first, rest)))


def test_numbers_are_uniform_and_normal_and_differ_by_seed_and_game() -> None:
    lanes = np.arange(200)
    numbers = Draws(1, range(200)).uniform(lanes, 200)
    assert kstest(numbers.ravel(), "uniform").pvalue > 1e-3
    assert kstest(Draws(2, range(200)).normal(lanes, 200).ravel(), "norm").pvalue > 1e-3
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.02


def test_no_game_of_a_seed_is_a_game_of_another_seed() -> None:
    lanes = np.arange(100)
    first = [Draws(seed, range(100)).uniform(lanes, 1)[:, 0] for seed in range(50)]
    assert len(np.unique(np.concatenate(first))) == 50 * 100


def test_a_roster_has_two_goalies_four_lines_and_three_pairs() -> None:
    assert Counter(POSITIONS) == {"G": 2, "LW": 4, "C": 4, "RW": 4, "LD": 3, "RD": 3}
    players = [player for team in TEAMS for player in team.players]
    assert len({player.player_id for player in players}) == len(TEAMS) * ROSTER
    for team in TEAMS:
        assert len({player.jersey_number for player in team.players}) == ROSTER
        assert len(team.hands) == ROSTER
    assert all(POSITIONS[each] == "LD" for each in BY_SLOT[4])


def test_skills_average_out_over_each_role() -> None:
    league = skills(5, Spread(shooters=0.3, goalies=0.1, faceoffs=0.2))
    goalies = np.array([position == "G" for position in POSITIONS])
    assert league.shooting[:, ~goalies].mean() == pytest.approx(0, abs=1e-12)
    assert league.goalkeeping[:, goalies].std() == pytest.approx(0.1, rel=0.1)
    assert not league.shooting[:, goalies].any()
    assert not league.goalkeeping[:, ~goalies].any()
    assert league.by_player()[TEAMS[2].players[7].player_id]["shooting"] == league.shooting[2, 7]


def test_all_teams_meet_equally_often() -> None:
    season = [opponents(index) for index in range(len(TEAMS) * (len(TEAMS) - 1))]
    assert set(Counter(frozenset(pair) for pair in season).values()) == {2}
    assert set(Counter(home for home, _ in season).values()) == {len(TEAMS) - 1}
