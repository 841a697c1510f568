"""What the cameras see of games in progress: the last seconds of all, or whole periods."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from simulator.hockey.rinks import EVERYBODY, SAMPLES, Rinks

ABSENT: Final = -1


@dataclass(frozen=True, eq=False)
class Reel:
    """F frames in a row of one game."""

    first_frame: int
    places: NDArray[np.float32]
    """(F, 12, 2)"""
    who: NDArray[np.int8]
    """(F, 12) places in the rosters of home team (6) and visitors (6); -1: nobody."""
    puck: NDArray[np.float32]
    """(F, 4, 3) the samples up to each frame, the last at the frame itself."""


class Recorder:
    """The last `depth` frames of B games."""

    def __init__(self, games: int, depth: int) -> None:
        self.depth = depth
        self._places = np.zeros((depth, games, EVERYBODY, 2), np.float32)
        self._who = np.full((depth, games, EVERYBODY), ABSENT, np.int8)
        self._puck = np.zeros((depth, games, SAMPLES, 3), np.float32)
        self._count = 0

    def keep(self, lanes: NDArray[np.int64]) -> None:
        """Only these games go on."""
        self._places, self._who, self._puck = self._places[:, lanes], self._who[:, lanes], self._puck[:, lanes]

    def record(self, rinks: Rinks, puck: NDArray[np.float64]) -> None:
        """This frame of all games, with the samples (B, 4, 3) of the puck since the one before."""
        row = self._count % self.depth
        self._places[row] = rinks.pos
        self._who[row] = np.where(rinks.on, rinks.who, ABSENT)
        self._puck[row] = puck
        self._count += 1

    def reel(self, lane: int, frames: int, last_frame: int) -> Reel:
        """The latest frames of a game, at most `depth`; `last_frame` is the number of the latest."""
        frames = min(frames, self.depth, last_frame + 1)
        rows = (self._count - frames + np.arange(frames)) % self.depth
        return Reel(
            last_frame - frames + 1,
            self._places[rows, lane],
            self._who[rows, lane],
            self._puck[rows, lane],
        )
