"""Each defect is what its name says, and changes only frames."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from playscore.game import Frames, Play
from simulator import Defects, SimulatedGame, simulate_game

NAMES = [item.name for item in fields(Defects)]
NEVER = dict.fromkeys(NAMES, 0.0)


def plays_with(name: str) -> list[tuple[Play, Play]]:
    """(whole, damaged) plays that the defect hit."""
    whole = simulate_game(11, 0)
    damaged = simulate_game(11, 0, defects=Defects(**NEVER | {name: 1.0}))
    pairs = [
        (before, after)
        for before, after in zip(whole.game.plays, damaged.game.plays, strict=True)
        if before.context.play_id in damaged.injected
    ]
    assert pairs
    assert set(damaged.injected.values()) == {(name,)}
    return pairs


def frames_with(name: str) -> list[tuple[Frames, Frames]]:
    """(whole, damaged) frames of the plays that the defect hit."""
    return [(whole.frames, damaged.frames) for whole, damaged in plays_with(name)]


def gaps(frames: Frames) -> int:
    return int(np.diff(np.unique(frames.frame_numbers)).max())


def releases(frames: Frames) -> int:
    return sum(event.name == "pass_forward" for event in frames.events)


def test_without_defects_nothing_is_injected() -> None:
    assert simulate_game(11, 0, defects=Defects(**NEVER)).injected == {}


def test_defects_do_not_change_distributions_and_outcomes() -> None:
    whole, damaged = simulate_game(11, 0), simulate_game(11, 0, defects=Defects())
    assert damaged.injected
    for before, after in zip(whole.game.plays, damaged.game.plays, strict=True):
        assert (before.context, before.outcome) == (after.context, after.outcome)
    for play_id, distribution in whole.distributions.items():
        np.testing.assert_array_equal(distribution.probabilities, damaged.distributions[play_id].probabilities)


@pytest.mark.parametrize("name", NAMES)
def test_columns_keep_one_shape(name: str) -> None:
    for _, play in plays_with(name):
        frames = play.frames
        shape = (len(frames), len(frames.player_ids))
        for column in (
            frames.x,
            frames.y,
            frames.speed,
            frames.acceleration,
            frames.direction_degrees,
            frames.orientation_degrees,
        ):
            assert column is None or column.shape == shape
        (ball,) = play.tracks
        assert len(ball.x) == len(ball.y) == len(ball)
        assert set(frames.frame_numbers.tolist()) <= set(ball.sample_numbers.tolist())
        assert {event.frame_number for event in frames.events} <= set(frames.frame_numbers.tolist())


def test_each_defect_is_what_its_name_says() -> None:
    for whole, damaged in frames_with("duplicated_frames"):
        assert set(damaged.frame_numbers) == set(whole.frame_numbers)
        assert len(whole) < len(damaged) <= 3 * len(whole)
    assert any(np.any(np.diff(damaged.frame_numbers) < 0) for _, damaged in frames_with("out_of_order"))
    assert {gaps(damaged) for _, damaged in frames_with("short_gap")} == {2, 3, 4}
    assert {gaps(damaged) for _, damaged in frames_with("long_gap")} == {9}
    assert all(np.isnan(damaged.x[0]).all() for _, damaged in frames_with("ball_only_frames"))
    assert all(np.isnan(damaged.x[-1]).sum() == 1 for _, damaged in frames_with("player_missing_late"))
    assert all(len(damaged.player_ids) == 21 for _, damaged in frames_with("missing_player"))
    for _, damaged in frames_with("repeated_snap"):
        assert sum(event.name == "ball_snap" for event in damaged.events) == 2
    for _, damaged in frames_with("samples_not_finite"):
        assert damaged.speed is not None
        assert np.isnan(damaged.speed).any()
    assert all(np.abs(damaged.y - 26.7).max() > 50 for _, damaged in frames_with("off_field"))
    for whole, damaged in frames_with("runs_into_next"):
        assert len(damaged) > len(whole)
        assert sum(event.name == "ball_snap" for event in damaged.events) == 2
    assert all(damaged.orientation_degrees is None for _, damaged in frames_with("missing_orientation"))
    for whole, damaged in frames_with("missing_release"):
        assert (releases(whole), releases(damaged)) == (1, 0)


def test_gaps_open_between_snap_and_release() -> None:
    for _, damaged in frames_with("long_gap"):
        numbers = damaged.frame_numbers
        hole = numbers[:-1][np.diff(numbers) == 9][0]
        frame = {event.name: event.frame_number for event in damaged.events}
        assert frame["ball_snap"] < hole < frame["pass_forward"]


def test_rates_are_kept() -> None:
    games: list[SimulatedGame] = [
        simulate_game(2, index, defects=Defects(**NEVER | {"duplicated_frames": 0.3})) for index in range(4)
    ]
    share = np.mean([len(simulated.injected) / len(simulated.game.plays) for simulated in games])
    assert 0.2 < share < 0.4
