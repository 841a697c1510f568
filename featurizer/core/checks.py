"""What makes the film of a play unusable: players too few, too many, lost, off the field, or no numbers at all."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Final

import numpy as np

from featurizer.core.columns import FRAME_RATE_HERTZ, PASSER, SIDE
from featurizer.core.features import Motion
from featurizer.core.film import DIRECTION, ORIENTATION, SPEED, Film, X, Y
from featurizer.core.normalise import GAP_FRAMES, HALF_LENGTH, HALF_WIDTH, Array
from featurizer.core.windows import Window
from playscore.errors import PlayscoreError, Reason
from playscore.game import Player

MIN_SIDE: Final = 9
"""Players of a side seen at the release."""
MOST_SPEED: Final = 100.0
"""Units of any length a second that a player may be said to run."""
MOST_DEGREES: Final = 720.0
OFF_FIELD_YARDS: Final = 12.0
"""How far beyond the sidelines and end lines a player may be."""


def eleven(side: list[str], at_release: Mapping[str, bool], name: str) -> tuple[str, ...]:
    """The players of a side; where more than eleven were seen, the eleven who still were at the release.

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


def check_finite(film: Film) -> None:
    """Raise SAMPLE_NOT_FINITE where a sample is neither a place on the field nor unseen."""
    samples = film.samples
    broken = (np.isnan(samples[X]) != np.isnan(samples[Y])) | np.isinf(samples).any(axis=0)
    if broken.any():
        t, e = np.argwhere(broken)[0]
        raise PlayscoreError(
            Reason.SAMPLE_NOT_FINITE,
            f"player {film.player_ids[e]} in frame {film.first_frame + t}: x, y, speed, direction, orientation are"
            f" {samples[:, t, e].tolist()}; they must be finite, or NaN in both x and y where he was not seen",
        )


def check_possible(film: Film) -> None:
    """Raise FIELD_INVALID where a speed or an angle is none that a source of any unit can mean."""
    speed, direction, orientation = np.abs(film.samples[[SPEED, DIRECTION, ORIENTATION]])
    impossible = (speed > MOST_SPEED) | (direction > MOST_DEGREES) | (orientation > MOST_DEGREES)
    if impossible.any():
        t, e = np.argwhere(impossible)[0]
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"player {film.player_ids[e]} in frame {film.first_frame + t}: speed, direction, orientation are"
            f" {film.samples[[SPEED, DIRECTION, ORIENTATION], t, e].tolist()}; speeds up to {MOST_SPEED:g} a second and"
            f" angles up to {MOST_DEGREES:g} degrees either way are believed",
        )


def check_on_field(field: Array, film: Film) -> None:
    """Raise POSITION_OFF_FIELD where a player is farther off the field than he can be."""
    off = (np.abs(field[0]) > HALF_LENGTH + OFF_FIELD_YARDS) | (np.abs(field[1]) > HALF_WIDTH + OFF_FIELD_YARDS)
    if off.any():
        t, e = np.argwhere(off)[0]
        raise PlayscoreError(
            Reason.POSITION_OFF_FIELD,
            f"player {film.player_ids[e]} in frame {film.first_frame + t} is {field[0, t, e]:.1f} yards along and"
            f" {field[1, t, e]:.1f} across from the centre of the field; up to {HALF_LENGTH + OFF_FIELD_YARDS:.1f} and"
            f" {HALF_WIDTH + OFF_FIELD_YARDS:.1f} are believed",
        )


def last_row(film: Film, passer: Player, window: Window) -> int:
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


def check_numbers(film: Film, row: int, offense: tuple[str, ...], defense: tuple[str, ...]) -> None:
    """Raise TOO_FEW_PLAYERS where too few of a side are seen in a row."""
    seen = set(itertools.compress(film.player_ids, film.seen[row]))
    for side, name in ((offense, "offense"), (defense, "defense")):
        if len(seen.intersection(side)) < MIN_SIDE:
            raise PlayscoreError(
                Reason.TOO_FEW_PLAYERS,
                f"{len(seen.intersection(side))} players of the {name} were seen at the release; at least {MIN_SIDE}"
                " are needed",
            )


def check_followed(play: Motion, passer: Player, window: Window) -> None:
    """Raise GAP_TOO_LONG where the passer is lost between the snap and the last row."""
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
