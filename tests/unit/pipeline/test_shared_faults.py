"""A fault that all plays of a game share is said once; one that some show is theirs."""

from __future__ import annotations

import pytest

from pipeline.results import Ending, PlayResult
from pipeline.shared_faults import CONTRADICTIONS, MIN_PLAYS, SharedFault, shared_fault
from playscore.errors import Reason

MOTION = Reason.MOTION_CONTRADICTED


def ended(ending: Ending, reason: Reason | None = None) -> PlayResult:
    return PlayResult("7", "54", 1, ending, reason, detail="directions look like radians" if reason else "")


def rejected(*reasons: Reason) -> list[PlayResult]:
    return [ended(Ending.REJECTED, reason) for reason in reasons]


SCORED, UNGRADED = ended(Ending.SCORED), ended(Ending.UNGRADED, Reason.OUTCOME_UNKNOWN)


@pytest.mark.parametrize("reason", sorted(CONTRADICTIONS, key=str))
def test_a_fault_of_all_plays_is_the_games(reason: Reason) -> None:
    results = rejected(reason, reason, reason)
    assert shared_fault(results) == SharedFault(3, reason, results[0])


def test_plays_that_are_no_passes_or_not_there_whole_say_nothing_about_it() -> None:
    others = rejected(Reason.NOT_A_PASS, Reason.NO_FRAMES, Reason.SPIKE, Reason.TOO_FEW_PLAYERS, Reason.PASSER_UNKNOWN)
    superseded = [ended(Ending.SUPERSEDED)]
    results = [*others, *rejected(MOTION), *superseded, *rejected(MOTION)]
    fault = shared_fault(results)
    assert fault is not None
    assert (fault.plays, fault.reason, fault.example.detail) == (2, MOTION, "directions look like radians")


@pytest.mark.parametrize(
    "results",
    [
        [],
        rejected(MOTION),
        [*rejected(MOTION, MOTION), SCORED],
        [*rejected(MOTION, MOTION), UNGRADED],
        rejected(MOTION, MOTION, Reason.PLAYER_JUMPED),
        rejected(Reason.NO_FRAMES, Reason.NO_FRAMES, Reason.NO_FRAMES),
        [SCORED, SCORED],
    ],
    ids=["no play", "one play", "one scored", "one ungraded", "two faults", "no contradiction", "all scored"],
)
def test_what_some_plays_show_is_not_the_games(results: list[PlayResult]) -> None:
    assert shared_fault(results) is None


def test_one_play_is_no_game() -> None:
    assert shared_fault(rejected(*[MOTION] * (MIN_PLAYS - 1))) is None
    assert shared_fault(rejected(*[MOTION] * MIN_PLAYS)) is not None
