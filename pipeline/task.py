"""What the worker needs to know of a task, and of the services around it. The worker itself knows no sport."""

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
    """What is recorded of it, one a subject: aggregator.v1.PlayRecord, or whatever the task's `Ratings` take."""
    subjects: tuple[common.Subject, ...]
    """Whose ratings it moves."""
    supports: tuple[distribution.Support, ...] = ()
    """Of the records' distributions."""
    outcome_revision: int | None = None
    """The official result that it was graded by; None: it is not graded yet."""
    score: Any = None
    """What the scorer answered, for reports; None where it comes from the store."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A score as it is stored."""

    revision: int
    scored: Scored
    result: feed.OfficialResult | None
    """What it was graded by, as far as it is stored; None: it is not graded yet."""


class Task(Protocol):
    """How the plays of one task are scored and graded. Several plays share a call."""

    @property
    def name(self) -> str:
        """For example "passing"."""
        ...

    def owns(self, tensor: featurizer.PlayTensor) -> bool:
        """Whether a tensor is of this task."""
        ...

    def closes(self, frames: tracking.FrameBatch) -> bool:
        """Whether a play's window may close with these frames: what latency is measured from."""
        ...

    async def score(
        self, plays: Sequence[tuple[featurizer.PlayTensor, feed.OfficialResult | None]]
    ) -> Sequence[Scored | common.Rejection]:
        """Scores plays, and grades those whose official result is known. One answer each, in order."""
        ...

    async def grade(self, plays: Sequence[tuple[Scored, feed.OfficialResult]]) -> Sequence[Scored | common.Rejection]:
        """Grades plays that were scored before, by what was expected of them then. One answer each, in order."""
        ...

    async def stored(
        self, play: common.PlayKey, at_least_as_fresh: common.RevisionToken | None = None
    ) -> Stored | None:
        """What is recorded of a play that was scored before, perhaps by another process; None where nothing is."""
        ...


class Stream(Protocol):
    """The stream of one game: see `playscore.client.PlayStream`."""

    async def send(self, request: featurizer.StreamPlaysRequest) -> None:
        """Sends one message."""
        ...

    async def finish(self) -> None:
        """Says that nothing more comes."""
        ...

    def __aiter__(self) -> AsyncIterator[featurizer.StreamPlaysResponse]:
        """The answers."""
        ...


class Featurizer(Protocol):
    """The featurizer's port: see `playscore.client.FeaturizerClient`."""

    def stream_plays(
        self, header: tracking.GameHeader, resume_token: featurizer.ResumeToken | None = None
    ) -> AbstractAsyncContextManager[Stream]:
        """A game as it is played."""
        ...

    async def featurize_plays(
        self, header: tracking.GameHeader, roster: tracking.Roster, plays: Iterable[featurizer.WholePlay]
    ) -> featurizer.FeaturizePlaysResponse:
        """Whole plays of one game."""
        ...


class Ratings(Protocol):
    """The aggregator's port: see `playscore.client.AggregatorClient`."""

    async def record_scores(
        self, records: Iterable[Any], supports: Iterable[distribution.Support] = (), request_id: str = ""
    ) -> aggregator.RecordScoresResponse:
        """Writes what `Scored.records` hold, and rejections, each in a PlayRecord."""
        ...

    async def get_rating(
        self,
        league: str,
        subject_id: str,
        *,
        role: common.Role.ValueType,
        at_least_as_fresh: common.RevisionToken | None = None,
    ) -> Any:
        """One subject's rating."""
        ...
