from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from playscore.game import Frames
from simulator import Defects, SimulatedGame, simulate_game

NAMES = [item.name for item in fields(Defects)]
NEVER = dict.fromkeys(NAMES, 0.0)


def struck(name: str) -> list[tuple[Frames, Frames]]:
    """(whole, spoilt) frames of the plays that the defect struck."""
    whole = simulate_game(11, 0)
    spoilt = simulate_game(11, 0, defects=Defects(**NEVER | {name: 1.0}))
    pairs = [
        (before.frames, after.frames)
        for before, after in zip(whole.game.plays, spoilt.game.plays, strict=True)
        if before.context.play_id in spoilt.injected
    ]
    assert pairs
    assert set(spoilt.injected.values()) == {(name,)}
    return pairs


def gaps(frames: Frames) -> int:
    return int(np.diff(np.unique(frames.frame_numbers)).max())


def releases(frames: Frames) -> int:
    return sum(event.name == "pass_forward" for event in frames.events)


def test_without_defects_nothing_is_injected() -> None:
    assert simulate_game(11, 0, defects=Defects(**NEVER)).injected == {}


def test_defects_leave_laws_and_outcomes_alone() -> None:
    whole, spoilt = simulate_game(11, 0), simulate_game(11, 0, defects=Defects())
    assert spoilt.injected
    for before, after in zip(whole.game.plays, spoilt.game.plays, strict=True):
        assert (before.context, before.outcome) == (after.context, after.outcome)
    for play_id, distribution in whole.distributions.items():
        np.testing.assert_array_equal(distribution.probabilities, spoilt.distributions[play_id].probabilities)


@pytest.mark.parametrize("name", NAMES)
def test_columns_stay_of_one_shape(name: str) -> None:
    for _, frames in struck(name):
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
        assert frames.ball_x is not None
        assert len(frames.ball_x) == len(frames)
        assert {event.frame_number for event in frames.events} <= set(frames.frame_numbers.tolist())


def test_each_defect_is_what_its_name_says() -> None:
    for whole, spoilt in struck("duplicated_frames"):
        assert set(spoilt.frame_numbers) == set(whole.frame_numbers)
        assert len(whole) < len(spoilt) <= 3 * len(whole)
    assert any(np.any(np.diff(spoilt.frame_numbers) < 0) for _, spoilt in struck("out_of_order"))
    assert {gaps(spoilt) for _, spoilt in struck("short_gap")} == {2, 3, 4}
    assert {gaps(spoilt) for _, spoilt in struck("long_gap")} == {9}
    assert all(np.isnan(spoilt.x[0]).all() for _, spoilt in struck("ball_only_frames"))
    assert all(np.isnan(spoilt.x[-1]).sum() == 1 for _, spoilt in struck("player_missing_late"))
    assert all(len(spoilt.player_ids) == 21 for _, spoilt in struck("missing_player"))
    for _, spoilt in struck("repeated_snap"):
        assert sum(event.name == "ball_snap" for event in spoilt.events) == 2
    assert all(np.isnan(spoilt.speed).any() for _, spoilt in struck("samples_not_finite"))
    assert all(np.abs(spoilt.y - 26.7).max() > 50 for _, spoilt in struck("off_field"))
    for whole, spoilt in struck("runs_into_next"):
        assert len(spoilt) > len(whole)
        assert sum(event.name == "ball_snap" for event in spoilt.events) == 2
    assert all(spoilt.orientation_degrees is None for _, spoilt in struck("missing_orientation"))
    for whole, spoilt in struck("missing_release"):
        assert (releases(whole), releases(spoilt)) == (1, 0)


def test_gaps_open_between_snap_and_release() -> None:
    for _, spoilt in struck("long_gap"):
        numbers = spoilt.frame_numbers
        hole = numbers[:-1][np.diff(numbers) == 9][0]
        frame = {event.name: event.frame_number for event in spoilt.events}
        assert frame["ball_snap"] < hole < frame["pass_forward"]


def test_rates_are_kept() -> None:
    games: list[SimulatedGame] = [
        simulate_game(2, index, defects=Defects(**NEVER | {"duplicated_frames": 0.3})) for index in range(4)
    ]
    share = np.mean([len(simulated.injected) / len(simulated.game.plays) for simulated in games])
    assert 0.2 < share < 0.4
