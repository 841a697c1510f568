"""The aggregator's contract: decode, ask, encode."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, TypeAlias

import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor

from aggregator.core.following import Follower
from aggregator.core.paging import Paging
from aggregator.core.queries import ListedPlay, RatingQueries
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Store
from aggregator.core.tokens import read_revision_token, revision_token
from aggregator.messages import (
    Contract,
    TaskMessages,
    coverage_to_message,
    field_to_message,
    listed_to_message,
    model_from_message,
    ranking_to_message,
)
from aggregator.metrics import COMMIT_SECONDS
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.aggregator.v1 import aggregator_pb2_grpc
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distributions
from playscore.errors import PlayscoreError, Reason
from playscore.wire.validation import invalid
from servicekit.metrics import PLAYS

MAX_WAIT_SECONDS: Final = 1.0
"""For a state that a reader asks for, however much time the reader has."""
ANSWER_SECONDS: Final = 0.02
"""What a wait leaves of a caller's deadline for the answer."""
MAX_RECORDS_AT_ONCE: Final = 500
"""Records read in the event loop; more would keep other callers waiting, so a thread reads them."""
MAX_READINGS: Final = 3
"""Of a page whose plays change while their distributions are read."""

Context = grpc.aio.ServicerContext[Any, Any]
Reads: TypeAlias = (
    messages.GetRatingRequest
    | messages.ListRatingsRequest
    | messages.ListPlaysRequest
    | messages.GetCoverageRequest
    | messages.ListSubjectsRequest
)


