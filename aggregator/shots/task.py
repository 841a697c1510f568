"""Goals above expected as a rating: docs/shots.md has its formulas, and says who qualifies."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

import numpy as np

from aggregator.core.arrays import Numbers
from aggregator.core.chances import THIRD_MOMENT, VARIANCE, side
from aggregator.core.fields import Schema
from aggregator.core.task import ComparedPlays, Extent, Totals, share_of_season
from aggregator.shots.fields import CHANCE, GOALS, SCHEMA, SHOTS_ON_GOAL
from playscore.rating_differences import Difference, of_one_subject, of_two_subjects
from playscore.ratings import above_expected
from playscore.release import ModelVersion
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM
from playscore.subjects import Role

SEASON_GAMES: Final = 82
"""Games of a team in the season that MIN_PLAYS is for."""
MIN_PLAYS: Final = {SHOOTER: 100, GOALIE: 500, SHOOTING_TEAM: 1}
"""Shots that qualify for a ranking in a full season."""
SKILL_SPREAD: Final = {SHOOTER: 0.2, GOALIE: 0.12, SHOOTING_TEAM: 0.05}
"""Standard deviation of skills in logits: those of the simulated league, a team's that of the mean of 18 shooters."""


class ShotsTask:
    """Rates shooters and teams by goals scored, goalies by goals saved; see `aggregator.core.task.Task`."""

    number = 2
    roles = (SHOOTER, GOALIE, SHOOTING_TEAM)
    schema: Schema = SCHEMA
    ranked_by = "goals_above_expected"
    orders = (
        "goals_above_expected",
        "goals_above_expected_low",
        "goals_above_expected_high",
        "expected_goals",
        "goals",
        "shots_on_goal",
        "shooting_percentage",
        "expected_shooting_percentage",
        "save_percentage",
        "expected_save_percentage",
    )
    compared_by = "goals_above_expected_per_shot"

    def __init__(self, models: Collection[ModelVersion], default_model: ModelVersion) -> None:
        self.models = models
        self.default_model = default_model

    def rate(self, role: Role, model: ModelVersion, totals: Totals) -> Mapping[str, Numbers]:
        """The fields of the contract's ShotRating."""
        sums = totals.sums
        goals, expected, on_goal = sums[GOALS], sums[CHANCE], sums[SHOTS_ON_GOAL]
        above = above_expected(totals.plays, goals, expected, sums[VARIANCE], sums[THIRD_MOMENT])
        if role == GOALIE:
            above = -above
        with np.errstate(divide="ignore", invalid="ignore"):
            shooting = goals / on_goal
            expected_shooting = np.minimum(expected / on_goal, 1.0)
        expected_shooting = np.where(on_goal > 0, expected_shooting, np.nan)
        return {
            "goals_above_expected": above.value,
            "goals_above_expected_low": above.low,
            "goals_above_expected_high": above.high,
            "expected_goals": expected,
            "goals": goals,
            "shots_on_goal": on_goal,
            "shooting_percentage": shooting,
            "expected_shooting_percentage": expected_shooting,
            "save_percentage": 1.0 - shooting,
            "expected_save_percentage": 1.0 - expected_shooting,
        }

    def difference(self, role: Role, first: ComparedPlays, second: ComparedPlays, *, one_subject: bool) -> Difference:
        """In goals above expected a shot; of goalies in goals saved."""
        one, other = (side(plays, GOALS, CHANCE, SKILL_SPREAD[role]) for plays in (first, second))
        scored = of_one_subject(one, other) if one_subject else of_two_subjects(one, other)
        return -scored if role == GOALIE else scored

    def qualifying_plays(self, role: Role, model: ModelVersion, extent: Extent) -> int:
        """The split's share of MIN_PLAYS."""
        return share_of_season(MIN_PLAYS[role], SEASON_GAMES, extent)
