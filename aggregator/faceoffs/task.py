"""Wins above expected as a rating: docs/shots.md has its formulas, and says who qualifies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from aggregator.core.arrays import Numbers
from aggregator.core.chances import THIRD_MOMENT, VARIANCE, side
from aggregator.core.fields import Schema
from aggregator.core.task import ComparedPlays, Extent, Totals, share_of_season
from aggregator.faceoffs.fields import CHANCE, SCHEMA, WINS
from playscore.faceoffs import FACEOFF_TAKER
from playscore.rating_differences import Difference, of_one_subject, of_two_opponents
from playscore.ratings import above_expected
from playscore.release import ModelVersion
from playscore.subjects import Role

SEASON_GAMES: Final = 82
"""Games of a team in the season that MIN_PLAYS is for."""
MIN_PLAYS: Final = 200
"""Face-offs that qualify for a ranking in a full season."""
SKILL_SPREAD: Final = 0.2
"""Standard deviation of skills in logits: that of the simulated league."""


class FaceoffsTask:
    """Rates takers by the face-offs they won; see `aggregator.core.task.Task`."""

    number = 3
    roles = (FACEOFF_TAKER,)
    schema: Schema = SCHEMA
    ranked_by = "wins_above_expected"
    orders = ("wins_above_expected", "wins_above_expected_low", "wins_above_expected_high", "expected_wins", "wins")
    compared_by = "wins_above_expected_per_faceoff"

    def __init__(self, models: Collection[ModelVersion], default_model: ModelVersion) -> None:
        self.models = models
        self.default_model = default_model

    def rate(self, role: Role, model: ModelVersion, totals: Totals) -> Mapping[str, Numbers]:
        """The fields of the contract's FaceoffRating."""
        sums = totals.sums
        above = above_expected(totals.plays, sums[WINS], sums[CHANCE], sums[VARIANCE], sums[THIRD_MOMENT])
        return {
            "wins_above_expected": above.value,
            "wins_above_expected_low": above.low,
            "wins_above_expected_high": above.high,
            "expected_wins": sums[CHANCE],
            "wins": sums[WINS],
        }

    def difference(self, role: Role, first: ComparedPlays, second: ComparedPlays, *, one_subject: bool) -> Difference:
        """In wins above expected a face-off."""
        one, other = (side(plays, WINS, CHANCE, SKILL_SPREAD) for plays in (first, second))
        return of_one_subject(one, other) if one_subject else of_two_opponents(one, other)

    def qualifying_plays(self, role: Role, model: ModelVersion, extent: Extent) -> int:
        """The split's share of MIN_PLAYS."""
        return share_of_season(MIN_PLAYS, SEASON_GAMES, extent)
