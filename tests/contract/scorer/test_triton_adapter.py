"""How the scorer handles a Triton that is slow, full, unreachable or wrong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from structlog.testing import capture_logs
from tritonclient.grpc import service_pb2, service_pb2_grpc

from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release
from playscore.rpc_errors import error_from_rpc
from playscore.scorer.v1 import scorer_pb2
from scorer import triton
from scorer.core.inference import Batch
from scorer.triton import MAX_ATTEMPTS, TritonInference
from tests.releases import pass_to_score

BATCH = Batch(np.zeros((2, 32, 5), np.float32), np.ones((2, 32), np.float32), np.zeros((2, 3), np.float32))
MODEL = ModelVersion("passing", 1)
ABSENT = ModelVersion("passing", 1000)
"""The first version of the passing model that the scripted Triton does not have."""
LOGITS = np.arange(8, dtype="<f4").reshape(2, 4)
TAILS = np.ones((2, 4), "<f4")
TAILS_SAID = {"name": "tails", "datatype": "FP32", "shape": TAILS.shape}

Behavior = Callable[[service_pb2.ModelInferRequest, Any], Any]


class ScriptedTriton(service_pb2_grpc.GRPCInferenceServiceServicer):  # type: ignore[misc]
    """Speaks Triton's protocol; answers inference as the script says, step by step, the last step for ever."""

    def __init__(self, *script: Behavior) -> None:
        self.script = list(script)
        self.requests: list[service_pb2.ModelInferRequest] = []
        self.time_remaining: list[float] = []
        self.traceparents: list[str | None] = []
        self.ending = False

    async def ServerLive(self, request: Any, context: Any) -> service_pb2.ServerLiveResponse:
        if self.ending:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Server exiting")
        return service_pb2.ServerLiveResponse(live=True)

    async def ModelConfig(self, request: Any, context: Any) -> service_pb2.ModelConfigResponse:
        if self.ending:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Server exiting")
        return service_pb2.ModelConfigResponse()

    async def ModelReady(self, request: service_pb2.ModelReadyRequest, context: Any) -> service_pb2.ModelReadyResponse:
        return service_pb2.ModelReadyResponse(
            ready=request.name == ABSENT.name and int(request.version) < ABSENT.version
        )

    async def ModelInfer(self, request: service_pb2.ModelInferRequest, context: Any) -> Any:
        self.requests.append(request)
        self.time_remaining.append(context.time_remaining())
        self.traceparents.append(dict(context.invocation_metadata()).get("traceparent"))
        behave = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        return await behave(request, context)


async def answers(request: service_pb2.ModelInferRequest, context: Any) -> service_pb2.ModelInferResponse:
    return service_pb2.ModelInferResponse(
        model_name=request.model_name,
        model_version=request.model_version,
        outputs=[{"name": "logits", "datatype": "FP32", "shape": LOGITS.shape}, TAILS_SAID],
        raw_output_contents=[LOGITS.tobytes(), TAILS.tobytes()],
    )


def fails(code: grpc.StatusCode, words: str) -> Behavior:
    async def fail(request: service_pb2.ModelInferRequest, context: Any) -> None:
        await context.abort(code, words)

    return fail


async def hangs(request: service_pb2.ModelInferRequest, context: Any) -> None:
    await asyncio.Event().wait()


away = fails(grpc.StatusCode.UNAVAILABLE, "Socket closed")
full = fails(grpc.StatusCode.UNAVAILABLE, "[request id: <id_unknown>] Exceeds maximum queue size")
stopping = fails(grpc.StatusCode.UNAVAILABLE, "Server is stopping, scheduler for model has stopped")
waited = fails(grpc.StatusCode.UNAVAILABLE, "Request timeout expired")


class Bench:
    """A scripted Triton on loopback and the adapter that speaks to it."""

    def __init__(self) -> None:
        self.server = grpc.aio.server()
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.inference = TritonInference(f"127.0.0.1:{self.port}", attempt_seconds=5.0)

    async def script(self, *script: Behavior) -> ScriptedTriton:
        scripted = ScriptedTriton(*script)
        service_pb2_grpc.add_GRPCInferenceServiceServicer_to_server(scripted, self.server)
        await self.server.start()
        return scripted

    async def infer(self, seconds: float = 30.0, model: ModelVersion = MODEL) -> Any:
        return await self.inference.infer(model, BATCH, time.monotonic() + seconds)


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(triton, "RETRY_PAUSE_SECONDS", 0.001)
    bench = Bench()
    await bench.inference.open()
    yield bench
    await bench.inference.close()
    await bench.server.stop(None)


async def refusal(inferring: Any) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as refused:
        await inferring
    return refused.value


