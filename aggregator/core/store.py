"""The port where a store plugs in: what it keeps, what it promises, and how its changes are followed.

What stands in a store is a function of what was accepted, not of its order:

- of each score's key, the highest (revision, outcome revision); of each unscored play, the highest revision;
- of a play's scores of one role and model version, only those of their highest revision, whoever's they are;
- no score below the revision at which its play is unscored.

A score that no longer stands by these rules is withdrawn, now and whenever it comes again. A play that is scored at or
above the revision at which it was unscored counts as scored.

Two contents at one revision have no order: the first stands, the other is refused. Measures that differ by less than
inference does from batch to batch (`records.same_measures`), and other words for one reason, are the same content.
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.core.records import Score, Unscored
from playscore.errors import Reason


class Effect(enum.Enum):
    """What became of an item."""

    INSERTED = 1
    REPLACED = 2
    UNCHANGED = 3
    STALE = 4
    """A higher revision stands there."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that was not written, by its place in the request's scores or unscored plays, and why."""

    index: int
    in_unscored: bool
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Write:
    """What one request asks to be written. `digest` tells its content apart from any other request's."""

    request_id: str
    digest: bytes
    scores: Mapping[int, Score]
    """By their place in the request."""
    unscored: Mapping[int, Unscored]
    """By their place in the request."""
    refused: Sequence[Refused] = ()
    """Items that are refused whatever stands; kept as part of the answer."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many items had which effect, which were refused, and the sequence number of the state after them."""

    inserted: int
    replaced: int
    unchanged: int
    stale: int
    withdrawn: int
    """Scores that stood and no longer do, because their play has a higher revision now."""
    refused: Sequence[Refused]
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
        """Write all of a request, once. What conflicts with what stands is refused, item by item: REVISION_CONFLICT.

        The same request again has the answer it had. Raises IDEMPOTENCY_KEY_REUSED for another one under its id.
        """

    def follow(self, after: int) -> AsyncIterator[Changes]:
        """Everything that changed after `after`, in order and piece by piece, and then whatever changes, for ever.

        The first piece comes at once, without changes if there are none. A piece may hold later states of a score than
        its `seq` says; never earlier ones.
        """
