"""A watched table of ratings: updates of the watch go in, changes of the rows shown come out."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from typing import Any, Final

from board.ratings import key_of, measured, row
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import RatingsUpdate

MAX_ROWS: Final = 200
"""Maximum rows shown: the best."""


class Leaderboard:
    """Ratings by key, of which the best are shown. `values` are those of enum fields."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values
        self._ratings: dict[str, tuple[tuple[bool, int, float, str], aggregator.Rating]] = {}
        self.shown: dict[str, dict[str, Any]] = {}

    def __len__(self) -> int:
        return len(self._ratings)

    def update(self, update: RatingsUpdate) -> tuple[list[dict[str, Any]], list[str]]:
        """Takes in an update. Returns the rows that are new or different, and the keys of those that are gone."""
        if update.restarted:
            self._ratings.clear()
        for left in update.left:
            self._ratings.pop(key_of(left), None)
        for rating in update.changed:
            key = key_of(rating)
            self._ratings[key] = ((not rating.qualified, rating.rank, -measured(rating).value, key), rating)
        best = heapq.nsmallest(MAX_ROWS, self._ratings.values(), key=lambda each: each[0])
        shown = {made["key"]: made for made in (row(rating, self._values) for _, rating in best)}
        changed = [made for key, made in shown.items() if self.shown.get(key) != made]
        gone = [key for key in self.shown if key not in shown]
        self.shown = shown
        return changed, gone