@pytest.mark.parametrize("found_by", ["a batch", "a proof", "asking whether it is ready"])
async def test_a_triton_that_is_ending_is_left_at_once(bench: Bench, found_by: str) -> None:
    scripted = await bench.script(stopping, answers)
    scripted.ending = True
    if found_by == "a batch":
        refused = await refusal(bench.infer())
        assert refused.reason is Reason.INFERENCE_UNAVAILABLE
        assert len(scripted.requests) == 1, "it is not asked again"
    elif found_by == "a proof":
        scripted.script = [answers]
        refused = await refusal(bench.inference.stated_digest(MODEL))
        assert refused.reason is Reason.INFERENCE_UNAVAILABLE
    else:
        scripted.script = [answers]
        assert not await bench.inference.ready(MODEL)
    assert bench.inference.losses == 1, "whoever answers next may be another server"
    scripted.ending = False
    assert await bench.infer()


async def test_a_request_names_model_and_version_and_carries_the_batch(bench: Bench) -> None:
    scripted = await bench.script(answers)
    outputs = await bench.infer(model=ModelVersion("other", 3))
    assert list(outputs) == ["logits", "tails"]
    np.testing.assert_array_equal(outputs["logits"], LOGITS)
    np.testing.assert_array_equal(outputs["tails"], TAILS)
    [request] = scripted.requests
    assert (request.model_name, request.model_version) == ("other", "3")
    assert [(each.name, each.datatype, list(each.shape)) for each in request.inputs] == [
        ("frames", "FP32", [2, 32, 5]),
        ("mask", "FP32", [2, 32]),
        ("static", "FP32", [2, 3]),
    ]
    assert list(request.raw_input_contents) == [
        BATCH.frames.tobytes(),
        BATCH.mask.tobytes(),
        BATCH.statics.tobytes(),
    ]


async def test_triton_is_told_the_trace_of_a_batch_that_has_one(bench: Bench) -> None:
    scripted = await bench.script(answers)
    traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for batch in (BATCH, replace(BATCH, traceparent=traceparent)):
        await bench.inference.infer(MODEL, batch, time.monotonic() + 30.0)
    assert scripted.traceparents == [None, traceparent]


async def test_the_deadline_is_passed_on(bench: Bench) -> None:
    scripted = await bench.script(answers)
    await bench.infer(seconds=2.0)
    assert 0.0 < scripted.time_remaining[0] < 3.0


async def test_an_attempt_has_its_own_time_limit_however_late_the_deadline(bench: Bench) -> None:
    scripted = await bench.script(answers)
    await bench.infer(seconds=1000.0)
    assert scripted.time_remaining[0] < 6.0


async def test_triton_is_not_asked_after_the_deadline(bench: Bench) -> None:
    scripted = await bench.script(answers)
    with pytest.raises(TimeoutError):
        await bench.infer(seconds=0.0)
    assert scripted.requests == []


async def test_a_batch_is_not_sent_again_after_its_deadline(bench: Bench) -> None:
    scripted = await bench.script(hangs)
    with pytest.raises(TimeoutError):
        await bench.infer(seconds=0.2)
    assert len(scripted.requests) == 1


async def test_a_triton_that_hangs_is_unavailable_and_gets_no_retry(bench: Bench) -> None:
    scripted = await bench.script(hangs)
    bench.inference = TritonInference(f"127.0.0.1:{bench.port}", attempt_seconds=0.2)
    await bench.inference.open()
    error = await refusal(bench.infer())
    assert error.reason is Reason.INFERENCE_UNAVAILABLE
    assert "0.2 s" in error.detail
    assert len(scripted.requests) == 1


async def test_a_batch_is_sent_again_if_triton_was_unreachable(bench: Bench) -> None:
    scripted = await bench.script(away, answers)
    outputs = await bench.infer()
    np.testing.assert_array_equal(outputs["logits"], LOGITS)
    assert len(scripted.requests) == 2


async def test_attempts_are_limited(bench: Bench) -> None:
    scripted = await bench.script(away)
    error = await refusal(bench.infer())
    assert error.reason is Reason.INFERENCE_UNAVAILABLE
    assert len(scripted.requests) == MAX_ATTEMPTS


async def test_a_triton_that_is_down_for_long_gets_one_attempt_per_batch(bench: Bench) -> None:
    scripted = await bench.script(away)
    for _ in range(10):
        await refusal(bench.infer())
    scripted.requests.clear()
    for _ in range(10):
        await refusal(bench.infer())
    assert len(scripted.requests) == 10


async def test_no_retry_goes_past_the_deadline(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton, "RETRY_PAUSE_SECONDS", 1000.0)
    scripted = await bench.script(away)
    assert (await refusal(bench.infer())).reason is Reason.INFERENCE_UNAVAILABLE
    assert len(scripted.requests) == 1


@pytest.mark.parametrize("behavior", [full, waited])
async def test_a_full_queue_is_overload_with_a_retry_hint_and_no_retry(bench: Bench, behavior: Behavior) -> None:
    scripted = await bench.script(behavior)
    error = await refusal(bench.infer())
    assert error.reason is Reason.OVERLOADED
    assert error.retry_after_seconds is not None
    assert len(scripted.requests) == 1


