"""A leaderboard of the page: who is ranked, from how many plays, and an example of what a rating means."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from playscore.aggregator.v1 import aggregator_pb2 as aggregator


@dataclass(frozen=True, slots=True)
class Split:
    """A leaderboard. `min_plays` is what a passer needs to be ranked in it."""

    name: str
    description: str
    filter: str
    min_plays: int
    ratings: tuple[aggregator.Rating, ...]


def leaderboard_data(split: Split) -> dict[str, Any]:
    """The leaderboard as `page.js` reads it."""
    return {
        "name": split.name,
        "description": split.description,
        "filter": split.filter,
        "min_plays_applied": split.min_plays,
        "qualified": sum(rating.qualified for rating in split.ratings),
        "example": fewer_yards_rated_higher(split.ratings),
        "ratings": [_rating_row(rating) for rating in split.ratings],
    }


def _rating_row(rating: aggregator.Rating) -> dict[str, Any]:
    passing = rating.passing
    return {
        "rank": rating.rank,
        "name": rating.subject.subject_name,
        "team": rating.subject.team_id,
        "plays": rating.plays,
        "rating": passing.rating,
        "low": passing.rating_low,
        "high": passing.rating_high,
        "qualified": rating.qualified,
        "mean_play_score": passing.mean_play_score,
        "yards_per_play": passing.yards_per_play,
        "expected_yards_per_play": passing.expected_yards_per_play,
    }


def fewer_yards_rated_higher(ratings: Sequence[aggregator.Rating]) -> str:
    """Two ranked passers of a leaderboard, where the one with fewer yards a play has the higher rating; "" if none.

    The pair is the one furthest apart in yards among those whose expected yards explain the order: the higher-rated
    passer also gained more than was expected, compared with the other.
    """

    def explains(high: aggregator.PassingRating, low: aggregator.PassingRating) -> bool:
        return (
            round(high.rating) > round(low.rating)
            and round(high.mean_play_score, 2) > round(low.mean_play_score, 2)
            and round(high.yards_per_play, 1) < round(low.yards_per_play, 1)
            and _yards_over_expected(high) > _yards_over_expected(low)
        )

    ranked = [rating for rating in ratings if rating.qualified]
    pairs = [pair for pair in itertools.permutations(ranked, 2) if explains(pair[0].passing, pair[1].passing)]
    if not pairs:
        return ""
    high, low = max(pairs, key=lambda pair: pair[1].passing.yards_per_play - pair[0].passing.yards_per_play)
    return f"For example, {_average(high)}, while {_average(low)}."


def _yards_over_expected(passing: aggregator.PassingRating) -> float:
    return passing.yards_per_play - passing.expected_yards_per_play


def _average(rating: aggregator.Rating) -> str:
    passing = rating.passing
    return (
        f"{rating.subject.subject_name} gained {passing.yards_per_play:.1f} yards a play where"
        f" {passing.expected_yards_per_play:.1f} were expected (average play score {passing.mean_play_score:.2f},"
        f" rating {passing.rating:.0f})"
    )
