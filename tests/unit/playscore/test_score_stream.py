"""One stream, many askers: every answer reaches the one who asked, and nobody waits for a stream that is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio
import pytest

from playscore.client import ScorerClient, ScoreStream
from playscore.client.score_stream import MAX_TOGETHER
from playscore.common.v1 import common_pb2, reason_pb2
from playscore.distribution.v1 import distribution_pb2
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2
from playscore.rpc_errors import status_of
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc

ScorerServicer: Any = scorer_pb2_grpc.ScorerServiceServicer
Answer = Callable[["Scorer", Any, Any], AsyncIterator[scorer_pb2.StreamScoresResponse]]


class Scorer(ScorerServicer):  # type: ignore[misc]
    """Answers as `answer` does; keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[scorer_pb2.StreamScoresRequest] = []
        self.together: list[int] = []
        """How many requests came in each message."""

    async def StreamScoreBatches(
        self, batches: Any, context: Any
    ) -> AsyncIterator[scorer_pb2.StreamScoreBatchesResponse]:
        async for answer in self.answer(self, self._requests(batches), context):
            yield scorer_pb2.StreamScoreBatchesResponse(answers=[answer])

    async def _requests(self, batches: Any) -> AsyncIterator[scorer_pb2.StreamScoresRequest]:
        async for batch in batches:
            self.together.append(len(batch.requests))
            for request in batch.requests:
                yield request

    async def read(self, requests: Any) -> scorer_pb2.StreamScoresRequest | None:
        async for request in requests:
            self.asked.append(request)
            return request  # type: ignore[no-any-return]
        return None


def play_id(request: scorer_pb2.StreamScoresRequest) -> str:
    play = request.score_pass.tensor if request.HasField("score_pass") else request.grade_pass
    return play.key.play_id


async def last_first(scorer: Scorer, requests: Any, _context: Any) -> AsyncIterator[scorer_pb2.StreamScoresResponse]:
    """Answers three requests in reverse; rejects the play "bad"."""
    asked = [request for _ in range(3) if (request := await scorer.read(requests)) is not None]
    for request in reversed(asked):
        key = common_pb2.PlayKey(play_id=play_id(request))
        answer = scorer_pb2.StreamScoresResponse(request_id=request.request_id)
        if key.play_id == "bad":
            answer.rejection.CopyFrom(
                common_pb2.Rejection(key=key, reason=reason_pb2.REASON_TENSOR_NOT_FINITE, detail="NaN")
            )
        else:
            answer.pass_score.key.CopyFrom(key)
            answer.support.support_id = f"of {key.play_id}"
        yield answer


async def graded(scorer: Scorer, requests: Any, _context: Any) -> AsyncIterator[scorer_pb2.StreamScoresResponse]:
    while (request := await scorer.read(requests)) is not None:
        if request.HasField("grade_pass"):
            yield scorer_pb2.StreamScoresResponse(
                request_id=request.request_id, graded_pass=scorer_pb2.GradedPass(key=request.grade_pass.key)
            )


async def silent(scorer: Scorer, requests: Any, _context: Any) -> AsyncIterator[scorer_pb2.StreamScoresResponse]:
    while await scorer.read(requests) is not None:
        pass
    return
    yield


async def refusing(scorer: Scorer, requests: Any, context: Any) -> AsyncIterator[scorer_pb2.StreamScoresResponse]:
    await scorer.read(requests)
    await scorer.read(requests)
    await context.abort_with_status(status_of(PlayscoreError(Reason.INFERENCE_UNAVAILABLE, "no inference")))
    yield scorer_pb2.StreamScoresResponse()


async def ending(scorer: Scorer, requests: Any, _context: Any) -> AsyncIterator[scorer_pb2.StreamScoresResponse]:
    await scorer.read(requests)
    return
    yield


