"""A stream answers each request once, limits how many wait, and cleans up after itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

import pytest
import structlog

from playscore.common.v1 import common_pb2, reason_pb2
from playscore.distribution.v1 import distribution_pb2
from playscore.errors import PlayscoreError, Reason
from playscore.football.v1 import football_pb2
from playscore.hockey.v1 import hockey_pb2
from playscore.release import ModelVersion, Release, Support
from playscore.scorer.v1 import scorer_pb2
from scorer.core.catalog import Catalog
from scorer.core.coalescing import QUIET_TURNS
from scorer.core.inference import Batch, Outputs
from scorer.core.model import Model
from scorer.messages import MAX_SUPPORTS
from scorer.onnx import OnnxInference
from scorer.passing.task import Passing
from scorer.stream import MAX_WAITING, ScoreStream
from tests.releases import RELEASES, pass_to_score

Request = scorer_pb2.StreamScoresRequest
Response = scorer_pb2.StreamScoresResponse


class Gated(OnnxInference):
    """Holds every batch until it is opened; then fails with `failure`, or answers where that is None."""

    def __init__(self, release: Release) -> None:
        super().__init__(RELEASES, [release])
        self.gate = asyncio.Event()
        self.failure: Exception | None = None
        self.batches: list[int] = []

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        self.batches.append(len(batch))
        await self.gate.wait()
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        return await super().infer(model, batch, deadline)


@pytest.fixture
async def inference(passing_release: Release) -> AsyncIterator[Gated]:
    inference = Gated(passing_release)
    await inference.open()
    yield inference
    await inference.close()


@pytest.fixture
def catalog(passing_release: Release, inference: Gated) -> Catalog:
    return Catalog([Model(passing_release, Passing(), inference)])


class Sent:
    """Requests as a caller sends them; counts those that were taken."""

    def __init__(self, requests: Iterable[Request], *, half_close: bool = True) -> None:
        self._requests = iter(requests)
        self._half_close = half_close
        self.taken = 0

    def __aiter__(self) -> Sent:
        return self

    async def __anext__(self) -> Request:
        await asyncio.sleep(0)
        for request in self._requests:
            self.taken += 1
            return request
        if not self._half_close:
            await asyncio.Event().wait()
        raise StopAsyncIteration


def to_score(release: Release, request_id: int, **play: Any) -> Request:
    play = {"seed": request_id, "yards": float(request_id % 20), **play}
    return Request(request_id=request_id, score_pass=pass_to_score(release, str(request_id), **play))


def to_grade(scored: scorer_pb2.PassScore, request_id: int, yards: float = 3.0) -> Request:
    play = scorer_pb2.PassToGrade(
        key=scored.key,
        revision=scored.revision,
        distribution=scored.distribution,
        outcome=football_pb2.PassOutcome(yards_gained=yards),
    )
    return Request(request_id=request_id, grade_pass=play)


async def answers(catalog: Catalog, *requests: Request) -> list[Response]:
    return [answer async for answer in ScoreStream(catalog).answers(Sent(requests))]


async def one_answer(catalog: Catalog, *requests: Request) -> Response:
    [answer] = await answers(catalog, *requests)
    return answer


async def scored(catalog: Catalog, inference: Gated, release: Release) -> scorer_pb2.PassScore:
    inference.gate.set()
    return (await one_answer(catalog, to_score(release, 1))).pass_score


async def settle() -> None:
    for _ in range(10 * QUIET_TURNS):
        await asyncio.sleep(0)


def reason(answer: Response) -> str:
    assert answer.WhichOneof("answer") == "rejection", answer
    return reason_pb2.Reason.Name(answer.rejection.reason)


async def test_every_request_is_answered_once_by_its_identifier(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    inference.gate.set()
    requests = [to_score(passing_release, place, frames=1 + place % 100) for place in range(300)]
    found = await answers(catalog, *requests)
    assert sorted(answer.request_id for answer in found) == list(range(300))
    assert all(answer.pass_score.key.play_id == str(answer.request_id) for answer in found)


async def test_no_requests_no_answers(catalog: Catalog) -> None:
    assert await answers(catalog) == []


async def test_answers_leave_in_order_of_completion(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    stream = ScoreStream(catalog).answers(Sent([to_score(passing_release, 1), Request(request_id=2)]))
    assert (await anext(stream)).request_id == 2
    inference.gate.set()
    assert [answer.request_id async for answer in stream] == [1]


async def test_the_stream_takes_no_more_requests_than_may_wait(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    sent = Sent(to_score(passing_release, place, frames=1) for place in range(MAX_WAITING + 40))
    stream = ScoreStream(catalog).answers(sent)
    first = asyncio.ensure_future(anext(stream))
    await settle()
    while sent.taken < MAX_WAITING:
        await settle()
    await settle()
    assert sent.taken == MAX_WAITING
    inference.gate.set()
    await first
    found = [answer async for answer in stream]
    assert sent.taken == MAX_WAITING + 40
    assert len(found) == MAX_WAITING + 39


async def test_plays_of_several_streams_share_batches(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    streams = [
        ScoreStream(catalog).answers(
            Sent([*(to_score(passing_release, place) for place in range(3)), Request(request_id=99)])
        )
        for _ in range(4)
    ]
    for stream in streams:
        assert (await anext(stream)).request_id == 99  # so that all before it wait
    inference.gate.set()
    for stream in streams:
        assert sorted([answer.request_id async for answer in stream]) == [0, 1, 2]
    assert sum(inference.batches) == 12
    assert len(inference.batches) <= 2  # what came first may have left alone


async def test_waiting_plays_of_a_caller_that_went_away_are_not_scored(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    requests = [to_score(passing_release, place) for place in range(100)]
    stream = ScoreStream(catalog).answers(Sent([*requests, Request(request_id=-1)], half_close=False))
    assert (await anext(stream)).request_id == -1
    in_flight = list(inference.batches)
    await stream.aclose()
    inference.gate.set()
    await one_answer(catalog, to_score(passing_release, 7))
    assert inference.batches == [*in_flight, 1]


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (PlayscoreError(Reason.INFERENCE_UNAVAILABLE, "away"), "REASON_INFERENCE_UNAVAILABLE"),
        (PlayscoreError(Reason.OVERLOADED, "full", retry_after_seconds=0.1), "REASON_OVERLOADED"),
        (TimeoutError("late"), "REASON_INFERENCE_UNAVAILABLE"),
    ],
)
async def test_a_batch_that_fails_rejects_its_plays_and_the_stream_goes_on(
    catalog: Catalog, inference: Gated, passing_release: Release, failure: Exception, expected: str
) -> None:
    inference.failure = failure
    inference.gate.set()
    sending: asyncio.Queue[Request] = asyncio.Queue()

    async def sent() -> AsyncIterator[Request]:
        for _ in range(2):
            yield await sending.get()

    stream = ScoreStream(catalog).answers(sent())
    sending.put_nowait(to_score(passing_release, 1))
    assert reason(await anext(stream)) == expected
    sending.put_nowait(to_score(passing_release, 2))
    assert (await anext(stream)).WhichOneof("answer") == "pass_score"
    assert [answer async for answer in stream] == []


async def test_a_defect_rejects_its_plays_with_the_identifier_of_its_log_entry(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    inference.failure = RuntimeError("a defect")
    inference.gate.set()
    with structlog.testing.capture_logs() as logged:
        found = await answers(catalog, *(to_score(passing_release, place) for place in range(3)))
    assert [reason(answer) for answer in found] == ["REASON_INTERNAL"] * 3
    for answer, entry in zip(found, logged, strict=True):
        assert entry["error_id"] in answer.rejection.detail
        assert entry["exc_info"].args == ("a defect",)
        assert "a defect" not in answer.rejection.detail


async def test_requests_that_fail_end_the_stream(catalog: Catalog, passing_release: Release) -> None:
    async def broken() -> AsyncIterator[Request]:
        yield to_score(passing_release, 1)
        raise ConnectionError("broken off")

    with pytest.raises(ConnectionError, match="broken off"):
        [answer async for answer in ScoreStream(catalog).answers(broken())]


async def test_the_support_comes_with_the_first_answer_that_names_it(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    inference.gate.set()
    found = await answers(catalog, *(to_score(passing_release, place) for place in range(20)))
    assert passing_release.support is not None
    assert [answer.HasField("support") for answer in found] == [True] + [False] * 19
    assert found[0].support.support_id == passing_release.support.id


async def test_a_stored_distribution_is_graded_without_inference_as_it_was_at_scoring(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    before = await scored(catalog, inference, passing_release)
    inference.gate.clear()
    answer = await one_answer(catalog, to_grade(before, 5, before.grade.yards_gained))
    assert (answer.request_id, answer.graded_pass.key) == (5, before.key)
    assert answer.graded_pass.grade.play_score == pytest.approx(before.grade.play_score, abs=1e-9)
    assert not answer.HasField("support")


def own_support(tail: float) -> distribution_pb2.Support:
    support = Support(edges_yards=(-9.5, 0.5, 9.5), lower_tail_probability=tail, upper_tail_probability=tail)
    return distribution_pb2.Support(
        support_id=support.id,
        edges_yards=support.edges_yards,
        lower_tail_probability=tail,
        upper_tail_probability=tail,
    )


def over(support: distribution_pb2.Support, before: scorer_pb2.PassScore, request_id: int) -> Request:
    request = to_grade(before, request_id)
    distribution = request.grade_pass.distribution.spliced_binned_pareto
    distribution.support_id = support.support_id
    distribution.probabilities[:] = [0.5, 0.5]
    return request


async def test_a_valid_support_has_no_answer_and_serves_later_requests(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    before = await scored(catalog, inference, passing_release)
    support = own_support(0.1)
    early, late = await answers(
        catalog, over(support, before, 1), Request(request_id=2, support=support), over(support, before, 3)
    )
    assert (early.request_id, reason(early)) == (1, "REASON_DISTRIBUTION_INVALID")
    assert (late.request_id, late.WhichOneof("answer")) == (3, "graded_pass")


async def test_a_stream_remembers_as_many_supports_as_a_call_may_state_and_rejects_more(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    before = await scored(catalog, inference, passing_release)
    supports = [own_support(0.1 + place / 100) for place in range(MAX_SUPPORTS + 1)]
    refused, *graded, unknown = await answers(
        catalog,
        *(Request(request_id=place, support=support) for place, support in enumerate([*supports, supports[0]])),
        *(over(support, before, place) for place, support in enumerate(supports)),
    )
    assert (refused.request_id, reason(refused)) == (MAX_SUPPORTS, "REASON_FIELD_INVALID")
    assert [answer.request_id for answer in graded] == list(range(MAX_SUPPORTS))
    assert all(answer.HasField("graded_pass") for answer in graded)
    assert (unknown.request_id, reason(unknown)) == (MAX_SUPPORTS, "REASON_DISTRIBUTION_INVALID")


async def test_an_invalid_support_is_rejected_and_so_are_requests_that_name_it(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    before = await scored(catalog, inference, passing_release)
    wrong = own_support(0.1)
    wrong.edges_yards[0] = 7.0
    nameless = distribution_pb2.Support(support_id="x" * 200, edges_yards=wrong.edges_yards)
    found = await answers(
        catalog,
        Request(request_id=1, support=nameless),
        Request(request_id=2, support=wrong),
        over(wrong, before, 3),
    )
    assert [answer.request_id for answer in found] == [1, 2, 3]
    assert reason(found[0]) == "REASON_FIELD_INVALID"
    for answer in found[1:]:
        assert reason(answer) == "REASON_DISTRIBUTION_INVALID"
        assert answer.rejection.detail.startswith("support.edges_yards")
    assert [answer.rejection.HasField("key") for answer in found] == [False, False, True]


async def test_bad_requests_are_rejected_naming_their_play(
    catalog: Catalog, inference: Gated, passing_release: Release
) -> None:
    before = await scored(catalog, inference, passing_release)
    foreign, unknown, yards = (to_score(passing_release, place) for place in range(3))
    foreign.score_pass.tensor.feature_specification_id = "0123456789abcdef"
    unknown.model.CopyFrom(common_pb2.ModelVersion(name="passing", version=99))
    yards.score_pass.outcome.yards_gained = 1e9
    grade = to_grade(before, 3)
    grade.grade_pass.outcome.ClearField("yards_gained")
    shot = scorer_pb2.ShotToScore(tensor=yards.score_pass.tensor)
    graded_shot = scorer_pb2.ShotToGrade(key=before.key, revision=1, outcome=hockey_pb2.ShotOutcome())
    requests = [
        (foreign, "REASON_FEATURE_SPECIFICATION_MISMATCH", "score_pass.tensor"),
        (unknown, "REASON_MODEL_NOT_FOUND", "passing:99"),
        (yards, "REASON_YARDS_OUT_OF_RANGE", "score_pass.outcome.yards_gained"),
        (grade, "REASON_FIELD_INVALID", "grade_pass.outcome.yards_gained"),
        (Request(request_id=4, score_shot=shot), "REASON_MODEL_NOT_FOUND", "no model of shots is served"),
        (Request(request_id=5, grade_shot=graded_shot), "REASON_FIELD_INVALID", "grade_shot.distribution"),
        (Request(request_id=6), "REASON_FIELD_INVALID", "request"),
    ]
    found = await answers(catalog, *(request for request, _, _ in requests))
    for answer, (request, expected, what) in zip(found, requests, strict=True):
        assert answer.request_id == request.request_id
        assert reason(answer) == expected
        assert what in answer.rejection.detail
        assert not answer.rejection.HasField("index")
    assert [answer.rejection.key.play_id for answer in found] == ["0", "1", "2", "1", "2", "1", ""]
    assert [answer.rejection.task for answer in found[:4]] == [common_pb2.TASK_PASSING] * 4
    assert [answer.rejection.task for answer in found[4:6]] == [common_pb2.TASK_SHOTS] * 2
    assert not found[6].rejection.HasField("key")
    assert found[2].rejection.subjects == yards.score_pass.tensor.subjects
