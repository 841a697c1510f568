"""Times and frame numbers: whether they tell the same story. Numbers count sampling intervals; times may be missing."""

from __future__ import annotations

from typing import Final

import numpy as np

from featurizer.core.tracking_window import TrackingWindow
from featurizer.passing.columns import FRAME_RATE_HERTZ
from playscore.errors import PlayscoreError, Reason

MICROS_A_FRAME: Final = 1e6 / FRAME_RATE_HERTZ
BACK_FRAMES: Final = 1.5
"""How far times may go back from one frame to the next: less than two frames, for jitter."""
DRIFT_FRAMES: Final = 5.0
"""How far times may run ahead of frame numbers, or lag, within a play: half a second. In the real games, never."""
SECOND_FRAMES: Final = FRAME_RATE_HERTZ
"""What is allowed besides where times are whole seconds."""


def check_times(film: TrackingWindow) -> None:
    """Raise TIMES_CONTRADICTED if the times of a window go back, or pass otherwise than its frames."""
    ahead = film.times / MICROS_A_FRAME - np.arange(len(film.times))
    drift = float(np.fmax.reduce(ahead) - np.fmin.reduce(ahead))
    if not drift > BACK_FRAMES:
        return
    rows = np.flatnonzero(~np.isnan(film.times))
    times = film.times[rows]
    passed = (times - times[0]) / MICROS_A_FRAME
    back = -np.diff(passed)
    most = int(back.argmax())
    if back[most] > BACK_FRAMES:
        raise PlayscoreError(
            Reason.TIMES_CONTRADICTED,
            f"times go back: frame {film.first_frame + rows[most + 1]} was filmed {back[most] / FRAME_RATE_HERTZ:g} s"
            f" before frame {film.first_frame + rows[most]}; frame numbers count sampling intervals of"
            f" {1.0 / FRAME_RATE_HERTZ:g} s and may not start again",
        )
    allowed = DRIFT_FRAMES + (0.0 if (times % 1e6).any() else SECOND_FRAMES)
    if drift > allowed:
        frames = rows[-1] - rows[0]
        raise PlayscoreError(
            Reason.TIMES_CONTRADICTED,
            f"times and frame numbers do not agree: from frame {film.first_frame + rows[0]} to frame"
            f" {film.first_frame + rows[-1]}, {frames / FRAME_RATE_HERTZ:g} s of sampling intervals,"
            f" {passed[-1] / FRAME_RATE_HERTZ:g} s pass by the times, and in between they drift apart by"
            f" {drift / FRAME_RATE_HERTZ:g} s; {allowed / FRAME_RATE_HERTZ:g} s are believed",
        )
