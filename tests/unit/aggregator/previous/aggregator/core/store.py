"""The port where a store plugs in.

A store decides nothing about records. In one transaction it reads what stands of the plays that a write is about, lets
`aggregator.core.recording` settle what the write comes to, and makes those changes. One suite of tests,
tests/unit/aggregator/test_stores.py, runs against every store.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from aggregator.core.recording import Write, Written
from aggregator.core.records import Score, Scored, Unscored


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed up to `seq`: scores as they are now, under the store's own number for their key, and those gone."""

    seq: int
    last: bool
    """Nothing had come after them when they were read: with them, all is as it was at `seq`."""
    scores: Sequence[tuple[int, Score]]
    withdrawn: Sequence[int]
    unscored: Sequence[Unscored]


@dataclass(frozen=True, slots=True)
class Reading:
    """Scores with their distributions, all of the store's state `seq`."""

    seq: int
    scored: Mapping[int, Scored]
    """By the store's own number; without those that no longer stand."""
    supports: Mapping[str, bytes]
    """Those that the distributions need, by their identifiers."""


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
        """Write all of a request, once. What conflicts with what stands is rejected, record by record.

        The same request again has the answer it had. Raises IDEMPOTENCY_KEY_REUSED for another one under its id.
        """

    def follow(self, after: int) -> AsyncIterator[Changes]:
        """Everything that changed after `after`, in order and piece by piece, and then whatever changes, for ever.

        The first piece comes at once, without changes if there are none. A piece may hold later states of a score than
        its `seq` says; never earlier ones.
        """

    async def read(self, scores: Collection[int]) -> Reading:
        """Scores by the store's own numbers, with their distributions."""
