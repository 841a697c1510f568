"""Plays to learn from: tensors with their yards, simulated or real, as a few flat arrays."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from featurizer.core.columns import PASSING
from featurizer.core.play import Tensor, featurize
from models.passing.network import EDGES
from pipeline import layouts
from pipeline.layouts.tables import column_names, data_files
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game, PassResult
from simulator import simulate_game

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]

FIRST_YARD = int(EDGES[0] + 0.5)
BINS = len(EDGES) - 1
_BANDS = (1, 5, 10, 15, 25)
"""Yards at which completions are told apart for the base rates."""
LARGEST_WEIGHT = 8.0


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

    def save(self, path: Path) -> None:
        """Write all arrays to one .npz."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> PassPlays:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def joined(parts: Sequence[PassPlays]) -> PassPlays:
    """All plays of all parts, in order."""
    lengths = np.concatenate([part.lengths for part in parts])
    starts = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    others = (np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(PassPlays)[2:])
    return PassPlays(np.concatenate([part.frames for part in parts]), starts, *others)


def simulated(
    seed: int, games: Iterable[int], *, skill_spread: float = 0.2, processes: int | None = None
) -> Iterator[PassPlays]:
    """The passes of these games of the simulated league, a game at a time, made by all cores."""
    make = partial(_simulated_game, seed, skill_spread)
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, games, chunksize=4)


def _simulated_game(seed: int, skill_spread: float, index: int) -> PassPlays:
    simulated = simulate_game(seed, index, skill_spread=skill_spread)
    truth = {}
    for play, law in simulated.laws.items():
        truth[play] = np.zeros(BINS, np.float32)
        truth[play][law.support - FIRST_YARD] = law.probabilities
    return _of_game(f"{simulated.game.header.league}-{seed}/{index}", simulated.game, truth)


def real(folder: Path) -> PassPlays:
    """The passes with a known outcome of every layout with tracking in the folder."""
    found = layouts.detect(folder)
    if not found:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{folder} holds no tracking of a known layout")
    return joined(
        [
            _of_game(f"{layout}/{game.header.game_id}", game, None)
            for layout in found
            for game in layouts.read(folder, layout)
        ]
    )


def _of_game(name: str, game: Game, truth: dict[str, Floats] | None) -> PassPlays:
    roster = {player.player_id: player for player in game.roster}
    kept: list[tuple[Tensor, float, int]] = []
    left: Counter[str] = Counter()
    for play in game.plays:
        tensor = featurize(game.header, roster, play.context, [play.frames])
        if not isinstance(tensor, Tensor):
            left[tensor.reason.name] += 1
        elif play.outcome is None or play.outcome.yards_gained is None or play.outcome.result is None:
            left["OUTCOME_UNKNOWN"] += 1
        elif play.outcome.result in {PassResult.SACK, PassResult.SCRAMBLE}:
            left[play.outcome.result.name] += 1
        else:
            kept.append((tensor, play.outcome.yards_gained, play.outcome.result.value))
    log.debug("%s: %d passes; left out %s", name, len(kept), dict(left))
    columns, statics = len(PASSING.frame_columns), len(PASSING.static_columns)
    return PassPlays(
        frames=np.concatenate([np.empty((0, columns), np.float32), *(tensor.frames for tensor, _, _ in kept)]),
        starts=np.cumsum([0, *(len(tensor.frames) for tensor, _, _ in kept)]).astype(np.int64),
        statics=np.asarray([tensor.statics for tensor, _, _ in kept], np.float32).reshape(-1, statics),
        yards=np.asarray([yards for _, yards, _ in kept], np.float32),
        results=np.asarray([result for _, _, result in kept], np.int64),
        games=np.full(len(kept), name),
        passers=np.asarray([tensor.subject_id for tensor, _, _ in kept], np.str_),
        truth=np.asarray([truth[tensor.play_id] for tensor, _, _ in kept], np.float32).reshape(-1, BINS)
        if truth is not None
        else np.empty((len(kept), 0), np.float32),
    )


def base_rates(folder: Path) -> NDArray[np.float64]:
    """How often passes end in each kind, over the unselected play table of the folder (Big Data Bowl 2019)."""
    wanted = {"PassResult", "PlayResult"}
    table = next((file for file in data_files(folder) if wanted <= set(column_names(file))), None)
    if table is None:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{folder} holds no table with the columns {', '.join(sorted(wanted))}, which the base rates come from",
        )
    scan = pl.scan_parquet if table.suffix == ".parquet" else pl.scan_csv
    names = {"C": PassResult.COMPLETE, "I": PassResult.INCOMPLETE, "IN": PassResult.INTERCEPTED}
    plays = scan(table).select(*sorted(wanted)).filter(pl.col("PassResult").is_in(list(names))).drop_nulls().collect()
    results = np.asarray([names[name].value for name in plays["PassResult"]])
    kinds = np.bincount(_kinds(results, plays["PlayResult"].cast(pl.Float64).to_numpy()), minlength=_KINDS)
    rates: NDArray[np.float64] = kinds / kinds.sum()
    return rates


def weights(plays: PassPlays, rates: NDArray[np.float64]) -> Floats:
    """Weights with which the plays, however they were selected, have these rates; at most LARGEST_WEIGHT, mean 1."""
    kinds = _kinds(plays.results, plays.yards)
    shares = np.bincount(kinds, minlength=_KINDS) / len(plays)
    ratio = np.divide(rates, shares, out=np.zeros(_KINDS), where=shares > 0)
    chosen = np.minimum(ratio[kinds], LARGEST_WEIGHT)
    scaled: Floats = (chosen / chosen.mean()).astype(np.float32)
    return scaled


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
