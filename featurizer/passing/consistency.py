"""Whether the film of a play agrees with itself, and what can be mended of it without guessing.

Duplicates must agree with each other (`duplicates`), times with frame numbers (`clock`), displacement with speed and
direction over the play as a whole (`agreement`) and from sample to sample (`jumps`). A single sample that contradicts
its neighbors is dropped, so that it is interpolated like one that was lost. Anything more rejects the play: which of
the samples are wrong would be a guess.

The thresholds are from the 580 passes of three sources that are scored (hackathon2015: 228, ngs_highlights: 346,
bdb2023: 6). None of them loses a play or a sample to these checks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from featurizer.core.tracking_window import TrackingWindow
from featurizer.passing import agreement, checks, clock, duplicates, jumps
from featurizer.passing.normalize import Array
from featurizer.passing.track import Track
from playscore.errors import PlayscoreError, Reason
from playscore.game import CoordinateSystem


def mend(field: Array, film: TrackingWindow, coordinates: CoordinateSystem) -> TrackingWindow:
    """The film without the single samples that contradict the rest; they become NaN in `field`, too.

    `field` are the channels of `normalize.to_field`.

    Raises:
        PlayscoreError: SAMPLES_CONTRADICTED, TIMES_CONTRADICTED, MOTION_CONTRADICTED, POSITION_OFF_FIELD or
            PLAYER_JUMPED.
    """
    twofold = check_numbers(film, coordinates)
    if twofold is not None:
        film = _without(twofold, field, film)
    track = Track.of(field)
    agreement.check_motion(track, film, coordinates)
    lone, jump = jumps.find(track)
    if lone is not None:
        film = _without(lone, field, film)
    checks.check_on_field(field, film, coordinates)
    if jump is not None:
        raise PlayscoreError(Reason.PLAYER_JUMPED, jump.told(film))
    return film


def check_numbers(film: TrackingWindow, coordinates: CoordinateSystem) -> NDArray[np.bool_] | None:
    """(T, E): the single samples of which it cannot be told, because another one lies apart; None if there are none.

    Raises:
        PlayscoreError: SAMPLES_CONTRADICTED or TIMES_CONTRADICTED: frame numbers do not say when samples were taken.
    """
    twofold = duplicates.contradicted(film, coordinates)
    clock.check_times(film)
    return twofold


def _without(dropped: NDArray[np.bool_], field: Array, film: TrackingWindow) -> TrackingWindow:
    field[:, dropped] = np.nan
    return replace(film, seen=film.seen & ~dropped)
