"""Steps that nobody can run, or that the velocity contradicts: single samples that lie apart, and jumps that stay.

A step is impossible if it is faster than `FASTEST_YARDS_PER_SECOND`, or ends more than `MISSED_YARDS` a frame from
where the velocities at both its ends lead. Steps over n frames are divided by n; so are those over frames that repeat
the one before.

A sample with impossible steps is a single one if the player gets from the sample before it to the one after as the
rest of the film leads to expect. So is the first or the last sample of a window, which has a neighbor on one side only.
Everything else is a jump.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.core.tracking_window import TrackingWindow
from featurizer.passing.columns import FRAME_RATE_HERTZ
from featurizer.passing.normalize import GAP_FRAMES
from featurizer.passing.track import FASTEST_YARDS_PER_SECOND, MISSED_YARDS, Plane, Track

NEAR_SAMPLES: Final = 5
"""On each side, by which it is told how a player moves where the source does not tell their velocity."""

_FASTEST: Final = FASTEST_YARDS_PER_SECOND / FRAME_RATE_HERTZ


@dataclass(frozen=True, slots=True)
class Jump:
    """A step that nobody can run, after which the player does not come back."""

    player: int
    frame: int
    """Row of the sample that the step leads to."""
    yards: float
    frames: int
    """That the step takes."""

    def told(self, film: TrackingWindow) -> str:
        """In words."""
        seconds = self.frames / FRAME_RATE_HERTZ
        return (
            f"player {film.player_ids[self.player]} jumps {self.yards:.1f} yards in {seconds:g} s, to their place in"
            f" frame {film.first_frame + self.frame}, and does not come back at the next sample, as if two players'"
            f" identifiers were exchanged; {FASTEST_YARDS_PER_SECOND:g} yards per second are believed, and"
            f" {MISSED_YARDS:g} yards a frame from where the velocity leads; single samples that lie apart are dropped"
        )


def find(track: Track) -> tuple[NDArray[np.bool_] | None, Jump | None]:
    """(T, P): the single samples that lie apart, None if there are none; and a jump that stays, if there is one."""
    valid = ~np.isnan(track.place)
    if track.frozen is not None:
        valid[track.frozen] = False
    impossible = _impossible(track, valid)
    if not impossible.any():
        return None, None
    lone: NDArray[np.bool_] = np.zeros(valid.shape, bool)
    for player in np.flatnonzero(impossible.any(axis=0)).tolist():
        rows = np.flatnonzero(valid[:, player])
        way = _Way(rows, track.place[rows, player], track.velocity[rows, player])
        dropped = way.lone()
        kept = np.delete(np.arange(len(rows)), dropped)
        left = way.impossible(kept)
        if len(left):
            return lone, way.jump(player, kept[left[0]], kept[left[0] + 1])
        lone[rows[dropped], player] = True
    return lone, None


def _impossible(track: Track, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T-1, P): whether the step from the valid sample before each to that sample is impossible."""
    if valid.all():
        return _too_far(track.step, track.velocity[:-1], track.velocity[1:])
    rows = np.arange(len(valid))[:, None]
    last = np.maximum.accumulate(np.where(valid, rows, -1), axis=0)[:-1]
    known = valid[1:] & (last >= 0)
    step = track.place[1:] - np.take_along_axis(track.place, last, axis=0)
    step = np.where(known, step / np.maximum(rows[1:] - last, 1), np.nan)
    return _too_far(step, np.take_along_axis(track.velocity, last, axis=0), track.velocity[1:])


def _too_far(step: Plane, begin: Plane, end: Plane) -> NDArray[np.bool_]:
    """Whether steps, in yards a frame, are impossible, by themselves or by the velocities at their ends."""
    missed = step - (begin + end) * (0.5 / FRAME_RATE_HERTZ)
    return np.asarray((np.abs(step) > _FASTEST) | (np.abs(missed) > MISSED_YARDS))


@dataclass(frozen=True, slots=True, eq=False)
class _Way:
    """The N valid samples of one player."""

    rows: NDArray[np.int64]
    place: Plane
    velocity: Plane

    def impossible(self, kept: NDArray[np.int64]) -> NDArray[np.int64]:
        """Of the steps between samples kept, those that are impossible."""
        step = np.diff(self.place[kept]) / np.diff(self.rows[kept])
        return np.flatnonzero(_too_far(step, self.velocity[kept[:-1]], self.velocity[kept[1:]]))

    def lone(self) -> list[int]:
        """The samples that lie apart; none if two of them are within `GAP_FRAMES`: that is no single sample."""
        end = len(self.rows) - 1
        dropped: list[int] = []
        for step in self.impossible(np.arange(end + 1)).tolist():
            if dropped and dropped[-1] in (step, step + 1):
                continue
            for sample in (step + 1, step):
                if 0 < sample < end and self._leads_past(sample):
                    dropped.append(sample)
                    break
            else:
                if step + 1 == end:
                    dropped.append(end)
                elif step == 0:
                    dropped.append(0)
        return dropped if (np.diff(self.rows[dropped]) > GAP_FRAMES).all() else []

    def _leads_past(self, sample: int) -> bool:
        """Whether the player gets from the sample before to the one after as their velocity leads."""
        before, after = sample - 1, sample + 1
        frames = float(self.rows[after] - self.rows[before])
        velocity = (self.velocity[before] + self.velocity[after]) / 2.0
        if np.isnan(velocity):
            velocity = self._usual_velocity(sample)
        missed = self.place[after] - self.place[before] - velocity * frames / FRAME_RATE_HERTZ
        return bool(np.abs(missed) <= MISSED_YARDS)

    def _usual_velocity(self, sample: int) -> complex:
        """The median of the steps around a sample, its own left out."""
        steps = np.diff(self.place) / np.diff(self.rows) * FRAME_RATE_HERTZ
        first, last = max(sample - 1 - NEAR_SAMPLES, 0), min(sample + 1 + NEAR_SAMPLES, len(steps))
        near = np.concatenate([steps[first : sample - 1], steps[sample + 1 : last]])
        return complex(np.median(near.real), np.median(near.imag)) if len(near) else complex(np.nan, np.nan)

    def jump(self, player: int, before: np.int64, after: np.int64) -> Jump:
        """The step between two samples."""
        return Jump(
            player,
            int(self.rows[after]),
            float(np.abs(self.place[after] - self.place[before])),
            int(self.rows[after] - self.rows[before]),
        )
