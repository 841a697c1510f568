"""How many leagues a store may come to have: each has columns of its own, however few plays it has."""

from __future__ import annotations

from typing import Final

from aggregator.core.snapshot import Snapshot
from playscore.errors import FieldViolation, PlayscoreError, Reason

MAX_AT_ONCE: Final = 100
"""New leagues of one write."""


class NewLeagues:
    """The leagues that one write brings."""

    def __init__(self, snapshot: Snapshot, most: int) -> None:
        """`most` is what the store may have in all; writes at the same time may go beyond it by what they bring."""
        self._snapshot = snapshot
        self._most = most
        self._new: set[str] = set()

    def check(self, league: str) -> None:
        """Take note of a record's league. Raises FIELD_INVALID for one that is one too many."""
        if league in self._new or self._snapshot.league(league) is not None:
            return
        if len(self._new) >= MAX_AT_ONCE:
            raise _one_too_many(league, f"a write may bring {MAX_AT_ONCE} new leagues")
        if len(self._snapshot.leagues) + len(self._new) >= self._most:
            raise _one_too_many(league, f"this store may have {self._most}, which --max-leagues raises")
        self._new.add(league)


def _one_too_many(league: str, allowed: str) -> PlayscoreError:
    description = f"{league!r} is a league too many: {allowed}"
    return PlayscoreError(Reason.FIELD_INVALID, description, fields=(FieldViolation("key.league", description),))
