"""The port where a store plugs in: what it keeps, what it promises, and how its changes are followed.

What stands in a store is a function of what was accepted, not of its order:

- of each score's key, the highest revision; of each play's key among the unscored, the highest revision;
- a score whose play is unscored at a higher revision is withdrawn, now and whenever it comes again.

So a play that is scored at or above the revision at which it was unscored counts as scored.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.core.records import Score, Unscored


class Effect(enum.Enum):
    """What became of an item."""

    INSERTED = 1
    REPLACED = 2
    UNCHANGED = 3
    STALE = 4
    """A higher revision stands there, or the same one with other content."""


@dataclass(frozen=True, slots=True)
class Write:
    """What one request asks to be written. `digest` tells its content apart from any other request's."""

    request_id: str
    digest: bytes
    scores: Sequence[Score]
    unscored: Sequence[Unscored]


@dataclass(frozen=True, slots=True)
class Written:
    """How many items had which effect, and the sequence number of the state after them."""

    inserted: int
    replaced: int
    unchanged: int
    stale: int
    seq: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed up to `seq`: scores as they are now, under the store's own number for their key, and those gone."""

    seq: int
    last: bool
    """Nothing came after them when they were read."""
    scores: Sequence[tuple[int, Score]]
    withdrawn: Sequence[int]
    unscored: Sequence[Unscored]


class Store(Protocol):
    """Keeps scores. What `record` has returned survives the process, the machine and the power.

    Every call may raise STORE_UNAVAILABLE.
    """

    @property
    def store_id(self) -> str:
        """Tells this store apart from any other, for good."""

    async def open(self) -> None:
        """Make ready to read and write."""

    async def close(self) -> None:
        """Finish what is being written and let go."""

    async def record(self, write: Write) -> Written:
        """Write all of a request, once.

        The same request again has the answer it had. Raises IDEMPOTENCY_KEY_REUSED for another one under its id.
        """

    def follow(self, after: int) -> AsyncIterator[Changes]:
        """Everything that changed after `after`, in order and piece by piece, and then whatever changes, for ever.

        The first piece comes at once, without changes if there are none. A piece may hold later states of a score than
        its `seq` says; never earlier ones.
        """
