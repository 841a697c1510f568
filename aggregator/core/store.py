"""The port where a store plugs in.

A store decides nothing about records. In one transaction it reads what stands of the plays that a write is about, lets
`aggregator.core.recording` settle what the write comes to, and makes those changes. One suite of tests,
tests/unit/aggregator/test_stores.py, runs against every store.

Nothing that stood is forgotten, unless it is erased: a store answers from any `Revision` since it was made.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from aggregator.core.operations import Applied, EraseRequest, Operation, SwitchRequest
from aggregator.core.recording import Write, Written
from aggregator.core.records import Score, Scored, Unscored
from aggregator.core.revision import Revision
from playscore.release import ModelVersion


@dataclass(frozen=True, slots=True)
class LeagueModel:
    """The model that a league is rated by where a question names none, of one task."""

    league: str
    task: int
    model: ModelVersion


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed up to `revision`: scores as they are now, by the store's own numbers for keys, and those gone."""

    revision: Revision
    last: bool
    """Nothing had come after them when they were read: with them, all is as it was at `revision`."""
    scores: Sequence[tuple[int, Score]] = ()
    withdrawn: Sequence[int] = ()
    unscored: Sequence[Unscored] = ()
    switched: Sequence[LeagueModel] = ()
    erased_leagues: Sequence[str] = ()
    """Leagues that were erased. To be taken out before the rest is put in."""
    erased_players: int = 0
    """How many players were erased. Their scores come in `withdrawn`; who they were is known to nobody any more."""


@dataclass(frozen=True, slots=True)
class ScoreColumns:
    """Scores column by column, as many as are quick to handle at once: value i of each belongs to score i."""

    numbers: Sequence[int]
    """The store's own, for their keys."""
    leagues: Sequence[str]
    games: Sequence[str]
    plays: Sequence[str]
    roles: Sequence[int]
    models: Sequence[str]
    model_versions: Sequence[int]
    subjects: Sequence[str]
    subject_names: Sequence[str]
    teams: Sequence[str]
    measures: Sequence[bytes | None]
    """JSON objects; None of an ungraded score."""
    attributes: Sequence[bytes]
    """JSON objects."""
    outcomes: Sequence[bytes]
    """JSON objects."""

    def __len__(self) -> int:
        return len(self.numbers)


@dataclass(frozen=True, slots=True)
class StatePiece:
    """A part of what stands at a revision."""

    revision: Revision
    scores: ScoreColumns | None = None
    unscored: Sequence[Unscored] = ()
    switched: Sequence[LeagueModel] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Scores with their distributions, all of one state."""

    scored: Mapping[int, Scored]
    """By the store's own number; without those that did not stand."""
    supports: Mapping[str, bytes]
    """Those that the distributions need, by their identifiers."""


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """A snapshot as bytes, see `aggregator.core.keeping`."""

    fingerprint: bytes
    """Of the code that made it: other code makes nothing of it."""
    revision: Revision
    parts: Sequence[bytes]


class Store(Protocol):
    """Keeps scores. What `record` has returned survives the process, the machine and the power.

    Every call may raise STORE_UNAVAILABLE. One that takes a revision may raise NOT_FRESH_ENOUGH where it is to come.
    One that reads its state may raise REVISION_NOT_KEPT, where that is from before the store kept its history.
    """

    @property
    def store_id(self) -> str:
        """Tells this store apart from any other, for good."""

    @property
    def secret(self) -> bytes:
        """At least 32 bytes that nobody knows who cannot read the store. Copies of the store have the same."""

    async def open(self) -> None:
        """Make ready to read and write."""

    async def close(self) -> None:
        """Finish what is being written and let go."""

    async def probe(self) -> None:
        """Do what a write does, without a change: raise what one would that came now."""

    async def record(self, write: Write) -> Written:
        """Write all of a request, once. What conflicts with what stands is rejected, record by record.

        The same request again has the answer it had. Raises IDEMPOTENCY_KEY_REUSED for another one under its id.
        """

    async def switch(self, request: SwitchRequest) -> Applied:
        """Set the model that a league is rated by, once: see `record`.

        Raises MODEL_CHANGED where the league is rated by another model than expected.
        """

    async def erase(self, request: EraseRequest) -> Applied:
        """Erase a player or a league from every state, once: see `record`."""

    async def operations(self) -> Sequence[Operation]:
        """Every switch and erasure, the latest first."""

    def state(self, at: Revision | None = None, *, league: str | None = None) -> AsyncIterator[StatePiece]:
        """All that stands at a revision, piece by piece, of one league or of all; at the present one where None.

        At least one piece comes, and all have the same revision.
        """

    def follow(self, after: Revision) -> AsyncIterator[Changes]:
        """Everything that changed after `after`, piece by piece, and then whatever changes, for ever.

        The first piece comes at once, without changes if there are none. A piece may hold later states of a score than
        its `revision` says; never earlier ones. No change is ever passed over, however late it commits.
        """

    async def read(self, scores: Collection[int], at: Revision) -> Reading:
        """Scores by the store's own numbers as they were at a revision, with their distributions."""

    async def present(self) -> Revision:
        """The present state, with every write that has returned anywhere."""

    async def revision_at(self, time: datetime) -> Revision:
        """The state that stood at a time: all that had been committed by then. The clock of a store never goes back.

        A store on another machine raises NOT_FRESH_ENOUGH for a time that is still to come by its own clock.
        """


@runtime_checkable
class HasDisk(Protocol):
    """A store on a file system of this machine."""

    @property
    def free_bytes(self) -> int:
        """Left on it when it was last looked at; -1 before that."""


@runtime_checkable
class KeepsSnapshots(Protocol):
    """A store that can keep a snapshot, for the next start to be quick."""

    @property
    def read_only(self) -> bool:
        """Whether it takes none, and only has what another process made it keep."""

    async def keep(self, kept: KeptSnapshot) -> None:
        """Keep a snapshot in the place of the one before. One that may have what was erased since is not kept."""

    async def kept(self, fingerprint: bytes) -> KeptSnapshot | None:
        """The snapshot that is kept, if it is of that code and nothing was erased since, and if following from it is
        quicker than reading everything.
        """
