"""Frames put in order: one sample per player and frame, from batches as they came."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.errors import PlayscoreError, Reason
from playscore.field_limits import FIELD_LIMITS
from playscore.game import Floats, Frames, Track

MAX_PLAYERS: Final = FIELD_LIMITS["playscore.tracking.v1.FrameBatch.player_ids"].max_items
"""In one batch."""
MAX_COPIES: Final = 100
"""Of one frame: enough for a message of its own for everybody who is in it."""

X: Final = 0
Y: Final = 1
SPEED: Final = 2
DIRECTION: Final = 3
ORIENTATION: Final = 4
CHANNELS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """F frames of E players as they came, in the source's units."""

    numbers: NDArray[np.int32]
    """(F,) frame numbers, in any order"""
    player_ids: tuple[str, ...]
    samples: Floats
    """(5, F, E): x, y, speed, direction, orientation. NaN in x and y: not seen; in the others: not known."""
    times: NDArray[np.float64]
    """(F,) microseconds since 1970-01-01 UTC; NaN: not known."""
    first: int
    """The least frame number; 0 if there are no frames."""
    last: int
    """The greatest frame number; -1 if there are no frames."""

    def __len__(self) -> int:
        return len(self.numbers)

    def within(self, first: int, last: int) -> Batch:
        """The frames numbered `first` to `last`."""
        if first <= self.first and self.last <= last:
            return self
        rows = np.flatnonzero((self.numbers >= first) & (self.numbers <= last))
        return _batch(self.numbers[rows], self.player_ids, self.samples[:, rows], self.times[rows])

    def latest(self, frames: int) -> Batch:
        """The last so many of the frames, in arrays of their own."""
        return _batch(
            self.numbers[-frames:].copy(),
            self.player_ids,
            self.samples[:, -frames:].copy(),
            self.times[-frames:].copy(),
        )

    def frames_seen(self) -> list[int]:
        """The numbers of the frames in which at least one player was seen."""
        seen: list[int] = self.numbers[_seen(self.samples).any(axis=1)].tolist()
        return seen


def check_columns(frames: Frames, line_up: tuple[str, ...] = ()) -> None:
    """Raise COLUMNS_INCONSISTENT or FIELD_INVALID unless the columns of frames fit together.

    `line_up` is that of frames checked before: it is not checked again.
    """
    player_ids = frames.player_ids
    if player_ids != line_up:
        if len(player_ids) > MAX_PLAYERS:
            raise PlayscoreError(
                Reason.FIELD_INVALID, f"a batch has {len(player_ids)} players; at most {MAX_PLAYERS} can be sent"
            )
        if len(set(player_ids)) < len(player_ids):
            twice = next(i for i in player_ids if player_ids.count(i) > 1)
            raise PlayscoreError(
                Reason.COLUMNS_INCONSISTENT, f"player {twice} has two columns in one batch; each player has one"
            )
    shape = (len(frames), len(player_ids))
    for name in ("x", "y", "speed", "acceleration", "direction_degrees", "orientation_degrees"):
        column: Floats | None = getattr(frames, name)
        if column is not None and column.shape != shape:
            raise PlayscoreError(
                Reason.COLUMNS_INCONSISTENT,
                f"{name} has the shape {column.shape}; {shape[0]} frames of {shape[1]} players make {shape}",
            )
    times = frames.times_unix_micros
    if times is not None and times.shape != shape[:1]:
        raise PlayscoreError(
            Reason.COLUMNS_INCONSISTENT,
            f"there are {len(frames)} frame numbers and {times.size} times; as many are right",
        )


def pack(frames: Iterable[Frames]) -> Batch:
    """Frames as they came, in one batch of everybody who is in one of them."""
    runs = []
    for player_ids, same in itertools.groupby(frames, key=lambda some: some.player_ids):
        run = list(same)
        numbers = np.concatenate([some.frame_numbers for some in run])
        samples = _stack(run, (len(numbers), len(player_ids)))
        runs.append(_batch(numbers, player_ids, samples, _times(run, len(numbers))))
    return joined(runs)


