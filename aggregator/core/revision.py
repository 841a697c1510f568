"""States of a store, in the order in which writers that do not wait for each other commit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_MISSING: Final = 100
"""The most transactions that a writer names as missing. A reader waits for those that are not named."""


@dataclass(frozen=True, slots=True)
class Revision:
    """The state that every transaction numbered below `end` has made, without those in `missing`.

    Numbers are drawn when a transaction begins to write, so a lower one may commit after a higher one: until then it is
    missing. One writer at a time leaves none missing. Of two states, each may have something that the other lacks.
    """

    end: int
    missing: frozenset[int] = frozenset()
    """Numbers below `end`."""

    def has(self, transaction: int) -> bool:
        """Whether a transaction's changes are part of the state."""
        return transaction < self.end and transaction not in self.missing

    def covers(self, other: Revision) -> bool:
        """Whether everything that is part of `other` is part of this state."""
        return other.end <= self.end and all(number in other.missing for number in self.missing if number < other.end)


NOTHING = Revision(1)
"""Before the first transaction; they are numbered from 1."""
