"""Defects of real feeds, put into the frames of undamaged plays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from playscore.game import Floats, Frames, Play, Track, TrackingEvent

Rows = NDArray[np.int64]

_SNAP, _RELEASE = "ball_snap", "pass_forward"


@dataclass(frozen=True, slots=True)
class Defects:
    """The share of plays that each defect hits, 0 to 1. `SimulatedGame.injected` uses these names."""

    duplicated_frames: float = 0.03
    """Some frames arrive two or three times."""
    out_of_order: float = 0.03
    """A run of frames is shuffled."""
    short_gap: float = 0.03
    """1 to 3 frames are missing between snap and release: 0.2 to 0.4 s between two samples."""
    long_gap: float = 0.01
    """8 frames are missing between snap and release: 0.9 s between two samples."""
    ball_only_frames: float = 0.03
    """The first frames before the snap have only the ball."""
    player_missing_late: float = 0.02
    """A player is not seen after the release."""
    missing_player: float = 0.02
    """A defender is not tracked: 21 players."""
    repeated_snap: float = 0.03
    """A second snap is tagged 1 to 3 frames after the first."""
    samples_not_finite: float = 0.02
    """A few samples of speed, acceleration and direction are NaN."""
    off_field: float = 0.01
    """A player's track leaves the field by 30 yards for a while."""
    runs_into_next: float = 0.01
    """The frames of the next play are appended to the play."""
    missing_orientation: float = 0.02
    """The whole play has no orientation."""
    missing_release: float = 0.02
    """The release is not tagged."""


def inject(
    plays: Sequence[Play], defects: Defects, rng: np.random.Generator
) -> tuple[list[Play], dict[str, tuple[str, ...]]]:
    """The plays with defects, and by play id the names of what was injected; undamaged plays have no entry."""
    names = [item.name for item in fields(Defects)]
    strikes = rng.random((len(plays), len(names))) < [getattr(defects, name) for name in names]
    damaged: list[Play] = []
    injected: dict[str, tuple[str, ...]] = {}
    for play, struck, following in zip(plays, strikes, [*plays[1:], None], strict=True):
        frames, tracks, done = play.frames, play.tracks, []
        for name, hit in zip(names, struck, strict=True):
            changed = _INJECTORS[name](frames, following, rng) if hit else None
            if changed is not None:
                if name == "runs_into_next" and following is not None:
                    tracks = _followed(tracks, _shift_of_next(frames), following.tracks)
                frames = changed
                done.append(name)
        damaged.append(replace(play, frames=frames, tracks=tracks))
        if done:
            injected[play.context.play_id] = tuple(done)
    return damaged, injected


# Each injector returns the damaged frames, or None if the play has no room for the defect.
_Injector = Callable[[Frames, Play | None, np.random.Generator], Frames | None]


def _row_of(frames: Frames, name: str) -> int | None:
    """The first row with this event."""
    for event in frames.events:
        if event.name == name:
            rows = np.flatnonzero(frames.frame_numbers == event.frame_number)
            return int(rows[0]) if len(rows) else None
    return None


def _taken(frames: Frames, rows: Rows) -> Frames:
    """These rows, in this order. Events of dropped frames are dropped too."""

    def cut(column: Floats | None) -> Floats | None:
        return None if column is None else column[rows]

    numbers = frames.frame_numbers[rows]
    kept = set(numbers.tolist())
    return replace(
        frames,
        frame_numbers=numbers,
        x=frames.x[rows],
        y=frames.y[rows],
        speed=cut(frames.speed),
        acceleration=cut(frames.acceleration),
        direction_degrees=cut(frames.direction_degrees),
        orientation_degrees=cut(frames.orientation_degrees),
        times_unix_micros=None if frames.times_unix_micros is None else frames.times_unix_micros[rows],
        events=tuple(event for event in frames.events if event.frame_number in kept),
    )


def _blanked(frames: Frames, rows: slice, players: Rows, *, positions: bool) -> Frames:
    """NaN in all columns of these samples. `positions=False` keeps x, y and orientation."""

    def blank(column: Floats | None) -> Floats | None:
        if column is None:
            return None
        holes = column.copy()
        holes[rows, players] = np.nan
        return holes

    x, y = frames.x, frames.y
    if positions:
        x, y = x.copy(), y.copy()
        x[rows, players] = y[rows, players] = np.nan
    return replace(
        frames,
        x=x,
        y=y,
        speed=blank(frames.speed),
        acceleration=blank(frames.acceleration),
        direction_degrees=blank(frames.direction_degrees),
        orientation_degrees=blank(frames.orientation_degrees) if positions else frames.orientation_degrees,
    )


