"""Whether the orientations of bodies can be what the source says they are."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from featurizer.core.tracking_window import ORIENTATION, TrackingWindow
from featurizer.passing.normalize import Array

FACING: Final = -0.5
"""How far the teams face each other at the snap, at least: 1 if everybody looks straight to the other side, -1 if away.

In 350 of 352 real passes with orientations it is 0.45 to 0.99. In two, all orientations are turned by 90 degrees, and
it is -0.16 and -0.04. They are left as they are: what is masked must be turned away without doubt.
"""
FULL_TURN: Final = 2.0 * math.pi + 0.01


def is_believed(film: TrackingWindow, at_snap: Array, sign: float, offense: tuple[str, ...]) -> bool:
    """Whether orientations are in degrees and the teams do not turn their backs on each other.

    `at_snap` are the channels (6, P) of `normalize.to_field` at the snap, `sign` that of the way the offense goes.
    """
    # In degrees, 22 players do not all look the same way.
    if not (np.abs(film.samples[ORIENTATION]) > FULL_TURN).any():
        return False
    attackers = set(offense)
    forward = np.array([sign if player_id in attackers else -sign for player_id in film.player_ids])
    facing = at_snap[4] * forward
    known = facing[~np.isnan(facing)]
    return float(known.sum()) >= FACING * len(known)
