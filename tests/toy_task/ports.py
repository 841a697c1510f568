"""Ports of the worker over services' own code in this process, without gRPC."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from aggregator.core.following import Follower
from aggregator.core.queries import RatingQueries, Split
from aggregator.core.recording import Write
from aggregator.core.records import PlayKey, PlayRecord, Score, Scored, Unscored
from aggregator.core.snapshot import Snapshot
from aggregator.core.task import Tasks
from aggregator.sqlite import SqliteStore
from featurizer.core.task import Task
from featurizer.service import FeaturizerService
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.subjects import Subject
from playscore.tracking.v1 import tracking_pb2 as tracking
from tests.toy_task.toy import MODEL, TEAM, Advanced, AdvanceRating


class ServiceStream:
    """The stream of one game, to a featurizer in this process."""

    def __init__(self, service: FeaturizerService, opening: featurizer.OpenGame) -> None:
        self._requests: asyncio.Queue[featurizer.StreamPlaysRequest | None] = asyncio.Queue()
        self._requests.put_nowait(featurizer.StreamPlaysRequest(open=opening))
        self._answers = service.StreamPlays(self._told(), None)  # type: ignore[arg-type]  # it asks nothing of the call

    async def send(self, *together: featurizer.StreamPlaysRequest) -> None:
        for request in together:
            self._requests.put_nowait(request)

    async def finish(self) -> None:
        self._requests.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[featurizer.StreamPlaysResponse]:
        return self._answers

    async def _told(self) -> AsyncIterator[featurizer.StreamPlaysRequest]:
        while (request := await self._requests.get()) is not None:
            yield request


class InProcessFeaturizer:
    """See `pipeline.task.Featurizer`."""

    def __init__(self, *tasks: Task) -> None:
        self._service = FeaturizerService(tasks)

    @asynccontextmanager
    async def stream_plays(
        self, header: tracking.GameHeader, resume_token: featurizer.ResumeToken | None = None
    ) -> AsyncIterator[ServiceStream]:
        yield ServiceStream(self._service, featurizer.OpenGame(header=header, resume_token=resume_token))

    async def featurize_plays(
        self, header: tracking.GameHeader, roster: tracking.Roster, plays: Iterable[featurizer.WholePlay]
    ) -> featurizer.FeaturizePlaysResponse:
        request = featurizer.FeaturizePlaysRequest(header=header, roster=roster, plays=plays)
        return await self._service.FeaturizePlays(request, None)  # type: ignore[arg-type]


class InProcessRatings:
    """See `pipeline.task.Ratings`: a store, and what is asked of it."""

    def __init__(self, store: SqliteStore) -> None:
        tasks = Tasks([AdvanceRating()])
        self._store = store
        snapshot = Snapshot(tasks)
        self._follower = Follower(store, snapshot)
        self._queries = RatingQueries(snapshot)

    async def __aenter__(self) -> InProcessRatings:
        await self._store.open()
        await self._follower.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._follower.close()
        await self._store.close()

    async def record_scores(
        self, records: Iterable[Any], supports: Iterable[distribution.Support] = (), request_id: str = ""
    ) -> aggregator.RecordScoresResponse:
        written = await self._store.record(
            Write(request_id, request_id.encode(), dict(enumerate(_record(record) for record in records)))
        )
        await self._follower.reach(written.revision, seconds=5)
        assert not written.rejected
        return aggregator.RecordScoresResponse(inserted=written.inserted, unchanged=written.unchanged)

    async def get_rating(self, league: str, subject_id: str, **_: Any) -> float:
        rating, _ranking = self._queries.rating(Split(league, TEAM), subject_id)
        return rating.value["total"] or 0.0

    def reasons(self, league: str) -> dict[int, int]:
        """How many plays were not scored, by reason."""
        return dict(self._queries.coverage(league, TEAM).unscored)


def _record(record: Advanced | aggregator.PlayRecord) -> PlayRecord:
    if isinstance(record, Advanced):
        play, subject = _play(record.key), Subject(TEAM, record.team_id, record.team_id, record.team_id)
        score = Score(play, AdvanceRating.number, subject, MODEL, record.revision, 0, {"total": record.total}, {})
        return Scored(score)
    unscored = record.unscored
    return Unscored(
        _play(unscored.key),
        unscored.task,
        unscored.revision,
        record.outcome_revision,
        unscored.reason,
        unscored.detail,
        (),
    )


def _play(key: common.PlayKey) -> PlayKey:
    return PlayKey(key.league, key.game_id, key.play_id)
