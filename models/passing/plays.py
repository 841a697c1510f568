"""Plays to learn from: tensors with their yards, as a few flat arrays; how they are split and weighted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurizer.core.columns import PASSING
from models.passing.atomic import whole
from models.passing.columns import orientation
from models.passing.heads import EDGES
from playscore.game import PassResult

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

FIRST_YARD = int(EDGES[0] + 0.5)
BINS = len(EDGES) - 1
_BANDS = (1, 5, 10, 15, 25)
"""Yards at which completions are told apart for the base rates."""
LARGEST_WEIGHT = 8.0
GROUPS = ("season", "quarter", "down", "depth", "pressure", "side", "source", "orientation", "target")
"""By which results are told apart."""


@dataclass(frozen=True, eq=False)
class PassPlays:
    """N plays with a known outcome; the frames of play i are rows starts[i] to starts[i+1] of `frames`."""

    frames: Floats
    """(F, C)"""
    starts: Integers
    """(N + 1,)"""
    statics: Floats
    """(N, S)"""
    yards: Floats
    """(N,) official yards gained, whole."""
    results: Integers
    """(N,) values of PassResult."""
    games: NDArray[np.str_]
    """(N,) the layout or league and the game, the unit by which plays are split."""
    passers: NDArray[np.str_]
    """(N,)"""
    groups: NDArray[np.str_]
    """(N, len(GROUPS)) which group of each kind the play belongs to; "unknown" where its source does not say."""
    truth: Floats
    """(N, K) the law of a league-average passer over whole yards, where simulated; (N, 0) where nobody knows it."""

    def __len__(self) -> int:
        return len(self.yards)

    @property
    def lengths(self) -> Integers:
        """(N,) frames from snap to release."""
        return np.diff(self.starts)

    def padded(self, plays: Integers, length: int | None = None) -> tuple[Floats, Floats, Floats]:
        """Frames (n, T, C), mask (n, T) and statics (n, S) of these plays; T is the longest unless given."""
        lengths = self.lengths[plays]
        length = length or int(lengths.max())
        mask = np.arange(length) < lengths[:, None]
        frames = np.zeros((len(plays), length, self.frames.shape[1]), np.float32)
        rows = (self.starts[plays][:, None] + np.arange(length))[mask]
        frames[mask] = self.frames[rows]
        return frames, mask.astype(np.float32), self.statics[plays]

    def subset(self, plays: Integers) -> PassPlays:
        """These plays alone."""
        rows = [np.arange(self.starts[play], self.starts[play + 1]) for play in plays]
        return PassPlays(
            self.frames[np.concatenate(rows)] if rows else self.frames[:0],
            np.concatenate([[0], np.cumsum(self.lengths[plays])]).astype(np.int64),
            *(getattr(self, field.name)[plays] for field in fields(self)[2:]),
        )

    def without_orientation(self, plays: NDArray[np.bool_]) -> PassPlays:
        """The same plays, nobody's orientation known in those (N,) that are marked."""
        rows = np.repeat(plays, self.lengths)
        frames = self.frames.copy()
        frames[np.ix_(rows, np.asarray(orientation(PASSING)))] = 0
        return replace(self, frames=frames)

    def save(self, path: Path) -> None:
        """Write all arrays to one .npz."""
        with whole(path) as partial, partial.open("wb") as file:
            np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> PassPlays:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def digest(*arrays: NDArray[Any]) -> str:
    """SHA-256 over the values of these arrays, their types and their shapes, in this order."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def joined(parts: Sequence[PassPlays]) -> PassPlays:
    """All plays of all parts, in order. Their true laws are known where those of all parts are."""
    lengths = np.concatenate([part.lengths for part in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    known = min(part.truth.shape[1] for part in parts)
    truth = np.concatenate([part.truth[:, :known] for part in parts])
    names = [field.name for field in fields(PassPlays) if field.name not in {"frames", "starts", "truth"}]
    others = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return PassPlays(np.concatenate([part.frames for part in parts]), starts, truth=truth, **others)


def league_rates(results: Integers, yards: NDArray[np.floating]) -> NDArray[np.float64]:
    """How often passes end in each kind: (kinds,), summing to 1."""
    counted = np.bincount(_kinds(results, yards), minlength=_KINDS)
    rates: NDArray[np.float64] = counted / counted.sum()
    return rates


def weights(plays: PassPlays, rates: NDArray[np.float64], counts: NDArray[np.floating] | None = None) -> Floats:
    """Weights with which the plays, however they were selected, have these rates; at most LARGEST_WEIGHT, mean 1.

    `counts` (N,): how often each play is there, once unless told otherwise.
    """
    times = np.ones(len(plays)) if counts is None else counts
    kinds = _kinds(plays.results, plays.yards)
    shares = np.bincount(kinds, times, minlength=_KINDS) / times.sum()
    ratio = np.divide(rates, shares, out=np.zeros(_KINDS), where=shares > 0)
    chosen = times * np.minimum(ratio[kinds], LARGEST_WEIGHT)
    scaled: Floats = (chosen / chosen.mean()).astype(np.float32)
    return scaled


def yard_rates(yards: NDArray[np.floating], weight: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """(K,) probabilities of the whole yards over these plays; half a play more in each bin, so that none is 0.

    Yards off the grid count at its ends.
    """
    places = np.clip(yards - FIRST_YARD, 0, BINS - 1).astype(int)
    counts = np.bincount(places, weight, minlength=BINS) + 0.5
    rates: NDArray[np.float64] = counts / counts.sum()
    return rates


_KINDS = len(_BANDS) + 3


def _kinds(results: Integers, yards: NDArray[np.floating]) -> Integers:
    """0: incomplete, 1: intercepted, from 2 on: complete, by bands of yards."""
    complete = 2 + np.digitize(yards, _BANDS)
    fixed = np.where(results == PassResult.INTERCEPTED.value, 1, 0)
    return np.where(results == PassResult.COMPLETE.value, complete, fixed).astype(np.int64)


def split_by_game(plays: PassPlays, shares: Sequence[float], seed: int) -> list[Integers]:
    """Indices of the plays of random games, so many that each part has about its share; no game is in two parts.

    Games of one source (what stands before the `/`) are dealt out evenly, so that every part has some of each.
    """
    rng = np.random.default_rng(seed)
    part_of: dict[str, int] = {}
    bounds = np.cumsum(shares) / np.sum(shares)
    names = sorted(set(plays.games.tolist()))
    for source in sorted({name.split("/")[0] for name in names}):
        mine = [name for name in names if name.split("/")[0] == source]
        places = (np.argsort(rng.permutation(len(mine))) + 0.5) / len(mine)
        part_of |= dict(zip(mine, np.searchsorted(bounds, places), strict=True))
    parts = np.asarray([part_of[game] for game in plays.games.tolist()])
    return [np.flatnonzero(parts == part) for part in range(len(shares))]
