"""Random numbers of games that are played side by side: each game draws its own, whoever plays beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Lanes = NDArray[np.int64]

_STEP: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of SplitMix64."""
    values = (values ^ (values >> np.uint64(30))) * _FIRST
    values = (values ^ (values >> np.uint64(27))) * _SECOND
    return values ^ (values >> np.uint64(31))


class Draws:
    """A counter for each of B games. The n-th number of a game depends on seed, game and n alone."""

    def __init__(self, seed: int, games: Sequence[int]) -> None:
        # Seed and game are mixed in different ways: else game 1 of seed 2 would be game 2 of seed 1.
        base = _mixed(_mixed(np.array([seed], np.uint64) ^ _STEP) ^ _FIRST)
        self._key = _mixed(_mixed(np.array(games, np.uint64) ^ _STEP) ^ base)
        self._drawn = np.zeros(len(games), np.uint64)

    def keep(self, lanes: Lanes) -> None:
        """Only these games go on, in this order."""
        self._key, self._drawn = self._key[lanes], self._drawn[lanes]

    def uniform(self, lanes: Lanes, count: int) -> Array:
        """(n, count) numbers in (0, 1) for the games at these n different places."""
        start = self._drawn[lanes]
        self._drawn[lanes] = start + np.uint64(count)
        places = np.add(start[:, None], np.arange(1, count + 1, dtype=np.uint64)).astype(np.uint64, copy=False)
        words: NDArray[np.uint64] = self._key[lanes][:, None] + places * _STEP
        bits = _mixed(words) >> np.uint64(11)
        numbers: Array = (bits.astype(np.float64) + 0.5) * 2.0**-53
        return numbers

    def normal(self, lanes: Lanes, count: int) -> Array:
        """(n, count) standard normal numbers, by Box and Muller."""
        radius, turn = np.split(self.uniform(lanes, 2 * count), 2, axis=1)
        numbers: Array = np.sqrt(-2 * np.log(radius)) * np.cos(2 * np.pi * turn)
        return numbers