def joined(batches: Sequence[Batch]) -> Batch:
    """Batches one after the other as one."""
    if len(batches) == 1:
        return batches[0]
    player_ids = _everybody(batches)
    numbers = np.concatenate([batch.numbers for batch in batches])
    times = np.concatenate([batch.times for batch in batches])
    return _batch(numbers, player_ids, _rows(batches, player_ids), times)


def _everybody(batches: Iterable[Batch]) -> tuple[str, ...]:
    line_ups = dict.fromkeys(batch.player_ids for batch in batches)
    return tuple(dict.fromkeys(itertools.chain.from_iterable(line_ups)))


def packed_track(tracks: Sequence[Track]) -> Track:
    """Samples of one object at one rate as they came, in one batch."""
    if len(tracks) == 1:
        return tracks[0]
    heights = [np.full(len(track), np.nan, np.float32) if track.z is None else track.z for track in tracks]
    return replace(
        tracks[0],
        sample_numbers=np.concatenate([track.sample_numbers for track in tracks]),
        x=np.concatenate([track.x for track in tracks]),
        y=np.concatenate([track.y for track in tracks]),
        z=None if all(track.z is None for track in tracks) else np.concatenate(heights),
    )


def _batch(
    numbers: NDArray[np.int32], player_ids: tuple[str, ...], samples: Floats, times: NDArray[np.float64]
) -> Batch:
    first, last = (int(numbers.min()), int(numbers.max())) if len(numbers) else (0, -1)
    return Batch(numbers, player_ids, samples, times, first, last)


def _times(run: Sequence[Frames], length: int) -> NDArray[np.float64]:
    """(F,) of frames. Microseconds of our age are exact in double precision."""
    times = np.full(length, np.nan)
    at = 0
    for some in run:
        if some.times_unix_micros is not None:
            times[at : at + len(some)] = some.times_unix_micros
        at += len(some)
    return times


def _stack(run: Sequence[Frames], shape: tuple[int, int]) -> Floats:
    """(5, F, E) of frames of the same E players."""
    samples = np.empty((CHANNELS, *shape), np.float32)
    for channel, name in enumerate(("x", "y", "speed", "direction_degrees", "orientation_degrees")):
        columns = [getattr(some, name) for some in run]
        if all(column is None for column in columns):
            samples[channel] = np.nan
            continue
        known = [
            np.full_like(some.x, np.nan) if column is None else column
            for some, column in zip(run, columns, strict=True)
        ]
        np.concatenate(known, out=samples[channel])
    return samples


@dataclass(frozen=True, slots=True, eq=False)
class Duplicates:
    """Samples that did not count, because another one of the same player in the same frame came first."""

    count: int
    apart: NDArray[np.float64]
    """(5, T, E): the largest difference to the sample that counts, channel by channel; NaN: none came, or not known."""
    micros: float
    """The largest difference between the times of two rows of one frame; 0 if none is known."""


@dataclass(frozen=True, slots=True, eq=False)
class TrackingWindow:
    """T consecutive frames of E players, in the source's units."""

    first_frame: int
    player_ids: tuple[str, ...]
    samples: NDArray[np.float64]
    """(5, T, E): x, y, speed, direction, orientation. NaN in x and y: not seen; in the others: not known."""
    seen: NDArray[np.bool_]
    """(T, E)"""
    times: NDArray[np.float64]
    """(T,) microseconds since 1970-01-01 UTC, of the first row of each frame; NaN: not known."""
    duplicates: Duplicates | None = None
    """None: no frame came twice."""

    @property
    def duplicate_samples(self) -> int:
        """Samples dropped because another one for the same player and frame came first."""
        return self.duplicates.count if self.duplicates else 0


