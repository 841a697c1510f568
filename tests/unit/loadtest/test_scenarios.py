"""Scenarios: everything that the games' sources say is due once, in order, when their film says so."""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from loadtest.scenarios import SCENARIOS, Slate, slate
from pipeline.jetstream.bodies import unpack
from playscore.common.v1 import common_pb2 as common
from playscore.tracking_events import is_release
from playscore.wire.tracking import event_from_message

SHORT = {name: replace(each, seconds=12.0, kickoffs_seconds=2.0) for name, each in SCENARIOS.items()}
SHORT["season"] = replace(SHORT["season"], football=3)
SHORT["soak"] = replace(SHORT["soak"], football=2, hockey=1)
SHORT["night"] = replace(SHORT["night"], hockey=2)


@functools.cache
def planned_of(name: str, scale: int = 1) -> Slate:
    return slate(SHORT[name], scale, "LOAD.1")


@pytest.mark.parametrize("name", SHORT)
def test_each_game_is_told_whole_in_the_order_of_time(name: str) -> None:
    planned = planned_of(name)
    assert all(before.seconds <= after.seconds for before, after in pairwise(planned.due))
    told = [message for due in planned.due for message in unpack(due.body)]
    assert {message.game.league for message in told} == {"LOAD.1"}
    kinds = Counter(str(message.WhichOneof("message")) for message in told)
    assert kinds["header"] == kinds["end_game"] == planned.games
    assert kinds["context"] == kinds["end_play"] == planned.plays
    assert sum(due.messages for due in planned.due) == len(told)


@pytest.mark.parametrize("name", SHORT)
def test_each_play_that_can_be_scored_is_completed_once(name: str) -> None:
    planned = planned_of(name)
    completed = [play for due in planned.due for play in due.completes]
    assert planned.games < len(set(completed)) == len(completed) <= planned.plays


def test_a_pass_is_completed_by_the_frame_of_its_release() -> None:
    for due in planned_of("sunday").due:
        released = sum(
            is_release(event_from_message(event)) for message in unpack(due.body) for event in message.frames.events
        )
        assert released == len(due.completes)


def test_at_twice_the_scale_there_are_twice_the_games_at_the_same_pace() -> None:
    once, twice = (planned_of("sunday", scale) for scale in (1, 2))
    assert twice.games == 2 * once.games
    assert twice.due[-1].seconds == pytest.approx(once.due[-1].seconds, abs=5.0)


def test_in_a_burst_plays_of_all_games_are_completed_at_the_same_moments() -> None:
    planned = planned_of("burst")
    moments = Counter(due.seconds for due in planned.due for _ in due.completes)
    assert sum(count >= planned.games / 3 for count in moments.values()) >= 3


def test_hockey_counts_for_shooters_and_for_those_who_take_faceoffs() -> None:
    assert set(planned_of("night").roles) == {common.ROLE_SHOOTER, common.ROLE_FACEOFF_TAKER}


def test_a_season_is_due_at_once() -> None:
    assert {due.seconds for due in planned_of("season").due} == {0.0}