@asynccontextmanager
async def stream_to(
    scorer: Scorer, timeout_seconds: float = 5.0, model: common_pb2.ModelVersion | None = None
) -> AsyncIterator[ScoreStream]:
    server = grpc.aio.server()
    scorer_pb2_grpc.add_ScorerServiceServicer_to_server(scorer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with (
            ScorerClient(f"127.0.0.1:{port}", timeout_seconds=timeout_seconds) as client,
            client.stream_scores(model) as stream,
        ):
            yield stream
    finally:
        await server.stop(None)


def to_score(play: str) -> scorer_pb2.PassToScore:
    return scorer_pb2.PassToScore(tensor=featurizer_pb2.PlayTensor(key=common_pb2.PlayKey(play_id=play)))


def to_grade(play: str) -> scorer_pb2.PassToGrade:
    return scorer_pb2.PassToGrade(key=common_pb2.PlayKey(play_id=play))


async def test_answers_reach_those_who_asked_in_whatever_order_they_come() -> None:
    scorer = Scorer(last_first)
    async with stream_to(scorer, model=common_pb2.ModelVersion(name="passing", version=3)) as stream:
        first, bad, last = await asyncio.gather(*(stream.score_pass(to_score(play)) for play in ("1", "bad", "3")))
        assert isinstance(first, scorer_pb2.PassScore) and first.key.play_id == "1"
        assert isinstance(last, scorer_pb2.PassScore) and last.key.play_id == "3"
        assert isinstance(bad, common_pb2.Rejection) and bad.detail == "NaN"
        assert set(stream.supports) == {"of 1", "of 3"}
    assert {request.model.version for request in scorer.asked} == {3}


async def test_what_is_asked_at_the_same_time_travels_together() -> None:
    scorer = Scorer(echoing)
    async with stream_to(scorer) as stream:
        for count in (1, 2, MAX_TOGETHER + 1):
            faceoffs = [scorer_pb2.FaceoffToGrade(key=common_pb2.PlayKey(play_id=str(place))) for place in range(count)]
            answers = await asyncio.gather(*map(stream.grade_faceoff, faceoffs))
            assert [answer.key for answer in answers] == [faceoff.key for faceoff in faceoffs]
    assert scorer.together == [1, 2, MAX_TOGETHER, 1]


async def test_one_who_asks_and_leaves_breaks_nothing_for_the_others() -> None:
    async with stream_to(Scorer(echoing)) as stream:
        faceoffs = [scorer_pb2.FaceoffToGrade(key=common_pb2.PlayKey(play_id=str(place))) for place in range(3)]
        asking = [asyncio.create_task(stream.grade_faceoff(faceoff)) for faceoff in faceoffs]
        await asyncio.sleep(0)  # until they have asked
        asking[1].cancel()
        answers = await asyncio.gather(asking[0], asking[2])
    assert [answer.key.play_id for answer in answers] == ["0", "2"]


async def test_a_support_is_sent_once_and_before_the_first_that_names_it() -> None:
    scorer, support = Scorer(graded), distribution_pb2.Support(support_id="s", edges_yards=[0.0, 1.0])
    async with stream_to(scorer) as stream:
        for play in ("1", "2"):
            answer = await stream.grade_pass(to_grade(play), [support])
            assert isinstance(answer, scorer_pb2.GradedPass) and answer.key.play_id == play
    assert [request.WhichOneof("request") for request in scorer.asked] == ["support", "grade_pass", "grade_pass"]


async def test_a_stream_that_fails_says_why_to_all_who_wait_and_to_all_who_come_later() -> None:
    async with stream_to(Scorer(refusing)) as stream:
        outcomes = await asyncio.gather(
            *(stream.score_pass(to_score(play)) for play in ("1", "2")), return_exceptions=True
        )
        with pytest.raises(PlayscoreError) as later:
            await stream.score_pass(to_score("3"))
    for outcome in (*outcomes, later.value):
        assert isinstance(outcome, PlayscoreError) and outcome.reason is Reason.INFERENCE_UNAVAILABLE


async def test_a_stream_that_ends_leaves_nobody_waiting() -> None:
    async with stream_to(Scorer(ending)) as stream:
        with pytest.raises(ConnectionError, match="ended the stream"):
            await stream.score_pass(to_score("1"))


async def test_what_is_not_answered_in_time_is_a_timeout() -> None:
    async with stream_to(Scorer(silent), timeout_seconds=0.2) as stream:
        with pytest.raises(TimeoutError, match="no answer"):
            await stream.score_pass(to_score("1"))


async def test_closing_the_stream_ends_what_waits_on_it() -> None:
    async with stream_to(Scorer(silent), timeout_seconds=60.0) as stream:
        waiting = asyncio.create_task(stream.score_pass(to_score("1")))
        await asyncio.sleep(0)  # until it has asked
    with pytest.raises(ConnectionError):
        await waiting


async def test_nobody_at_the_address_is_a_connection_error() -> None:
    async with ScorerClient("127.0.0.1:1", timeout_seconds=2.0) as client, client.stream_scores() as stream:
        with pytest.raises(ConnectionError):
            await stream.score_pass(to_score("1"))


async def echoing(scorer: Scorer, requests: Any, _context: Any) -> AsyncIterator[scorer_pb2.StreamScoresResponse]:
    """Answers each kind of request with its kind of answer; rejects the play "bad"."""
    answers = {
        "score_shot": "shot_score",
        "grade_shot": "graded_shot",
        "score_faceoff": "faceoff_score",
        "grade_faceoff": "graded_faceoff",
    }
    while (request := await scorer.read(requests)) is not None:
        kind = request.WhichOneof("request") or ""
        message = getattr(request, kind)
        key = message.tensor.key if kind.startswith("score") else message.key
        answer = scorer_pb2.StreamScoresResponse(request_id=request.request_id)
        getattr(answer, "rejection" if key.play_id == "bad" else answers[kind]).key.CopyFrom(key)
        yield answer


@pytest.mark.parametrize(
    ("ask", "kind", "answer"),
    [
        ("score_shot", scorer_pb2.ShotToScore, scorer_pb2.ShotScore),
        ("grade_shot", scorer_pb2.ShotToGrade, scorer_pb2.GradedShot),
        ("score_faceoff", scorer_pb2.FaceoffToScore, scorer_pb2.FaceoffScore),
        ("grade_faceoff", scorer_pb2.FaceoffToGrade, scorer_pb2.GradedFaceoff),
    ],
)
async def test_shots_and_faceoffs_are_asked_for_on_the_same_stream(ask: str, kind: Any, answer: Any) -> None:
    def play(play_id: str) -> Any:
        key = common_pb2.PlayKey(play_id=play_id)
        return kind(tensor=featurizer_pb2.PlayTensor(key=key)) if ask.startswith("score") else kind(key=key)

    scorer = Scorer(echoing)
    async with stream_to(scorer, model=common_pb2.ModelVersion(name="any", version=1)) as stream:
        good, bad = await asyncio.gather(*(getattr(stream, ask)(play(play_id)) for play_id in ("good", "bad")))
    assert isinstance(good, answer) and good.key.play_id == "good"
    assert isinstance(bad, common_pb2.Rejection) and bad.key.play_id == "bad"
    assert {request.model.version for request in scorer.asked} == ({1} if ask.startswith("score") else {0})
