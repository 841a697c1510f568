"""Real shots with everybody's places, which train nothing: do film's factors point the same way as a vendor's model?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from featurizer.shots.factors import FACTORS
from models.core.chances import GameResamples, interval
from models.shots import sources
from models.shots.additive import Model
from models.shots.rows import Shots, joined
from playscore.sources import layouts

LAYOUT: Final = "wisehockey"
_COLUMNS: Final = ("EventType", "ShotXG", "_source_path")
_SCANS: Final[dict[str, Callable[[Path], pl.LazyFrame]]] = {".parquet": pl.scan_parquet, ".csv": pl.scan_csv}
_MIN_KNOWN: Final = 20
"""Shots in which a factor must be known to be checked alone."""
_RESAMPLES: Final = 2_000
_SEED: Final = 0
_NOTHING: Final = 1e-9

Array = NDArray[np.float64]


def read(folder: Path) -> tuple[Shots, Array] | None:
    """The unblocked shots of the folder's games in the layout, and the vendor's expected goals (N,); None: no games.

    Shots of which the vendor says nothing are left out.
    """
    layout = layouts()[LAYOUT]
    if layout.recognize(folder).missing:
        return None
    expected = _expected(folder)
    source = layout.open(folder)
    parts, found = [], []
    for game_id in source.game_ids:
        game = source.game(game_id)
        for play in game.plays:
            value = expected.get((game_id, play.context.play_id))
            if value is None:
                continue
            shot = sources.of_game(f"{LAYOUT}/{game_id}", replace(game, plays=[play]))
            parts.append(shot)
            found += [value] * len(shot)
    return (joined(parts), np.asarray(found)) if found else None


def check(model: Model, shots: Shots, expected: Array, filmed: tuple[int, ...]) -> dict[str, Any]:
    """Rank correlations of the model's chances with the vendor's, with film and without; intervals over shots.

    What single factors of film contribute is compared with what the vendor's chance says beside the chance without
    film: their partial rank correlation.
    """
    blind = shots.statics.copy()
    for place in filmed:
        blind[:, [place, len(FACTORS) + place]] = 0
    chances = {"with_film": model.chances(shots.statics), "without_film": model.chances(blind)}
    draws = _draws(len(shots))
    ranked = {
        name: np.asarray([_spearman(each[draw], expected[draw]) for draw in draws]) for name, each in chances.items()
    }
    ranked["difference"] = ranked["with_film"] - ranked["without_film"]
    contributions = model.contributions(shots.statics)
    events = chances["without_film"]
    each_alone = GameResamples(np.arange(len(shots)).astype(str))
    areas = {**chances, "vendor": expected}
    return {
        "shots": len(shots),
        "goals": int(shots.goals.sum()),
        "games": len(np.unique(shots.games)),
        **{name: interval((float(values[0]), values[1:])) for name, values in ranked.items()},
        **{f"auc_{name}": interval(each_alone.auc(each, shots.goals)) for name, each in areas.items()},
        "expected": {name: float(each.sum()) for name, each in areas.items()},
        "factors": {
            FACTORS[place].name: _beside(contributions[known, place], expected[known], events[known])
            for place in filmed
            if (known := shots.statics[:, len(FACTORS) + place] > 0).sum() >= _MIN_KNOWN
        },
    }


def _beside(one: Array, other: Array, given: Array) -> dict[str, Any]:
    """The partial rank correlation of two columns (N,) given a third, with its interval over shots."""
    values = np.asarray([_partial(one[draw], other[draw], given[draw]) for draw in _draws(len(one))])
    return {"shots": len(one), "correlation": interval((float(values[0]), values[1:]))}


def _draws(count: int) -> list[NDArray[np.integer]]:
    """The places of all shots, then those of each resample."""
    resamples = np.random.default_rng(_SEED).integers(0, count, (_RESAMPLES, count))
    return [np.arange(count), *resamples]


def _partial(one: Array, other: Array, given: Array) -> float:
    """The rank correlation of two columns once what both have in common with a third is taken away."""
    both, first, second = _spearman(one, other), _spearman(one, given), _spearman(other, given)
    rest = float(np.sqrt((1 - first**2) * (1 - second**2)))
    return (both - first * second) / rest if rest > _NOTHING else 0.0


def _expected(folder: Path) -> dict[tuple[str, str], float]:
    """By game and play, as the layout's reader names them: a file's events are numbered."""
    files = [folder] if folder.is_file() else sorted(folder.iterdir())
    found = {}
    for path in files:
        scan = _SCANS.get(path.suffix)
        if scan is None or not set(_COLUMNS) <= set(scan(path).collect_schema().names()):
            continue
        counts: dict[str, int] = {}
        for kind, value, source_path in scan(path).select(_COLUMNS).collect().iter_rows():
            game = PurePosixPath(source_path).stem
            counts[game] = counts.get(game, 0) + 1
            if kind == "Shot" and value not in (None, ""):
                found[game, str(counts[game])] = float(value)
    return found


def _spearman(one: Array, other: Array) -> float:
    """The rank correlation; 0 where all of one are alike."""
    first, second = (_ranks(values) - (len(values) + 1) / 2 for values in (one, other))
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread else 0.0


def _ranks(values: Array) -> Array:
    """(N,) mean ranks of equal values."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Array = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks
