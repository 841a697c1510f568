"""The aggregator's contract: decode, ask, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from aggregator.core.board import Board, Paging, Split
from aggregator.core.fields import SCHEMAS
from aggregator.core.following import Follower
from aggregator.core.records import ModelVersion
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Store
from aggregator.core.tokens import page_token, page_token_invalid, read_page_token, read_revision_token, revision_token
from aggregator.messages import (
    coverage_message,
    field_message,
    rating_message,
    role_from_message,
    score_message,
    write_from_message,
    written_message,
)
from aggregator.metrics import COMMIT_SECONDS
from playscore.aggregator.v1 import aggregator_pb2, aggregator_pb2_grpc
from playscore.errors import PlayscoreError, Reason
from playscore.release import ReferencePopulation
from servicekit.metrics import PLAYS

LONGEST_WAIT_SECONDS = 1.0
"""For a state that a reader asks for, however much time the reader has."""
ANSWER_SECONDS = 0.02
"""What a wait leaves of a caller's deadline for the answer."""
READ_AT_ONCE = 500
"""Records read in the event loop; more would keep other callers waiting, so a thread reads them."""

Context = grpc.aio.ServicerContext[Any, Any]


class AggregatorService(aggregator_pb2_grpc.AggregatorServiceServicer):
    """Writes to a store, reads from the snapshot that follows it.

    Rates by the released model versions of `populations`, by `model_version` where a request names none.
    """

    name = "aggregator"

    def __init__(
        self, store: Store, populations: Mapping[ModelVersion, ReferencePopulation], model_version: int
    ) -> None:
        self._store = store
        self._released = populations.keys()
        self._snapshot = Snapshot()
        self._follower = Follower(store, self._snapshot)
        self._board = Board(self._snapshot, populations, model_version)

    @property
    def descriptor(self) -> ServiceDescriptor:
        """The contract."""
        return aggregator_pb2.DESCRIPTOR.services_by_name["AggregatorService"]

    def register(self, server: grpc.aio.Server) -> None:
        """Adds the handlers."""
        aggregator_pb2_grpc.add_AggregatorServiceServicer_to_server(self, server)

    async def open(self) -> None:
        """Opens the store and reads all of it."""
        await self._store.open()
        await self._follower.open()

    async def ready(self) -> bool:
        """Whether reads follow the store."""
        return self._follower.following()

    async def close(self) -> None:
        """Finishes what is being written."""
        await self._follower.close()
        await self._store.close()

    async def RecordScores(
        self, request: aggregator_pb2.RecordScoresRequest, context: Context
    ) -> aggregator_pb2.RecordScoresResponse:
        """Writes what can be written; what is answered is durable."""
        if len(request.records) > READ_AT_ONCE:
            write = await asyncio.to_thread(write_from_message, request, self._released)
        else:
            write = write_from_message(request, self._released)
        with COMMIT_SECONDS.time():
            written = await self._store.record(write)
        for outcome in ("inserted", "replaced", "unchanged", "stale", "withdrawn"):
            PLAYS.labels(outcome, "").inc(getattr(written, outcome))
        for refused in written.refused:
            PLAYS.labels("rejected", refused.reason.name).inc()
        return written_message(written, revision_token(self._store.store_id, written.seq))

    async def GetRating(
        self, request: aggregator_pb2.GetRatingRequest, context: Context
    ) -> aggregator_pb2.GetRatingResponse:
        """One subject's rating."""
        await self._reach(request.at_least_as_fresh, context)
        split = _split(request, request.min_plays)
        rating = self._board.rating(split, request.subject_id)
        return aggregator_pb2.GetRatingResponse(
            rating=rating_message(rating),
            revision_token=self._token(),
            min_plays_applied=self._board.min_plays(split),
        )

    async def ListRatings(
        self, request: aggregator_pb2.ListRatingsRequest, context: Context
    ) -> aggregator_pb2.ListRatingsResponse:
        """Everybody's rating."""
        await self._reach(request.at_least_as_fresh, context)
        split = _split(request, request.min_plays)
        paging = Paging(request.page_size, request.page_token)
        page = self._board.ratings(split, request.order_by, paging, qualified_only=request.qualified_only)
        return aggregator_pb2.ListRatingsResponse(
            ratings=[rating_message(rating) for rating in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision_token=self._token(),
            min_plays_applied=self._board.min_plays(split),
        )

    async def ListPlays(
        self, request: aggregator_pb2.ListPlaysRequest, context: Context
    ) -> aggregator_pb2.ListPlaysResponse:
        """The plays of a split."""
        await self._reach(request.at_least_as_fresh, context)
        page = self._board.plays(_split(request), request.subject_id, Paging(request.page_size, request.page_token))
        return aggregator_pb2.ListPlaysResponse(
            plays=[score_message(score) for score in page.items],
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision_token=self._token(),
        )

    async def GetCoverage(
        self, request: aggregator_pb2.GetCoverageRequest, context: Context
    ) -> aggregator_pb2.GetCoverageResponse:
        """How much is covered."""
        await self._reach(request.at_least_as_fresh, context)
        role = role_from_message(request.role)
        coverage = self._board.coverage(request.league, role, request.game_id, request.model_version)
        return coverage_message(coverage, self._token())

    async def WatchRatings(
        self, request: aggregator_pb2.WatchRatingsRequest, context: Context
    ) -> AsyncIterator[aggregator_pb2.WatchRatingsResponse]:
        """Not yet."""
        raise PlayscoreError(Reason.NOT_IMPLEMENTED, "this release does not watch ratings; ask ListRatings again")
        yield

    async def DescribeSplits(
        self, request: aggregator_pb2.DescribeSplitsRequest, context: Context
    ) -> aggregator_pb2.DescribeSplitsResponse:
        """The fields of filters, by name."""
        fields = list(SCHEMAS[role_from_message(request.role)].fields.values())
        paging = Paging(request.page_size, request.page_token)
        match read_page_token(request.page_token, (request.role,)):
            case None:
                rest = fields
            case [str(last)]:
                rest = [field for field in fields if field.name > last]
            case _:
                raise page_token_invalid()
        page = rest[: paging.limit if request.page_size else len(rest)]
        return aggregator_pb2.DescribeSplitsResponse(
            fields=[field_message(field) for field in page],
            next_page_token=page_token((request.role,), [page[-1].name]) if len(page) < len(rest) else "",
        )

    async def _reach(self, at_least_as_fresh: str, context: Context) -> None:
        seq = read_revision_token(at_least_as_fresh, self._store.store_id)
        remaining = context.time_remaining()
        wait = LONGEST_WAIT_SECONDS if remaining is None else min(LONGEST_WAIT_SECONDS, remaining - ANSWER_SECONDS)
        await self._follower.reach(seq, max(0.0, wait))

    def _token(self) -> str:
        return revision_token(self._store.store_id, self._snapshot.seq)


def _split(
    request: aggregator_pb2.GetRatingRequest | aggregator_pb2.ListRatingsRequest | aggregator_pb2.ListPlaysRequest,
    min_plays: int = 0,
) -> Split:
    return Split(request.league, role_from_message(request.role), request.filter, request.model_version, min_plays)
