"""The frames of a play put in order: one sample a player and frame, from batches as they came."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats, Frames

MAX_PLAYERS: Final = 64
"""Players of a batch."""

X: Final = 0
Y: Final = 1
SPEED: Final = 2
DIRECTION: Final = 3
ORIENTATION: Final = 4
_CHANNELS: Final = 5


@dataclass(frozen=True, slots=True, eq=False)
class Film:
    """T consecutive frames of E players, in the source's units."""

    first_frame: int
    player_ids: tuple[str, ...]
    samples: NDArray[np.float64]
    """(5, T, E): x, y, speed, direction, orientation. NaN in x and y: not seen; in the others: not known."""
    seen: NDArray[np.bool_]
    """(T, E)"""
    duplicate_samples: int
    """Samples passed over because another one for the same player and frame came first."""


def check_columns(frames: Frames) -> None:
    """Raise COLUMNS_INCONSISTENT or TOO_MANY_PLAYERS where the columns of a batch do not fit together."""
    players = len(frames.player_ids)
    if players > MAX_PLAYERS:
        raise PlayscoreError(
            Reason.TOO_MANY_PLAYERS, f"a batch has {players} players; at most {MAX_PLAYERS} can be sent, 22 play"
        )
    if len(set(frames.player_ids)) < players:
        twice = next(i for i in frames.player_ids if frames.player_ids.count(i) > 1)
        raise PlayscoreError(
            Reason.COLUMNS_INCONSISTENT, f"player {twice} has two columns in one batch; each player has one"
        )
    shape = (len(frames), players)
    for name in ("x", "y", "speed", "acceleration", "direction_degrees", "orientation_degrees"):
        column: Floats | None = getattr(frames, name)
        if column is not None and column.shape != shape:
            raise PlayscoreError(
                Reason.COLUMNS_INCONSISTENT,
                f"{name} has the shape {column.shape}; {shape[0]} frames of {shape[1]} players make {shape}",
            )


def splice(batches: Sequence[Frames], first: int, last: int) -> Film:
    """The frames numbered `first` to `last` out of batches in any order; of two samples the first to come counts."""
    line_ups = dict.fromkeys(batch.player_ids for batch in batches)
    player_ids = tuple(dict.fromkeys(itertools.chain.from_iterable(line_ups)))
    samples = np.full((_CHANNELS, last - first + 1, len(player_ids)), np.nan)
    if not player_ids:
        return Film(first, player_ids, samples, np.zeros(samples.shape[1:], bool), 0)

    numbers = np.concatenate([batch.frame_numbers for batch in batches])
    inside = np.flatnonzero((numbers >= first) & (numbers <= last))
    at = numbers[inside] - first
    rows = _rows(batches, player_ids)[:, inside]

    # The first row of every frame is taken whole; the rest only fill in players that it lacks.
    frames, first_rows = np.unique(at, return_index=True)
    samples[:, frames] = rows[:, first_rows]
    seen = _seen(samples)
    duplicates = 0
    if len(frames) < len(at):
        for row in np.setdiff1d(np.arange(len(at)), first_rows, assume_unique=True):
            sighted = _seen(rows[:, row])
            new = sighted & ~seen[at[row]]
            samples[:, at[row], new] = rows[:, row, new]
            seen[at[row]] |= new
            duplicates += int(sighted.sum() - new.sum())
    return Film(first, player_ids, samples, seen, duplicates)


def _seen(samples: NDArray[np.floating]) -> NDArray[np.bool_]:
    return np.asarray(~(np.isnan(samples[X]) & np.isnan(samples[Y])))


def _rows(batches: Sequence[Frames], player_ids: tuple[str, ...]) -> Floats:
    """(5, R, E): all rows as they came, one column a player."""
    runs = []
    for line_up, run in itertools.groupby(batches, key=lambda batch: batch.player_ids):
        rows = _stack(list(run))
        if line_up != player_ids:
            place = {player_id: e for e, player_id in enumerate(player_ids)}
            spread = np.full((_CHANNELS, rows.shape[1], len(player_ids)), np.nan, np.float32)
            spread[:, :, [place[player_id] for player_id in line_up]] = rows
            rows = spread
        runs.append(rows)
    return runs[0] if len(runs) == 1 else np.concatenate(runs, axis=1)


def _stack(batches: Sequence[Frames]) -> Floats:
    def column(name: str) -> Floats:
        columns = [getattr(batch, name) for batch in batches]
        if all(column is None for column in columns):
            return unknown
        known = (
            np.full_like(b.x, np.nan) if column is None else column for b, column in zip(batches, columns, strict=True)
        )
        return np.concatenate(list(known))

    x = np.concatenate([batch.x for batch in batches])
    unknown = np.full_like(x, np.nan)
    return np.stack(
        [x, column("y"), column("speed"), column("direction_degrees"), column("orientation_degrees")],
        dtype=np.float32,
    )
