"""Watches of ratings, over a real server on loopback with a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from prometheus_client import REGISTRY

import aggregator.core.watching
import aggregator.watch
from aggregator.backup import backups_of
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.client import AggregatorClient, rating_key
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import error_from_rpc
from tests.contract.aggregator.test_service import Calls, error_of, record, split, subject
from tests.contract.aggregator.test_service import aggregator as opened

SECONDS = 30
"""Within which what is waited for must come."""


@pytest.fixture
async def calls(tmp_path: Path) -> AsyncIterator[Calls]:
    async with opened(tmp_path) as made:
        yield made


class Told:
    """What a watcher is told, response by response, and the table that it makes."""

    def __init__(self, calls: Calls, request: pb.WatchRatingsRequest) -> None:
        self.request = request
        self.call = calls.stub.WatchRatings(request)
        self.table: dict[Any, pb.Rating] = {}
        self.checkpoint = pb.WatchCheckpoint()

    async def response(self) -> pb.WatchRatingsResponse:
        async with asyncio.timeout(SECONDS):
            response: pb.WatchRatingsResponse = await self.call.read()
        assert isinstance(response, pb.WatchRatingsResponse)
        return response

    async def tick(self) -> list[pb.WatchRatingsResponse]:
        """The responses up to a checkpoint, the table being kept."""
        responses: list[pb.WatchRatingsResponse] = []
        sent: set[Any] = set()
        left: set[Any] = set()
        while not (responses and responses[-1].HasField("checkpoint")):
            response = await self.response()
            responses.append(response)
            if response.restarted:
                self.table.clear()
                sent.clear()
                left.clear()
            for rating in response.ratings:
                assert rating_key(rating) not in sent
                sent.add(rating_key(rating))
                self.table[rating_key(rating)] = rating
            for key in response.left:
                left.add(rating_key(key))
                self.table.pop(rating_key(key), None)
        assert not sent & left
        self.checkpoint = responses[-1].checkpoint
        return responses

    async def reach(self, revision: common.RevisionToken) -> list[pb.WatchRatingsResponse]:
        """The responses until the table is of a state, the last that was written."""
        responses: list[pb.WatchRatingsResponse] = []
        while self.checkpoint.revision != revision:
            responses += await self.tick()
        return responses

    def ranks(self) -> dict[str, int]:
        return {rating.subject.subject_id: rating.rank for rating in self.table.values()}


@asynccontextmanager
async def watching(calls: Calls, request: pb.WatchRatingsRequest | None = None, **more: Any) -> AsyncIterator[Told]:
    asked = pb.WatchRatingsRequest(split=split(), min_plays=1)
    asked.MergeFrom(request or pb.WatchRatingsRequest(**more))
    told = Told(calls, asked)
    try:
        yield told
    finally:
        told.call.cancel()


def of(who: str, play: str, play_score: float, **changed: Any) -> pb.ScoreRecord:
    return record(f"{who} {play}", play_score, subject=subject(who), **changed)


async def listed(calls: Calls, watched: Told) -> dict[Any, pb.Rating]:
    """The same ratings as ListRatings has them, of the state that the watcher has."""
    request = pb.ListRatingsRequest(split=split(), min_plays=1, page_size=1000)
    request.consistency.as_of.CopyFrom(watched.checkpoint.revision)
    page = await calls.stub.ListRatings(request, timeout=30)
    return {rating_key(rating): rating for rating in page.ratings}


async def test_a_watch_begins_with_the_state_as_it_is_and_then_tells_what_changes(calls: Calls) -> None:
    written = await calls.record(of("p1", "1", 0.6), of("p2", "1", 0.4))
    request = pb.WatchRatingsRequest()
    request.consistency.at_least_as_fresh.CopyFrom(written.revision)
    async with watching(calls, request) as told:
        (first,) = await told.tick()
        assert first.restarted
        assert told.ranks() == {"p1": 1, "p2": 2}
        assert first.checkpoint.revision == written.revision
        assert first.checkpoint.ranking.model == common.ModelVersion(name="passing", version=1)
        assert (first.checkpoint.ranking.qualified, first.checkpoint.ranking.min_plays) == (2, 1)

        await told.reach((await calls.record(of("p3", "1", 0.1))).revision)
        assert told.ranks() == {"p1": 1, "p2": 2, "p3": 3}
        assert told.table == await listed(calls, told)


async def test_only_what_changed_is_sent(calls: Calls) -> None:
    await calls.record(of("p1", "1", 0.9), of("p2", "1", 0.1))
    async with watching(calls) as told:
        while len(told.table) < 2:
            await told.tick()
        (tick,) = await told.reach((await calls.record(of("p2", "2", 0.1))).revision)
        assert [rating.subject.subject_id for rating in tick.ratings] == ["p2"]
        assert not tick.restarted
        assert not tick.left


async def test_a_watcher_hears_when_somebody_elses_play_moves_their_rank(calls: Calls) -> None:
    await calls.record(of("p1", "1", 0.6), of("p2", "1", 0.4))
    async with watching(calls, subject_ids=["p1"]) as told:
        while told.ranks() != {"p1": 1}:
            await told.tick()
        await told.reach((await calls.record(*(of("p2", str(play), 0.95) for play in range(2, 9)))).revision)
        assert told.ranks() == {"p1": 2}


async def test_who_has_no_plays_in_the_split_any_more_leaves(calls: Calls) -> None:
    await calls.record(of("p1", "1", 0.6), of("p2", "1", 0.4))
    async with watching(calls, split=pb.Split(filter="down = 3")) as told:
        while len(told.table) < 2:
            await told.tick()
        corrected = of("p2", "1", 0.4, revision=2)
        corrected.pass_attributes.down = 1
        responses = await told.reach((await calls.record(corrected)).revision)
        assert [[key.subject.subject_id for key in response.left] for response in responses] == [["p2"]]
        assert told.ranks() == {"p1": 1}


async def test_who_qualifies_no_more_leaves_where_only_the_qualified_are_watched(calls: Calls) -> None:
    await calls.record(of("p1", "1", 0.6), of("p1", "2", 0.6), of("p2", "1", 0.4))
    async with watching(calls, min_plays=2, qualified_only=True) as told:
        while told.ranks() != {"p1": 1}:
            await told.tick()
        await told.reach((await calls.record(of("p2", "2", 0.9))).revision)
        assert set(told.ranks()) == {"p1", "p2"}
        elsewhere = record("p1 2", 0.6, subject=subject("p3"), revision=2)
        await told.reach((await calls.record(elsewhere)).revision)
        assert set(told.ranks()) == {"p2"}


async def test_ratings_are_watched_by_any_groups(calls: Calls) -> None:
    await calls.record(of("p1", "1", 0.6), of("p2", "1", 0.4))
    async with watching(calls, group_by=["season", "team_id"]) as told:
        while not told.table:
            await told.tick()
        ((key, rating),) = told.table.items()
        assert key == ("", (("season", 2021), ("team_id", "KC")))
        assert rating.plays == 2


async def test_a_league_a_game_and_subjects_are_waited_for(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregator.watch, "IDLE_SECONDS", 0.05)
    async with watching(calls, split=pb.Split(filter='game_id = "g1"'), subject_ids=["p1"]) as told:
        (first,) = await told.tick()
        assert first.restarted
        assert not first.ratings
        await told.reach((await calls.record(record("1", subject=subject("p2")))).revision)
        assert not told.table
        await told.reach((await calls.record(record("2", subject=subject("p1")))).revision)
        assert set(told.ranks()) == {"p1"}


async def test_without_changes_checkpoints_come(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregator.watch, "IDLE_SECONDS", 0.05)
    async with watching(calls, split=pb.Split(filter="down = 1")) as told:
        await told.tick()
        elsewhere = (await calls.record(of("p1", "1", 0.6))).revision
        responses = await told.reach(elsewhere)
        assert not any(response.ratings or response.left or response.restarted for response in responses)


async def test_a_watch_goes_on_after_a_break_without_gap_or_repeat(calls: Calls) -> None:
    await calls.record(of("p1", "1", 0.9), of("p2", "1", 0.5), of("p3", "1", 0.1))
    async with watching(calls) as told:
        while len(told.table) < 3:
            await told.tick()
    await calls.record(of("p3", "2", 0.1), record("p2 1", 0.5, subject=subject("p4"), revision=2))
    written = await calls.record(of("p3", "3", 0.1))
    async with watching(calls, resume_token=told.checkpoint.resume_token) as resumed:
        resumed.table = told.table
        responses = await resumed.reach(written.revision)
        assert not any(response.restarted for response in responses)
        assert {rating.subject.subject_id for each in responses for rating in each.ratings} == {"p3", "p4"}
        assert [key.subject.subject_id for each in responses for key in each.left] == ["p2"]
        assert resumed.table == await listed(calls, resumed)


async def test_a_watch_that_resumes_without_news_hears_so_at_once(calls: Calls) -> None:
    async with watching(calls) as told:
        await told.tick()
    async with watching(calls, resume_token=told.checkpoint.resume_token) as resumed:
        (response,) = await resumed.tick()
        assert not response.restarted
        assert response.checkpoint == told.checkpoint


async def test_a_watch_is_resumed_after_a_restart_with_what_changed_since(tmp_path: Path) -> None:
    async with opened(tmp_path) as calls, watching(calls) as told:
        await told.reach((await calls.record(of("p1", "1", 0.6), of("p2", "1", 0.4))).revision)
    async with opened(tmp_path) as again:
        written = await again.record(of("p1", "2", 0.7), request_id="in the meantime")
        request = pb.WatchRatingsRequest(resume_token=told.checkpoint.resume_token)
        request.consistency.at_least_as_fresh.CopyFrom(written.revision)
        async with watching(again, request) as resumed:
            (response,) = await resumed.tick()
            assert not response.restarted
            assert [rating.subject.subject_id for rating in response.ratings] == ["p1"]
            assert {**told.table, **resumed.table} == await listed(again, resumed)


async def test_a_token_from_before_an_erasure_begins_anew_and_names_nobody_who_was_erased(tmp_path: Path) -> None:
    async with opened(tmp_path) as calls, watching(calls) as told:
        await told.reach((await calls.record(of("p1", "1", 0.6), of("p2", "1", 0.4))).revision)
        request = pb.EraseRecordsRequest(request_id="1", league="SIM", subject_id="p1", justification="on request")
        await calls.stub.EraseRecords(request, timeout=30)
    async with opened(tmp_path) as again, watching(again, resume_token=told.checkpoint.resume_token) as resumed:
        (response,) = await resumed.tick()
        assert response.restarted
        assert not response.left
        assert [rating.subject.subject_id for rating in response.ratings] == ["p2"]


async def test_a_watch_of_a_store_that_was_restored_begins_anew(tmp_path: Path) -> None:
    store = tmp_path / "scores.sqlite"
    async with opened(tmp_path) as calls, watching(calls) as told:
        await told.reach((await calls.record(of("p1", "1", 0.6))).revision)
    backups = backups_of(f"sqlite:///{store}")
    backups.back_up(tmp_path / "backup", lambda *_: None)
    backups.restore(tmp_path / "backup", replace=True, progress=lambda *_: None)
    async with opened(tmp_path) as again, watching(again, resume_token=told.checkpoint.resume_token) as resumed:
        (response,) = await resumed.tick()
        assert response.restarted
        assert [rating.subject.subject_id for rating in response.ratings] == ["p1"]


async def test_a_token_of_another_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    async with opened(tmp_path / "other") as other, watching(other) as told:
        await told.reach((await other.record(of("p1", "1", 0.6))).revision)
    async with opened(tmp_path) as calls, watching(calls, resume_token=told.checkpoint.resume_token) as resumed:
        assert (await error_of(resumed.response()))[1:] == ("REASON_RESUME_TOKEN_INVALID", ["resume_token"])


@pytest.mark.parametrize(
    "other",
    [
        {"split": pb.Split(filter="down = 3")},
        {"subject_ids": ["p1"]},
        {"min_plays": 2},
        {"qualified_only": True},
        {"group_by": ["season"]},
        {"split": pb.Split(model=common.ModelVersion(name="passing", version=1))},
    ],
    ids=str,
)
async def test_a_token_of_another_question_is_refused(calls: Calls, other: dict[str, Any]) -> None:
    async with watching(calls) as told:
        await told.tick()
    async with watching(calls, resume_token=told.checkpoint.resume_token, **other) as wrong:
        assert await error_of(wrong.response()) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "REASON_RESUME_TOKEN_INVALID",
            ["resume_token"],
        )


@pytest.mark.parametrize(
    ("request_", "reason", "fields"),
    [
        ({"resume_token": {"value": "?"}}, "RESUME_TOKEN_INVALID", ["resume_token"]),
        ({"resume_token": {}}, "FIELD_INVALID", ["resume_token.value"]),
        ({"split": {"filter": "down = "}}, "FILTER_INVALID", ["split.filter"]),
        ({"split": {"filter": "downs = 3"}}, "FILTER_FIELD_UNKNOWN", ["split.filter"]),
        ({"split": {"role": common.ROLE_GOALIE}}, "ROLE_UNSUPPORTED", ["split.role"]),
        ({"split": {"model": {"name": "passing", "version": 9}}}, "MODEL_NOT_FOUND", []),
        ({"group_by": ["depths"]}, "FIELD_INVALID", ["group_by[0]"]),
        ({"group_by": ["season"], "subject_ids": ["p1"]}, "FIELD_INVALID", ["subject_ids"]),
        ({"min_plays": -1}, "FIELD_INVALID", ["min_plays"]),
    ],
    ids=str,
)
async def test_what_cannot_be_watched_is_refused_with_what_is_wrong(
    calls: Calls, request_: dict[str, Any], reason: str, fields: list[str]
) -> None:
    async with watching(calls, pb.WatchRatingsRequest(**request_)) as told:
        _, refused, at_fault = await error_of(told.response())
    assert (refused, at_fault) == (f"REASON_{reason}", fields)


async def test_a_watch_starts_from_a_state_of_the_past_and_goes_on_to_the_present(calls: Calls) -> None:
    first = await calls.record(of("p1", "1", 0.6))
    present = pb.WatchRatingsRequest()
    present.consistency.as_of.CopyFrom(first.revision)
    async with watching(calls, present) as told:
        (response,) = await told.tick()
        assert response.checkpoint.revision == first.revision
    second = await calls.record(of("p2", "1", 0.6))
    async with watching(calls) as told:
        await told.reach(second.revision)
    async with watching(calls, present) as past:
        (response,) = await past.tick()
        assert (response.checkpoint.revision, len(response.ratings)) == (first.revision, 1)
        await past.reach(second.revision)
        assert past.table == told.table
    present.resume_token.CopyFrom(told.checkpoint.resume_token)
    async with watching(calls, present) as both:
        assert (await error_of(both.response()))[2] == ["consistency.as_of"]


async def test_more_splits_than_a_replica_takes_are_refused_with_a_hint(tmp_path: Path) -> None:
    async with opened(tmp_path, max_watched_splits=1) as calls:
        async with watching(calls) as told, watching(calls, subject_ids=["p1"]) as the_same_split:
            await told.tick()
            await the_same_split.tick()
            async with watching(calls, split=pb.Split(filter="down = 3")) as other:
                error = error_from_rpc(await failure_of(other))
        assert error is not None
        assert (error.reason, error.retry_after_seconds is not None) == (Reason.OVERLOADED, True)
        await until_unwatched(calls)
        async with watching(calls, split=pb.Split(filter="down = 3")) as other:
            await other.tick()


async def test_more_ratings_than_a_replica_takes_end_the_watches_of_most_ratings(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregator.watch, "MAX_RATINGS", 4)
    monkeypatch.setattr(aggregator.watch, "IDLE_SECONDS", 0.05)
    three = await calls.record(*(of(f"p{number}", "1", 0.5) for number in range(3)))
    async with watching(calls) as most, watching(calls, subject_ids=["p0"]) as few:
        await most.reach(three.revision)
        await few.reach(three.revision)
        four = await calls.record(of("p3", "1", 0.5))
        error = error_from_rpc(await failure_of(most))
        assert error is not None
        assert error.reason is Reason.OVERLOADED
        await few.reach(four.revision)
        assert set(few.ranks()) == {"p0"}


async def test_a_table_of_any_size_is_sent_in_parts_and_is_whole_at_the_checkpoint(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregator.core.watching, "RATINGS_AT_ONCE", 3)
    written = await calls.record(*(of(f"p{number}", "1", 0.5) for number in range(10)))
    request = pb.WatchRatingsRequest()
    request.consistency.at_least_as_fresh.CopyFrom(written.revision)
    async with watching(calls, request) as told:
        responses = await told.tick()
        assert [response.restarted for response in responses] == [True, False, False, False]
        assert [len(response.ratings) for response in responses] == [3, 3, 3, 1]
        assert [response.HasField("checkpoint") for response in responses] == [False, False, False, True]
        assert told.table == await listed(calls, told)


async def test_a_drain_ends_a_watch_at_once_for_it_to_be_resumed_elsewhere(tmp_path: Path) -> None:
    async with opened(tmp_path, grace_seconds=600) as calls:
        channel = grpc.aio.insecure_channel(calls.address)
        told = Told(
            Calls(AggregatorServiceStub(channel), calls.store, calls.address), pb.WatchRatingsRequest(split=split())
        )
        await told.tick()
    error = error_from_rpc(await failure_of(told))
    await channel.close(None)
    assert error is not None
    assert (error.reason, error.retry_after_seconds is not None) == (Reason.NOT_SERVING, True)


async def test_who_reads_slowly_is_told_the_latest_and_what_was_passed_over_and_holds_nobody_up(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aggregator.watch, "TICK_SECONDS", 0)
    monkeypatch.setattr(aggregator.watch, "MIN_PAUSE_SECONDS", 0)
    everybody = range(100)
    # What a channel reads ahead, so that little of what a slow reader does not read is on its way.
    options = [("grpc.http2.lookahead_bytes", 1024), ("grpc.http2.bdp_probe", 0)]
    async with grpc.aio.insecure_channel(calls.address, options=options) as channel, watching(calls) as quick:
        slow = Told(Calls(AggregatorServiceStub(channel), calls.store, calls.address), quick.request)
        await slow.tick()
        await quick.tick()
        ticks = 0
        for round_ in range(20):
            records = [of(f"p{number}", str(round_), (number * round_ % 97) / 97) for number in everybody]
            written = await calls.record(*records)
            responses = await quick.reach(written.revision)
            ticks += sum(response.HasField("checkpoint") for response in responses)
        responses = await slow.reach(written.revision)
        seen = sum(response.HasField("checkpoint") for response in responses)
        assert sum(response.coalesced_ticks for response in responses) == ticks - seen > 0
        assert slow.table == quick.table == await listed(calls, quick)
        slow.call.cancel()


async def test_watchers_are_counted_and_timed(calls: Calls) -> None:
    def measured(name: str) -> float:
        return REGISTRY.get_sample_value(f"playscore_aggregator_{name}") or 0.0

    before = measured("watch_seconds_count")
    async with watching(calls) as told, watching(calls) as other:
        for each in (told, other):
            await each.tick()
        assert (measured("watches"), measured("watched_splits")) == (2, 1)
        written = await calls.record(of("p1", "1", 0.5))
        for each in (told, other):
            await each.reach(written.revision)
    assert measured("watch_seconds_count") >= before + 2
    await until_unwatched(calls)
    assert measured("watches") == 0


async def test_the_client_keeps_a_table_through_changes(calls: Calls) -> None:
    async with AggregatorClient(calls.address) as client:
        async with client.watch_ratings("SIM", split="down = 3", min_plays=1) as watch:
            first = await anext(watch)
            assert (first.restarted, first.changed, watch.ratings) == (True, (), {})
            written = await calls.record(of("p1", "1", 0.4), of("p2", "1", 0.6))
            changed: list[pb.Rating] = []
            async for update in watch:
                changed += update.changed
                if update.checkpoint.revision == written.revision:
                    break
        assert [rating.subject.subject_id for rating in watch.ranked()] == ["p2", "p1"]
        assert watch.ratings["p1", ()].rank == 2
        assert len(changed) == 2
        assert watch.checkpoint is not None
        assert watch.checkpoint.ranking.qualified == 2

        withdrawn = record("p1 1", 0.4, subject=subject("p3"), revision=2)
        written = await calls.record(withdrawn)
        token = watch.checkpoint.resume_token
        async with client.watch_ratings("SIM", split="down = 3", min_plays=1, resume_token=token) as resumed:
            update = await anext(resumed)
            while update.checkpoint.revision != written.revision:
                update = await anext(resumed)
            assert [key.subject.subject_id for key in update.left] == ["p1"]


async def test_the_client_raises_what_the_service_refuses(calls: Calls) -> None:
    async with AggregatorClient(calls.address) as client, client.watch_ratings("SIM", split="down = ") as watch:
        with pytest.raises(PlayscoreError) as refused:
            await anext(watch)
        assert refused.value.reason is Reason.FILTER_INVALID


async def failure_of(told: Told) -> grpc.aio.AioRpcError:
    """What a watch ends with."""
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        while True:
            await told.tick()
    return ended.value


async def until_unwatched(calls: Calls) -> None:
    """Until the service has noticed that nobody watches any more."""
    async with asyncio.timeout(SECONDS):
        while REGISTRY.get_sample_value("playscore_aggregator_watches"):
            await calls.stub.DescribeSplits(pb.DescribeSplitsRequest(role=common.ROLE_PASSER), timeout=30)
