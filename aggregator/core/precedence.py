"""What is to happen to a record that meets another. The rules are here and nowhere else; every store applies them.

A record's place in time is (revision, outcome revision), and a graded score comes after every ungraded one of its play
revision, which has no outcome yet. What stands in a store is then a function of what was accepted, whatever the order:

- of each key, the record that is latest in time;
- of a play's scores of one role and model, only those of their highest revision, whoever's they are;
- no score that is earlier in time than its play is unscored. Of one time, the score counts and both stand.

Two different contents at one place in time have no order: the first stands, the other is refused. These are *not*
different: numbers within MEASURE_TOLERANCE of each other, other words for one reason, and a score that says nothing of
its distribution beside one that does (of these two the one that does stays).
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from aggregator.core.records import Distribution, PlayRecord, Score, Scored, Unscored, Value

MEASURE_TOLERANCE: Final = 1e-5
"""Inference in single precision differs in its last digits with the batch that a play is in."""

SameDistribution: TypeAlias = Callable[[bytes, bytes], bool]
"""Whether the contents of two distributions are the same within MEASURE_TOLERANCE."""


class Meeting(enum.Enum):
    """What becomes of a record that comes and of one that stands."""

    BOTH_STAND = 1
    REPLACES = 2
    """The one that comes takes the place of the other."""
    WITHDRAWS = 3
    """The one that comes takes its own place and ends the other's."""
    UNCHANGED = 4
    """It stands there already."""
    STALE = 5
    """The one that stands overrules the one that comes, which changes nothing."""
    CONFLICT = 6
    """Nothing says which of the two is right."""


def meet(coming: PlayRecord, standing: PlayRecord, same_distribution: SameDistribution) -> Meeting:
    """What is to happen to `coming` where `standing` stands."""
    if coming.play != standing.play:
        return Meeting.BOTH_STAND
    match coming, standing:
        case Scored(), Scored():
            return _scored(coming, standing, same_distribution)
        case Scored(), Unscored():
            return Meeting.STALE if _time(coming) < _time(standing) else Meeting.BOTH_STAND
        case Unscored(), Scored():
            return Meeting.WITHDRAWS if _time(coming) > _time(standing) else Meeting.BOTH_STAND
        case Unscored(), Unscored():
            return _unscored(coming, standing)
    raise AssertionError  # pragma: no cover


def close(one: float, other: float) -> bool:
    """Whether two numbers are the same within MEASURE_TOLERANCE, relative above 1 and absolute below."""
    return math.isclose(one, other, rel_tol=MEASURE_TOLERANCE, abs_tol=MEASURE_TOLERANCE)


def _scored(coming: Scored, standing: Scored, same_distribution: SameDistribution) -> Meeting:
    score, other = coming.score, standing.score
    if score.subject.role.number != other.subject.role.number or score.model != other.model:
        return Meeting.BOTH_STAND
    if score.subject.subject_id != other.subject.subject_id:
        if score.revision == other.revision:
            return Meeting.BOTH_STAND
        return Meeting.WITHDRAWS if score.revision > other.revision else Meeting.STALE
    if _grade(score) != _grade(other):
        return Meeting.REPLACES if _grade(score) > _grade(other) else Meeting.STALE
    if not _same(score, other):
        return Meeting.CONFLICT
    return _expected(coming.distribution, standing.distribution, same_distribution)


def _expected(coming: Distribution | None, standing: Distribution | None, same: SameDistribution) -> Meeting:
    """Of two scores that are the same otherwise."""
    if coming is None:
        return Meeting.UNCHANGED
    if standing is None:
        return Meeting.REPLACES
    return Meeting.UNCHANGED if same(coming.content, standing.content) else Meeting.CONFLICT


def _unscored(coming: Unscored, standing: Unscored) -> Meeting:
    if _time(coming) != _time(standing):
        return Meeting.REPLACES if _time(coming) > _time(standing) else Meeting.STALE
    same = coming.reason == standing.reason and coming.subjects == standing.subjects
    return Meeting.UNCHANGED if same else Meeting.CONFLICT


def _grade(score: Score) -> tuple[int, bool, int]:
    """When a score was made, among those of its key."""
    return score.revision, score.graded, score.outcome_revision


def _time(record: PlayRecord) -> tuple[int, int]:
    """When what a record says became so."""
    if isinstance(record, Unscored):
        return record.revision, record.outcome_revision
    return record.revision, record.score.outcome_revision if record.score.graded else 0


def _same(score: Score, other: Score) -> bool:
    return (
        score.subject == other.subject
        and _same_values(score.measures or {}, other.measures or {})
        and _same_values(score.attributes, other.attributes)
    )


def _same_values(values: Mapping[str, Value], others: Mapping[str, Value]) -> bool:
    return values.keys() == others.keys() and all(_same_value(value, others[name]) for name, value in values.items())


def _same_value(value: Value, other: Value) -> bool:
    if isinstance(value, float) and isinstance(other, int | float):
        return close(value, other)
    return value == other
