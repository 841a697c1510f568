"""The leaderboard of a watch: its ratings in order, and how each moved in the last change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aggregator.commands.roles import RoleView
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import RatingsUpdate, rating_key
from playscore.client.watch import Key


@dataclass(frozen=True, slots=True)
class Move:
    """How a rating moved in the last change."""

    places: int = 0
    """Ranks gained; negative: lost."""
    points: float = 0.0
    """Change of what ratings are ranked by."""
    new: bool = False
    """Whether it was not in the table before, or had no rank."""


class Leaderboard:
    """The ratings of a role at the last checkpoint."""

    def __init__(self, view: RoleView) -> None:
        self._view = view
        self._ratings: dict[Key, messages.Rating] = {}
        self._moves: dict[Key, Move] = {}
        self.ranking = messages.Ranking()

    def take(self, update: RatingsUpdate, ratings: Mapping[Key, messages.Rating]) -> None:
        """Takes in an update. `ratings` are all that the watch has after it."""
        self.ranking = update.checkpoint.ranking
        if not is_change(update):
            return
        before, self._ratings = self._ratings, dict(ratings)
        self._moves = {}
        if before:
            self._moves = {rating_key(each): self._move(before.get(rating_key(each)), each) for each in update.changed}

    def rows(self) -> list[tuple[messages.Rating, Move]]:
        """The ratings, the ranked ones first, each with how it moved in the last change."""
        keys = sorted(self._ratings, key=lambda key: self._place(self._ratings[key]))
        return [(self._ratings[key], self._moves.get(key, Move())) for key in keys]

    def _move(self, before: messages.Rating | None, now: messages.Rating) -> Move:
        if before is None:
            return Move(new=True)
        return Move(
            places=before.rank - now.rank if before.rank and now.rank else 0,
            points=self._value(now) - self._value(before),
            new=bool(now.rank) and not before.rank,
        )

    def _value(self, rating: messages.Rating) -> float:
        return self._view.interval(rating).value

    def _place(self, rating: messages.Rating) -> tuple[bool, int, float, str, str]:
        subject = rating.subject
        return not rating.qualified, rating.rank, -self._value(rating), subject.subject_name, subject.subject_id


def is_change(update: RatingsUpdate) -> bool:
    """Whether any rating changed. Other updates only report how fresh the table is."""
    return update.restarted or bool(update.changed or update.left)
