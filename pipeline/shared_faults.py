"""What is wrong with the tracking of a whole game: the fault that all its plays share, said once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pipeline.results import Ending, PlayResult
from playscore.errors import Reason

CONTRADICTIONS: Final = frozenset(
    {
        Reason.MOTION_CONTRADICTED,
        Reason.PLAYER_JUMPED,
        Reason.SAMPLES_CONTRADICTED,
        Reason.SITUATION_CONTRADICTED,
        Reason.TIMES_CONTRADICTED,
    }
)
"""Reasons for which tracking that came whole is not scored."""
MIN_PLAYS: Final = 2


@dataclass(frozen=True, slots=True)
class SharedFault:
    """A fault of all plays of a game."""

    plays: int
    reason: Reason
    example: PlayResult


def shared_fault(results: Iterable[PlayResult]) -> SharedFault | None:
    """The fault that all plays of a game share whose tracking was looked at whole; None if they do not share one.

    A play that is no pass, or is not there whole, says nothing about the others.
    """
    looked_at = [
        result
        for result in results
        if result.ending in (Ending.SCORED, Ending.UNGRADED) or result.reason in CONTRADICTIONS
    ]
    reasons = Counter(result.reason for result in looked_at if result.reason in CONTRADICTIONS)
    if len(looked_at) < MIN_PLAYS or len(reasons) != 1 or reasons.total() < len(looked_at):
        return None
    (reason,) = reasons
    assert reason is not None
    return SharedFault(len(looked_at), reason, looked_at[0])
