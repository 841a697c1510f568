"""Plays to train on: tensors with their yards in a few flat arrays, and how they are split and weighted."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from featurizer.passing.columns import SPECIFICATION
from models.core.atomic import whole
from models.passing.columns import YARDS_TO_END_ZONE, orientation, places
from models.passing.support import BINS, FIRST_YARD, whole_yards
from playscore.passing import PassResult

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

_STATIC = places(SPECIFICATION.static_columns)
_END_ZONE, _END_ZONE_KNOWN = _STATIC[YARDS_TO_END_ZONE], _STATIC[f"{YARDS_TO_END_ZONE}.known"]

MAX_WEIGHT = 8.0
GROUPS = ("season", "quarter", "down", "depth", "pressure", "side", "source", "orientation", "target")
"""By which results are broken down."""

_BANDS = (1, 5, 10, 15, 25)
"""Yards that separate the kinds of completions in the base rates."""
_KINDS = 2 + 2 * (len(_BANDS) + 1)


@dataclass(frozen=True, eq=False)
class PassPlays:
    """N plays with a known outcome. The frames of play i are rows starts[i] to starts[i+1] of `frames`."""

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
    """(N,) the layout or league and the game, as `<source>/<game>`; plays are split by game."""
    passers: NDArray[np.str_]
    """(N,)"""
    groups: NDArray[np.str_]
    """(N, len(GROUPS)) the play's group of each kind; "unknown" if its source does not say."""
    truth: Floats
    """(N, K) the distribution of a league-average passer over whole yards if simulated; (N, 0) if not known."""

    def __len__(self) -> int:
        return len(self.yards)

    @property
    def lengths(self) -> Integers:
        """(N,) frames from snap to release."""
        return np.diff(self.starts)

    @property
    def end_zone(self) -> Floats:
        """(N,) yards to the end zone; NaN where not known."""
        return _end_zone_of(self.statics)

    @property
    def ceiling(self) -> Floats:
        """(N,) the most whole yards that can be gained; infinite where the end zone is not known."""
        return ceiling_of(self.end_zone)

    @property
    def kinds(self) -> Integers:
        """(N,) the kinds of their results; see `kinds_of`."""
        return kinds_of(self.results, self.yards, self.end_zone)

    def outcomes(self, plays: Integers) -> tuple[Floats, Floats]:
        """Yards and ceilings (n,) of these plays."""
        return self.yards[plays], ceiling_of(_end_zone_of(self.statics[plays]))

    def padded(self, plays: Integers, length: int | None = None) -> tuple[Floats, Floats, Floats]:
        """Frames (n, T, C), mask (n, T) and statics (n, S) of these plays; T is `length`, or the longest of them."""
        lengths = self.lengths[plays]
        length = length or int(lengths.max())
        mask = np.arange(length) < lengths[:, None]
        frames = np.zeros((len(plays), length, self.frames.shape[1]), np.float32)
        rows = (self.starts[plays][:, None] + np.arange(length))[mask]
        frames[mask] = self.frames[rows]
        return frames, mask.astype(np.float32), self.statics[plays]

    def subset(self, plays: Integers) -> PassPlays:
        """Only these plays."""
        rows = [np.arange(self.starts[play], self.starts[play + 1]) for play in plays]
        return PassPlays(
            self.frames[np.concatenate(rows)] if rows else self.frames[:0],
            np.concatenate([[0], np.cumsum(self.lengths[plays])]).astype(np.int64),
            *(getattr(self, field.name)[plays] for field in fields(self)[2:]),
        )

    def without_orientation(self, plays: NDArray[np.bool_]) -> PassPlays:
        """The same plays, with all orientations unknown in the marked ones (N,)."""
        rows = np.repeat(plays, self.lengths)
        frames = self.frames.copy()
        frames[np.ix_(rows, np.asarray(orientation(SPECIFICATION)))] = 0
        return replace(self, frames=frames)

    def save(self, path: Path) -> None:
        """Write all arrays to one .npz file."""
        with whole(path) as partial, partial.open("wb") as file:
            np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> PassPlays:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def digest(*arrays: NDArray[Any]) -> str:
    """SHA-256 of the types, shapes and values of these arrays, in this order."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.dtype.str} {array.shape}".encode())
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def joined(parts: Sequence[PassPlays]) -> PassPlays:
    """All plays of all parts, in order. `truth` is known if it is known in every part."""
    lengths = np.concatenate([part.lengths for part in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    known = min(part.truth.shape[1] for part in parts)
    truth = np.concatenate([part.truth[:, :known] for part in parts])
    names = [field.name for field in fields(PassPlays) if field.name not in {"frames", "starts", "truth"}]
    others = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return PassPlays(np.concatenate([part.frames for part in parts]), starts, truth=truth, **others)


def rates_of(kinds: Integers) -> NDArray[np.float64]:
    """Shares of the kinds of results among passes of these kinds: (kinds,), summing to 1."""
    counted = np.bincount(kinds, minlength=_KINDS)
    rates: NDArray[np.float64] = counted / counted.sum()
    return rates


def weights(kinds: Integers, rates: NDArray[np.float64], counts: NDArray[np.floating] | None = None) -> Floats:
    """Weights (N,) that give plays of these kinds these rates: mean 1, capped at MAX_WEIGHT before.

    `counts` (N,): how often each play counts; once by default.
    """
    times = np.ones(len(kinds)) if counts is None else counts
    shares = np.bincount(kinds, times, minlength=_KINDS) / times.sum()
    ratio = np.divide(rates, shares, out=np.zeros(_KINDS), where=shares > 0)
    chosen = times * np.minimum(ratio[kinds], MAX_WEIGHT)
    scaled: Floats = (chosen / chosen.mean()).astype(np.float32)
    return scaled


def kinds_of(results: Integers, yards: NDArray[np.floating], end_zone: NDArray[np.floating]) -> Integers:
    """(N,) the kind of each result, by which plays are weighted.

    0: incomplete, 1: intercepted, then complete by bands of yards, then complete to the end zone by the same bands: a
    gain of 8 yards from the 8 is another kind than one from midfield. `end_zone` (N,): yards to it, NaN if not known.
    """
    band = np.digitize(yards, _BANDS)
    scored = yards >= ceiling_of(end_zone)
    complete = 2 + band + scored * (len(_BANDS) + 1)
    fixed = np.where(results == PassResult.INTERCEPTED.value, 1, 0)
    return np.where(results == PassResult.COMPLETE.value, complete, fixed).astype(np.int64)


def yard_rates(yards: NDArray[np.floating], weight: NDArray[np.floating] | None = None) -> NDArray[np.float64]:
    """(K,) probabilities of the whole yards in these plays. Half a play is added to each bin, so that none is 0.

    Yards beyond the bins count in the first or last one.
    """
    places = np.clip(yards - FIRST_YARD, 0, BINS - 1).astype(int)
    counts = np.bincount(places, weight, minlength=BINS) + 0.5
    rates: NDArray[np.float64] = counts / counts.sum()
    return rates


def _end_zone_of(statics: Floats) -> Floats:
    known = statics[:, _END_ZONE_KNOWN] > 0
    return np.where(known, statics[:, _END_ZONE], np.float32(np.nan))


def ceiling_of(end_zone: NDArray[np.floating]) -> Floats:
    """(N,) the most whole yards that can be gained with so many to the end zone; infinite where that is NaN."""
    ceilings: Floats = whole_yards(np.where(np.isnan(end_zone), np.inf, end_zone)).astype(np.float32)
    return ceilings


def split_by_game(plays: PassPlays, shares: Sequence[float], seed: int) -> list[Integers]:
    """Split plays by game into parts of about these shares: indices of the plays of each part.

    Games of one source (the part of the name before the `/`) are dealt out evenly, so that every part has some of each.
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
