"""Scores in, ratings out."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.client.connection import Connection, Tls
from playscore.tracking.v1 import tracking_pb2 as tracking


class AggregatorClient(Connection):
    """Calls an aggregator."""

    def __init__(
        self, address: str = "127.0.0.1:50053", *, tls: Tls | None = None, timeout_seconds: float = 10.0
    ) -> None:
        super().__init__(address, tls=tls, timeout_seconds=timeout_seconds)
        self._stub = AggregatorServiceStub(self.channel)

    async def record_scores(
        self,
        records: Iterable[messages.ScoreRecord] = (),
        unscored: Iterable[tracking.PlayRejection] = (),
        request_id: str = "",
    ) -> messages.RecordScoresResponse:
        """Writes scores, and plays without one; what is answered as accepted is on disk.

        Whoever repeats the call himself gives it a `request_id` and repeats that too; what is repeated here keeps it.
        """
        request = messages.RecordScoresRequest(
            request_id=request_id or str(uuid.uuid4()), records=records, unscored=unscored
        )
        return await self.call(lambda timeout: self._stub.RecordScores(request, timeout=timeout))

    async def get_rating(
        self,
        league: str,
        subject_id: str,
        *,
        role: tracking.Role.ValueType = tracking.ROLE_PASSER,
        split: str = "",
        model_version: int = 0,
        min_plays: int = 0,
        at_least_as_fresh: str = "",
    ) -> messages.GetRatingResponse:
        """One subject's rating in one split (a filter: `down = 3 AND under_pressure`)."""
        request = messages.GetRatingRequest(
            league=league,
            subject_id=subject_id,
            role=role,
            filter=split,
            model_version=model_version,
            min_plays=min_plays,
            at_least_as_fresh=at_least_as_fresh,
        )
        return await self.call(lambda timeout: self._stub.GetRating(request, timeout=timeout))

    async def list_ratings(
        self,
        league: str,
        *,
        role: tracking.Role.ValueType = tracking.ROLE_PASSER,
        split: str = "",
        model_version: int = 0,
        order_by: str = "",
        min_plays: int = 0,
        qualified_only: bool = False,
        at_least_as_fresh: str = "",
    ) -> AsyncIterator[messages.Rating]:
        """Everybody's rating in one split, page after page as they are asked for."""
        request = messages.ListRatingsRequest(
            league=league,
            role=role,
            filter=split,
            model_version=model_version,
            order_by=order_by,
            min_plays=min_plays,
            qualified_only=qualified_only,
            page_size=1_000,
            at_least_as_fresh=at_least_as_fresh,
        )
        async for page in self._pages(request, self._stub.ListRatings):
            for rating in page.ratings:
                yield rating

    async def list_plays(
        self,
        league: str,
        *,
        role: tracking.Role.ValueType = tracking.ROLE_PASSER,
        subject_id: str = "",
        split: str = "",
        model_version: int = 0,
        at_least_as_fresh: str = "",
    ) -> AsyncIterator[messages.ScoreRecord]:
        """The plays that ratings are made of, page after page."""
        request = messages.ListPlaysRequest(
            league=league,
            role=role,
            subject_id=subject_id,
            filter=split,
            model_version=model_version,
            page_size=1_000,
            at_least_as_fresh=at_least_as_fresh,
        )
        async for page in self._pages(request, self._stub.ListPlays):
            for play in page.plays:
                yield play

    async def get_coverage(
        self,
        league: str,
        *,
        role: tracking.Role.ValueType = tracking.ROLE_PASSER,
        game_id: str = "",
        model_version: int = 0,
        at_least_as_fresh: str = "",
    ) -> messages.GetCoverageResponse:
        """How many plays of a game, or of the league, are scored, and why the others are not."""
        request = messages.GetCoverageRequest(
            league=league,
            role=role,
            game_id=game_id,
            model_version=model_version,
            at_least_as_fresh=at_least_as_fresh,
        )
        return await self.call(lambda timeout: self._stub.GetCoverage(request, timeout=timeout))

    async def describe_splits(
        self, role: tracking.Role.ValueType = tracking.ROLE_PASSER
    ) -> tuple[messages.SplitField, ...]:
        """The fields that a split can be made by."""
        request = messages.DescribeSplitsRequest(role=role)
        answer = await self.call(lambda timeout: self._stub.DescribeSplits(request, timeout=timeout))
        return tuple(answer.fields)

    async def _pages(self, request: Any, method: Any) -> AsyncIterator[Any]:
        """The answers to a paged request, page after page."""
        while True:
            page = await self.call(lambda timeout: method(request, timeout=timeout))
            yield page
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token
