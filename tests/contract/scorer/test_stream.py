"""StreamScores and StreamScoreBatches over a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import chain
from typing import Any

import grpc
import grpc.aio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from playscore.errors import Reason
from playscore.football.v1.football_pb2 import PassOutcome
from playscore.release import ModelVersion, Release
from playscore.scorer.v1 import scorer_pb2
from scorer.core.inference import Batch, Outputs
from scorer.onnx import OnnxInference
from tests.contract.scorer.conftest import Serve
from tests.releases import RELEASES, pass_to_score

SECONDS = 30.0

Answer = Any
"""A PassScore, a GradedPass or a Rejection."""
Item = scorer_pb2.PassToScore | scorer_pb2.PassToGrade


@pytest.fixture(scope="module")
def passes(passing_release: Release) -> list[scorer_pb2.PassToScore]:
    """Passes of all lengths; some of unknown yards, some wrong."""
    made = []
    for place in range(24):
        yards = None if place % 3 == 0 else float(place - 6)
        play = pass_to_score(passing_release, str(place), frames=1 + 11 * place % 128, yards=yards, seed=place)
        if place % 8 == 5:
            play.outcome.yards_gained = 1e9
        if place % 8 == 7:
            play.tensor.frames = play.tensor.frames[:-4]
        made.append(play)
    return made


def grades_of(scores: Iterable[scorer_pb2.PassScore]) -> list[scorer_pb2.PassToGrade]:
    return [
        scorer_pb2.PassToGrade(
            key=score.key,
            revision=score.revision,
            distribution=score.distribution,
            outcome=PassOutcome(yards_gained=float(place), outcome_revision=place),
        )
        for place, score in enumerate(scores)
    ]


def request(request_id: int, item: Item) -> scorer_pb2.StreamScoresRequest:
    if isinstance(item, scorer_pb2.PassToScore):
        return scorer_pb2.StreamScoresRequest(request_id=request_id, score_pass=item)
    return scorer_pb2.StreamScoresRequest(request_id=request_id, grade_pass=item)


async def alone(stub: Any, item: Item) -> Answer:
    """What the unary call answers."""
    if isinstance(item, scorer_pb2.PassToScore):
        scored = await stub.ScorePasses(scorer_pb2.ScorePassesRequest(passes=[item]), timeout=SECONDS)
        answers = [list(scored.scores), list(scored.rejections)]
    else:
        graded = await stub.GradePasses(scorer_pb2.GradePassesRequest(passes=[item]), timeout=SECONDS)
        answers = [list(graded.graded), list(graded.rejections)]
    [answer] = chain(*answers)
    return answer


def assert_same(streamed: Answer, unary: Answer) -> None:
    """To what single precision tells apart: a play may meet others in its batch."""
    assert type(streamed) is type(unary)
    assert streamed.key == unary.key
    if isinstance(streamed, scorer_pb2.PassScore):
        assert streamed.HasField("grade") == unary.HasField("grade")
        probabilities = (each.distribution.spliced_binned_pareto.probabilities for each in (streamed, unary))
        streamed_probabilities, unary_probabilities = map(list, probabilities)
        assert streamed_probabilities == pytest.approx(unary_probabilities, abs=1e-5)
        assert streamed.grade.play_score == pytest.approx(unary.grade.play_score, abs=1e-5)
    elif isinstance(streamed, scorer_pb2.GradedPass):
        assert streamed == unary
    else:
        assert (streamed.reason, streamed.subjects) == (unary.reason, unary.subjects)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(40)), pauses=st.lists(st.integers(0, 3), min_size=40, max_size=40))
async def test_a_stream_answers_as_the_unary_calls_do_whatever_the_interleaving(
    stub: Any, passes: list[scorer_pb2.PassToScore], order: list[int], pauses: list[int]
) -> None:
    response = await stub.ScorePasses(scorer_pb2.ScorePassesRequest(passes=passes), timeout=SECONDS)
    items: list[Item] = [*passes, *grades_of(response.scores)]
    order = [place for place in order if place < len(items)]

    async def sent() -> AsyncIterator[scorer_pb2.StreamScoresRequest]:
        for place, pause in zip(order, pauses, strict=False):
            for _ in range(pause):
                await asyncio.sleep(0)
            yield request(place, items[place])

    async def streamed() -> dict[int, Answer]:
        answers: dict[int, Answer] = {}
        async for answer in stub.StreamScores(sent()):
            assert answer.request_id not in answers
            answers[answer.request_id] = getattr(answer, answer.WhichOneof("answer"))
        return answers

    async def batches() -> AsyncIterator[scorer_pb2.StreamScoreBatchesRequest]:
        batch = scorer_pb2.StreamScoreBatchesRequest()
        for place, pause in zip(order, pauses, strict=False):
            if pause:
                yield batch
                batch = scorer_pb2.StreamScoreBatchesRequest()
            batch.requests.append(request(place, items[place]))
        yield batch

    async def batched() -> dict[int, Answer]:
        answers: dict[int, Answer] = {}
        async for batch in stub.StreamScoreBatches(batches()):
            assert batch.answers
            for answer in batch.answers:
                assert answer.request_id not in answers
                answers[answer.request_id] = getattr(answer, answer.WhichOneof("answer"))
        return answers

    first, second, *unary = await asyncio.gather(streamed(), batched(), *(alone(stub, items[place]) for place in order))
    assert first.keys() == second.keys() == set(order)
    for place, answer in zip(order, unary, strict=True):
        assert_same(first[place], answer)
        assert_same(second[place], answer)


async def test_answers_of_a_batch_come_together_and_name_the_support_first(
    stub: Any, passes: list[scorer_pb2.PassToScore]
) -> None:
    stream = stub.StreamScoreBatches()
    requests = [request(place, play) for place, play in enumerate(passes)]
    await stream.write(scorer_pb2.StreamScoreBatchesRequest(requests=requests))
    await stream.done_writing()
    batches = [list(batch.answers) async for batch in stream]
    assert len(batches) < len(passes)
    answers = [answer for batch in batches for answer in batch]
    scores = [answer for answer in answers if answer.HasField("pass_score")]
    assert sorted(answer.request_id for answer in answers) == list(range(len(passes)))
    assert [answer.HasField("support") for answer in scores] == [True] + [False] * (len(scores) - 1)


async def test_more_requests_than_a_message_may_hold_end_the_stream(
    stub: Any, passes: list[scorer_pb2.PassToScore]
) -> None:
    batch = scorer_pb2.StreamScoreBatchesRequest(requests=[request(place, passes[0]) for place in range(257)])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        async for _ in stub.StreamScoreBatches([batch]):
            pass
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "requests must be at most 256" in (refused.value.details() or "")


async def test_a_batch_of_nothing_is_answered_with_nothing(stub: Any) -> None:
    batch = scorer_pb2.StreamScoreBatchesRequest()
    assert [answer async for answer in stub.StreamScoreBatches([batch, batch])] == []


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), yards=st.integers(-100, 110).map(float))
async def test_a_stored_distribution_is_graded_as_the_score_was_by_both_calls(
    stub: Any, passing_release: Release, seed: int, yards: float
) -> None:
    play = pass_to_score(passing_release, frames=1 + seed % 128, yards=yards, seed=seed)
    scored = await alone(stub, play)
    [again] = grades_of([scored])
    again.outcome.yards_gained = yards
    unary = await alone(stub, again)
    async for streamed in stub.StreamScores([request(1, again)]):
        assert streamed.graded_pass == unary
    assert unary.grade.play_score == pytest.approx(scored.grade.play_score, abs=1e-9)


async def test_a_stream_needs_no_deadline_and_ends_when_all_is_answered(
    stub: Any, passes: list[scorer_pb2.PassToScore]
) -> None:
    stream = stub.StreamScores()
    for request_id, play in enumerate(passes):
        await stream.write(request(request_id, play))
    await stream.done_writing()
    answers = [answer async for answer in stream]
    assert sorted(answer.request_id for answer in answers) == list(range(len(passes)))
    assert [answer.HasField("support") for answer in answers].count(True) == 1
    assert await stream.code() is grpc.StatusCode.OK


async def test_play_by_play_each_answer_comes_before_the_next_request(
    stub: Any, passes: list[scorer_pb2.PassToScore]
) -> None:
    stream = stub.StreamScores()
    for request_id, play in enumerate(passes):
        await stream.write(request(request_id, play))
        answer = await stream.read()
        assert answer.request_id == request_id
    await stream.done_writing()
    assert await stream.read() == grpc.aio.EOF  # type: ignore[attr-defined]


class Defective(OnnxInference):
    """Breaks on its first batch."""

    broken = False

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        if not self.broken:
            self.broken = True
            raise RuntimeError("a defect")
        return await super().infer(model, batch, deadline)


async def test_a_stream_goes_on_after_a_defect(serve: Serve, passing_release: Release) -> None:
    async with serve(Defective(RELEASES, [passing_release]), (passing_release,)) as stub:
        stream = stub.StreamScores()
        for request_id in range(2):
            await stream.write(request(request_id, pass_to_score(passing_release)))
            answer = await stream.read()
            assert answer.request_id == request_id
            assert answer.rejection.reason == (Reason.INTERNAL.value if request_id == 0 else 0)
        await stream.done_writing()


async def test_a_caller_that_goes_away_leaves_the_service_to_the_others(
    stub: Any, passing_release: Release, passes: list[scorer_pb2.PassToScore]
) -> None:
    for _ in range(20):
        stream = stub.StreamScores()
        for request_id, play in enumerate(passes):
            await stream.write(request(request_id, play))
        stream.cancel()
    assert (await alone(stub, pass_to_score(passing_release, "last"))).key.play_id == "last"
