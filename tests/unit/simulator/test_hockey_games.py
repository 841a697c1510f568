"""Simulated hockey looks like hockey, is the same however it is drawn, and its goals follow their chances."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from playscore.errors import PlayscoreError, Reason
from playscore.faceoffs import FaceoffSituation
from playscore.game import AttackingDirection, Play, Track
from playscore.shots import HockeyEventKind, NetState, ShotResult, ShotSituation, outcome_of
from simulator.hockey import SimulatedHockeyGame, Spread, simulate_game, simulate_games, simulate_shots
from simulator.hockey.ice import inside

SEED, GAMES, SECONDS = 7, 8, 70.0
MAX_FEET_PER_SECOND = 40.0
MAX_PUCK_FEET_PER_SECOND = 170.0


def number_of(simulated: SimulatedHockeyGame) -> str:
    return simulated.game.header.game_id


@pytest.fixture(scope="module")
def games() -> list[SimulatedHockeyGame]:
    return sorted(simulate_games(SEED, GAMES, period_seconds=SECONDS), key=number_of)


@pytest.fixture(scope="module")
def windows() -> list[SimulatedHockeyGame]:
    return sorted(simulate_shots(SEED, GAMES, period_seconds=SECONDS), key=number_of)


def shots_of(simulated: SimulatedHockeyGame) -> list[tuple[Play, ShotSituation]]:
    return [
        (play, play.context.situation)
        for play in simulated.game.plays
        if isinstance(play.context.situation, ShotSituation)
    ]


def result_of(play: Play) -> ShotResult:
    outcome = outcome_of(play)
    assert outcome is not None
    assert outcome.result is not None
    return outcome.result


def periods_of(simulated: SimulatedHockeyGame) -> list[Play]:
    """One play of each period: all of a period share its film."""
    return list({play.context.segment: play for play in simulated.game.plays}.values())


def assert_same(one: SimulatedHockeyGame, other: SimulatedHockeyGame) -> None:
    assert one.game.header == other.game.header
    assert one.final_score == other.final_score
    assert one.truths == other.truths
    for mine, theirs in zip(one.game.plays, other.game.plays, strict=True):
        assert mine.context == theirs.context
        assert mine.outcome == theirs.outcome
        np.testing.assert_array_equal(mine.frames.x, theirs.frames.x)
        for my_track, their_track in zip(mine.tracks, theirs.tracks, strict=True):
            np.testing.assert_array_equal(my_track.x, their_track.x)


def test_a_game_is_the_same_whoever_is_played_beside_it(games: list[SimulatedHockeyGame]) -> None:
    assert_same(simulate_game(SEED, 3, period_seconds=SECONDS), games[3])


def test_shots_are_the_same_in_lots_of_any_size(windows: list[SimulatedHockeyGame]) -> None:
    some = sorted(simulate_shots(SEED, [5, 2], period_seconds=SECONDS, lanes=1), key=number_of)
    assert_same(some[0], windows[2])
    assert_same(some[1], windows[5])


def test_other_seeds_and_numbers_are_other_games(games: list[SimulatedHockeyGame]) -> None:
    other = next(simulate_shots(SEED + 1, [0], period_seconds=20.0))
    places = {simulated.game.plays[0].context.situation for simulated in (*games, other)}
    assert len({simulated.final_score for simulated in games}) > 1
    assert len(places) > 1
    assert other.truths != games[0].truths


def test_windows_show_what_whole_games_show(
    games: list[SimulatedHockeyGame], windows: list[SimulatedHockeyGame]
) -> None:
    for whole, parts in zip(games, windows, strict=True):
        for filmed, window in zip(whole.game.plays, parts.game.plays, strict=True):
            assert filmed.context.situation == window.context.situation
            assert filmed.outcome == window.outcome
            if isinstance(window.context.situation, FaceoffSituation):
                assert not len(window.frames)
                continue
            there, here = filmed.context.release_frame, window.context.release_frame
            assert there is not None
            assert here is not None
            start = there - here
            for name in window.frames.player_ids:
                whole_x = filmed.frames.x[start : start + len(window.frames), filmed.frames.player_ids.index(name)]
                np.testing.assert_array_equal(whole_x, window.frames.x[:, window.frames.player_ids.index(name)])
            (puck,), (piece,) = filmed.tracks, window.tracks
            np.testing.assert_array_equal(puck.x[4 * start : 4 * start + len(piece)], piece.x)


def test_a_window_holds_five_seconds_before_the_release_unless_the_period_is_younger(
    windows: list[SimulatedHockeyGame], games: list[SimulatedHockeyGame]
) -> None:
    for whole, parts in zip(games, windows, strict=True):
        for (filmed, _), (window, _) in zip(shots_of(whole), shots_of(parts), strict=True):
            release = filmed.context.release_frame
            assert release is not None
            assert window.context.release_frame == min(release, 75)
            after = len(window.frames) - 1 - (window.context.release_frame or 0)
            assert after == min(5, len(filmed.frames) - 1 - release)


def test_nobody_leaves_the_ice_or_outskates_a_human(games: list[SimulatedHockeyGame]) -> None:
    for simulated in games:
        for play in periods_of(simulated):
            places = np.stack((play.frames.x, play.frames.y), axis=-1).astype(float)
            seen = places[np.isfinite(places[..., 0])]
            np.testing.assert_allclose(inside(seen, 0.9), seen, atol=1e-3)
            speed = np.linalg.norm(np.diff(places, axis=0), axis=-1) * 15
            assert np.nanmax(speed) < MAX_FEET_PER_SECOND


def test_the_puck_stays_in_the_rink_and_never_jumps(games: list[SimulatedHockeyGame]) -> None:
    for simulated in games:
        for play in periods_of(simulated):
            (puck,) = play.tracks
            assert puck.z is not None
            places = np.stack((puck.x, puck.y), axis=-1).astype(float)
            np.testing.assert_allclose(inside(places, 0.3), places, atol=1e-3)
            assert np.linalg.norm(np.diff(places, axis=0), axis=-1).max() * 60 < MAX_PUCK_FEET_PER_SECOND
            assert puck.z.min() >= 0
            assert len(puck) == 4 * (len(play.frames) - 1) + 1


def test_twelve_are_on_the_ice_unless_there_are_penalties_or_overtime(games: list[SimulatedHockeyGame]) -> None:
    counts = []
    for simulated in games:
        penalized = {event.period for event in simulated.played.log.events if event.kind is HockeyEventKind.PENALTY}
        for number, play in enumerate(periods_of(simulated), start=1):
            people = np.isfinite(play.frames.x).sum(axis=1)
            assert people.max() <= 12
            counts.extend(people.tolist())
            if not penalized & set(range(1, number + 1)) and number < 4:
                assert people.min() == 12
            if number == 4:
                assert people.min() == 8
    assert np.mean(np.array(counts) == 12) > 0.5


def test_a_shot_is_released_where_the_puck_turns_toward_the_net_at_another_speed(
    windows: list[SimulatedHockeyGame],
) -> None:
    gains, errors = [], []
    for play, _ in itertools.chain.from_iterable(map(shots_of, windows)):
        (puck,) = play.tracks
        assert play.context.release_frame is not None
        sample = 4 * play.context.release_frame
        if sample < 2 or sample + 2 >= len(puck):
            continue
        after, before = velocity(puck, sample), velocity(puck, sample - 1)
        gains.append(float(np.linalg.norm(after - before)))
        toward = 1 if play.context.attacking_direction is AttackingDirection.POSITIVE_X else -1
        net = np.array([89.0 * toward, 0.0]) - (puck.x[sample], puck.y[sample])
        cosine = float(after @ net / np.linalg.norm(after) / np.linalg.norm(net))
        errors.append(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
    assert np.percentile(gains, 5) > 15
    assert np.median(errors) < 8


def velocity(puck: Track, sample: int) -> NDArray[np.float64]:
    step = (puck.x[sample + 1] - puck.x[sample], puck.y[sample + 1] - puck.y[sample])
    return np.array(step, float) * 60


def test_goals_follow_their_chances(windows: list[SimulatedHockeyGame]) -> None:
    pairs = [
        (simulated.truths[play.context.play_id].chance, result_of(play) is ShotResult.GOAL)
        for simulated in windows
        for play, _ in shots_of(simulated)
        if result_of(play) is not ShotResult.BLOCKED
    ]
    chances, goals = np.array([chance for chance, _ in pairs]), np.array([goal for _, goal in pairs])
    deviation = np.sqrt((chances * (1 - chances)).sum())
    assert abs(goals.sum() - chances.sum()) < 3.5 * deviation


def test_blocks_follow_their_chances(windows: list[SimulatedHockeyGame]) -> None:
    pairs = [
        (simulated.truths[play.context.play_id].block_chance, result_of(play) is ShotResult.BLOCKED)
        for simulated in windows
        for play, _ in shots_of(simulated)
    ]
    chances, blocks = np.array([chance for chance, _ in pairs]), np.array([block for _, block in pairs])
    assert abs(blocks.sum() - chances.sum()) < 3.5 * np.sqrt((chances * (1 - chances)).sum())


def test_without_skill_everybody_is_average() -> None:
    nobody = Spread(shooters=0, goalies=0, faceoffs=0)
    for simulated in simulate_shots(SEED, 2, period_seconds=60.0, spread=nobody):
        assert all(truth.chance == truth.average_chance for truth in simulated.truths.values())


def test_the_chance_differs_from_the_average_one_by_the_skills_of_shooter_and_goalie(
    windows: list[SimulatedHockeyGame],
) -> None:
    def logit(chance: float) -> float:
        return float(np.log(chance / (1 - chance)))

    for simulated in windows:
        for play, situation in shots_of(simulated):
            truth = simulated.truths[play.context.play_id]
            skill = simulated.skills[situation.shooter_id]["shooting"]
            if situation.goalie_id:
                skill -= simulated.skills[situation.goalie_id]["goalkeeping"]
            assert logit(truth.chance) - logit(truth.average_chance) == pytest.approx(skill, abs=1e-6)


def test_a_shot_knows_its_situation_before_it(games: list[SimulatedHockeyGame]) -> None:
    for simulated in games:
        header = simulated.game.header
        score = {header.home_team_id: 0, header.away_team_id: 0}
        for play, situation in shots_of(simulated):
            mine = play.context.attacking_team_id
            other = next(team for team in header.team_ids if team != mine)
            assert (situation.shooting_score, situation.defending_score) == (score[mine], score[other])
            assert (situation.goalie_id == "") == (situation.net_state is NetState.EMPTY)
            assert situation.shot_type is None
            events = situation.preceding_events
            assert len(events) <= 16
            assert [event.seconds_before for event in events] == sorted(event.seconds_before for event in events)
            assert HockeyEventKind.PASS not in {event.kind for event in events}
            score[mine] += result_of(play) is ShotResult.GOAL
        assert (score[header.home_team_id], score[header.away_team_id]) == simulated.final_score


def test_teams_change_ends_each_period(games: list[SimulatedHockeyGame]) -> None:
    for simulated in games:
        for play, situation in shots_of(simulated):
            at_home = play.context.attacking_team_id == simulated.game.header.home_team_id
            assert situation.period is not None
            positive = at_home == (situation.period % 2 == 1)
            assert play.context.attacking_direction is (
                AttackingDirection.POSITIVE_X if positive else AttackingDirection.NEGATIVE_X
            )


def test_every_goal_is_followed_by_a_faceoff_at_the_center(games: list[SimulatedHockeyGame]) -> None:
    for simulated in games:
        for play, following in itertools.pairwise(simulated.game.plays):
            same_period = play.context.segment == following.context.segment
            a_shot = isinstance(play.context.situation, ShotSituation)
            if a_shot and same_period and result_of(play) is ShotResult.GOAL:
                situation = following.context.situation
                assert isinstance(situation, FaceoffSituation)
                assert (situation.x, situation.y) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"seed": -1, "games": 1}, "seed"),
        ({"seed": 1, "games": 0}, "games"),
        ({"seed": 1, "games": [3, -2]}, "games"),
        ({"seed": 1, "games": 1, "period_seconds": 5.0}, "period_seconds"),
        ({"seed": 1, "games": 1, "period_seconds": 1201.0}, "period_seconds"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, object], field: str) -> None:
    with pytest.raises(PlayscoreError) as refused:
        next(simulate_shots(**arguments))  # type: ignore[arg-type]
    assert refused.value.reason is Reason.FIELD_INVALID
    assert refused.value.fields[0].field == field
