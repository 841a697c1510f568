"""The chance of a goal is a smooth function of the situation, and points the way that hockey does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.hockey.chance import (
    Bodies,
    Release,
    block_probability,
    goal_logit,
    on_goal_probability,
    open_rays,
    probability,
)

DEFENDING = np.arange(12) >= 6


def release(**given: float) -> Release:
    usual = {
        "distance": 30.0, "angle": 20.0, "visible_past_goalie": 0.42, "visible_past_traffic": 0.38, "screens": 0.0,
        "puck_speed": 90.0, "goalie_off_line": 0.8, "goalie_speed": 1.0, "goalie_depth": 2.5, "nearest_defender": 9.0,
        "since_royal_road": 99.0, "since_shot": 99.0, "one_timer": 0.0, "since_entry": 12.0, "odd_man": 0.0,
        "empty_net": 0.0,
    }  # fmt: skip
    return Release(**{name: np.array([value]) for name, value in (usual | given).items()})


def chance(**given: float) -> float:
    return float(probability(goal_logit(release(**given)))[0])


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"distance": 15.0}, {"distance": 40.0}),
        ({"visible_past_goalie": 0.7, "visible_past_traffic": 0.7}, {"visible_past_goalie": 0.3}),
        ({"visible_past_traffic": 0.42}, {"visible_past_traffic": 0.1}),
        ({"goalie_off_line": 3.0}, {"goalie_off_line": 0.0}),
        ({"goalie_speed": 8.0}, {"goalie_speed": 0.0}),
        ({"puck_speed": 120.0}, {"puck_speed": 60.0}),
        ({"since_royal_road": 0.2}, {"since_royal_road": 99.0}),
        ({"since_shot": 0.5}, {"since_shot": 99.0}),
        ({"since_entry": 2.0}, {"since_entry": 20.0}),
        ({"odd_man": 1.0}, {"odd_man": -1.0}),
        ({"nearest_defender": 15.0}, {"nearest_defender": 2.0}),
        ({"screens": 2.0}, {"screens": 0.0}),
        ({"empty_net": 1.0, "visible_past_goalie": 1.0, "visible_past_traffic": 1.0}, {"empty_net": 0.0}),
    ],
)
def test_what_makes_a_chance_better(better: dict[str, float], worse: dict[str, float]) -> None:
    assert chance(**better) > chance(**worse)


def test_a_cross_slot_pass_is_worth_more_while_the_goalie_moves() -> None:
    def gain(speed: float) -> float:
        crossed, not_crossed = (
            goal_logit(release(since_royal_road=since, goalie_speed=speed))[0] for since in (0.3, 99.0)
        )
        return float(crossed - not_crossed)

    assert gain(8.0) > gain(0.0)


def test_a_screen_is_worth_more_from_far() -> None:
    def gain(distance: float) -> float:
        return float(
            goal_logit(release(screens=2.0, distance=distance))[0]
            - goal_logit(release(screens=0.0, distance=distance))[0]
        )

    assert gain(55.0) > gain(20.0)


def test_a_small_step_of_the_goalie_changes_little() -> None:
    puck = np.array([[65.0, 5.0]])
    steps = np.arange(-4.0, 4.0, 0.02)
    open_share = np.array(
        [open_rays(puck, np.array([[[86.5, across]]]), half_width=1.5).mean() for across in steps.tolist()]
    )
    assert np.abs(np.diff(open_share)).max() < 0.02
    assert open_share.min() < 0.5
    assert open_share[0] > 0.9


def test_an_unhindered_puck_sees_the_whole_net() -> None:
    nobody = np.full((1, 1, 2), np.nan)
    np.testing.assert_array_equal(open_rays(np.array([[60.0, 0.0]]), nobody, half_width=1.5), 1.0)


def test_a_body_behind_the_puck_or_beside_its_lane_hides_nothing() -> None:
    puck = np.array([[60.0, 0.0]])
    for place in ((50.0, 0.0), (75.0, 15.0)):
        assert open_rays(puck, np.array([[place]]), half_width=0.8).mean() > 0.99


def bodies(*places: tuple[float, float]) -> Bodies:
    skaters = np.full((1, 12, 2), np.nan)
    for number, place in enumerate(places):
        skaters[0, 7 + number] = place
    return Bodies(np.array([[87.0, 0.0]]), skaters, DEFENDING)


def test_only_bodies_in_the_lane_block() -> None:
    puck = np.array([[50.0, 0.0]])
    in_lane, beside, behind, nobody = (
        float(block_probability(puck, bodies(*places))[0])
        for places in ([(62.0, 0.5)], [(62.0, 14.0)], [(40.0, 0.0)], [])
    )
    assert in_lane > 0.4
    assert beside < 0.05
    assert behind < 0.05
    assert nobody == 0
    two = float(block_probability(puck, bodies((62.0, 0.5), (70.0, -0.5)))[0])
    assert in_lane < two < 1


def test_of_the_shots_that_are_no_goals_most_are_on_goal() -> None:
    near, far = on_goal_probability(np.array([15.0, 60.0]), np.array([10.0, 10.0]))
    assert 0.5 < far < near < 0.9


def test_every_part_of_the_situation_is_kept_by_name() -> None:
    at = replace(release(), distance=np.array([12.5]))
    assert at.row(0)["distance"] == 12.5
    assert set(at.row(0)) == set(Release.__dataclass_fields__)
