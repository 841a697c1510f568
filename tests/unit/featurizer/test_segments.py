"""The past of a segment: what is kept, what is let go, and what a play may see of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from featurizer.core import tracking_window
from featurizer.core.segments import (
    MAX_EVENTS,
    MAX_FRAMES,
    MAX_PLAYERS,
    MAX_SEGMENTS,
    MAX_TRACK_SAMPLES,
    Segment,
    Segments,
)
from featurizer.core.tracking_window import MAX_COPIES
from playscore.errors import PlayscoreError, Reason
from playscore.game import Frames, Track, TrackedObject, TrackingEvent


def frames(*numbers: int, player: str = "1", events: tuple[TrackingEvent, ...] = ()) -> Frames:
    """One player who stands at x = frame number."""
    x = np.array(numbers, np.float32).reshape(-1, 1)
    return Frames(np.array(numbers, np.int32), (player,), x, np.zeros_like(x), events=events)


def filmed(*batches: Frames) -> Segment:
    segment = Segment()
    for batch in batches:
        segment.add(batch)
    return segment


def track(first: int, count: int, rate: float = 100.0) -> Track:
    numbers = np.arange(first, first + count, dtype=np.int32)
    return Track(TrackedObject.PUCK, rate, numbers, numbers.astype(np.float32), numbers.astype(np.float32))


@pytest.mark.parametrize("size", [1, 7, 256, 5000])
def test_at_least_the_latest_frames_are_kept_and_not_many_more(size: int) -> None:
    segment = Segment()
    gone = 0
    for first in range(0, 15_000, size):
        segment.add(frames(*range(first, first + size)))
        gone += segment.trim().frames
        assert segment.size <= 2 * MAX_FRAMES
    last = segment.last_frame
    assert segment.footage().frames_seen(last - MAX_FRAMES + 1, last) == MAX_FRAMES
    assert segment.footage().frames_seen(0, last) == segment.size == last + 1 - gone


def test_what_is_let_go_is_told() -> None:
    segment = filmed(frames(*range(10, 266)), frames(*range(266, 266 + MAX_FRAMES)))
    gone = segment.trim()
    assert (gone.frames, gone.last_frame) == (256, 265)
    assert segment.trim().frames == 0


def test_samples_that_are_let_go_are_told_by_their_second() -> None:
    segment = Segment()
    rate = 60.0
    for start in range(0, 2 * MAX_TRACK_SAMPLES, 20):
        segment.add_track(track(start, 20, rate))
        segment.trim()
    last = (2 * MAX_TRACK_SAMPLES - 1) / rate
    held = MAX_TRACK_SAMPLES / rate
    assert not segment.holds_track(TrackedObject.PUCK, 0.0)
    assert segment.holds_track(TrackedObject.PUCK, last - held / 2)
    assert segment.holds_track(TrackedObject.BALL, 0.0)
    kept = min(int(track.sample_numbers.min()) for track in segment.tracks(TrackedObject.PUCK))
    assert segment.holds_track(TrackedObject.PUCK, kept / rate)
    assert not segment.holds_track(TrackedObject.PUCK, (kept - 1) / rate)


def test_events_leave_with_their_frames() -> None:
    early, late = TrackingEvent(3, "ball_snap"), TrackingEvent(MAX_FRAMES, "pass_forward")
    segment = filmed(frames(*range(100), events=(early,)), frames(*range(100, 100 + MAX_FRAMES), events=(late,)))
    segment.trim()
    assert segment.footage().new_events() == [late]


def test_events_without_end_are_bounded() -> None:
    segment = Segment()
    for number in range(3 * MAX_EVENTS):
        segment.add(frames(events=(TrackingEvent(number, "whistle"),)))
        segment.trim()
    assert len(segment.footage().new_events()) == MAX_EVENTS
    assert segment.size == 0


def test_events_are_told_once() -> None:
    segment = filmed(frames(1, events=(TrackingEvent(1, "a"),)))
    film = segment.footage()
    assert [event.name for event in film.new_events()] == ["a"]
    assert film.new_events() == []
    segment.add(frames(2, events=(TrackingEvent(2, "b"), TrackingEvent(1, "a"))))
    assert [event.name for event in film.new_events()] == ["b", "a"]


def test_a_play_sees_its_own_events_and_may_reach_back_to_frames_before_it() -> None:
    events = tuple(TrackingEvent(number, f"at {number}") for number in range(10))
    film = filmed(frames(*range(10), events=events)).footage(3, 6)
    assert [event.frame_number for event in film.new_events()] == [3, 4, 5, 6]
    assert film.last_frame == 6
    assert film.frames_seen(1, 6) == 6
    assert film.window(1, 6).samples[0, :, 0].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_play_that_opens_after_all_that_has_come_has_no_film() -> None:
    assert filmed(frames(1, 2)).footage(3).last_frame == -1


def test_of_two_samples_the_first_to_come_counts_across_batches_of_any_size() -> None:
    moved = replace(frames(*range(100)), x=np.full((100, 1), 7.0, np.float32))
    segment = filmed(*(frames(number) for number in range(100)), moved)
    window = segment.footage().window(0, 99)
    assert window.samples[0, :, 0].tolist() == list(range(100))
    assert window.duplicate_samples == 100


def test_of_duplicates_it_is_told_how_far_they_lie_apart_in_place_and_time() -> None:
    def at(*numbers: int, x: float, seconds: int | None) -> Frames:
        times = None if seconds is None else np.full(len(numbers), 1_000_000 * seconds, np.int64)
        return replace(frames(*numbers), x=np.full((len(numbers), 1), x, np.float32), times_unix_micros=times)

    film = filmed(at(1, 2, x=4.0, seconds=50), at(2, x=4.5, seconds=53), at(2, 3, x=1.0, seconds=None)).footage()
    window = film.window(1, 4)
    assert window.duplicates is not None
    assert window.duplicates.count == window.duplicate_samples == 2
    assert np.array_equal(window.duplicates.apart[0, :, 0], [np.nan, 3.0, np.nan, np.nan], equal_nan=True)
    assert window.duplicates.micros == 3_000_000
    assert np.array_equal(window.times, [50e6, 50e6, np.nan, np.nan], equal_nan=True)
    assert film.window(3, 4).duplicates is None


def test_times_are_kept_with_their_frames() -> None:
    many = 2 * MAX_FRAMES
    segment = filmed(replace(frames(*range(many)), times_unix_micros=np.arange(many, dtype=np.int64)))
    segment.trim()
    assert segment.footage().window(many - 3, many - 1).times.tolist() == [many - 3, many - 2, many - 1]


def test_players_may_change_from_batch_to_batch() -> None:
    window = filmed(frames(1, 2), frames(2, 3, player="2")).footage().window(1, 3)
    assert window.player_ids == ("1", "2")
    assert window.seen.tolist() == [[True, False], [True, True], [False, True]]


@pytest.mark.parametrize(
    ("batch", "reason"),
    [
        (replace(frames(1, 2), y=np.zeros((2, 2), np.float32)), Reason.COLUMNS_INCONSISTENT),
        (replace(frames(1, 2), times_unix_micros=np.zeros(3, np.int64)), Reason.COLUMNS_INCONSISTENT),
        (
            Frames(
                np.arange(1, dtype=np.int32), ("1", "1"), np.zeros((1, 2), np.float32), np.zeros((1, 2), np.float32)
            ),
            Reason.COLUMNS_INCONSISTENT,
        ),
        (
            Frames(
                np.arange(1, dtype=np.int32),
                tuple(map(str, range(65))),
                np.zeros((1, 65), np.float32),
                np.zeros((1, 65), np.float32),
            ),
            Reason.FIELD_INVALID,
        ),
    ],
)
def test_a_batch_that_does_not_fit_together_is_not_taken_in(batch: Frames, reason: Reason) -> None:
    segment = filmed(frames(1))
    with pytest.raises(PlayscoreError) as caught:
        segment.add(batch)
    assert caught.value.reason is reason
    assert (segment.size, segment.last_frame) == (1, 1)


def test_samples_of_the_puck_are_bounded() -> None:
    segment = Segment()
    for first in range(0, 5 * MAX_TRACK_SAMPLES, 100):
        segment.add_track(track(first, 100))
        segment.trim()
    kept = segment.footage().tracks(TrackedObject.PUCK)
    assert MAX_TRACK_SAMPLES // 2 <= sum(map(len, kept)) <= MAX_TRACK_SAMPLES
    assert kept[-1].sample_numbers[-1] == 5 * MAX_TRACK_SAMPLES - 1
    assert segment.footage().tracks(TrackedObject.BALL) == ()


def test_a_track_keeps_its_rate() -> None:
    segment = Segment()
    segment.add_track(track(0, 10))
    with pytest.raises(PlayscoreError, match="60 samples a second, the batches before it 100"):
        segment.add_track(track(10, 10, rate=60.0))


def test_the_segments_heard_of_last_are_held() -> None:
    segments = Segments()
    for name in "abcdefgh":
        segments.turn_to(name)
        assert segments.surplus() is None
    first = segments.turn_to("a")
    segments.turn_to("i")
    assert MAX_SEGMENTS == 8
    assert segments.surplus() == "b"
    assert segments.was_let_go("b")
    assert segments["a"] is first
    segments.turn_to("b")
    assert not segments.was_let_go("b")
    assert segments.surplus() == "c"


def test_a_window_is_the_same_however_often_it_was_looked_at_meanwhile() -> None:
    batches = [frames(n // 3, player=str(n % 40)) for n in range(400)]
    looked_at, whole = Segment(), filmed(*batches)
    for batch in batches:
        looked_at.add(batch)
        looked_at.window(0, 150)
        looked_at.frames_seen(0, 150)
    one, other = looked_at.window(0, 150), whole.window(0, 150)
    assert one.player_ids == other.player_ids
    np.testing.assert_array_equal(one.samples, other.samples)
    np.testing.assert_array_equal(one.seen, other.seen)
    assert looked_at.frames_seen(0, 150) == whole.frames_seen(0, 150) == 134


def test_film_of_many_small_batches_is_put_together_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    spread = tracking_window._rows

    def counted(batches: Sequence[tracking_window.Batch], player_ids: tuple[str, ...]) -> Any:
        rows.append(sum(map(len, batches)))
        return spread(batches, player_ids)

    monkeypatch.setattr(tracking_window, "_rows", counted)
    segment = Segment()
    for number in range(1_000):
        segment.add(frames(number, player=str(number % MAX_PLAYERS)))
        segment.frames_seen(0, 1)
    assert max(rows) <= 64, "a batch that is full is not touched again"
    assert sum(rows) <= 64 * 1_000


def test_a_segment_has_no_more_players_than_a_game() -> None:
    segment = filmed(*(frames(0, player=str(n)) for n in range(MAX_PLAYERS)))
    with pytest.raises(PlayscoreError) as refused:
        segment.add(frames(1, player="another"))
    assert refused.value.reason is Reason.TOO_MANY_PLAYERS
    segment.add(frames(1, player="0"))


def test_a_frame_has_so_many_parts_at_most() -> None:
    segment = filmed(*(frames(0, player=str(n)) for n in range(MAX_COPIES)))
    assert segment.window(0, 0).seen.sum() == MAX_COPIES
    segment.add(frames(0, player="one more"))
    with pytest.raises(PlayscoreError) as refused:
        segment.window(0, 0)
    assert refused.value.reason is Reason.SAMPLES_CONTRADICTED


def test_few_frames_of_many_do_not_widen_many_frames_of_few() -> None:
    segment = filmed(*(frames(n, player=str(n)) for n in range(63)), frames(*range(100, 50_000)))
    assert segment.window(100, 101).player_ids == ("1",)
