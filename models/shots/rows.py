"""Shots as training and evaluation use them: statics, goals, and what figures are split by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.factors import FACTORS
from models.core.atomic import whole
from models.shots.binning import Floats
from playscore.errors import PlayscoreError, Reason

GROUPS = ("source", "league", "season", "listing", "net", "strength", "shot type", "rebound", "rush")
"""By what figures are split; UNKNOWN where a source does not say."""
UNKNOWN = "unknown"
EMPTY, GUARDED = "empty", "guarded"
UNBLOCKED, ON_GOAL = "unblocked", "on_goal"
_GROUP = {name: place for place, name in enumerate(GROUPS)}


@dataclass(frozen=True, eq=False)
class Shots:
    """N shots. Arrays (N, …)."""

    statics: Floats
    """(N, 2F) F values of factors and F flags."""
    goals: NDArray[np.bool_]
    games: NDArray[np.str_]
    """Names of their games, `<source>/<game>`."""
    groups: NDArray[np.str_]
    """(N, G) the group of each kind in GROUPS."""
    truth: NDArray[np.float64]
    """The chance of an average shooter against an average goalie, of simulated shots; NaN of real ones."""
    drawn: NDArray[np.float64]
    """The chance that their results were drawn from; NaN of real ones."""

    def __len__(self) -> int:
        return len(self.goals)

    @property
    def digest(self) -> str:
        """The hexadecimal SHA-256 of their statics, goals and games."""
        content = (self.statics.tobytes(), self.goals.tobytes(), "\n".join(self.games.tolist()).encode())
        return hashlib.sha256(b"".join(content)).hexdigest()

    def of(self, group: str) -> NDArray[np.str_]:
        """(N,) the group of one kind in GROUPS."""
        return self.groups[:, _GROUP[group]]

    def subset(self, chosen: NDArray[np.bool_] | NDArray[np.integer]) -> Shots:
        """The shots at these places, or where this is true."""
        return Shots(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})

    def save(self, path: Path) -> None:
        """Write them to a file, which appears complete or not at all."""
        with whole(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Shots:
        """Read what `save` wrote. Raises FIELD_INVALID if it is something else, or of other factors."""
        try:
            with np.load(path) as content:
                shots = cls(**{field.name: content[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError) as fault:
            raise PlayscoreError(Reason.FIELD_INVALID, f"{path} holds no shots: {fault}") from fault
        if shots.statics.shape[1] != 2 * len(FACTORS):
            raise PlayscoreError(
                Reason.FIELD_INVALID,
                f"the shots in {path} have {shots.statics.shape[1]} statics; {len(FACTORS)} factors make "
                f"{2 * len(FACTORS)}",
            )
        return shots


def joined(parts: Sequence[Shots]) -> Shots:
    """All shots of these parts, in order. Raises FIELD_INVALID if there is no part."""
    if not parts:
        raise PlayscoreError(Reason.FIELD_INVALID, "no shots: nothing to join")
    return Shots(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Shots)}
    )


def earlier_and_last(shots: Shots) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(N,) which shots are of the last season that their listing has, and which are of earlier ones."""
    seasons, last = shots.of("season"), np.zeros(len(shots), np.bool_)
    for listing in np.unique(shots.of("listing")):
        mine = shots.of("listing") == listing
        last[mine] = seasons[mine] == max(seasons[mine])
    return ~last, last
