"""The passing score as a rating: docs/score.md has its formulas, docs/splits.md says who qualifies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from aggregator.core.arrays import Numbers
from aggregator.core.fields import Schema
from aggregator.core.task import ComparedPlays, Extent, Totals, share_of_season
from aggregator.passing.fields import SCHEMA
from playscore.passing import PASSER
from playscore.rating_differences import Difference, Points, Side, Worth, of_one_subject, of_two_subjects
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
    compared_by = "rating"

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

    def difference(self, role: Role, first: ComparedPlays, second: ComparedPlays, *, one_subject: bool) -> Difference:
        """In points of the rating, which are not cut at either end."""
        compare = of_one_subject if one_subject else of_two_subjects
        return compare(self._side(first), self._side(second))

    def qualifying_plays(self, role: Role, model: ModelVersion, extent: Extent) -> int:
        """The split's share of a release's `min_plays`, which is for a full season."""
        return share_of_season(self._populations[model].min_plays, SEASON_GAMES, extent)

    def _side(self, plays: ComparedPlays) -> Side:
        population = self._populations[plays.model]
        points = Points(population)

        def worth(totals: Totals) -> Worth:
            return points.worth(int(totals.plays[0]), float(totals.sums["play_score"][0]))

        return Side(worth(plays.own), worth(plays.shared), points.spread, average=population.median_rating)
