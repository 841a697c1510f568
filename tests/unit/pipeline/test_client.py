from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from playscore.aggregator.v1 import aggregator_pb2, aggregator_pb2_grpc
from playscore.client import AggregatorClient, FeaturizerClient, RetryBudget, Tls, backoff
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2, featurizer_pb2_grpc
from playscore.rpc_errors import status_of
from playscore.tracking.v1 import tracking_pb2


class Ratings(aggregator_pb2_grpc.AggregatorServiceServicer):
    """Fails as often as it is told to, then answers; keeps what it was asked."""

    def __init__(self, *failures: PlayscoreError | grpc.StatusCode) -> None:
        self.failures = list(failures)
        self.asked: list[Any] = []
        self.remaining: list[float] = []

    async def _fail(self, request: Any, context: Any) -> None:
        self.asked.append(request)
        self.remaining.append(context.time_remaining())
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, PlayscoreError):
                await context.abort_with_status(status_of(failure))
            await context.abort(failure, "told to")

    async def RecordScores(self, request: Any, context: Any) -> aggregator_pb2.RecordScoresResponse:
        await self._fail(request, context)
        return aggregator_pb2.RecordScoresResponse(inserted=len(request.records))

    async def ListRatings(self, request: Any, context: Any) -> aggregator_pb2.ListRatingsResponse:
        await self._fail(request, context)
        page = int(request.page_token or 0)
        return aggregator_pb2.ListRatingsResponse(
            ratings=[aggregator_pb2.Rating(subject={"subject_id": str(page)})],
            next_page_token=str(page + 1) if page < 2 else "",
        )


Serve = Callable[..., AbstractAsyncContextManager[AggregatorClient]]


@asynccontextmanager
async def served(ratings: Ratings, timeout_seconds: float = 5.0) -> AsyncIterator[AggregatorClient]:
    server = grpc.aio.server()
    aggregator_pb2_grpc.add_AggregatorServiceServicer_to_server(ratings, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with AggregatorClient(f"127.0.0.1:{port}", timeout_seconds=timeout_seconds) as client:
            yield client
    finally:
        await server.stop(None)


async def test_every_call_carries_a_deadline() -> None:
    ratings = Ratings()
    async with served(ratings, timeout_seconds=3.0) as client:
        await client.record_scores()
    assert 0 < ratings.remaining[0] < 3.1  # gRPC rounds deadlines to its own clock


async def test_a_service_that_was_away_is_asked_again_with_the_same_request() -> None:
    ratings = Ratings(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
    async with served(ratings) as client:
        await client.record_scores([aggregator_pb2.ScoreRecord(subject={"subject_id": "7"})])
    assert len(ratings.asked) == 3
    assert len({request.request_id for request in ratings.asked}) == 1


async def test_a_service_that_drains_is_asked_again() -> None:
    ratings = Ratings(PlayscoreError(Reason.NOT_SERVING, "the service is draining", retry_after_seconds=0.01))
    async with served(ratings) as client:
        await client.record_scores()
    assert len(ratings.asked) == 2


async def test_overload_is_waited_out_where_the_service_says_for_how_long() -> None:
    ratings = Ratings(PlayscoreError(Reason.OVERLOADED, "full", retry_after_seconds=0.01))
    async with served(ratings) as client:
        await client.record_scores()
    assert len(ratings.asked) == 2
    with pytest.raises(PlayscoreError) as refused:
        async with served(Ratings(PlayscoreError(Reason.MESSAGE_TOO_LARGE, "too large"))) as client:
            await client.record_scores()
    assert refused.value.reason is Reason.MESSAGE_TOO_LARGE


async def test_a_refusal_is_told_with_its_reason_and_not_repeated() -> None:
    ratings = Ratings(PlayscoreError(Reason.FILTER_INVALID, "down = what"))
    async with served(ratings) as client:
        with pytest.raises(PlayscoreError, match="down = what") as refused:
            await client.record_scores()
    assert refused.value.reason is Reason.FILTER_INVALID
    assert len(ratings.asked) == 1


async def test_a_service_that_stays_away_is_a_connection_error_once_the_budget_is_spent() -> None:
    ratings = Ratings(*[grpc.StatusCode.UNAVAILABLE] * 1000)
    async with served(ratings, timeout_seconds=60.0) as client:
        with pytest.raises(ConnectionError, match="told to"):
            for _ in range(20):
                with pytest.raises(ConnectionError):
                    await client.record_scores()
                ratings.asked.clear()
                if not client._budget.allows_retry():
                    break
            await client.record_scores()
    assert len(ratings.asked) == 1


async def test_a_passed_deadline_is_a_timeout() -> None:
    async with served(Ratings(grpc.StatusCode.DEADLINE_EXCEEDED)) as client:
        with pytest.raises(TimeoutError, match=r"127\.0\.0\.1"):
            await client.record_scores()


async def test_every_request_has_an_id_of_its_own_unless_the_caller_repeats_one() -> None:
    ratings = Ratings()
    async with served(ratings) as client:
        await client.record_scores()
        await client.record_scores()
        await client.record_scores(request_id="mine")
    first, second, mine = (request.request_id for request in ratings.asked)
    assert first != second
    assert mine == "mine"


async def test_pages_are_read_as_one_list() -> None:
    async with served(Ratings()) as client:
        assert [rating.subject.subject_id async for rating in client.list_ratings("NFL")] == ["0", "1", "2"]


async def test_a_stream_that_is_refused_says_why_to_the_side_that_sends() -> None:
    class Refusing(featurizer_pb2_grpc.FeaturizerServiceServicer):
        async def StreamPlays(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
            async for request in request_iterator:
                if request.HasField("open"):
                    yield featurizer_pb2.StreamPlaysResponse(opened=featurizer_pb2.GameOpened())
                else:
                    await context.abort_with_status(status_of(PlayscoreError(Reason.GAME_MISMATCH, "another game")))

    server = grpc.aio.server()
    featurizer_pb2_grpc.add_FeaturizerServiceServicer_to_server(Refusing(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with (
            FeaturizerClient(f"127.0.0.1:{port}") as client,
            client.stream_plays(tracking_pb2.GameHeader()) as stream,
        ):
            with pytest.raises(PlayscoreError, match="another game"):
                for _ in range(1000):
                    await stream.send(featurizer_pb2.StreamPlaysRequest(end_play=featurizer_pb2.EndPlay()))
            with pytest.raises(PlayscoreError, match="another game"):
                async for _ in stream:
                    pass
    finally:
        await server.stop(None)


async def test_nobody_at_the_address_is_a_connection_error() -> None:
    async with AggregatorClient("127.0.0.1:1", timeout_seconds=0.5) as client:
        with pytest.raises((ConnectionError, TimeoutError)):
            await client.record_scores()


def test_half_set_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="half set"):
        Tls(key=None, certificate=__file__).credentials()  # type: ignore[arg-type]


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [pause for pause, _ in zip(backoff(0.1, 1.0), range(10), strict=False)]
    assert all(0.05 <= pause <= 1.0 for pause in pauses)
    assert max(pauses[-3:]) > max(pauses[:2])


def test_a_retry_budget_earns_back_what_failures_cost_only_slowly() -> None:
    budget = RetryBudget(capacity=4.0, earned_by_success=0.5, tokens=4.0)
    budget.failed()
    assert budget.allows_retry()
    budget.failed()
    assert not budget.allows_retry()
    budget.succeeded()
    assert budget.allows_retry()
