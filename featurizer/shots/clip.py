"""The film around a shot: some seconds of its segment, and what is seen in them up to a moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from featurizer.core.segments import Footage
from featurizer.core.tracking_window import TrackingWindow
from featurizer.shots.checks import check_unit
from featurizer.shots.ice import Ice
from featurizer.shots.puck import Array, Puck, puck_of, samples_of
from featurizer.shots.skaters import Skaters, skaters_of
from playscore.game import TrackedObject


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What is seen in some seconds of film, in feet."""

    ice: Ice
    skaters: Skaters
    puck: Puck

    def turned(self, sign: int) -> View:
        """As seen with the source's +x at +x where `sign` is +1, else with its -x there."""
        if sign == self.ice.sign:
            return self
        return View(self.ice.turned(sign), self.skaters.turned(), self.puck.turned())

    def way_of(self, player_id: str) -> tuple[Array, Array] | None:
        """Times (K,) and places (2, K) of somebody; None where they are not known or were not filmed."""
        skaters = self.skaters
        if player_id not in skaters.player_ids:
            return None
        column = skaters.player_ids.index(player_id)
        seen = np.flatnonzero(np.isfinite(skaters.x[:, column]))
        times = (seen + skaters.first_frame) / skaters.rate_hertz
        return times, np.array([skaters.x[seen, column], skaters.y[seen, column]])


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """Some seconds of film as they came: what is seen in them is told up to any moment."""

    ice: Ice
    """As the source has it."""
    rate_hertz: float
    film: TrackingWindow
    puck: Array
    """(4, N) time, x, y and z: see `samples_of`."""

    @classmethod
    def of(cls, footage: Footage, ice: Ice, rate_hertz: float, first: float, last: float) -> Clip:
        """From one second of the segment's clock to another."""
        first_frame = max(0, round(first * rate_hertz))
        film = footage.window(first_frame, max(_frame(last, rate_hertz), first_frame - 1))
        samples = samples_of(footage.tracks(TrackedObject.PUCK), ice, first, last)
        return cls(ice, rate_hertz, film, samples)

    def until(self, last: float) -> View | None:
        """What is seen up to a second of the segment's clock, and nothing after it; None where nobody is.

        Raises:
            PlayscoreError: as `skaters_of`, `check_unit` and `puck_of`.
        """
        frames = max(0, _frame(last, self.rate_hertz) - self.film.first_frame + 1)
        if not self.film.seen[:frames].any():
            return None
        skaters = skaters_of(self.film, frames, self.ice, self.rate_hertz)
        check_unit(skaters)
        return View(self.ice, skaters, puck_of(self.puck, last))


def _frame(seconds: float, rate_hertz: float) -> int:
    """The last one up to a second of the segment's clock."""
    return math.floor(seconds * rate_hertz + 1e-6)
