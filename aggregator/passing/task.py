"""The passing score as a rating: docs/score.md has its formulas, docs/splits.md says who qualifies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from aggregator.core.fields import Schema
from aggregator.core.task import Extent, Numbers, Totals
from aggregator.passing.fields import SCHEMA
from playscore.passing import PASSER
from playscore.ratings import rate
from playscore.release import ModelVersion, ReferencePopulation
from playscore.subjects import Role

SEASON_GAMES: Final = 17
"""Games of a team in the season that a release's `min_plays` is for."""


class PassingTask:
    """Rates passers against the reference populations of releases; see `aggregator.core.task.Task`."""

    number = 1
    roles = (PASSER,)
    schema: Schema = SCHEMA
    ranked_by = "rating"
    orders = ("rating", "mean_play_score", "yards_per_play")

    def __init__(self, populations: Mapping[ModelVersion, ReferencePopulation], default_model: ModelVersion) -> None:
        self._populations = populations
        self.default_model = default_model

    @property
    def models(self) -> Collection[ModelVersion]:
        """Those that have a reference population."""
        return self._populations.keys()

    def rate(self, role: Role, model: ModelVersion, totals: Totals) -> Mapping[str, Numbers]:
        """The fields of the contract's PassingRating."""
        ratings = rate(totals.plays, totals.sums["play_score"], self._populations[model])
        with np.errstate(divide="ignore", invalid="ignore"):
            means = {measure: total / totals.plays for measure, total in totals.sums.items()}
        return {
            "rating": ratings.rating,
            "rating_low": ratings.low,
            "rating_high": ratings.high,
            "mean_play_score": means["play_score"],
            "yards_per_play": means["yards_gained"],
            "expected_yards_per_play": means["expected_yards"],
        }

    def qualifying_plays(self, model: ModelVersion, extent: Extent) -> int:
        """The share of a season's qualifying plays that was played, and of that the split's share; at least 1.

        A release's `min_plays` is for a season of SEASON_GAMES games a team. Where no team has played so many in the
        seasons that the split touches, it takes as much less; and a split takes the share that its plays are of all
        plays in these seasons.
        """
        if not extent.season_plays:
            return 1
        games = min(extent.team_games, SEASON_GAMES)
        share = self._populations[model].min_plays * games * extent.plays
        return max(1, -(-share // (SEASON_GAMES * extent.season_plays)))
