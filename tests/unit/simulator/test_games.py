"""Simulated games look like football, and their outcomes are drawn from the distributions that they name."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import kstest

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.passing.task import PASSING
from playscore.errors import PlayscoreError, Reason
from playscore.game import AttackingDirection, Play, TrackedObject
from playscore.passing import PassAttributes, PassResult, PlayKind, outcome_of, situation_of
from simulator import SimulatedGame, simulate, simulate_game
from simulator.distribution import YardsDistribution, outcome_distributions
from simulator.situation import FIELD_WIDTH, measure

GAMES = 12


@pytest.fixture(scope="module")
def games() -> list[SimulatedGame]:
    return list(simulate(7, GAMES, skill_spread=0))


@pytest.fixture(scope="module")
def plays(games: list[SimulatedGame]) -> list[Play]:
    return [play for simulated in games for play in simulated.game.plays]


def frame_of(play: Play, name: str) -> int:
    return next(event.frame_number for event in play.frames.events if event.name == name)


def yards_of(play: Play) -> float:
    outcome = outcome_of(play)
    assert outcome is not None
    assert outcome.yards_gained is not None
    return outcome.yards_gained


def result_of(play: Play) -> PassResult | None:
    outcome = outcome_of(play)
    return outcome.result if outcome else None


def test_a_game_depends_only_on_its_seed_and_index(games: list[SimulatedGame]) -> None:
    again = simulate_game(7, 3, skill_spread=0)
    assert again.game.header == games[3].game.header
    for mine, theirs in zip(again.game.plays, games[3].game.plays, strict=True):
        assert mine.context == theirs.context
        assert mine.outcome == theirs.outcome
        np.testing.assert_array_equal(mine.frames.x, theirs.frames.x)
        np.testing.assert_array_equal(mine.frames.orientation_degrees, theirs.frames.orientation_degrees)


def test_other_seeds_and_indices_are_other_games(games: list[SimulatedGame]) -> None:
    first = games[0].game.plays[0].frames.x[0]
    assert not np.array_equal(first, games[1].game.plays[0].frames.x[0])
    assert not np.array_equal(first, simulate_game(8, 0, skill_spread=0).game.plays[0].frames.x[0])


def test_22_players_and_a_ball_are_tracked_in_every_frame(games: list[SimulatedGame]) -> None:
    for simulated in games:
        teams = {player.player_id: player.team_id for player in simulated.game.roster}
        for play in simulated.game.plays:
            assert len(set(play.frames.player_ids)) == 22
            sides = Counter(teams[player] for player in play.frames.player_ids)
            assert set(sides.values()) == {11}
            assert teams[play.frames.player_ids[0]] == play.context.attacking_team_id
            (ball,) = play.tracks
            assert ball.tracked is TrackedObject.BALL
            np.testing.assert_array_equal(ball.sample_numbers, play.frames.frame_numbers)
            for column in (play.frames.x, play.frames.y, ball.x, ball.y, play.frames.direction_degrees):
                assert column is not None
                assert np.isfinite(column).all()
            assert np.all((play.frames.y > -5) & (play.frames.y < FIELD_WIDTH + 5))


def test_passer_and_target_play_for_the_offense(games: list[SimulatedGame]) -> None:
    for simulated in games:
        for play in simulated.game.plays:
            football = situation_of(play.context)
            if football.kind is PlayKind.PASS:
                assert football.passer_id in play.frames.player_ids[:11]
            if play.context.play_id in simulated.distributions:
                assert football.target_id in play.frames.player_ids[1:11]


def test_speed_and_direction_agree_with_displacement(plays: list[Play]) -> None:
    for play in plays[:100]:
        frames = play.frames
        assert frames.speed is not None
        assert frames.direction_degrees is not None
        radians = np.radians(frames.direction_degrees)
        for place, velocity in ((frames.x, frames.speed * np.sin(radians)), (frames.y, frames.speed * np.cos(radians))):
            moved = (place[2:] - place[:-2]) / 0.2
            assert np.quantile(np.abs(moved - velocity[1:-1]), 0.99) < 0.6


def test_bodies_keep_to_human_limits(plays: list[Play]) -> None:
    for play in plays:
        assert play.frames.speed is not None
        assert play.frames.acceleration is not None
        assert play.frames.speed.max() < 11
        assert np.quantile(play.frames.acceleration, 0.99) < 10


def test_between_snap_and_release_bodies_accelerate_as_real_ones_do(plays: list[Play]) -> None:
    seen = []
    for play in plays:
        if result_of(play) is PassResult.COMPLETE:
            assert play.frames.acceleration is not None
            window = slice(frame_of(play, "ball_snap") - 1, frame_of(play, "pass_forward"))
            seen.append(play.frames.acceleration[window].ravel())
    assert 2.4 < np.concatenate(seen).mean() < 3.0


def test_three_passers_in_ten_release_under_pressure(games: list[SimulatedGame]) -> None:
    pressed = []
    for simulated in games:
        game = simulated.game
        roster = {player.player_id: player for player in game.roster}
        for play in game.plays:
            if play.context.play_id in simulated.distributions:
                tensor = featurize([PASSING], game.header, roster, play.context, [play.frames])
                assert isinstance(tensor, Tensor)
                assert isinstance(tensor.attributes, PassAttributes)
                pressed.append(bool(tensor.attributes.under_pressure))
    assert 0.26 < np.mean(pressed) < 0.37


def test_the_offense_attacks_in_the_stated_direction(plays: list[Play]) -> None:
    for play in plays:
        snap = frame_of(play, "ball_snap") - 1
        ahead = play.frames.x[snap, 11:].mean() > play.frames.x[snap, :11].mean()
        assert ahead == (play.context.attacking_direction is AttackingDirection.POSITIVE_X)


def test_sides_change_after_every_quarter(games: list[SimulatedGame]) -> None:
    for simulated in games:
        home = simulated.game.header.home_team_id
        seen: dict[int | None, set[bool]] = {}
        for play in simulated.game.plays:
            forward = play.context.attacking_direction is AttackingDirection.POSITIVE_X
            seen.setdefault(situation_of(play.context).quarter, set()).add(
                forward == (play.context.attacking_team_id == home)
            )
        assert all(len(sides) == 1 for sides in seen.values())
        assert seen[1] == seen[3] != seen[2] == seen[4]


def test_every_shape_of_play_occurs(plays: list[Play]) -> None:
    assert {result_of(play) for play in plays} == {*PassResult, None}
    assert {situation_of(play.context).kind for play in plays} == {PlayKind.PASS, PlayKind.RUN, PlayKind.OTHER}
    names = {event.name for play in plays for event in play.frames.events}
    assert {"ball_snap", "pass_forward", "pass_arrived", "qb_sack", "run", "handoff", "punt", "touchdown"} <= names


def test_a_pass_has_a_release_and_a_sack_has_none(plays: list[Play]) -> None:
    thrown = {PassResult.COMPLETE, PassResult.INCOMPLETE, PassResult.INTERCEPTED}
    for play in plays:
        released = any(event.name == "pass_forward" for event in play.frames.events)
        assert released == (result_of(play) in thrown)


def test_the_distribution_follows_from_the_published_release_frame(games: list[SimulatedGame]) -> None:
    apart = []
    for simulated in games:
        for play in simulated.game.plays:
            distribution = simulated.distributions.get(play.context.play_id)
            if distribution is None:
                continue
            frames, football = play.frames, situation_of(play.context)
            assert frames.speed is not None
            assert frames.direction_degrees is not None
            assert football.yards_to_end_zone is not None
            row = frame_of(play, "pass_forward") - 1
            sign = 1.0 if play.context.attacking_direction is AttackingDirection.POSITIVE_X else -1.0
            center = (60.0, FIELD_WIDTH / 2)
            x = 60 + sign * (frames.x[row] - center[0]) - (110 - football.yards_to_end_zone)
            y = FIELD_WIDTH / 2 + sign * (frames.y[row] - center[1])
            radians = np.radians(frames.direction_degrees[row].astype(float))
            velocity = sign * frames.speed[row][:, None] * np.stack((np.sin(radians), np.cos(radians)), axis=1)
            at = measure(
                np.stack((x, y), axis=1)[None].astype(float),
                velocity[None],
                np.array([frames.player_ids.index(football.target_id)]),
                yards_to_end_zone=np.array([football.yards_to_end_zone]),
                down=np.array([float(football.down or 0)]),
                yards_to_go=np.array([football.yards_to_go or 0.0]),
            )
            recomputed = outcome_distributions(at).distribution(0)
            apart.append(abs(recomputed.mean() - distribution.mean()))
    # Published to 0.01. If two defenders are equally near, rounding may swap which one is the nearest.
    assert np.median(apart) < 0.01
    assert np.quantile(apart, 0.99) < 0.05


def test_the_field_is_compressed_near_the_goal_line(games: list[SimulatedGame]) -> None:
    """Real targets have half the room inside the 10 that they have elsewhere, and fewer passes are complete."""
    passes = [
        (situation["yards_to_end_zone"], situation["separation"], chance_of_a_gain(simulated.distributions[play]))
        for simulated in games
        for play, situation in simulated.situations.items()
    ]
    end_zone, separation, gain = np.asarray(passes).T
    near, far = end_zone <= 10, end_zone > 30
    assert np.median(separation[near]) < 0.75 * np.median(separation[far])
    assert gain[near].mean() < gain[far].mean()


def test_behind_the_defense_a_catch_goes_further(games: list[SimulatedGame]) -> None:
    """The chance of 20 more yards after a catch rises with its depth, where there is room for them."""
    after = []
    for simulated in games:
        for play, situation in simulated.situations.items():
            distribution, depth = simulated.distributions[play], situation["air_yards"]
            if situation["yards_to_end_zone"] > depth + 30 and depth > 6:
                caught = 1 - float(distribution.cdf(depth - 3))
                after.append((depth, (1 - float(distribution.cdf(depth + 20))) / caught))
    depth, far = np.asarray(after).T
    assert far[depth > 25].mean() > 1.5 * far[depth < 15].mean()


def chance_of_a_gain(distribution: YardsDistribution) -> float:
    return 1 - float(distribution.cdf(0))


def test_outcomes_are_drawn_from_their_distributions(games: list[SimulatedGame]) -> None:
    rng = np.random.default_rng(1)
    ranks = []
    for simulated in games:
        for play in simulated.game.plays:
            if play.context.play_id in simulated.distributions:
                distribution = simulated.distributions[play.context.play_id]
                yards = yards_of(play)
                below, upto = distribution.cdf(yards - 1), distribution.cdf(yards)
                ranks.append(float(below + rng.random() * (upto - below)))
    assert len(ranks) > 40 * GAMES
    assert kstest(ranks, "uniform").pvalue > 0.001


def test_a_distribution_ends_at_the_goal_line(games: list[SimulatedGame]) -> None:
    for simulated in games:
        for play in simulated.game.plays:
            distribution = simulated.distributions.get(play.context.play_id)
            if distribution is not None:
                assert distribution.support[-1] == situation_of(play.context).yards_to_end_zone
                assert distribution.probabilities.sum() == pytest.approx(1)
                assert distribution.probabilities.min() >= 0


def test_incompletions_and_interceptions_gain_nothing(plays: list[Play]) -> None:
    for play in plays:
        if result_of(play) in (PassResult.INCOMPLETE, PassResult.INTERCEPTED):
            assert yards_of(play) == 0


def test_the_carrier_is_stopped_where_the_yards_say(games: list[SimulatedGame]) -> None:
    missed = []
    for simulated in games:
        for play in simulated.game.plays:
            football = situation_of(play.context)
            if result_of(play) is not PassResult.COMPLETE or simulated.details[play.context.play_id].points:
                continue
            assert football.yards_to_end_zone is not None
            sign = 1.0 if play.context.attacking_direction is AttackingDirection.POSITIVE_X else -1.0
            x = 60 + sign * (play.frames.x[-1, play.frames.player_ids.index(football.target_id)] - 60)
            missed.append(abs(x - (110 - football.yards_to_end_zone) - yards_of(play)))
    assert np.median(missed) < 1.0
    assert np.quantile(missed, 0.95) < 3.0


def test_downs_follow_from_yards_within_a_possession(games: list[SimulatedGame]) -> None:
    followed = 0
    for simulated in games:
        for play, following in zip(simulated.game.plays, simulated.game.plays[1:], strict=False):
            now, then = situation_of(play.context), situation_of(following.context)
            same = play.context.attacking_team_id == following.context.attacking_team_id
            if same and then.down is not None and now.down is not None and then.down == now.down + 1:
                yards = simulated.details[play.context.play_id].yards
                assert then.yards_to_end_zone == max((now.yards_to_end_zone or 0) - yards, 1)
                followed += 1
    assert followed > 10 * GAMES


def test_passers_of_skill_score_as_the_tilt_says() -> None:
    scores: dict[str, list[float]] = {}
    expected: dict[str, list[float]] = {}
    for simulated in simulate(5, 40, skill_spread=0.4):
        for play in simulated.game.plays:
            distribution = simulated.distributions.get(play.context.play_id)
            if distribution is None:
                continue
            passer = situation_of(play.context).passer_id
            scores.setdefault(passer, []).append(float(distribution.mid_rank(yards_of(play))))
            tilted = distribution.tilted(simulated.skills[passer])
            expected.setdefault(passer, []).append(
                float(tilted.probabilities @ distribution.mid_rank(distribution.support.astype(float)))
            )
    often = [passer for passer, values in scores.items() if len(values) >= 60]
    assert len(often) >= 12
    observed = np.array([np.mean(scores[passer]) for passer in often])
    promised = np.array([np.mean(expected[passer]) for passer in often])
    assert np.corrcoef(observed, promised)[0, 1] > 0.7
    assert np.abs(observed - promised).max() < 0.12


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"seed": -1, "index": 0}, "seed"),
        ({"seed": 1, "index": -1}, "index"),
        ({"seed": 1, "index": 0, "plays_per_game": 0}, "plays_per_game"),
        ({"seed": 1, "index": 0, "skill_spread": 2.0}, "skill_spread"),
    ],
)
def test_arguments_out_of_range_are_named(arguments: dict[str, float], field: str) -> None:
    with pytest.raises(PlayscoreError) as refused:
        simulate_game(**arguments)  # type: ignore[arg-type]
    assert refused.value.reason is Reason.FIELD_INVALID
    assert refused.value.fields[0].field == field