def _duplicate(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames:
    times = np.where(rng.random(len(frames)) < 0.4, rng.integers(2, 4, len(frames)), 1)
    times[rng.integers(len(frames))] = 2
    return _taken(frames, np.repeat(np.arange(len(frames)), times))


def _shuffle(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames:
    size = min(8, len(frames))
    start = int(rng.integers(0, len(frames) - size + 1))
    rows = np.arange(len(frames))
    rows[start : start + size] = (
        rows[start : start + size][::-1] if size < 3 else rng.permutation(rows[start : start + size])
    )
    return _taken(frames, rows)


def _gap(frames: Frames, rng: np.random.Generator, size: int) -> Frames | None:
    snap, release = _row_of(frames, _SNAP), _row_of(frames, _RELEASE)
    if snap is None or release is None or release - snap < size + 4:
        return None
    start = int(rng.integers(snap + 2, release - size - 1))
    return _taken(frames, np.delete(np.arange(len(frames)), slice(start, start + size)))


def _short_gap(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames | None:
    return _gap(frames, rng, int(rng.integers(1, 4)))


def _long_gap(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames | None:
    return _gap(frames, rng, 8)


def _ball_only(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames | None:
    snap = _row_of(frames, _SNAP)
    if snap is None or snap < 2:
        return None
    everyone = np.arange(len(frames.player_ids))
    return _blanked(frames, slice(0, int(rng.integers(1, snap))), everyone, positions=True)


def _missing_late(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames | None:
    release = _row_of(frames, _RELEASE)
    if release is None or release + 1 >= len(frames):
        return None
    return _blanked(frames, slice(release + 1, None), rng.integers(11, 22, 1), positions=True)


def _missing_player(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames:
    gone = int(rng.integers(11, len(frames.player_ids)))

    def without(column: Floats | None) -> Floats | None:
        return None if column is None else np.delete(column, gone, axis=1)

    return replace(
        frames,
        player_ids=frames.player_ids[:gone] + frames.player_ids[gone + 1 :],
        x=np.delete(frames.x, gone, axis=1),
        y=np.delete(frames.y, gone, axis=1),
        speed=without(frames.speed),
        acceleration=without(frames.acceleration),
        direction_degrees=without(frames.direction_degrees),
        orientation_degrees=without(frames.orientation_degrees),
    )


def _repeated_snap(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames | None:
    snap = next((event.frame_number for event in frames.events if event.name == _SNAP), None)
    if snap is None:
        return None
    again = TrackingEvent(snap + int(rng.integers(1, 4)), _SNAP)
    return replace(frames, events=tuple(sorted((*frames.events, again), key=lambda event: event.frame_number)))


def _not_finite(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames:
    for _sample in range(3):
        row = int(rng.integers(len(frames)))
        frames = _blanked(frames, slice(row, row + 1), rng.integers(0, len(frames.player_ids), 1), positions=False)
    return frames


def _off_field(frames: Frames, _: Play | None, rng: np.random.Generator) -> Frames:
    start, player = int(rng.integers(len(frames))), int(rng.integers(len(frames.player_ids)))
    y = frames.y.copy()
    y[start : start + 5, player] += np.where(y[start : start + 5, player] > 26.7, 60.0, -60.0).astype(np.float32)
    return replace(frames, y=y)


def _shift_of_next(frames: Frames) -> int:
    """What is added to the frame numbers of the next play when it is appended."""
    return int(frames.frame_numbers.max()) + 50


def _followed(tracks: tuple[Track, ...], shift: int, following: tuple[Track, ...]) -> tuple[Track, ...]:
    """The tracks, continued by those of the next play."""
    return tuple(
        replace(
            track,
            sample_numbers=np.concatenate((track.sample_numbers, after.sample_numbers + np.int32(shift))),
            x=np.concatenate((track.x, after.x)),
            y=np.concatenate((track.y, after.y)),
        )
        for track, after in zip(tracks, following, strict=True)
    )


def _run_into_next(frames: Frames, following: Play | None, _: np.random.Generator) -> Frames | None:
    if following is None:
        return None
    after = following.frames
    columns = {player: place for place, player in enumerate(after.player_ids)}
    shift = _shift_of_next(frames)

    def appended(mine: Floats | None, theirs: Floats | None) -> Floats | None:
        if mine is None or theirs is None:
            return mine
        known = [columns.get(player, -1) for player in frames.player_ids]
        added = np.where(np.array(known) >= 0, theirs[:, known], np.float32(np.nan))
        return np.concatenate((mine, added.astype(np.float32)))

    times = frames.times_unix_micros
    if times is not None and after.times_unix_micros is not None:
        times = np.concatenate((times, after.times_unix_micros))
    x, y = appended(frames.x, after.x), appended(frames.y, after.y)
    assert x is not None and y is not None
    return replace(
        frames,
        frame_numbers=np.concatenate((frames.frame_numbers, after.frame_numbers + np.int32(shift))),
        x=x,
        y=y,
        speed=appended(frames.speed, after.speed),
        acceleration=appended(frames.acceleration, after.acceleration),
        direction_degrees=appended(frames.direction_degrees, after.direction_degrees),
        orientation_degrees=appended(frames.orientation_degrees, after.orientation_degrees),
        times_unix_micros=times,
        events=frames.events + tuple(TrackingEvent(event.frame_number + shift, event.name) for event in after.events),
    )


def _no_orientation(frames: Frames, _: Play | None, __: np.random.Generator) -> Frames:
    return replace(frames, orientation_degrees=None)


def _no_release(frames: Frames, _: Play | None, __: np.random.Generator) -> Frames | None:
    kept = tuple(event for event in frames.events if event.name != _RELEASE)
    return None if len(kept) == len(frames.events) else replace(frames, events=kept)


_INJECTORS: dict[str, _Injector] = {
    "duplicated_frames": _duplicate,
    "out_of_order": _shuffle,
    "short_gap": _short_gap,
    "long_gap": _long_gap,
    "ball_only_frames": _ball_only,
    "player_missing_late": _missing_late,
    "missing_player": _missing_player,
    "repeated_snap": _repeated_snap,
    "samples_not_finite": _not_finite,
    "off_field": _off_field,
    "runs_into_next": _run_into_next,
    "missing_orientation": _no_orientation,
    "missing_release": _no_release,
}
