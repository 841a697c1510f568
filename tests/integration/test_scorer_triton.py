"""The scorer over a real Triton."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from models.passing.sources import of_simulated
from playscore.distributions import SplicedBinnedPareto
from playscore.errors import Reason
from playscore.release import Release, list_releases
from playscore.rpc_errors import error_from_rpc
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from scorer.__main__ import MODEL, ScorerSettings, build
from scorer.core.batching import pad
from scorer.core.inference import Batch
from scorer.onnx import OnnxInference
from scorer.triton import TritonInference
from servicekit import serving
from simulator import simulate_game
from tests.releases import pass_to_score

pytestmark = pytest.mark.triton

SECONDS = 30.0


@pytest.fixture(scope="session")
def passing_release(releases: Path) -> Release:
    return list_releases(releases, MODEL)[-1]


@pytest.fixture
async def channel(triton_url: str, releases: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a scorer that scores through Triton."""
    settings = ScorerSettings(
        listen="127.0.0.1:0", metrics_listen="127.0.0.1:0", releases=releases, triton_url=triton_url
    )
    async with (
        serving(build(settings), settings) as running,
        grpc.aio.insecure_channel(str(running.address)) as channel,
    ):
        await running.until_serving()
        yield channel


def random_batch(release: Release, lengths: list[int], bucket: int) -> Batch:
    random = np.random.default_rng(0)
    columns, statics = len(release.features.frame_columns), len(release.features.static_columns)
    return pad(
        [random.normal(size=(length, columns)).astype(np.float32) for length in lengths],
        [random.normal(size=statics).astype(np.float32) for _ in lengths],
        bucket,
    )


async def score(channel: grpc.aio.Channel, *plays: scorer_pb2.PassToScore, seconds: float = SECONDS) -> Any:
    stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
    return await stub.ScorePasses(scorer_pb2.ScorePassesRequest(passes=plays), timeout=seconds)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + SECONDS
    while not await condition():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.1)


async def test_triton_answers_as_onnxruntime_in_this_process_does(
    triton_url: str, releases: Path, passing_release: Release
) -> None:
    served = TritonInference(triton_url, MODEL, attempt_seconds=SECONDS)
    in_process = OnnxInference(releases, [passing_release])
    for inference in (served, in_process):
        await inference.open()
        assert await inference.ready(passing_release.version)
    for bucket in passing_release.bucket_lengths:
        batch = random_batch(passing_release, [bucket, bucket // 2, 1], bucket)
        deadline = time.monotonic() + SECONDS
        theirs = await served.infer(passing_release.version, batch, deadline)
        ours = await in_process.infer(passing_release.version, batch, deadline)
        np.testing.assert_allclose(theirs.logits, ours.logits, atol=1e-5, rtol=1e-5)
        np.testing.assert_allclose(theirs.tails, ours.tails, atol=1e-5, rtol=1e-5)
    for inference in (served, in_process):
        await inference.close()


async def test_the_same_play_has_the_same_law_in_every_bucket(triton_url: str, passing_release: Release) -> None:
    inference = TritonInference(triton_url, MODEL, attempt_seconds=SECONDS)
    await inference.open()
    plays = of_simulated(simulate_game(3, 0), "one")
    short = np.flatnonzero(plays.lengths <= passing_release.bucket_lengths[0])
    assert len(short) > 10
    laws = []
    for bucket in passing_release.bucket_lengths:
        batch = Batch(*plays.padded(short, bucket))
        answer = await inference.infer(passing_release.version, batch, time.monotonic() + SECONDS)
        tails = answer.tails.astype(np.float64).T
        law = SplicedBinnedPareto(passing_release.law.edges, answer.logits.astype(np.float64), *tails)
        laws.append(law.cdf(np.asarray(passing_release.law.edges)[:, None]))
    for other in laws[1:]:
        np.testing.assert_allclose(other, laws[0], atol=1e-6)
    await inference.close()


async def test_a_version_that_triton_does_not_have_is_not_ready(triton_url: str, passing_release: Release) -> None:
    inference = TritonInference(triton_url, MODEL, attempt_seconds=SECONDS)
    await inference.open()
    assert await inference.ready(passing_release.version)
    assert not await inference.ready(passing_release.version + 1000)
    await inference.close()


async def test_plays_of_all_lengths_are_scored_in_order(channel: grpc.aio.Channel, passing_release: Release) -> None:
    longest = passing_release.bucket_lengths[-1]
    plays = [
        pass_to_score(passing_release, str(place), frames=1 + place * 31 % longest, yards=float(place), seed=place)
        for place in range(100)
    ]
    response = await score(channel, *plays)
    assert [scored.key.play_id for scored in response.scores] == [str(place) for place in range(100)]
    alone = await asyncio.gather(*(score(channel, play) for play in plays))
    for one, scored in zip(alone, response.scores, strict=True):
        assert one.scores[0].play_score == pytest.approx(scored.play_score, abs=1e-5)


async def test_a_killed_triton_is_said_to_be_away_and_found_again(
    triton: Any, channel: grpc.aio.Channel, passing_release: Release
) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    play = pass_to_score(passing_release, yards=3.0)

    async def serves() -> bool:
        answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def serves_not() -> bool:
        return not await serves()

    before = (await score(channel, play)).scores[0]
    await triton.server.kill()
    try:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await score(channel, play)
        error = error_from_rpc(refused.value)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert error is not None
        assert error.reason is Reason.INFERENCE_UNAVAILABLE
        await until(serves_not)
    finally:
        await triton.server.start()
        await triton.server.wait_ready(60)
    await until(serves)
    assert (await score(channel, play)).scores[0].play_score == pytest.approx(before.play_score, abs=1e-5)


async def test_callers_without_time_hear_of_their_deadline_and_leave_the_others_alone(
    channel: grpc.aio.Channel, passing_release: Release
) -> None:
    plays = [pass_to_score(passing_release, str(place), seed=place) for place in range(40)]
    hurried, patient = plays[:20], plays[20:]
    calls = [score(channel, play, seconds=0.001) for play in hurried] + [score(channel, play) for play in patient]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    for late in answers[:20]:
        assert isinstance(late, grpc.aio.AioRpcError)
        assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [answer.scores[0].key.play_id for answer in answers[20:]] == [play.tensor.key.play_id for play in patient]
