"""From the snap to the release, as a person reading the film would find them."""

from __future__ import annotations

import pytest

from featurizer.passing.windows import Tags
from playscore.game import TagSource, TrackingEvent, TrackingEventKind


def tags(*events: tuple[int, str]) -> Tags:
    found = Tags()
    found.note(TrackingEvent(frame, name) for frame, name in events)
    return found


def still(_: int) -> float:
    return 0.3


@pytest.mark.parametrize("snap", ["ball_snap", "snap", "snap_direct", "autoevent_ballsnap"])
@pytest.mark.parametrize("release", ["pass_forward", "passForward", "pass_shovel", "autoevent_passforward"])
def test_the_names_of_every_layout_are_known(snap: str, release: str) -> None:
    found = tags((3, "line_set"), (6, snap), (20, "play_action"), (30, release), (44, "pass_arrived"))
    assert found.release() == 30
    assert found.snap(30, still) == 6


def test_what_an_event_is_stated_to_be_goes_before_its_name() -> None:
    found = Tags()
    found.note(
        [
            TrackingEvent(6, "kickoff whistle", TrackingEventKind.SNAP),
            TrackingEvent(20, "pass_forward", TrackingEventKind.SHOT),
            TrackingEvent(30, "snap", TrackingEventKind.PASS_RELEASE),
        ]
    )
    assert found.release() == 30
    assert found.snap(30, still) == 6


@pytest.mark.parametrize(
    "release",
    [
        TrackingEvent(29, "pass_forward", tagged_by=TagSource.AUTOMATIC),
        TrackingEvent(29, "p", TrackingEventKind.PASS_RELEASE, TagSource.AUTOMATIC),
    ],
)
def test_a_release_that_a_program_is_stated_to_have_tagged_is_waited_on_as_one(release: TrackingEvent) -> None:
    found = tags((7, "ball_snap"))
    found.note([release])
    assert not found.settled(29, last_frame=33)
    found.note([TrackingEvent(31, "pass_forward")])
    assert found.release() == 31


def test_a_stated_release_overrules_every_tag() -> None:
    found = Tags(27)
    found.note([TrackingEvent(6, "ball_snap"), TrackingEvent(30, "pass_forward")])
    assert found.release() == 27
    assert found.settled(27, last_frame=27)
    assert Tags(27).release() is None


def test_the_first_release_after_a_snap_counts() -> None:
    assert tags((2, "pass_forward"), (6, "ball_snap"), (30, "pass_forward"), (48, "pass_forward")).release() == 30


def test_a_play_that_runs_into_the_next_one_ends_with_its_own_release() -> None:
    found = tags((29, "snap"), (43, "passForward"), (379, "snap"), (410, "passForward"))
    assert (found.snap(43, still), found.release()) == (29, 43)


def test_without_a_snap_before_it_there_is_no_release() -> None:
    assert tags((30, "pass_forward")).release() is None
    assert tags((30, "pass_forward"), (30, "ball_snap")).release() is None


def test_after_a_false_start_the_second_snap_counts() -> None:
    assert tags((4, "snap"), (29, "snap"), (49, "passForward")).snap(49, still) == 29


def test_a_snap_that_is_tagged_again_while_everyone_runs_is_an_echo() -> None:
    found = tags((64, "ball_snap"), (82, "ball_snap"), (90, "pass_forward"), (108, "pass_forward"))
    assert found.release() == 90
    assert found.snap(90, lambda frame: 0.4 if frame == 64 else 3.5) == 64


def test_where_nobody_ever_stood_the_first_snap_counts() -> None:
    assert tags((29, "snap"), (39, "snap"), (63, "passForward")).snap(63, lambda _: 3.0) == 29


def test_a_snap_tagged_by_hand_goes_before_that_of_a_program() -> None:
    found = tags((6, "autoevent_ballsnap"), (7, "ball_snap"), (30, "pass_forward"))
    assert found.snap(30, still) == 7


def test_a_release_by_hand_is_waited_for_where_the_snap_was_tagged_by_hand() -> None:
    found = tags((7, "ball_snap"), (29, "autoevent_passforward"))
    assert found.release() == 29
    assert not found.settled(29, last_frame=33)
    assert found.settled(29, last_frame=34)
    found.note([TrackingEvent(31, "pass_forward")])
    assert found.release() == 31
    assert found.settled(31, last_frame=31)


def test_a_source_with_programs_alone_waits_for_nobody() -> None:
    found = tags((6, "autoevent_ballsnap"), (29, "autoevent_passforward"))
    assert found.settled(29, last_frame=29)
