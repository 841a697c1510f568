"""Deadlines, retries, failures and pages, against a server that does as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from playscore.aggregator.v1 import aggregator_pb2, aggregator_pb2_grpc
from playscore.client import AggregatorClient, FeaturizerClient, Tls, backoff
from playscore.common.v1 import common_pb2
from playscore.distribution.v1 import distribution_pb2
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2, featurizer_pb2_grpc
from playscore.feed.v1 import feed_pb2
from playscore.rpc_errors import status_of
from playscore.tracking.v1 import tracking_pb2

# The stubs have every call of a servicer abstract; at run time those left out are UNIMPLEMENTED.
UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
AggregatorServicer: Any = aggregator_pb2_grpc.AggregatorServiceServicer
FeaturizerServicer: Any = featurizer_pb2_grpc.FeaturizerServiceServicer


class Ratings(AggregatorServicer):  # type: ignore[misc]
    """Fails as often as it is told to, then answers, lists in three pages; keeps what it was asked."""

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

    async def _page(self, request: Any, context: Any) -> tuple[int, str]:
        await self._fail(request, context)
        page = int(request.page_token or 0)
        return page, str(page + 1) if page < 2 else ""

    async def RecordScores(self, request: Any, context: Any) -> aggregator_pb2.RecordScoresResponse:
        await self._fail(request, context)
        return aggregator_pb2.RecordScoresResponse(inserted=len(request.records))

    async def GetRating(self, request: Any, context: Any) -> aggregator_pb2.GetRatingResponse:
        await self._fail(request, context)
        return aggregator_pb2.GetRatingResponse()

    async def ListRatings(self, request: Any, context: Any) -> aggregator_pb2.ListRatingsResponse:
        page, following = await self._page(request, context)
        return aggregator_pb2.ListRatingsResponse(
            ratings=[aggregator_pb2.Rating(subject=common_pb2.Subject(subject_id=str(page)))],
            ranking=aggregator_pb2.Ranking(min_plays=5, qualified=3),
            next_page_token=following,
        )

    async def CompareRatings(self, request: Any, context: Any) -> aggregator_pb2.CompareRatingsResponse:
        await self._fail(request, context)
        return aggregator_pb2.CompareRatingsResponse()

    async def ListPlays(self, request: Any, context: Any) -> aggregator_pb2.ListPlaysResponse:
        """A play without a distribution on the first page; on the others one with the support of its page."""
        page, following = await self._page(request, context)
        support = distribution_pb2.Support(
            support_id=f"s{page}",
            edges_yards=[0.0, 10.0 * page],
            lower_tail_probability=0.05,
            upper_tail_probability=0.05,
        )
        stated = distribution_pb2.SplicedBinnedPareto(
            support_id=support.support_id, probabilities=[1.0], lower_scale_yards=1.0, upper_scale_yards=1.0
        )
        record = aggregator_pb2.ScoreRecord(key=common_pb2.PlayKey(play_id=str(page)))
        if page:
            record.distribution.spliced_binned_pareto.CopyFrom(stated)
        return aggregator_pb2.ListPlaysResponse(
            plays=[record], supports=[support] if page else [], next_page_token=following
        )

    async def ListSubjects(self, request: Any, context: Any) -> aggregator_pb2.ListSubjectsResponse:
        page, following = await self._page(request, context)
        return aggregator_pb2.ListSubjectsResponse(
            subjects=[aggregator_pb2.ListedSubject(plays=page)], next_page_token=following, total_size=3
        )

    async def DescribeSplits(self, request: Any, context: Any) -> aggregator_pb2.DescribeSplitsResponse:
        page, following = await self._page(request, context)
        return aggregator_pb2.DescribeSplitsResponse(
            fields=[aggregator_pb2.SplitField(name=str(page))], next_page_token=following
        )


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
        await client.record_scores([])
    assert 0 < ratings.remaining[0] < 3.1  # gRPC rounds deadlines to its own clock


async def test_a_service_that_was_away_is_asked_again_with_the_same_request() -> None:
    ratings = Ratings(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE)
    record = aggregator_pb2.PlayRecord(score=aggregator_pb2.ScoreRecord(subject=common_pb2.Subject(subject_id="7")))
    async with served(ratings) as client:
        await client.record_scores([record])
    assert len(ratings.asked) == 3
    assert len({request.request_id for request in ratings.asked}) == 1


@pytest.mark.parametrize("reason", [Reason.NOT_SERVING, Reason.OVERLOADED])
async def test_a_service_that_says_when_to_come_back_is_asked_again_then(reason: Reason) -> None:
    ratings = Ratings(PlayscoreError(reason, "not now", retry_after_seconds=0.01))
    async with served(ratings) as client:
        await client.record_scores([])
    assert len(ratings.asked) == 2


@pytest.mark.parametrize("reason", [Reason.FILTER_INVALID, Reason.MESSAGE_TOO_LARGE, Reason.LEAGUE_NOT_FOUND])
async def test_a_refusal_that_would_come_again_is_told_at_once(reason: Reason) -> None:
    ratings = Ratings(PlayscoreError(reason, "what would be right"))
    async with served(ratings) as client:
        with pytest.raises(PlayscoreError, match="what would be right") as refused:
            await client.get_rating("NFL", "7")
    assert refused.value.reason is reason
    assert len(ratings.asked) == 1


async def test_a_service_that_stays_away_is_a_connection_error_once_the_budget_is_spent() -> None:
    ratings = Ratings(*[grpc.StatusCode.UNAVAILABLE] * 1000)
    async with served(ratings, timeout_seconds=60.0) as client:
        while client._budget.take():
            pass
        with pytest.raises(ConnectionError, match="told to"):
            await client.record_scores([])
    assert len(ratings.asked) == 1


@pytest.mark.parametrize("failure", [PlayscoreError(Reason.OVERLOADED, "full", retry_after_seconds=0.01), UNAVAILABLE])
@pytest.mark.parametrize("together", [1, 20])
async def test_a_fresh_client_asks_a_server_that_refuses_everything_a_tenth_more_often_at_most(
    failure: PlayscoreError | grpc.StatusCode, together: int
) -> None:
    calls = 100
    ratings = Ratings(*[failure] * 10 * calls)
    async with served(ratings, timeout_seconds=60.0) as client:

        async def one_after_another() -> None:
            for _ in range(calls // together):
                with pytest.raises((PlayscoreError, ConnectionError)):
                    await client.record_scores([])

        await asyncio.gather(*(one_after_another() for _ in range(together)))
    assert calls < len(ratings.asked) <= 1.1 * calls


async def test_a_call_is_not_made_again_where_the_hint_is_beyond_its_deadline() -> None:
    ratings = Ratings(PlayscoreError(Reason.OVERLOADED, "full", retry_after_seconds=3.0))
    async with served(ratings, timeout_seconds=3.0) as client:
        with pytest.raises(PlayscoreError, match="full"):
            await client.record_scores([])
    assert len(ratings.asked) == 1


async def test_a_passed_deadline_is_a_timeout() -> None:
    async with served(Ratings(grpc.StatusCode.DEADLINE_EXCEEDED)) as client:
        with pytest.raises(TimeoutError, match=r"127\.0\.0\.1"):
            await client.record_scores([])


async def test_every_request_has_an_id_of_its_own_unless_the_caller_repeats_one() -> None:
    ratings = Ratings()
    async with served(ratings) as client:
        await client.record_scores([])
        await client.record_scores([])
        await client.record_scores([], request_id="mine")
    first, second, mine = (request.request_id for request in ratings.asked)
    assert first != second
    assert mine == "mine"


async def test_pages_are_read_as_one_list_as_they_are_needed() -> None:
    ratings = Ratings()
    async with served(ratings) as client:
        listed = client.list_ratings("NFL", split="down = 3", page_size=1)
        assert ratings.asked == []
        assert (await listed.ranking()).qualified == 3
        assert len(ratings.asked) == 1
        assert [rating.subject.subject_id async for rating in listed] == ["0", "1", "2"]
        assert [page.total_size async for page in client.list_subjects("NFL").pages()] == [3, 3, 3]
        assert [field.name for field in await client.describe_splits()] == ["0", "1", "2"]
    assert [request.page_token for request in ratings.asked[:3]] == ["", "1", "2"]
    assert {request.split.filter for request in ratings.asked[:3]} == {"down = 3"}


async def test_a_page_that_was_away_is_asked_for_again_and_nothing_comes_twice() -> None:
    ratings = Ratings()
    async with served(ratings) as client:
        seen: list[str] = []
        async for rating in client.list_ratings("NFL"):
            if not seen:
                ratings.failures.append(grpc.StatusCode.UNAVAILABLE)
            seen.append(rating.subject.subject_id)
    assert seen == ["0", "1", "2"]
    assert [request.page_token for request in ratings.asked] == ["", "1", "1", "2"]


async def test_a_listed_play_has_the_distribution_that_was_stated_beside_it() -> None:
    async with served(Ratings()) as client:
        without, ten, twenty = [play async for play in client.list_plays("NFL", include_distributions=True)]
    assert [float(play.distribution().icdf(0.5)) for play in (ten, twenty)] == [5.0, 10.0]
    assert without.support is None
    with pytest.raises(PlayscoreError) as refused:
        without.distribution()
    assert refused.value.reason is Reason.DISTRIBUTION_INVALID


async def test_a_read_says_which_state_it_is_to_be_of() -> None:
    ratings, token = Ratings(), common_pb2.RevisionToken(value="r7")
    async with served(ratings) as client:
        await client.get_rating("NFL", "7")
        await client.get_rating("NFL", "7", at_least_as_fresh=token)
        await client.get_rating("NFL", "7", as_of=token)
        with pytest.raises(ValueError, match="exclude each other"):
            await client.get_rating("NFL", "7", at_least_as_fresh=token, as_of=token)
    asked = [request.consistency.WhichOneof("requirement") for request in ratings.asked]
    assert asked == [None, "at_least_as_fresh", "as_of"]


async def test_what_is_not_said_is_left_to_the_service() -> None:
    ratings = Ratings()
    async with served(ratings) as client:
        await client.get_rating("NFL", "7")
        await client.get_rating("NFL", "7", min_plays=0, model=common_pb2.ModelVersion(name="passing", version=2))
    unsaid, said = ratings.asked
    assert not unsaid.HasField("min_plays") and not unsaid.split.HasField("model")
    assert said.HasField("min_plays") and said.split.model.version == 2


async def test_what_is_not_said_of_the_second_side_is_as_in_the_first() -> None:
    ratings, model = Ratings(), common_pb2.ModelVersion(name="passing", version=2)
    async with served(ratings) as client:
        await client.compare_ratings("NFL", "7", "8", split="down = 3", model=model)
        await client.compare_ratings("NFL", "7", split="down = 3", second_split="")
        await client.compare_ratings("NFL", "7", second_league="XFL", second_model=model)
        with pytest.raises(ValueError, match="nothing to compare"):
            await client.compare_ratings("NFL", "7", split="down = 3")
    two, one, leagues = (
        [(side.split.league, side.subject_id, side.split.filter, side.split.model.version) for side in sides]
        for sides in ((asked.first, asked.second) for asked in ratings.asked)
    )
    assert two == [("NFL", "7", "down = 3", 2), ("NFL", "8", "down = 3", 2)]
    assert one == [("NFL", "7", "down = 3", 0), ("NFL", "7", "", 0)]
    assert leagues == [("NFL", "7", "", 0), ("XFL", "7", "", 2)]


class Featurizer(FeaturizerServicer):  # type: ignore[misc]
    """Opens a game and refuses whatever follows, or never opens one."""

    def __init__(self, *, opens: bool = True) -> None:
        self.opens = opens

    async def StreamPlayBatches(self, request_iterator: Any, context: Any) -> AsyncIterator[Any]:
        async for batch in request_iterator:
            if not batch.messages[0].HasField("open"):
                await context.abort_with_status(status_of(PlayscoreError(Reason.GAME_MISMATCH, "another game")))
            elif self.opens:
                opened = featurizer_pb2.StreamPlaysResponse(opened=featurizer_pb2.GameOpened())
                yield featurizer_pb2.StreamPlayBatchesResponse(answers=[opened])


@asynccontextmanager
async def featurizing(featurizer: Featurizer, timeout_seconds: float = 5.0) -> AsyncIterator[FeaturizerClient]:
    server = grpc.aio.server()
    featurizer_pb2_grpc.add_FeaturizerServiceServicer_to_server(featurizer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with FeaturizerClient(f"127.0.0.1:{port}", timeout_seconds=timeout_seconds) as client:
            yield client
    finally:
        await server.stop(None)


async def test_a_stream_that_is_refused_says_why_to_both_of_its_sides() -> None:
    async with (
        featurizing(Featurizer()) as client,
        client.stream_plays(tracking_pb2.GameHeader()) as stream,
    ):
        with pytest.raises(PlayscoreError, match="another game"):
            for _ in range(1000):
                await stream.send(featurizer_pb2.StreamPlaysRequest(end_play=feed_pb2.EndPlay()))
        with pytest.raises(PlayscoreError, match="another game"):
            async for _ in stream:
                pass


async def test_a_stream_that_does_not_open_is_a_timeout() -> None:
    async with featurizing(Featurizer(opens=False), timeout_seconds=0.2) as client:
        with pytest.raises(TimeoutError, match="did not open"):
            async with client.stream_plays(tracking_pb2.GameHeader()):
                pass


async def test_nobody_at_the_address_is_a_connection_error() -> None:
    async with AggregatorClient("127.0.0.1:1", timeout_seconds=0.5) as client:
        with pytest.raises((ConnectionError, TimeoutError)):
            await client.record_scores([])


def test_half_set_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="half set"):
        Tls(key=None, certificate=Path(__file__)).credentials()


def test_pauses_grow_and_are_bounded() -> None:
    pauses = [pause for pause, _ in zip(backoff(0.1, 1.0), range(10), strict=False)]
    assert all(0.05 <= pause <= 1.0 for pause in pauses)
    assert max(pauses[-3:]) > max(pauses[:2])
