"""A watch through breaks: the table is that of the last checkpoint, whatever the connection goes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

import playscore.client.watch
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1 import aggregator_pb2_grpc
from playscore.client import AggregatorClient, rating_key
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import status_of

AggregatorServicer: Any = aggregator_pb2_grpc.AggregatorServiceServicer
Step = pb.WatchRatingsResponse | PlayscoreError | None
"""What a watch does next: answers, fails, or says nothing for ever."""

BROKEN = PlayscoreError(Reason.NOT_SERVING, "the service is draining; repeat the call", retry_after_seconds=0.01)


class Aggregator(AggregatorServicer):  # type: ignore[misc]
    """Goes through steps, another list for each call; keeps what it was asked."""

    def __init__(self, *calls: Sequence[Step]) -> None:
        self._calls = iter(calls)
        self.asked: list[pb.WatchRatingsRequest] = []

    async def WatchRatings(self, request: pb.WatchRatingsRequest, context: Any) -> AsyncIterator[Any]:
        self.asked.append(request)
        for step in next(self._calls, ()):
            match step:
                case PlayscoreError():
                    await context.abort_with_status(status_of(step))
                case None:
                    await asyncio.Event().wait()
                case _:
                    yield step


@asynccontextmanager
async def client_of(aggregator: Aggregator) -> AsyncIterator[AggregatorClient]:
    server = grpc.aio.server()
    aggregator_pb2_grpc.add_AggregatorServiceServicer_to_server(aggregator, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with AggregatorClient(f"127.0.0.1:{port}") as client:
        yield client
    await server.stop(None)


def told(*ratings: str, left: str = "", until: str = "", **more: Any) -> pb.WatchRatingsResponse:
    """Ratings as subject:plays; the token of the checkpoint, if there is one."""
    made = pb.WatchRatingsResponse(**more)
    for rating in ratings:
        subject, plays = rating.split(":")
        made.ratings.add(subject=common.Subject(subject_id=subject), plays=int(plays))
    for subject in left.split():
        made.left.add(subject=common.Subject(subject_id=subject))
    if until:
        made.checkpoint.resume_token.value = until
    return made


def plays(table: dict[Any, pb.Rating]) -> dict[str, int]:
    return {subject: rating.plays for (subject, _), rating in table.items()}


async def test_an_update_is_all_that_is_told_up_to_a_checkpoint() -> None:
    aggregator = Aggregator(
        [
            told("a:1", "b:1", restarted=True),
            told("c:1", until="one"),
            told("a:2", coalesced_ticks=3),
            told(left="b", until="two"),
            told(until="three"),
            None,
        ]
    )
    async with client_of(aggregator) as client, client.watch_ratings("NFL") as watch:
        first, second, third = [await anext(watch) for _ in range(3)]
    assert (first.restarted, len(first.changed), first.left) == (True, 3, ())
    assert (second.restarted, len(second.changed), second.coalesced_ticks) == (False, 1, 3)
    assert [rating_key(key) for key in second.left] == [("b", ())]
    assert (third.changed, third.left, third.checkpoint.resume_token.value) == ((), (), "three")
    assert plays(watch.ratings) == {"a": 2, "c": 1}


async def test_after_a_break_it_goes_on_after_the_last_checkpoint_and_forgets_what_was_told_in_part() -> None:
    aggregator = Aggregator(
        [told("a:1", "b:1", restarted=True, until="one"), told("a:2"), BROKEN],
        [BROKEN],
        [told("b:2", until="two"), None],
    )
    async with client_of(aggregator) as client:
        async with client.watch_ratings("NFL", split="down = 3", at_least_as_fresh=common.RevisionToken()) as watch:
            await anext(watch)
            update = await anext(watch)
        assert not update.restarted
        assert plays(watch.ratings) == {"a": 1, "b": 2}
    assert [request.resume_token.value for request in aggregator.asked] == ["", "one", "one"]
    assert [request.HasField("consistency") for request in aggregator.asked] == [True, False, False]
    assert {request.split.filter for request in aggregator.asked} == {"down = 3"}


async def test_a_restart_clears_the_table_wherever_it_comes() -> None:
    aggregator = Aggregator(
        [
            told("a:1", "b:1", restarted=True, until="one"),
            told("a:2"),
            told("c:1", restarted=True),
            told("d:1", until="two"),
            None,
        ]
    )
    async with client_of(aggregator) as client, client.watch_ratings("NFL") as watch:
        await anext(watch)
        update = await anext(watch)
    assert update.restarted
    assert plays(watch.ratings) == {"c": 1, "d": 1}
    assert len(update.changed) == 2


@pytest.mark.parametrize("ending", [[None], []], ids=["silence", "an end without a word"])
async def test_silence_and_an_end_without_a_word_are_breaks(
    monkeypatch: pytest.MonkeyPatch, ending: Sequence[Step]
) -> None:
    monkeypatch.setattr(playscore.client.watch, "SILENCE_SECONDS", 0.1)
    aggregator = Aggregator([told("a:1", restarted=True, until="one"), *ending], [told("a:2", until="two"), None])
    async with client_of(aggregator) as client, client.watch_ratings("NFL") as watch:
        await anext(watch)
        await anext(watch)
    assert plays(watch.ratings) == {"a": 2}


async def test_who_gave_up_waiting_can_read_on() -> None:
    aggregator = Aggregator(
        [told("a:1", restarted=True, until="one"), told("a:2"), None], [told("a:3", until="two"), None]
    )
    async with client_of(aggregator) as client, client.watch_ratings("NFL") as watch:
        await anext(watch)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(watch), 0.05)
        assert plays(watch.ratings) == {"a": 1}
        await anext(watch)
    assert plays(watch.ratings) == {"a": 3}


async def test_a_break_that_lasts_too_long_is_raised_and_reading_again_tries_again() -> None:
    aggregator = Aggregator([BROKEN], [told("a:1", restarted=True, until="one"), None])
    async with client_of(aggregator) as client, client.watch_ratings("NFL", reconnect_seconds=0) as watch:
        with pytest.raises(PlayscoreError) as broken:
            await anext(watch)
        assert broken.value.reason is Reason.NOT_SERVING
        await anext(watch)
    assert plays(watch.ratings) == {"a": 1}


async def test_what_the_service_refuses_is_raised_at_once() -> None:
    aggregator = Aggregator([PlayscoreError(Reason.FILTER_INVALID, "the filter does not parse")])
    async with client_of(aggregator) as client, client.watch_ratings("NFL", split="down =") as watch:
        with pytest.raises(PlayscoreError) as refused:
            await anext(watch)
    assert refused.value.reason is Reason.FILTER_INVALID


INVALID = PlayscoreError(Reason.RESUME_TOKEN_INVALID, "the resume token is not of a watch with these arguments")


async def test_a_service_that_does_not_know_its_predecessors_token_is_watched_anew() -> None:
    aggregator = Aggregator(
        [told("a:1", restarted=True, until="one"), BROKEN], [INVALID], [told("a:2", restarted=True, until="1"), None]
    )
    async with client_of(aggregator) as client, client.watch_ratings("NFL") as watch:
        await anext(watch)
        await anext(watch)
    assert [request.resume_token.value for request in aggregator.asked] == ["", "one", ""]
    assert plays(watch.ratings) == {"a": 2}


async def test_a_token_that_the_caller_brought_is_the_callers_mistake() -> None:
    async with client_of(Aggregator([INVALID])) as client:
        with pytest.raises(PlayscoreError) as refused:
            await anext(client.watch_ratings("NFL", resume_token=pb.WatchToken(value="mine")))
    assert refused.value.reason is Reason.RESUME_TOKEN_INVALID


async def test_the_table_is_read_in_order_of_rank_and_then_of_plays() -> None:
    response = told(restarted=True, until="one")
    for subject, rank, many in (("few", 0, 1), ("second", 2, 50), ("some", 0, 9), ("best", 1, 40)):
        response.ratings.add(subject=common.Subject(subject_id=subject), rank=rank, qualified=bool(rank), plays=many)
    async with client_of(Aggregator([response, None])) as client, client.watch_ratings("NFL") as watch:
        await anext(watch)
        assert [rating.subject.subject_id for rating in watch.ranked()] == ["best", "second", "some", "few"]


def test_a_key_tells_groups_apart_by_their_values_and_their_types() -> None:
    group = [
        pb.FieldValue(field="season", integer=2021),
        pb.FieldValue(field="home", flag=True),
        pb.FieldValue(field="depth"),
    ]
    assert rating_key(pb.Rating(group=group)) == ("", (("season", 2021), ("home", True), ("depth", None)))