async def test_a_triton_without_the_version_is_unavailable(bench: Bench) -> None:
    await bench.script(fails(grpc.StatusCode.NOT_FOUND, "Request for unknown model: 'passing' version 7 is not found"))
    error = await refusal(bench.infer(model=ModelVersion("passing", 7)))
    assert error.reason is Reason.INFERENCE_UNAVAILABLE
    assert "passing:7" in error.detail


FOREIGN = "in '/models/passing/3/model.py', line 40: \x1b[31munexpected shape"


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK])
async def test_whatever_triton_refuses_is_not_the_callers_fault_and_its_words_stay_in_the_log(
    bench: Bench, code: grpc.StatusCode
) -> None:
    await bench.script(fails(code, FOREIGN))
    with capture_logs() as logged:
        error = await refusal(bench.infer())
    assert error.reason is Reason.INFERENCE_UNAVAILABLE
    assert not any(part in error.detail for part in ("/models", "unexpected", "\x1b", "127.0.0.1", str(bench.port)))
    assert {(line["code"], line["said"]) for line in logged} == {(code.name, FOREIGN)}


async def test_a_failure_that_stays_the_same_is_logged_once_until_triton_answers(bench: Bench) -> None:
    broken = fails(grpc.StatusCode.INTERNAL, FOREIGN)
    await bench.script(broken, broken, broken, answers, broken)
    with capture_logs() as logged:
        for _ in range(3):
            await refusal(bench.infer())
        await bench.infer()
        await refusal(bench.infer())
    assert [line["event"] for line in logged] == ["triton failed"] * 2


def answers_with(**changed: Any) -> Behavior:
    async def answer(request: service_pb2.ModelInferRequest, context: Any) -> service_pb2.ModelInferResponse:
        right = await answers(request, context)
        return service_pb2.ModelInferResponse(
            **{
                "model_name": right.model_name,
                "model_version": right.model_version,
                "outputs": right.outputs,
                "raw_output_contents": right.raw_output_contents,
                **changed,
            }
        )

    return answer


@pytest.mark.parametrize(
    "changed",
    [
        {"model_name": "shots"},
        {"model_version": "2"},
        {"model_version": ""},
        {"raw_output_contents": [LOGITS.tobytes()]},
        {"raw_output_contents": [LOGITS.tobytes(), TAILS.tobytes()[:-1]]},
        {"outputs": [{"name": "logits", "datatype": "FP64", "shape": [2, 2]}, TAILS_SAID]},
        {"outputs": [{"name": "logits", "datatype": "FP32", "shape": [2, 5]}, TAILS_SAID]},
        {"outputs": [{"name": "logits", "datatype": "FP32", "shape": [-2, -4]}, TAILS_SAID]},
        {"outputs": [TAILS_SAID, TAILS_SAID, TAILS_SAID]},
    ],
)
async def test_an_answer_that_is_none_is_the_servers_fault(bench: Bench, changed: dict[str, Any]) -> None:
    await bench.script(answers_with(**changed))
    assert (await refusal(bench.infer())).reason is Reason.INFERENCE_UNAVAILABLE


async def test_an_answer_larger_than_any_is_the_servers_fault(bench: Bench) -> None:
    await bench.script(answers_with(raw_output_contents=[bytes(triton.MAX_ANSWER_BYTES + 1)]))
    assert (await refusal(bench.infer())).reason is Reason.INFERENCE_UNAVAILABLE


async def test_ready_is_a_live_server_that_has_the_version(bench: Bench) -> None:
    assert not await bench.inference.ready(MODEL)
    await bench.script(answers)
    deadline = time.monotonic() + 20.0
    while not await bench.inference.ready(MODEL):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert not await bench.inference.ready(ABSENT)


@pytest.mark.parametrize(
    ("behavior", "code", "reason"),
    [
        (away, grpc.StatusCode.UNAVAILABLE, Reason.INFERENCE_UNAVAILABLE),
        (full, grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.OVERLOADED),
    ],
)
async def test_callers_get_the_status_and_the_reason(
    serve: Any, bench: Bench, passing_release: Release, behavior: Behavior, code: grpc.StatusCode, reason: Reason
) -> None:
    await bench.script(behavior)
    request = scorer_pb2.ScorePassesRequest(passes=[pass_to_score(passing_release)])
    async with serve(inference=bench.inference, versions=(passing_release,)) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ScorePasses(request, timeout=30.0)
    error = error_from_rpc(refused.value)
    assert refused.value.code() is code
    assert error is not None
    assert error.reason is reason


async def test_a_caller_gets_deadline_exceeded(serve: Any, bench: Bench, passing_release: Release) -> None:
    await bench.script(hangs)
    request = scorer_pb2.ScorePassesRequest(passes=[pass_to_score(passing_release)])
    async with serve(inference=bench.inference, versions=(passing_release,)) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ScorePasses(request, timeout=0.3)
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
