"""What makes the film of a pass unusable: too few or too many players, players lost or off the field, no numbers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.core.tracking_window import DIRECTION, ORIENTATION, SPEED, TrackingWindow, X, Y
from featurizer.passing import normalize
from featurizer.passing.columns import FRAME_RATE_HERTZ, PASSER, SIDE
from featurizer.passing.features import Motion
from featurizer.passing.normalize import GAP_FRAMES, HALF_LENGTH, HALF_WIDTH, Array
from featurizer.passing.windows import Window
from playscore.errors import PlayscoreError, Reason
from playscore.game import CoordinateSystem, Player

MIN_SIDE: Final = 9
"""Players of a team seen at the release."""
MAX_SPEED: Final = 100.0
"""Of a player, in the source's unit per second."""
MAX_DEGREES: Final = 720.0
OFF_FIELD_YARDS: Final = 12.0
"""How far beyond the sidelines and end lines a player may be."""
MANY_OFF_FIELD: Final = 0.03
"""Share of the samples from which another unit or origin is looked for."""


def eleven(side: list[str], at_release: Mapping[str, bool], name: str) -> tuple[str, ...]:
    """The players of a team; if more than eleven were seen, the eleven who still were at the release.

    Raises TOO_MANY_PLAYERS.
    """
    playing = side if len(side) <= SIDE else [player_id for player_id in side if at_release[player_id]]
    if len(side) > SIDE and len(playing) != SIDE:
        raise PlayscoreError(
            Reason.TOO_MANY_PLAYERS,
            f"the {name} has {len(side)} players between snap and release, {len(playing)} of them at the release;"
            f" {SIDE} play",
        )
    return tuple(playing)


def check_finite(film: TrackingWindow) -> None:
    """Raise SAMPLE_NOT_FINITE if a sample is neither a place on the field nor unseen."""
    samples = film.samples
    broken = (np.isnan(samples[X]) != np.isnan(samples[Y])) | np.isinf(samples).any(axis=0)
    if broken.any():
        t, e = np.argwhere(broken)[0]
        raise PlayscoreError(
            Reason.SAMPLE_NOT_FINITE,
            f"player {film.player_ids[e]} in frame {film.first_frame + t}: x, y, speed, direction, orientation are"
            f" {samples[:, t, e].tolist()}; they must be finite, or NaN in both x and y where they were not seen",
        )


def check_possible(film: TrackingWindow) -> None:
    """Raise FIELD_INVALID if a speed or an angle is impossible, whatever the source's unit."""
    speed, direction, orientation = np.abs(film.samples[[SPEED, DIRECTION, ORIENTATION]])
    impossible = (speed > MAX_SPEED) | (direction > MAX_DEGREES) | (orientation > MAX_DEGREES)
    if impossible.any():
        t, e = np.argwhere(impossible)[0]
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"player {film.player_ids[e]} in frame {film.first_frame + t}: speed, direction, orientation are"
            f" {film.samples[[SPEED, DIRECTION, ORIENTATION], t, e].tolist()}; speeds up to {MAX_SPEED:g} a second and"
            f" angles up to {MAX_DEGREES:g} degrees either way are believed",
        )


def check_on_field(field: Array, film: TrackingWindow, coordinates: CoordinateSystem) -> None:
    """Raise POSITION_OFF_FIELD if a player is farther off the field than a player can be."""
    off = off_field(field)
    if off.any():
        t, e = np.argwhere(off)[0]
        looks = ""
        if np.count_nonzero(off) > MANY_OFF_FIELD * np.count_nonzero(film.seen):
            readings = normalize.other_readings(field[:2], coordinates)
            looks = next((f"{words}: " for words, position in readings if not off_field(position).any()), "")
        raise PlayscoreError(
            Reason.POSITION_OFF_FIELD,
            f"{looks}player {film.player_ids[e]} in frame {film.first_frame + t} is {field[0, t, e]:.1f} yards along"
            f" and {field[1, t, e]:.1f} across from the center of the field; up to {HALF_LENGTH + OFF_FIELD_YARDS:.1f}"
            f" and {HALF_WIDTH + OFF_FIELD_YARDS:.1f} are believed",
        )


def off_field(position: Array) -> NDArray[np.bool_]:
    """Whether positions are farther off the field than a player can be; not if there are none."""
    along, across = np.abs(position[:2])
    return np.asarray((along > HALF_LENGTH + OFF_FIELD_YARDS) | (across > HALF_WIDTH + OFF_FIELD_YARDS))


def last_row(film: TrackingWindow, passer: Player, window: Window) -> int:
    """The last row in which the passer was seen: the release, or up to half a second before it.

    Raises PASSER_NOT_TRACKED.
    """
    seen = np.flatnonzero(film.seen[:, film.player_ids.index(passer.player_id)])
    last_frame = film.first_frame + int(seen[-1])
    if window.release - last_frame > GAP_FRAMES:
        raise PlayscoreError(
            Reason.PASSER_NOT_TRACKED,
            f"passer {passer.player_id} was last seen in frame {last_frame}; the release is frame {window.release}, and"
            f" at most {GAP_FRAMES / FRAME_RATE_HERTZ:g} s may lie between",
        )
    return int(seen[-1])


def check_numbers(film: TrackingWindow, row: int, offense: tuple[str, ...], defense: tuple[str, ...]) -> None:
    """Raise TOO_FEW_PLAYERS if too few players of a team are seen in a row."""
    seen = set(itertools.compress(film.player_ids, film.seen[row]))
    for side, name in ((offense, "offense"), (defense, "defense")):
        if len(seen.intersection(side)) < MIN_SIDE:
            raise PlayscoreError(
                Reason.TOO_FEW_PLAYERS,
                f"{len(seen.intersection(side))} players of the {name} were seen at the release; at least {MIN_SIDE}"
                " are needed",
            )


def check_followed(play: Motion, passer: Player, window: Window) -> None:
    """Raise GAP_TOO_LONG if the passer is lost between the snap and the last row."""
    seen = play.present[:, PASSER]
    if seen.all():
        return
    lost = int(np.argmin(seen))
    found = next((int(row) for row in np.flatnonzero(seen) if row > lost), len(seen))
    raise PlayscoreError(
        Reason.GAP_TOO_LONG,
        f"passer {passer.player_id} was not seen from frame {window.snap + lost} to {window.snap + found - 1}"
        f" ({(found - lost) / FRAME_RATE_HERTZ:g} s); at most {GAP_FRAMES / FRAME_RATE_HERTZ:g} s between two samples"
        " are interpolated",
    )
