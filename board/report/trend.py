"""A rating from week to week, or from game to game."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from board.filters import equals
from board.text_order import natural
from playscore.aggregator.v1 import aggregator_pb2 as aggregator

MAX_GAMES: Final = 30
"""Maximum games that one filter names; a filter may hold 64 comparisons."""
_MAX_CHARACTERS: Final = 1_500


@dataclass(frozen=True, slots=True)
class Point:
    """One week or game. Season and week are None where they are unknown."""

    season: int | None
    week: int | None
    game_id: str
    rating: aggregator.Rating

    @property
    def filter(self) -> str:
        """A filter for its plays."""
        if self.game_id:
            return equals("game_id", self.game_id)
        season = "NOT season:*" if self.season is None else f"season = {self.season}"
        return f"({season} AND {'NOT week:*' if self.week is None else f'week = {self.week}'})"

    @property
    def order(self) -> tuple[int, int, tuple[tuple[int, int, str], ...]]:
        """A sort key: by season, week and game, with numbers in identifiers compared as numbers."""
        return (
            -1 if self.season is None else self.season,
            -1 if self.week is None else self.week,
            natural(self.game_id),
        )


class Trend:
    """Ratings grouped by season and by "week" or "game_id", in the order of time."""

    def __init__(self, by: str, ratings: Iterable[aggregator.Rating]) -> None:
        self.by = by
        self.points: Sequence[Point] = sorted((_point(rating) for rating in ratings), key=lambda point: point.order)

    def latest(self, plays: int) -> str:
        """A filter for the last points that hold this many plays, or for as many of them as a filter can name."""
        named: list[str] = []
        held = 0
        for point in reversed(self.points):
            longer = " OR ".join([*named, point.filter])
            if held >= plays or len(named) == MAX_GAMES or (named and len(longer) > _MAX_CHARACTERS):
                break
            named.append(point.filter)
            held += point.rating.plays
        return " OR ".join(named)


def _point(rating: aggregator.Rating) -> Point:
    known = {each.field: each for each in rating.group if each.WhichOneof("value")}
    return Point(
        known["season"].integer if "season" in known else None,
        known["week"].integer if "week" in known else None,
        known["game_id"].text if "game_id" in known else "",
        rating,
    )
