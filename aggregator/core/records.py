"""What the aggregator keeps: scores of plays, and plays that could not be scored."""

from __future__ import annotations

import enum
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from playscore.errors import PlayscoreError, Reason

Value = bool | int | float | str

LONGEST_ID = 128
LONGEST_NAME = 256
LONGEST_DETAIL = 4096
MOST_SUBJECTS = 16
LEAGUE = re.compile(r"[A-Za-z0-9._-]{1,64}")
FEWEST_YARDS, MOST_YARDS = -100.0, 110.0
MEASURE_TOLERANCE = 1e-5
PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "season": (1850, 2200),
    "week": (1, 60),
    "quarter": (1, 20),
    "period": (1, 20),
    "game_clock_seconds": (0, 3600),
    "down": (1, 4),
    "yards_to_go": (0, 110),
    "yards_to_end_zone": (0, 110),
    "score_difference": (-300, 300),
    "time_to_throw": (0, 60),
    "air_yards": (-110, 110),
    "target_separation": (0, 200),
    "defenders_near_target": (0, 11),
    "passer_depth": (-150, 150),
    "passer_lateral": (-150, 150),
    "passer_speed": (0, 100),
    "distance": (0, 300),
    "angle": (0, 180),
}
"""Least and most of the attributes that are numbers."""


class Role(enum.Enum):
    """For what somebody is rated, as far as this release rates; numbered as in the contract."""

    PASSER = 1


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
class Subject:
    """Whose play it is, and for what. `name` and `team_id` may be empty."""

    role: Role
    subject_id: str
    name: str
    team_id: str


@dataclass(frozen=True, slots=True)
class Score:
    """One play's score for one subject. Its key is `play`, `model`, and the subject's role and identifier.

    `measures` has all that the role's schema names (`aggregator.core.fields`), `attributes` those that are known.
    """

    play: PlayKey
    subject: Subject
    model: ModelVersion
    revision: int
    """The play's."""
    outcome_revision: int
    """The official result's; 0 where the source does not count."""
    measures: Mapping[str, float]
    attributes: Mapping[str, Value]


def same_measures(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Whether two scores of a play measure the same.

    Inference in single precision differs in its last digits with the batch that a play is in, so that a play scored
    again is not the same to the bit.
    """
    return one.keys() == other.keys() and all(
        math.isclose(value, other[name], rel_tol=MEASURE_TOLERANCE, abs_tol=MEASURE_TOLERANCE)
        for name, value in one.items()
    )


@dataclass(frozen=True, slots=True)
class Unscored:
    """A play that opened and was not scored."""

    play: PlayKey
    revision: int
    reason: int
    """A number of the contract's Reason, perhaps of a later release's."""
    detail: str
    subjects: tuple[Subject, ...]
    """As far as known: without identifier where only the side is."""


def check_score(score: Score) -> None:
    """Refuse what cannot be a score: FIELD_INVALID, SCORE_OUT_OF_RANGE or YARDS_OUT_OF_RANGE."""
    check_play(score.play, score.revision)
    if score.outcome_revision < 0:
        raise _invalid(f"outcome_revision is {score.outcome_revision}; 0 is for a source that does not count")
    check_id("subject.subject_id", score.subject.subject_id)
    _check_subject(score.subject)
    side = score.attributes.get("team_id", score.subject.team_id)
    if score.subject.team_id not in ("", side):
        raise _invalid(
            f"the attribute team_id is {side!r}, subject.team_id {score.subject.team_id!r}; both are his side"
        )
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
        elif name in PLAUSIBLE and not PLAUSIBLE[name][0] <= value <= PLAUSIBLE[name][1]:
            least, most = PLAUSIBLE[name]
            raise _invalid(f"attribute {name} is {value}; it lies between {least:g} and {most:g}")


def check_unscored(unscored: Unscored) -> None:
    """Refuse what cannot be a play that was not scored: FIELD_INVALID."""
    check_play(unscored.play, unscored.revision)
    if unscored.reason < 1:
        raise _invalid(f"reason is {unscored.reason}; it must say why the play was not scored")
    if len(unscored.subjects) > MOST_SUBJECTS:
        raise _invalid(f"subjects are {len(unscored.subjects)}; a play has at most {MOST_SUBJECTS}")
    for subject in unscored.subjects:
        _check_subject(subject)
    if len(unscored.detail) > LONGEST_DETAIL:
        raise _invalid(f"detail has {len(unscored.detail)} characters; at most {LONGEST_DETAIL} are kept")


def check_released(model: ModelVersion, released: Collection[ModelVersion]) -> None:
    """Refuse a model version that is not released: MODEL_NOT_FOUND."""
    if model not in released:
        known = ", ".join(f"{each.name} {each.version}" for each in released)
        raise PlayscoreError(
            Reason.MODEL_NOT_FOUND,
            f"there is no release of {model.name} {model.version} here, and a rating needs its reference population; "
            f"released: {known}",
        )


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


def _check_subject(subject: Subject) -> None:
    for name, value in (("subject.subject_id", subject.subject_id), ("subject.team_id", subject.team_id)):
        if value:
            check_id(name, value)
    if len(subject.name) > LONGEST_NAME or not subject.name.isprintable():
        raise _invalid(
            f"subject.subject_name is not at most {LONGEST_NAME} printable characters: {subject.name[:80]!r}"
        )


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
