"""What is to happen to a record that meets another. The rules are here and nowhere else; every store applies them.

A record's place in time is (revision, outcome revision), and a graded score comes after every ungraded one of its play
revision, which has no outcome yet. What stands in a store is then a function of what was accepted, whatever the order:

- of each key, the record that is latest in time;
- of a play's scores by one model, only those of their highest revision, whatever their role and whoever's they are;
- no score that is earlier in time than its play is unscored by its task, or by no task in particular. Of one time, the
  score counts and both stand.

Two different contents at one place in time have no order: the first stands, the other is refused. These are *not*
different: numbers within MEASURE_TOLERANCE of each other, and other words for one reason. Nor is a score without its
distribution, or without parts of its outcome, different from one that has them; of these two the fuller one stays.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from aggregator.core.records import NO_TASK, PlayRecord, Score, Scored, Unscored, Value

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
        case Unscored(), Unscored():
            return _unscored(coming, standing)
        case Scored(), Unscored():
            return Meeting.STALE if _ends(standing, coming) else Meeting.BOTH_STAND
        case Unscored(), Scored():
            return Meeting.WITHDRAWS if _ends(coming, standing) else Meeting.BOTH_STAND
    raise AssertionError  # pragma: no cover


def time(record: PlayRecord) -> tuple[int, int]:
    """Revision and outcome revision: when what a record says became so."""
    if isinstance(record, Unscored):
        return record.revision, record.outcome_revision
    return record.revision, record.score.outcome_revision if record.score.graded else 0


def close(one: float, other: float) -> bool:
    """Whether two numbers are the same within MEASURE_TOLERANCE, relative above 1 and absolute below."""
    return math.isclose(one, other, rel_tol=MEASURE_TOLERANCE, abs_tol=MEASURE_TOLERANCE)


def _scored(coming: Scored, standing: Scored, same_distribution: SameDistribution) -> Meeting:
    score, other = coming.score, standing.score
    if score.model != other.model:
        return Meeting.BOTH_STAND
    if coming.key != standing.key:
        if score.revision == other.revision:
            return Meeting.BOTH_STAND
        return Meeting.WITHDRAWS if score.revision > other.revision else Meeting.STALE
    if _grade(score) != _grade(other):
        return Meeting.REPLACES if _grade(score) > _grade(other) else Meeting.STALE
    if not _same(score, other):
        return Meeting.CONFLICT
    return _extras(coming, standing, same_distribution)


def _extras(coming: Scored, standing: Scored, same_distribution: SameDistribution) -> Meeting:
    """Of two scores that are the same but for what a score may leave out."""
    mine, theirs = _optional(coming), _optional(standing)
    for name in mine.keys() & theirs.keys():
        one, other = mine[name], theirs[name]
        if one != other and not (isinstance(one, bytes) and isinstance(other, bytes) and same_distribution(one, other)):
            return Meeting.CONFLICT
    if mine.keys() <= theirs.keys():
        return Meeting.UNCHANGED
    return Meeting.REPLACES if mine.keys() > theirs.keys() else Meeting.CONFLICT


def _optional(scored: Scored) -> dict[str, str | bytes]:
    """What a score may leave out: texts of its outcome, and its distribution."""
    known: dict[str, str | bytes] = dict(scored.score.outcome)
    if scored.distribution is not None:
        known[""] = scored.distribution.content
    return known


def _unscored(coming: Unscored, standing: Unscored) -> Meeting:
    if coming.task != standing.task:
        return Meeting.BOTH_STAND
    if time(coming) != time(standing):
        return Meeting.REPLACES if time(coming) > time(standing) else Meeting.STALE
    same = coming.reason == standing.reason and coming.subjects == standing.subjects
    return Meeting.UNCHANGED if same else Meeting.CONFLICT


def _ends(unscored: Unscored, scored: Scored) -> bool:
    """Whether a score does not stand because its play is unscored."""
    return unscored.task in (NO_TASK, scored.score.task) and time(unscored) > time(scored)


def _grade(score: Score) -> tuple[int, bool, int]:
    """When a score was made, among those of its key."""
    return score.revision, score.graded, score.outcome_revision


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
