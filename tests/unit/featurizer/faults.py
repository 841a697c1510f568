"""Film that contradicts itself: what goes wrong between a tracking system and whoever files its numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from playscore.game import Floats, Frames

Rows = slice | int | Sequence[int]

LENGTH_OF_FIELD = np.float32(120.0)
WIDTH_OF_FIELD = np.float32(160.0 / 3.0)


def float32(values: NDArray[np.floating]) -> Floats:
    return values.astype(np.float32)


def flipped(frames: Frames, *, along: bool = True, across: bool = True) -> Frames:
    """Positions flipped, angles not."""
    return replace(
        frames,
        x=LENGTH_OF_FIELD - frames.x if along else frames.x,
        y=WIDTH_OF_FIELD - frames.y if across else frames.y,
    )


def turned_around(frames: Frames) -> Frames:
    """The play the other way, as a source has it."""
    around = with_angles(frames, lambda degrees: (degrees + 180.0) % 360.0) if has_angles(frames) else frames
    return flipped(around)


def has_angles(frames: Frames) -> bool:
    return frames.direction_degrees is not None


def with_angles(frames: Frames, change: Callable[[Floats], NDArray[np.floating]]) -> Frames:
    """Directions and orientations sent otherwise."""
    assert frames.direction_degrees is not None
    assert frames.orientation_degrees is not None
    return replace(
        frames,
        direction_degrees=float32(change(frames.direction_degrees)),
        orientation_degrees=float32(change(frames.orientation_degrees)),
    )


def scaled(frames: Frames, *, positions: float = 1.0, speeds: float = 1.0) -> Frames:
    """Numbers so many times as large."""
    return replace(
        frames,
        x=float32(frames.x * positions),
        y=float32(frames.y * positions),
        speed=None if frames.speed is None else float32(frames.speed * speeds),
    )


def moved(frames: Frames, player_id: str, rows: Rows, *, x: float = 0.0, y: float = 0.0) -> Frames:
    """A player so many yards from where they are, in these rows."""
    player = frames.player_ids.index(player_id)
    moved_x, moved_y = frames.x.copy(), frames.y.copy()
    moved_x[rows, player] += np.float32(x)
    moved_y[rows, player] += np.float32(y)
    return replace(frames, x=moved_x, y=moved_y)


def lost(frames: Frames, player_id: str, row: int) -> Frames:
    """A player of whom nothing is known in a row."""
    player = frames.player_ids.index(player_id)

    def lose(column: Floats | None) -> Floats | None:
        if column is None:
            return None
        holed = column.copy()
        holed[row, player] = np.nan
        return holed

    x, y = lose(frames.x), lose(frames.y)
    assert x is not None and y is not None
    return replace(
        frames,
        x=x,
        y=y,
        speed=lose(frames.speed),
        direction_degrees=lose(frames.direction_degrees),
        orientation_degrees=lose(frames.orientation_degrees),
    )


def exchanged(frames: Frames, one: str, other: str, rows: Rows) -> Frames:
    """The identifiers of two players exchanged in these rows."""
    pair = [frames.player_ids.index(one), frames.player_ids.index(other)]

    def exchange(column: Floats | None) -> Floats | None:
        if column is None:
            return None
        changed = column.copy()
        part = changed[rows]
        part[..., pair] = part[..., pair[::-1]]
        changed[rows] = part
        return changed

    x, y = exchange(frames.x), exchange(frames.y)
    assert x is not None and y is not None
    return replace(
        frames,
        x=x,
        y=y,
        speed=exchange(frames.speed),
        direction_degrees=exchange(frames.direction_degrees),
        orientation_degrees=exchange(frames.orientation_degrees),
    )


def renumbered(frames: Frames, number: Callable[[int], int]) -> Frames:
    """Frames and their events under other numbers."""
    numbers = np.array([number(old) for old in frames.frame_numbers.tolist()], np.int32)
    events = tuple(replace(event, frame_number=number(event.frame_number)) for event in frames.events)
    return replace(frames, frame_numbers=numbers, events=events)


def restarted(frames: Frames, at: int) -> Frames:
    """Frame numbers that start again at a frame."""
    return renumbered(frames, lambda number: number if number < at else number - at)


def noisy(frames: Frames, yards: float, seed: int = 0) -> Frames:
    """Positions and speeds as a source measures them, with that standard deviation."""
    draw = np.random.default_rng(seed)

    def measure(column: Floats) -> Floats:
        return float32(column + draw.normal(0.0, yards, column.shape))

    return replace(
        frames,
        x=measure(frames.x),
        y=measure(frames.y),
        speed=None if frames.speed is None else np.abs(measure(frames.speed)),
    )
