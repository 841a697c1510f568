"""The worker's ports: a task, and the services around it. The worker itself knows no sport."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.feed.v1 import feed_pb2 as feed
from playscore.tracking.v1 import tracking_pb2 as tracking


@dataclass(frozen=True, slots=True)
class Scored:
    """A play that was scored."""

    records: tuple[Any, ...]
    """What is recorded, one per subject: aggregator.v1.PlayRecord, or whatever the task's `Ratings` accept."""
    subjects: tuple[common.Subject, ...]
    """Whose ratings it moves."""
    supports: tuple[distribution.Support, ...] = ()
    """The supports that the records' distributions name."""
    outcome_revision: int | None = None
    """Revision of the official result that it was graded by; None: it is not graded yet."""
    score: Any = None
    """The scorer's answer, for reports; None if it comes from the store."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored score."""

    revision: int
    scored: Scored
    result: feed.OfficialResult | None
    """What it was graded by, as far as that is stored; None: it is not graded yet."""


class Task(Protocol):
    """Scores and grades plays of one task, several per call."""

    @property
    def name(self) -> str:
        """For example "passing"."""
        ...

    @property
    def number(self) -> common.Task.ValueType:
        """In the contract."""
        ...

    @property
    def sport(self) -> common.Sport.ValueType:
        """Of the games whose plays it scores."""
        ...

    @property
    def roles(self) -> Sequence[common.Role.ValueType]:
        """What its subjects are rated for."""
        ...

    @property
    def follows_film(self) -> bool:
        """Whether film goes to the featurizer as it comes, because plays are told of after their film.

        Else it goes there while a play is open on its segment.
        """
        ...

    def owns(self, tensor: featurizer.PlayTensor) -> bool:
        """Whether a tensor belongs to this task."""
        ...

    def closes(self, frames: tracking.FrameBatch) -> bool:
        """Whether a play's window may close with these frames. Latency is measured from there."""
        ...

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        """Score plays, and grade those whose official result is known. One answer per play, in order."""
        ...

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Scored | common.Rejection]:
        """Grade plays that were scored before, by the distribution predicted then. One answer per play, in order."""
        ...

    async def stored(self, play: common.PlayKey) -> Stored | None:
        """The score of a play that is stored now, perhaps by another process; None if there is none."""
        ...


class Stream(Protocol):
    """The stream of one game. `playscore.client.PlayStream` is one."""

    async def send(self, *together: featurizer.StreamPlaysRequest) -> None:
        """Send messages, in this order."""
        ...

    async def finish(self) -> None:
        """Close the sending side: no more messages follow."""
        ...

    def __aiter__(self) -> AsyncIterator[featurizer.StreamPlaysResponse]:
        """Iterate over the answers."""
        ...


class Featurizer(Protocol):
    """Turns tracking into tensors. `playscore.client.FeaturizerClient` is one."""

    def stream_plays(
        self, header: tracking.GameHeader, resume_token: featurizer.ResumeToken | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """Stream a game as it is played."""
        ...

    async def featurize_plays(
        self, header: tracking.GameHeader, roster: tracking.Roster, plays: Iterable[featurizer.WholePlay]
    ) -> featurizer.FeaturizePlaysResponse:
        """Featurize whole plays of one game."""
        ...


class Ratings(Protocol):
    """Keeps scores and rates by them. `playscore.client.AggregatorClient` is one."""

    async def record_scores(
        self, records: Iterable[Any], supports: Iterable[distribution.Support] = (), request_id: str = ""
    ) -> aggregator.RecordScoresResponse:
        """Write `Scored.records`, and rejections, each in a PlayRecord."""
        ...

    async def get_rating(
        self,
        league: str,
        subject_id: str,
        *,
        role: common.Role.ValueType,
        at_least_as_fresh: common.RevisionToken | None = None,
    ) -> Any:
        """Read one subject's rating."""
        ...
