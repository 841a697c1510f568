"""The state of a watch: the table that a watcher keeps, and what moved in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aggregator.commands.cells import Cell, RatingRows
from aggregator.commands.roles import RoleView
from playscore.aggregator.v1 import aggregator_pb2 as messages

Key = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """How a rating moved in the last change."""

    places: int = 0
    """Up the ranking; negative down."""
    points: float = 0.0
    """Of what ratings are ranked by."""
    new: bool = False
    """It had no rank before."""


@dataclass(frozen=True, slots=True)
class Tick:
    """What changed between two checkpoints."""

    checkpoint: messages.WatchCheckpoint
    restarted: bool
    ratings: Sequence[messages.Rating]
    left: Sequence[messages.RatingKey]
    coalesced_ticks: int

    @property
    def changed(self) -> bool:
        """Whether anything did."""
        return self.restarted or bool(self.ratings or self.left)


@dataclass(slots=True)
class _Pending:
    """What came after the last checkpoint."""

    restarted: bool = False
    ratings: dict[Key, messages.Rating] = field(default_factory=dict)
    left: dict[Key, messages.RatingKey] = field(default_factory=dict)
    coalesced_ticks: int = 0


class Board:
    """Ratings by subject and group, as they were at the last checkpoint."""

    def __init__(self, view: RoleView, rows: RatingRows) -> None:
        self._view = view
        self._key = rows.key
        self._ratings: dict[Key, messages.Rating] = {}
        self._moves: dict[Key, Move] = {}
        self._pending = _Pending()
        self.ranking = messages.Ranking()

    def take(self, response: messages.WatchRatingsResponse) -> Tick | None:
        """Takes a response in. What changed since the last checkpoint, where it brings one."""
        if response.restarted:
            self._pending = _Pending(restarted=True)
        pending = self._pending
        for rating in response.ratings:
            pending.ratings[self._key(rating)] = rating
            pending.left.pop(self._key(rating), None)
        for gone in response.left:
            pending.left[self._key(gone)] = gone
            pending.ratings.pop(self._key(gone), None)
        pending.coalesced_ticks += response.coalesced_ticks
        if not response.HasField("checkpoint"):
            return None
        self._pending = _Pending()
        self._apply(pending, response.checkpoint)
        return Tick(
            response.checkpoint,
            pending.restarted,
            tuple(pending.ratings.values()),
            tuple(pending.left.values()),
            pending.coalesced_ticks,
        )

    def interrupted(self) -> None:
        """Forgets what came after the last checkpoint: it comes again."""
        self._pending = _Pending()

    def rows(self) -> list[tuple[messages.Rating, Move]]:
        """The ratings, the ranked ones first, each with how it moved in the last change."""
        keys = sorted(self._ratings, key=lambda key: self._place(self._ratings[key]))
        return [(self._ratings[key], self._moves.get(key, Move())) for key in keys]

    def _apply(self, pending: _Pending, checkpoint: messages.WatchCheckpoint) -> None:
        before = self._ratings
        if pending.restarted:
            self._ratings = dict(pending.ratings)
        elif pending.ratings or pending.left:
            self._ratings = {**before, **pending.ratings}
            for key in pending.left:
                self._ratings.pop(key, None)
        else:
            self.ranking.CopyFrom(checkpoint.ranking)
            return
        self.ranking.CopyFrom(checkpoint.ranking)
        self._moves = self._moved(before, pending.ratings) if before else {}

    def _moved(self, before: Mapping[Key, messages.Rating], now: Mapping[Key, messages.Rating]) -> dict[Key, Move]:
        moves = {}
        for key, rating in now.items():
            earlier = before.get(key)
            if earlier is None:
                moves[key] = Move(new=True)
                continue
            moves[key] = Move(
                places=earlier.rank - rating.rank if earlier.rank and rating.rank else 0,
                points=self._value(rating) - self._value(earlier),
                new=bool(rating.rank) and not earlier.rank,
            )
        return moves

    def _value(self, rating: messages.Rating) -> float:
        return self._view.interval(rating)[1]

    def _place(self, rating: messages.Rating) -> tuple[bool, int, float, str, str]:
        subject = rating.subject
        return not rating.qualified, rating.rank, -self._value(rating), subject.subject_name, subject.subject_id