class AggregatorService(aggregator_pb2_grpc.AggregatorServiceServicer):
    """Writes scores of tasks to a store, reads from the snapshot that follows it."""

    name = "aggregator"

    def __init__(self, store: Store, tasks: Sequence[TaskMessages]) -> None:
        self._store = store
        self._contract = Contract(tasks)
        self._snapshot = Snapshot(self._contract.tasks)
        self._follower = Follower(store, self._snapshot)
        self._queries = RatingQueries(self._snapshot, self._contract.tasks)

    @property
    def descriptor(self) -> ServiceDescriptor:
        """The contract."""
        return messages.DESCRIPTOR.services_by_name["AggregatorService"]

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
        self, request: messages.RecordScoresRequest, context: Context
    ) -> messages.RecordScoresResponse:
        """Writes what can be written; what is answered is durable."""
        if len(request.records) > MAX_RECORDS_AT_ONCE:
            write = await asyncio.to_thread(self._contract.write, request)
        else:
            write = self._contract.write(request)
        with COMMIT_SECONDS.time():
            written = await self._store.record(write)
        for outcome in ("inserted", "replaced", "unchanged", "withdrawn"):
            PLAYS.labels(outcome, "").inc(getattr(written, outcome))
        PLAYS.labels("stale", "").inc(len(written.stale))
        for rejected in written.rejected:
            PLAYS.labels("rejected", rejected.reason.name).inc()
        return self._contract.written(written, self._token(written.seq))

    async def GetRating(self, request: messages.GetRatingRequest, context: Context) -> messages.GetRatingResponse:
        """One subject's rating."""
        split = self._contract.split(request)
        await self._reach(request, context)
        rating, ranking = self._queries.rating(split, request.subject_id, min_plays=_min_plays(request))
        return messages.GetRatingResponse(
            rating=self._contract.of(split.role).rating_to_message(rating),
            ranking=ranking_to_message(ranking),
            revision=self._token(),
        )

    async def ListRatings(self, request: messages.ListRatingsRequest, context: Context) -> messages.ListRatingsResponse:
        """Every rating."""
        split = self._contract.split(request)
        await self._reach(request, context)
        page = self._queries.ratings(
            split,
            Paging(request.page_size, request.page_token),
            group_by=request.group_by,
            order_by=request.order_by,
            min_plays=_min_plays(request),
            qualified_only=request.qualified_only,
        )
        to_message = self._contract.of(split.role).rating_to_message
        return messages.ListRatingsResponse(
            ratings=map(to_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            ranking=ranking_to_message(page.ranking),
            revision=self._token(),
        )

    async def ListPlays(self, request: messages.ListPlaysRequest, context: Context) -> messages.ListPlaysResponse:
        """The plays of a split."""
        split = self._contract.split(request)
        await self._reach(request, context)
        for _ in range(MAX_READINGS):
            page = self._queries.plays(
                split,
                Paging(request.page_size, request.page_token),
                subject_id=request.subject_id,
                include_ungraded=request.include_ungraded,
            )
            to_message = self._contract.of(split.role).score_to_message
            answer = messages.ListPlaysResponse(
                plays=(to_message(listed.score) for listed in page.items),
                next_page_token=page.next_page_token,
                total_size=page.total_size,
                revision=self._token(),
            )
            if not request.include_distributions:
                return answer
            moved_on_to = await self._add_distributions(page.items, answer)
            if moved_on_to is None:
                return answer
            await self._follower.reach(moved_on_to, _longest_wait(context))
            await self._reach(request, context)
        raise PlayscoreError(
            Reason.NOT_FRESH_ENOUGH, "the plays changed each time they were read; ask again", retry_after_seconds=0.05
        )

    async def GetCoverage(self, request: messages.GetCoverageRequest, context: Context) -> messages.GetCoverageResponse:
        """How much is covered."""
        role = self._contract.role(request)
        await self._reach(request, context)
        coverage = self._queries.coverage(request.league, role, model_from_message(request), game_id=request.game_id)
        return coverage_to_message(coverage, self._token())

    async def WatchRatings(
        self, request: messages.WatchRatingsRequest, context: Context
    ) -> AsyncIterator[messages.WatchRatingsResponse]:
        """Not yet."""
        raise PlayscoreError(Reason.NOT_IMPLEMENTED, "this release does not watch ratings; ask ListRatings again")
        yield

    async def DescribeSplits(
        self, request: messages.DescribeSplitsRequest, context: Context
    ) -> messages.DescribeSplitsResponse:
        """The fields of filters, by name."""
        role = self._contract.role(request)
        page = self._queries.fields(role, Paging(request.page_size, request.page_token))
        return messages.DescribeSplitsResponse(
            fields=map(field_to_message, page.items), next_page_token=page.next_page_token
        )

    async def ListSubjects(
        self, request: messages.ListSubjectsRequest, context: Context
    ) -> messages.ListSubjectsResponse:
        """Who has plays."""
        role = self._contract.role(request)
        await self._reach(request, context)
        page = self._queries.subjects(
            request.league,
            role,
            model_from_message(request),
            Paging(request.page_size, request.page_token),
            name_contains=request.name_contains,
        )
        return messages.ListSubjectsResponse(
            subjects=map(listed_to_message, page.items),
            next_page_token=page.next_page_token,
            total_size=page.total_size,
            revision=self._token(),
        )

    async def _add_distributions(self, listed: Sequence[ListedPlay], answer: messages.ListPlaysResponse) -> int | None:
        """Add what was expected of plays to them. Returns the store's state where one of them has changed since."""
        reading = await self._store.read([each.item for each in listed])
        for play, message in zip(listed, answer.plays, strict=True):
            stands = reading.scored.get(play.item)
            if stands is None or stands.score != play.score:
                return reading.seq
            if stands.distribution is not None:
                message.distribution.MergeFromString(stands.distribution.content)
        answer.supports.extend(map(distributions.Support.FromString, reading.supports.values()))
        return None

    async def _reach(self, request: Reads, context: Context) -> None:
        """Wait for the state that a read asks for."""
        if not request.HasField("consistency"):
            return
        consistency = request.consistency
        match consistency.WhichOneof("requirement"):
            case "at_least_as_fresh":
                seq = self._seq(consistency.at_least_as_fresh, "consistency.at_least_as_fresh")
                await self._follower.reach(seq, _longest_wait(context))
            case "as_of":
                seq = self._seq(consistency.as_of, "consistency.as_of")
                await self._follower.reach_exactly(seq, _longest_wait(context))
            case "fastest" if not consistency.fastest:
                raise invalid("consistency.fastest", "must be true, or not set")
            case None:
                raise invalid("consistency", "must state one of fastest, at_least_as_fresh and as_of, or be absent")

    def _seq(self, token: common.RevisionToken, path: str) -> int:
        return read_revision_token(token.value, self._store.store_id, path)

    def _token(self, seq: int | None = None) -> common.RevisionToken:
        """Names a state: the present one if none is given."""
        return common.RevisionToken(
            value=revision_token(self._store.store_id, self._snapshot.seq if seq is None else seq)
        )


def _longest_wait(context: Context) -> float:
    """Seconds that a caller can be kept waiting for a state."""
    remaining = context.time_remaining()
    return max(0.0, MAX_WAIT_SECONDS if remaining is None else min(MAX_WAIT_SECONDS, remaining - ANSWER_SECONDS))


def _min_plays(request: messages.GetRatingRequest | messages.ListRatingsRequest) -> int | None:
    return request.min_plays if request.HasField("min_plays") else None
