from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from pipeline.readers.samples import film_of, frame_by_time
from playscore.game import TrackedObject, TrackingEvent

ROWS = {
    "player": pl.String, "frame": pl.Int32, "x": pl.Float64, "y": pl.Float64, "s": pl.Float64, "event": pl.String,
}  # fmt: skip


def rows(*samples: tuple[object, ...]) -> pl.DataFrame:
    return pl.DataFrame(list(samples), schema=ROWS, orient="row")


def test_samples_stand_by_frame_and_player_with_the_ball_apart() -> None:
    frames, tracks = film_of(
        rows(
            ("b", 2, 3.0, 4.0, 0.5, None),
            ("a", 1, 1.0, 2.0, 0.1, "snap"),
            (None, 2, 9.0, 8.0, None, None),
            ("a", 2, 1.5, 2.5, 0.2, None),
        )
    )
    assert frames.frame_numbers.tolist() == [1, 2]
    assert frames.player_ids == ("a", "b")
    np.testing.assert_array_equal(frames.x, np.array([[1.0, np.nan], [1.5, 3.0]], dtype=np.float32))
    (ball,) = tracks
    assert (ball.tracked, ball.rate_hertz, ball.z) == (TrackedObject.BALL, 10.0, None)
    assert ball.sample_numbers.tolist() == [2]
    assert (ball.x.tolist(), ball.y.tolist()) == ([9.0], [8.0])
    assert frames.events == (TrackingEvent(1, "snap"),)
    assert frames.orientation_degrees is None


def test_a_second_sample_of_a_player_in_a_frame_is_a_second_frame_of_that_number() -> None:
    frames, _ = film_of(rows(("a", 1, 1.0, 0, 0, None), ("b", 1, 5.0, 0, 0, None), ("a", 1, 2.0, 0, 0, None)))
    assert frames.frame_numbers.tolist() == [1, 1]
    np.testing.assert_array_equal(frames.x, np.array([[1.0, 5.0], [2.0, np.nan]], dtype=np.float32))


def test_a_sample_without_half_of_its_place_was_not_seen() -> None:
    frames, _ = film_of(rows(("a", 1, None, 2.0, 1.0, None)))
    assert np.isnan(frames.x).all()
    assert np.isnan(frames.y).all()


def test_an_event_that_every_row_repeats_stands_once_and_two_of_a_frame_both_stand() -> None:
    frames, _ = film_of(
        rows(
            ("a", 1, 0, 0, 0, "snap"),
            ("b", 1, 0, 0, 0, "snap"),
            ("a", 1, 0, 0, 0, "shift"),
            ("b", 1, 0, 0, 0, "shift"),
        )
    )
    assert frames.events == (TrackingEvent(1, "snap"), TrackingEvent(1, "shift"))


def test_frames_of_the_ball_alone_are_frames() -> None:
    frames, _ = film_of(rows((None, 1, 9.0, 8.0, None, None), ("a", 2, 1.0, 1.0, 0.0, None)))
    assert len(frames) == 2
    assert np.isnan(frames.x[0]).all()


@given(st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 5), st.floats(-200, 200, width=32))))
def test_no_sample_is_left_out(samples: list[tuple[str | None, int, float]]) -> None:
    frames, tracks = film_of(rows(*((player, frame, x, 0.0, 0.0, None) for player, frame, x in samples)))
    kept = sorted(frames.x[~np.isnan(frames.x)].tolist())
    assert sorted(kept) == sorted(x for player, _, x in samples if player is not None)
    seen: dict[int, float] = {}
    for player, frame, x in samples:
        if player is None:
            seen.setdefault(frame, x)
    assert {
        frame: x for track in tracks for frame, x in zip(track.sample_numbers.tolist(), track.x.tolist(), strict=True)
    } == seen


def test_frames_are_numbered_by_time_from_the_first_of_their_play() -> None:
    times = pl.DataFrame({"play": ["1", "1", "1", "2"], "time": [1_000_000, 1_100_000, 9_000_000, 5_000_000]})
    assert times.select(frame_by_time())["time"].to_list() == [0, 1, 80, 0]
