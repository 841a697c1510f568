"""What the aggregator keeps: scores of plays, and plays that could not be scored."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from playscore.errors import PlayscoreError, Reason

Value = bool | int | float | str

LONGEST_ID = 128
LONGEST_NAME = 256
LONGEST_DETAIL = 4096
LEAGUE = re.compile(r"[A-Za-z0-9._-]{1,64}")
FEWEST_YARDS, MOST_YARDS = -100.0, 110.0


class Role(enum.Enum):
    """For what somebody is rated."""

    PASSER = 1
    SHOOTER = 2
    GOALIE = 3


@dataclass(frozen=True, slots=True)
class PlayKey:
    """Names a play among all plays of all leagues."""

    league: str
    game_id: str
    play_id: str


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """A released model."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class Score:
    """One play's score for one subject. Its key is all of `play`, `subject_id`, `role` and `model`.

    `measures` and `attributes` hold what the role's schema names (`aggregator.core.fields`); absent is unknown.
    """

    play: PlayKey
    subject_id: str
    role: Role
    model: ModelVersion
    revision: int
    subject_name: str
    measures: Mapping[str, float]
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Unscored:
    """A play that opened and was not scored."""

    play: PlayKey
    revision: int
    reason: Reason
    detail: str
    subject_id: str
    team_id: str


def check_score(score: Score) -> None:
    """Refuse what cannot be a score: FIELD_INVALID, SCORE_OUT_OF_RANGE or YARDS_OUT_OF_RANGE."""
    check_play(score.play, score.revision)
    check_id("subject_id", score.subject_id)
    if len(score.subject_name) > LONGEST_NAME:
        raise _invalid(f"subject_name has {len(score.subject_name)} characters; at most {LONGEST_NAME} are kept")
    if score.model.version < 1:
        raise _invalid(f"model.version is {score.model.version}; versions count from 1")
    for name, measure in score.measures.items():
        _check_measure(name, measure)
    for name, value in score.attributes.items():
        if isinstance(value, str):
            if len(value) > LONGEST_ID or not value.isprintable():
                raise _invalid(f"attribute {name} is not at most {LONGEST_ID} printable characters: {value[:80]!r}")
        elif not math.isfinite(value):
            raise _invalid(f"attribute {name} is {value}; leave it out where it is not known")


def check_unscored(unscored: Unscored) -> None:
    """Refuse what cannot be a play that was not scored: FIELD_INVALID."""
    check_play(unscored.play, unscored.revision)
    for name, value in (("subject_id", unscored.subject_id), ("team_id", unscored.team_id)):
        if value:
            check_id(name, value)
    if len(unscored.detail) > LONGEST_DETAIL:
        raise _invalid(f"detail has {len(unscored.detail)} characters; at most {LONGEST_DETAIL} are kept")


def check_play(play: PlayKey, revision: int) -> None:
    """Refuse a play's key or revision that cannot be one: FIELD_INVALID."""
    check_league(play.league)
    check_id("key.game_id", play.game_id)
    check_id("key.play_id", play.play_id)
    if revision < 1:
        raise _invalid(f"revision is {revision}; revisions count from 1")


def check_league(league: str) -> None:
    """Refuse a league's name that cannot be one: FIELD_INVALID."""
    if not LEAGUE.fullmatch(league):
        raise _invalid(
            f"league is {league[:80]!r}; 1 to 64 letters, digits, '-', '_' and '.' make one, such as \"NFL\""
        )


def check_id(name: str, value: str) -> None:
    """Refuse an identifier that cannot be one: FIELD_INVALID."""
    if not value:
        raise _invalid(f"{name} is empty")
    if len(value) > LONGEST_ID or not value.isprintable():
        raise _invalid(f"{name} is not at most {LONGEST_ID} printable characters: {value[:80]!r}")


def _check_measure(name: str, measure: float) -> None:
    if name == "play_score":
        if not 0.0 <= measure <= 1.0:
            raise PlayscoreError(Reason.SCORE_OUT_OF_RANGE, f"play_score is {measure}; scores lie between 0 and 1")
    elif not FEWEST_YARDS <= measure <= MOST_YARDS:
        raise PlayscoreError(
            Reason.YARDS_OUT_OF_RANGE,
            f"{name} is {measure}; a play gains between {FEWEST_YARDS:g} and {MOST_YARDS:g} yards",
        )


def _invalid(detail: str) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, detail)
