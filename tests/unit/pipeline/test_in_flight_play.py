"""What one play knows of its official results, and what it ends as."""

from __future__ import annotations

import pytest

from pipeline.in_flight_play import InFlightPlay
from pipeline.results import Ending
from pipeline.task import Scored, Stored
from pipeline.verdicts import Stale
from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.football.v1 import football_pb2 as football
from playscore.wire.common import rejection
from tests.unit.pipeline.played_featurizer import key_of, tensor

PASSER = common.Subject(role=common.ROLE_PASSER, subject_id="101")


def result(outcome_revision: int) -> feed.OfficialResult:
    return feed.OfficialResult(
        play_id="1", pass_outcome=football.PassOutcome(yards_gained=9.0, outcome_revision=outcome_revision)
    )


def scored(graded_by: int | None) -> Scored:
    return Scored(records=(), subjects=(PASSER,), outcome_revision=graded_by)


def featurized(known: int | None = None) -> InFlightPlay:
    return InFlightPlay(
        key_of("1"),
        1,
        lambda _: None,
        tensor=tensor("1").tensor,
        result=None if known is None else result(known),
    )


def not_featurized() -> InFlightPlay:
    refused = rejection(key_of("1"), 1, Reason.NO_FRAMES.value, "nothing was seen")
    return InFlightPlay(key_of("1"), 1, lambda _: None, rejection=refused)


@pytest.mark.parametrize(("first", "second", "known"), [(1, 2, 2), (2, 1, 2), (0, 1, 1)])
def test_it_knows_the_latest_result_in_whatever_order_results_come(first: int, second: int, known: int) -> None:
    play = featurized()
    play.learn(result(first))
    play.learn(result(second))
    assert play.result == result(known)


def test_of_two_results_of_one_revision_the_first_counts() -> None:
    play, first = featurized(), result(1)
    play.learn(first)
    play.learn(result(1))
    assert play.result is first


@pytest.mark.parametrize(
    ("graded_by", "judged_by", "known", "needs"),
    [
        (None, None, None, False),
        (None, None, 1, True),
        (None, 1, 1, False),
        (1, 1, 1, False),
        (1, 1, 2, True),
        (1, None, 1, False),
        (1, None, 2, True),
        (0, None, None, False),
        (0, 0, 0, False),
        (None, None, 0, True),
    ],
)
def test_it_is_graded_only_by_a_result_later_than_the_one_the_task_saw(
    graded_by: int | None, judged_by: int | None, known: int | None, needs: bool
) -> None:
    play = featurized(known)
    play.accept(scored(graded_by), None if judged_by is None else result(judged_by))
    assert play.needs_grade is needs
    assert play.judge_again() is (known is not None and (needs or (graded_by is None and judged_by is None)))


def test_a_task_that_rejected_a_play_by_an_earlier_result_is_asked_again() -> None:
    play = featurized(1)
    play.judged_by = play.result
    play.reject(Reason.NO_RELEASE.value, "a sack")
    assert not play.judge_again()
    assert play.rejection is not None
    play.learn(result(2))
    assert play.judge_again()
    assert play.rejection is None


def test_a_play_the_aggregator_did_not_take_counts_as_recorded_once_it_is_judged_again() -> None:
    play = featurized(1)
    play.judged_by, play.recorded = play.result, False
    play.reject(Reason.FIELD_INVALID.value, "not recorded")
    play.learn(result(2))
    assert play.judge_again()
    assert play.recorded


def test_no_result_changes_a_rejection_by_the_featurizer() -> None:
    play = not_featurized()
    play.learn(result(2))
    assert not play.judge_again()
    assert (play.outcome().ending, play.outcome().reason) == (Ending.REJECTED, Reason.NO_FRAMES)
    assert play.rejected_for == 0


def test_a_rejection_names_the_result_that_the_task_saw_not_the_latest() -> None:
    play = featurized(1)
    play.judged_by = play.result
    play.learn(result(2))
    play.reject(Reason.NO_RELEASE.value, "a sack")
    assert play.rejected_for == 1


def test_a_superseded_play_names_what_stands_and_has_no_score() -> None:
    play = featurized(1)
    play.accept(scored(1), play.result)
    play.standing = Stale(revision=2, outcome_revision=0)
    outcome = play.outcome()
    assert (outcome.ending, outcome.reason, outcome.scored, outcome.recorded) == (Ending.SUPERSEDED, None, None, True)
    assert outcome.detail == "a later revision stands: revision 2, outcome_revision 0"
    assert outcome.subjects == (PASSER,)
    play.learn(result(2))
    assert play.judge_again()
    assert play.outcome().ending is Ending.SCORED


def test_from_a_stored_score_it_goes_on_at_the_stored_revision() -> None:
    play = featurized(2)
    play.judged_by = play.result
    play.reject(Reason.NO_RELEASE.value, "a sack")
    play.continue_from(Stored(3, scored(1), result(1)))
    assert (play.revision, play.rejection, play.needs_grade) == (3, None, True)
    play.reject(Reason.NO_RELEASE.value, "a sack")
    assert play.rejection is not None
    assert (play.rejection.revision, tuple(play.rejection.subjects)) == (3, (PASSER,))


@pytest.mark.parametrize("recorded", [True, False])
def test_whether_the_aggregator_answers_for_it_is_told_of_scored_plays_too(recorded: bool) -> None:
    play = featurized()
    play.accept(scored(None), None)
    play.recorded = recorded
    assert (play.outcome().ending, play.outcome().recorded) == (Ending.UNGRADED, recorded)


def test_the_stages_of_a_play_are_timed_from_its_closing_frame_unless_it_is_judged_again() -> None:
    play = featurized()
    assert play.end_stage() is None
    play.begin(1.0)
    assert play.end_stage() is not None
    play.untimed()
    assert play.end_stage() is None