def splice(batches: Iterable[Batch], first: int, last: int) -> TrackingWindow:
    """The frames numbered `first` to `last`. Of two samples of one player in one frame the first to come counts.

    Raises:
        PlayscoreError: SAMPLES_CONTRADICTED if a frame came more than `MAX_COPIES` times.
    """
    batches = [batch.within(first, last) for batch in batches if batch.first <= last and batch.last >= first]
    player_ids = _everybody(batches)
    samples = np.full((CHANNELS, last - first + 1, len(player_ids)), np.nan)
    times = np.full(last - first + 1, np.nan)
    if not player_ids:
        return TrackingWindow(first, player_ids, samples, np.zeros(samples.shape[1:], bool), times)

    at = np.concatenate([batch.numbers for batch in batches]) - first
    rows = _rows(batches, player_ids)
    row_times = np.concatenate([batch.times for batch in batches])

    # The first row of every frame is taken whole; the rest only fill in players that it lacks.
    frames, first_rows = np.unique(at, return_index=True)
    samples[:, frames] = rows[:, first_rows]
    times[frames] = row_times[first_rows]
    seen = _seen(samples)
    duplicates = None
    if len(frames) < len(at):
        count, apart = _fill_in(samples, seen, rows, _copies(at))
        micros = float(np.fmax.reduce(np.abs(row_times - times[at]), initial=0.0))
        duplicates = Duplicates(count, apart, micros)
    return TrackingWindow(first, player_ids, samples, seen, times, duplicates)


def _copies(at: NDArray[np.integer]) -> list[tuple[NDArray[np.integer], NDArray[np.integer]]]:
    """Of rows of frames, in the order of their coming: the second row of every frame that has one, the third, …

    Each as rows and their frames.
    """
    order = np.argsort(at, kind="stable")
    frames = at[order]
    begins = np.flatnonzero(np.diff(frames, prepend=-1))
    times = np.diff(begins, append=len(at))
    if times.max() > MAX_COPIES:
        raise PlayscoreError(
            Reason.SAMPLES_CONTRADICTED,
            f"a frame of the play came {times.max()} times; at most {MAX_COPIES} batches may each hold a part of it",
        )
    place = np.arange(len(at)) - np.repeat(begins, times)
    return [(order[place == copy], frames[place == copy]) for copy in range(1, int(place.max()) + 1)]


def _fill_in(
    samples: NDArray[np.float64],
    seen: NDArray[np.bool_],
    rows: Floats,
    copies: Iterable[tuple[NDArray[np.integer], NDArray[np.integer]]],
) -> tuple[int, NDArray[np.float64]]:
    """Add to samples and seen, in place, what the further rows of frames have of players that the first ones lack.

    Returns the count and the distances of the duplicates.
    """
    count = 0
    apart = np.full(samples.shape, np.nan)
    for chosen, at in copies:
        row = rows[:, chosen]
        sighted = _seen(row)
        again = sighted & seen[at]
        count += int(again.sum())
        difference = np.where(again, np.abs(row - samples[:, at]), np.nan)
        apart[:, at] = np.fmax(apart[:, at], difference)
        samples[:, at] = np.where(sighted & ~again, row, samples[:, at])
        seen[at] |= sighted
    return count, apart


def _seen(samples: NDArray[np.floating]) -> NDArray[np.bool_]:
    return np.asarray(~(np.isnan(samples[X]) & np.isnan(samples[Y])))


def _rows(batches: Sequence[Batch], player_ids: tuple[str, ...]) -> Floats:
    """(5, R, E): all rows as they came, one column a player."""
    runs = []
    for line_up, run in itertools.groupby(batches, key=lambda batch: batch.player_ids):
        rows = np.concatenate([batch.samples for batch in run], axis=1)
        if line_up != player_ids:
            place = {player_id: e for e, player_id in enumerate(player_ids)}
            spread = np.full((CHANNELS, rows.shape[1], len(player_ids)), np.nan, np.float32)
            spread[:, :, [place[player_id] for player_id in line_up]] = rows
            rows = spread
        runs.append(rows)
    return runs[0] if len(runs) == 1 else np.concatenate(runs, axis=1)
