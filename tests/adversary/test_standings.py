"""What counts as lost, doubled or changed."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from tests.adversary.standings import MAX_DIFFERENCE, Standings, differences
from tests.scored_plays import a_pass

KEY = ("g1", "1", int(common.ROLE_PASSER), "p1")


def standings(league: str = "SIM0") -> Standings:
    found = Standings()
    found.records[KEY] = a_pass(1, league=league).score
    found.ratings[common.ROLE_PASSER, "p1"] = aggregator.Rating(
        subject=common.Subject(role=common.ROLE_PASSER, subject_id="p1"),
        plays=1,
        passing=aggregator.PassingRating(rating=80.0, rating_low=70.0, rating_high=90.0),
    )
    found.coverage[common.ROLE_PASSER] = aggregator.GetCoverageResponse(
        plays=1, graded=1, revision=common.RevisionToken(value=league)
    )
    return found


def lose(found: Standings) -> None:
    del found.records[KEY]


def double(found: Standings) -> None:
    found.doubled.append(KEY)


def add(found: Standings) -> None:
    found.records["g1", "2", int(common.ROLE_PASSER), "p1"] = found.records[KEY]


def grade_otherwise(found: Standings) -> None:
    found.records[KEY].pass_measure.play_score += 10 * MAX_DIFFERENCE


def lose_the_grade(found: Standings) -> None:
    found.records[KEY].ClearField("pass_measure")


def predict_otherwise(found: Standings) -> None:
    found.records[KEY].distribution.spliced_binned_pareto.probabilities[0] += 10 * MAX_DIFFERENCE


def rate_otherwise(found: Standings) -> None:
    found.ratings[common.ROLE_PASSER, "p1"].passing.rating *= 1 + 10 * MAX_DIFFERENCE


def cover_otherwise(found: Standings) -> None:
    found.coverage[common.ROLE_PASSER].unscored.add(reason=41, plays=1)


def revise(found: Standings) -> None:
    found.records[KEY].outcome_revision = 2


def test_the_same_games_in_another_league_came_to_the_same() -> None:
    assert not list(differences(standings(), standings("SIM1")))


def test_the_last_digits_of_a_number_do_not_count() -> None:
    found = standings()
    found.ratings[common.ROLE_PASSER, "p1"].passing.rating *= 1 + MAX_DIFFERENCE / 10
    found.records[KEY].pass_measure.play_score += MAX_DIFFERENCE / 10
    assert not list(differences(standings(), found))


@pytest.mark.parametrize(
    "change",
    [
        lose,
        double,
        add,
        grade_otherwise,
        lose_the_grade,
        predict_otherwise,
        rate_otherwise,
        cover_otherwise,
        revise,
    ],
)
def test_whatever_else_differs_is_a_fault(change: Callable[[Standings], None]) -> None:
    found = copy.deepcopy(standings())
    change(found)
    assert list(differences(standings(), found))
