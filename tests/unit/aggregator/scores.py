"""Scores for the aggregator's tests, by what matters to each."""

from __future__ import annotations

from aggregator.core.records import ModelVersion, PlayKey, Role, Score, Subject, Unscored, Value
from playscore.errors import Reason
from playscore.release import ReferencePopulation

LEAGUE = "SIM"
MODEL = ModelVersion("passing", 1)
POPULATION = ReferencePopulation(
    description="made up",
    passers=31,
    min_plays=200,
    mean=0.5,
    standard_deviation=0.02,
    play_standard_deviation=0.3,
    shrinkage_plays=100,
)


def score(
    play: str | int = "1",
    play_score: float = 0.5,
    *,
    game: str = "g1",
    subject: str = "p1",
    revision: int = 1,
    outcome_revision: int = 0,
    name: str = "",
    model: ModelVersion = MODEL,
    yards: float = 5.0,
    league: str = LEAGUE,
    **attributes: Value,
) -> Score:
    return Score(
        play=PlayKey(league, game, str(play)),
        subject=Subject(Role.PASSER, subject, name, str(attributes.get("team_id", ""))),
        model=model,
        revision=revision,
        outcome_revision=outcome_revision,
        measures={"play_score": play_score, "yards_gained": yards, "expected_yards": 6.0},
        attributes=attributes,
    )


def unscored(
    play: str | int = "1", *, game: str = "g1", revision: int = 1, reason: Reason = Reason.NO_RELEASE, detail: str = ""
) -> Unscored:
    return Unscored(PlayKey(LEAGUE, game, str(play)), revision, reason.value, detail, ())
