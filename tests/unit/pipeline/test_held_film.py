"""Film that is held back: joined, it says what it said in pieces, and what is wrong stays by itself."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.held_film import MAX_FRAMES, MAX_SAMPLES, HeldFilm
from playscore.game import Frames, Track, TrackedObject, TrackingEvent
from playscore.tracking.v1.tracking_pb2 import TRACKED_OBJECT_PUCK, FrameBatch, TrackBatch
from playscore.wire.tracking import frames_from_message, frames_to_message, track_from_message, track_to_message
from simulator import simulate_game

FILM = simulate_game(3, 0, 2).game.plays[0].frames
BALL = Track(
    TrackedObject.BALL,
    10.0,
    np.arange(len(FILM), dtype=np.int32),
    *np.arange(3 * len(FILM), dtype=np.float32).reshape(3, -1),
)


def batch(start: int, stop: int, segment_id: str = "1") -> FrameBatch:
    return frames_to_message(segment_id, FILM.rows(start, stop))


def samples(start: int, stop: int, segment_id: str = "1") -> TrackBatch:
    return track_to_message(segment_id, BALL.samples(start, stop))


def same_frames(one: Frames, other: Frames) -> bool:
    columns = ("x", "y", "speed", "acceleration", "direction_degrees", "orientation_degrees", "times_unix_micros")
    return (
        one.player_ids == other.player_ids
        and one.events == other.events
        and np.array_equal(one.frame_numbers, other.frame_numbers)
        and all(
            (getattr(one, name) is None and getattr(other, name) is None)
            or np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
            for name in columns
        )
    )


def same_track(one: Track, other: Track) -> bool:
    return one.tracked is other.tracked and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ("sample_numbers", "x", "y", "z")
    )


@given(st.lists(st.integers(1, len(FILM) - 1), unique=True, max_size=8))
def test_however_film_is_cut_it_is_told_as_it_was(cuts: list[int]) -> None:
    held = HeldFilm()
    bounds = [0, *sorted(cuts), len(FILM)]
    for start, stop in itertools.pairwise(bounds):
        assert held.add_track(samples(start, stop))
        assert held.add_frames(batch(start, stop))
    track, frames = held.take()
    assert track is not None
    assert frames is not None
    assert frames.segment_id == track.segment_id == "1"
    assert same_frames(frames_from_message(frames), FILM)
    assert same_track(track_from_message(track), BALL)
    assert held.take() == (None, None)


def other_players(message: FrameBatch) -> None:
    message.player_ids[0] = "stranger"


def without_speeds(message: FrameBatch) -> None:
    message.speed = b""


def without_times(message: FrameBatch) -> None:
    del message.times_unix_micros[:]


def of_another_segment(message: FrameBatch) -> None:
    message.segment_id = "2"


@pytest.mark.parametrize("differs", [other_players, without_speeds, without_times, of_another_segment])
def test_film_of_another_kind_waits_for_what_is_held(differs: Callable[[FrameBatch], None]) -> None:
    held, message = HeldFilm(), batch(1, 2)
    message.times_unix_micros[:] = [1]
    first = batch(0, 1)
    first.times_unix_micros[:] = [0]
    differs(message)
    assert held.add_frames(first)
    assert not held.add_frames(message)
    held.take()
    assert held.add_frames(message)


def too_short(message: FrameBatch) -> None:
    message.x = message.x[:-4]


def too_long(message: FrameBatch) -> None:
    message.orientation_degrees += b"\0" * 4


def one_time_too_many(message: FrameBatch) -> None:
    message.times_unix_micros[:] = [1, 2]


def an_event_that_cannot_be_read(message: FrameBatch) -> None:
    message.events.add(frame_number=1, name="\x1b[2J")


def many_events(message: FrameBatch) -> None:
    for _ in range(9):
        message.events.add(frame_number=1, name="ball_snap")


@pytest.mark.parametrize("wrong", [too_short, too_long, one_time_too_many, an_event_that_cannot_be_read, many_events])
def test_frames_that_may_be_refused_go_by_themselves(wrong: Callable[[FrameBatch], None]) -> None:
    held, message = HeldFilm(), batch(0, 1)
    wrong(message)
    assert not held.add_frames(message)
    assert held.take() == (None, None)


@pytest.mark.parametrize("column", ["x", "y", "z"])
def test_samples_that_will_be_refused_go_by_themselves(column: str) -> None:
    message = samples(0, 2)
    setattr(message, column, getattr(message, column)[:-4])
    assert not HeldFilm().add_track(message)


@pytest.mark.parametrize(
    ("name", "value"), [("object", TRACKED_OBJECT_PUCK), ("rate_hertz", 20.0), ("z", b""), ("segment_id", "2")]
)
def test_samples_of_another_kind_wait_for_what_is_held(name: str, value: object) -> None:
    held, message = HeldFilm(), samples(1, 2)
    setattr(message, name, value)
    assert held.add_track(samples(0, 1))
    assert not held.add_track(message)


def test_frames_do_not_join_samples_of_another_segment() -> None:
    held = HeldFilm()
    assert held.add_track(samples(0, 1))
    assert not held.add_frames(batch(0, 1, "2"))


def test_events_come_with_their_frames() -> None:
    held = HeldFilm()
    snap = TrackingEvent(0, "ball_snap")
    for frame in range(2):
        message = frames_to_message("1", FILM.rows(frame, frame + 1))
        message.ClearField("events")
        if frame == 0:
            message.events.add(frame_number=snap.frame_number, name=snap.name)
        assert held.add_frames(message)
    _, frames = held.take()
    assert frames is not None
    assert [(event.frame_number, event.name) for event in frames.events] == [(snap.frame_number, snap.name)]


def test_it_is_full_where_a_message_would_be_large() -> None:
    held = HeldFilm()
    numbers = iter(range(MAX_FRAMES))
    for number in numbers:
        assert not held.is_full
        held.add_frames(FrameBatch(segment_id="1", frame_numbers=[number]))
    assert held.is_full
    held.clear()
    assert not held.is_full
    track = Track(TrackedObject.PUCK, 60.0, np.arange(MAX_SAMPLES, dtype=np.int32), *np.zeros((2, MAX_SAMPLES), "f4"))
    held.add_track(track_to_message("1", track))
    assert held.is_full
