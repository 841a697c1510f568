"""What the aggregator's answer means for each play of a write, which may have sent several records."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from pipeline.results import known_reason
from pipeline.retry import TRANSIENT
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.errors import Reason


@dataclass(frozen=True, slots=True)
class Undecided:
    """A record was rejected for a transient reason. The play is to be written again."""

    reason: int
    detail: str


@dataclass(frozen=True, slots=True)
class Stale:
    """A later record stands: the latest one that the aggregator named."""

    revision: int
    outcome_revision: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A record was rejected for good: the first one that was."""

    reason: int
    """The contract's number, which may be a newer one."""
    detail: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Other content stands at the same revisions, and counts."""

    detail: str


Verdict: TypeAlias = Undecided | Stale | Refused | Conflict

_PRECEDENCE = (Undecided, Stale, Refused, Conflict)
"""The verdict on a play whose records were answered differently is the first of these."""

Play = TypeVar("Play", bound=Hashable)


def verdicts(owners: Sequence[Play], answer: aggregator.RecordScoresResponse) -> dict[Play, Verdict]:
    """One verdict per play, without those plays whose records were all accepted. `owners[i]` sent record i."""
    found: dict[Play, list[Verdict]] = {}
    for rejection in answer.rejections:
        found.setdefault(owners[rejection.index], []).append(_of_rejection(rejection.reason, rejection.detail))
    for stale in answer.stale_records:
        found.setdefault(owners[stale.index], []).append(Stale(stale.revision, stale.outcome_revision))
    return {play: _decisive(each) for play, each in found.items()}


def _of_rejection(reason: int, detail: str) -> Verdict:
    if reason == Reason.REVISION_CONFLICT.value:
        return Conflict(detail)
    return Undecided(reason, detail) if known_reason(reason) in TRANSIENT else Refused(reason, detail)


def _decisive(found: Sequence[Verdict]) -> Verdict:
    stale = [each for each in found if isinstance(each, Stale)]
    first = min(found, key=lambda each: _PRECEDENCE.index(type(each)))
    if isinstance(first, Stale):
        return max(stale, key=lambda each: (each.revision, each.outcome_revision))
    return first
