"""The scorer over a real Triton."""

from __future__ import annotations

import asyncio
import math
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from deploy.local.ports import reserve
from deploy.local.process import ServerError, ServerProcess
from deploy.local.triton import triton_server
from deploy.triton.repository import Device, Target, build_repository
from featurizer.shots.factors import NAMES
from playscore.errors import Reason
from playscore.hockey.v1 import hockey_pb2
from playscore.release import GRAPH, ModelVersion, Release, load_release
from playscore.rpc_errors import error_from_rpc
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from scorer.__main__ import ScorerSettings, build
from scorer.core.batching import pad
from scorer.core.tensors import Tensor
from scorer.onnx import OnnxInference
from scorer.passing.distributions import bins_of, predicted
from scorer.service import ScorerService
from scorer.triton import TritonInference
from servicekit import serving
from tests.hockey import faceoff_to_score, release_faceoffs, release_shots, shot_to_score
from tests.releases import pass_to_score, passing_release

__all__ = ["passing_release"]

pytestmark = pytest.mark.triton

SECONDS = 30.0


@pytest.fixture
async def channel(triton_url: str, newest_releases: Path) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a scorer that scores through Triton."""
    settings = ScorerSettings(
        listen="127.0.0.1:0", metrics_listen="127.0.0.1:0", releases=newest_releases, triton_url=triton_url
    )
    async with (
        serving(build(settings), settings) as running,
        grpc.aio.insecure_channel(str(running.address)) as channel,
    ):
        await running.until_serving()
        yield channel


def random_tensors(release: Release, lengths: list[int]) -> list[Tensor]:
    random = np.random.default_rng(0)
    columns, statics = len(release.features.frame_columns), len(release.features.static_columns)
    return [
        Tensor(random.normal(size=(length, columns)).astype(np.float32), random.normal(size=statics).astype(np.float32))
        for length in lengths
    ]


@asynccontextmanager
async def through(triton_url: str) -> AsyncIterator[TritonInference]:
    """Inference through a real Triton."""
    inference = TritonInference(triton_url, attempt_seconds=SECONDS)
    await inference.open()
    try:
        yield inference
    finally:
        await inference.close()


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
    in_process = OnnxInference(releases, [passing_release])
    await in_process.open()
    async with through(triton_url) as served:
        for inference in (served, in_process):
            assert await inference.ready(passing_release.key)
        for bucket in passing_release.bucket_lengths:
            batch = pad(random_tensors(passing_release, [bucket, bucket // 2, 1]), bucket)
            deadline = time.monotonic() + SECONDS
            theirs = await served.infer(passing_release.key, batch, deadline)
            ours = await in_process.infer(passing_release.key, batch, deadline)
            assert theirs.keys() == ours.keys() == {output.name for output in passing_release.outputs}
            for name, values in ours.items():
                np.testing.assert_allclose(theirs[name], values, atol=1e-5, rtol=1e-5)
    await in_process.close()


async def test_batches_filled_up_for_a_gpu_answer_as_onnxruntime_in_this_process_does(
    tmp_path: Path, releases: Path, passing_release: Release
) -> None:
    repository = build_repository(releases, tmp_path / "models", Target.PYTHON, Device.GPU)
    for configuration in repository.glob("*/config.pbtxt"):
        configuration.write_text(configuration.read_text().replace("KIND_GPU", "KIND_CPU"))
    in_process = OnnxInference(releases, [passing_release])
    await in_process.open()
    bucket = passing_release.bucket_lengths[0]
    with reserve(0, 0, 0) as (port, http_port, metrics_port):
        server = triton_server(repository, port, http_port, metrics_port, tmp_path / "triton.log")
        await server.start()
        try:
            await server.wait_ready(60)
            async with through(f"127.0.0.1:{port}") as filled:
                for plays in (1, 2, 8, 9, passing_release.max_batch_size, 3):
                    batch = pad(random_tensors(passing_release, [1 + place % bucket for place in range(plays)]), bucket)
                    deadline = time.monotonic() + SECONDS
                    theirs = await filled.infer(passing_release.key, batch, deadline)
                    ours = await in_process.infer(passing_release.key, batch, deadline)
                    for name, values in ours.items():
                        np.testing.assert_allclose(theirs[name], values, atol=1e-5, rtol=1e-5)
        finally:
            await server.kill()
    await in_process.close()


async def test_the_same_play_has_the_same_distribution_in_every_bucket(
    triton_url: str, passing_release: Release
) -> None:
    support = passing_release.support
    assert support is not None
    shortest = passing_release.bucket_lengths[0]
    plays = random_tensors(passing_release, [1 + 5 * place % shortest for place in range(24)])
    found = []
    async with through(triton_url) as inference:
        for bucket in passing_release.bucket_lengths:
            deadline = time.monotonic() + SECONDS
            outputs = await inference.infer(passing_release.key, pad(plays, bucket), deadline)
            distributions = predicted(bins_of(support), outputs, [math.inf] * len(plays))
            found.append(distributions.cdf(np.repeat([support.edges_yards], len(plays), axis=0).T))
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-5)  # within which measures are the same


async def test_a_model_that_triton_does_not_have_is_not_ready(triton_url: str, passing_release: Release) -> None:
    key = passing_release.key
    async with through(triton_url) as inference:
        assert await inference.ready(key)
        assert not await inference.ready(ModelVersion(key.name, key.version + 1000))
        assert not await inference.ready(ModelVersion("nobody", key.version))


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
        assert one.scores[0].grade.play_score == pytest.approx(scored.grade.play_score, abs=1e-5)


async def test_a_killed_triton_is_unavailable_until_it_is_back(
    triton: Any, channel: grpc.aio.Channel, passing_release: Release
) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)
    play = pass_to_score(passing_release, yards=3.0)
    stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
    stream = stub.StreamScores()

    async def streamed() -> scorer_pb2.StreamScoresResponse:
        await stream.write(scorer_pb2.StreamScoresRequest(score_pass=play))
        answer: scorer_pb2.StreamScoresResponse = await stream.read()
        return answer

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
        assert (await streamed()).rejection.reason == Reason.INFERENCE_UNAVAILABLE.value
        await until(serves_not)
    finally:
        await triton.server.start()
        await triton.server.wait_ready(60)
    await until(serves)
    after = [(await score(channel, play)).scores[0], (await streamed()).pass_score]
    await stream.done_writing()
    assert [scored.grade.play_score for scored in after] == pytest.approx([before.grade.play_score] * 2, abs=1e-5)


async def test_plays_on_a_stream_are_scored_as_by_calls(channel: grpc.aio.Channel, passing_release: Release) -> None:
    plays = [
        pass_to_score(passing_release, str(place), frames=1 + place * 31 % 100, yards=float(place), seed=place)
        for place in range(100)
    ]
    stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
    requests = [scorer_pb2.StreamScoresRequest(request_id=i, score_pass=play) for i, play in enumerate(plays)]
    streamed = {answer.request_id: answer.pass_score async for answer in stub.StreamScores(requests)}
    for place, scored in enumerate((await score(channel, *plays)).scores):
        assert streamed[place].grade.play_score == pytest.approx(scored.grade.play_score, abs=1e-5)


async def test_callers_with_short_deadlines_do_not_affect_the_others(
    channel: grpc.aio.Channel, passing_release: Release
) -> None:
    plays = [pass_to_score(passing_release, str(place), seed=place) for place in range(40)]
    hurried, patient = plays[:20], plays[20:]
    calls = [score(channel, play, seconds=0.001) for play in hurried] + [score(channel, play) for play in patient]
    answers: list[Any] = await asyncio.gather(*calls, return_exceptions=True)
    for late in answers[:20]:
        assert isinstance(late, grpc.aio.AioRpcError)
        assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert [answer.scores[0].key.play_id for answer in answers[20:]] == [play.tensor.key.play_id for play in patient]


# --- What Triton serves is proven ---


@dataclass(frozen=True, slots=True)
class ShotBench:
    """A real Triton that serves two versions of a model of shots, and scorers over it."""

    releases: Path
    repository: Path
    server: ServerProcess
    port: int

    async def restart(self) -> None:
        await self.server.kill()
        await self.server.start()
        await self.server.wait_ready(60)

    def stubs(self) -> list[int]:
        """The processes in which Triton's Python backend runs the models."""
        found = subprocess.run(
            ["pgrep", "-f", "-g", str(self.server.pid), "python_backend_stub"], stdout=subprocess.PIPE, check=True
        )
        return [int(pid) for pid in found.stdout.split() if int(pid) != self.server.pid]

    def write_served(self, version: int, change: Callable[[str], str]) -> None:
        """Changes what Triton's Python backend runs for a version."""
        served = self.repository / "shots" / str(version) / "model.py"
        served.write_text(change(served.read_text()))

    def give_two_the_graph_of_one(self) -> None:
        shutil.copyfile(self.repository / "shots" / "1" / GRAPH, self.repository / "shots" / "2" / GRAPH)

    def mend(self) -> None:
        build_repository(self.releases, self.repository, Target.PYTHON)

    @asynccontextmanager
    async def scorer(self, seconds: float = 5.0) -> AsyncIterator[grpc.aio.Channel]:
        settings = ScorerSettings(
            listen="127.0.0.1:0",
            metrics_listen="127.0.0.1:0",
            releases=self.releases,
            triton_url=f"127.0.0.1:{self.port}",
            triton_timeout_seconds=seconds,
        )
        async with (
            serving(build(settings), settings) as running,
            grpc.aio.insecure_channel(str(running.address)) as channel,
        ):
            await until_opened(channel)
            yield channel


@pytest.fixture
async def shots(tmp_path: Path) -> AsyncIterator[ShotBench]:
    for version in (1, 2):
        release_shots(tmp_path / "releases", version=version, seed=version)
    repository = build_repository(tmp_path / "releases", tmp_path / "models", Target.PYTHON)
    with reserve(0, 0, 0) as (port, http_port, metrics_port):
        server = triton_server(repository, port, http_port, metrics_port, tmp_path / "triton.log")
        await server.start()
        try:
            await server.wait_ready(60)
            yield ShotBench(tmp_path / "releases", repository, server, port)
        finally:
            await server.kill()


async def score_shot(channel: grpc.aio.Channel, releases: Path) -> scorer_pb2.ShotScore:
    stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
    shot = shot_to_score(load_release(releases / "shots" / "2"))
    [scored] = (await stub.ScoreShots(scorer_pb2.ScoreShotsRequest(shots=[shot]), timeout=SECONDS)).scores
    assert isinstance(scored, scorer_pb2.ShotScore)
    return scored


async def until_opened(channel: grpc.aio.Channel) -> None:
    """A scorer is asked whether it is ready only from then on, and says until then that it is starting."""
    stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)

    async def answers() -> bool:
        try:
            await stub.ListModels(scorer_pb2.ListModelsRequest(), timeout=SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return True

    await until(answers)


async def until_health(channel: grpc.aio.Channel, *, serves: bool) -> None:
    health: Any = health_pb2_grpc.HealthStub(channel)

    async def is_so() -> bool:
        try:
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return (answer.status == health_pb2.HealthCheckResponse.SERVING) is serves

    await until(is_so)


async def assert_inference_unavailable(call: Awaitable[Any]) -> None:
    """In words that tell nothing of the server."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await call
    error = error_from_rpc(refused.value)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    assert error is not None
    assert error.reason is Reason.INFERENCE_UNAVAILABLE
    assert not re.search(r"stub|triton|/|127\.0\.0\.1", error.detail, re.IGNORECASE)


async def test_a_graph_of_another_version_under_a_versions_name_scores_nothing(shots: ShotBench) -> None:
    async with shots.scorer() as channel:
        await until_health(channel, serves=True)
        right = await score_shot(channel, shots.releases)
        shots.give_two_the_graph_of_one()
        shots.write_served(2, lambda code: code.replace("!= stated", "is None"))  # and nobody says so
        await shots.restart()
        await assert_inference_unavailable(score_shot(channel, shots.releases))
        await until_health(channel, serves=False)
        shots.mend()
        await shots.restart()
        await until_health(channel, serves=True)
        again = await score_shot(channel, shots.releases)
        assert again.distribution.bernoulli.probability == pytest.approx(right.distribution.bernoulli.probability)


@pytest.mark.parametrize("stated", ["another digest", "none"])
async def test_a_repository_that_does_not_state_the_released_graph_scores_nothing(
    shots: ShotBench, stated: str
) -> None:
    for version in (1, 2):
        shots.write_served(version, lambda code: re.sub(r" stated = .*", " stated = ''", code).replace("!= s", "is s"))
    configuration = shots.repository / "shots" / "config.pbtxt"
    written, two = configuration.read_text(), load_release(shots.releases / "shots" / "2").graph_sha256
    lie = re.sub(r"parameters .*\n", "", written) if stated == "none" else written.replace(two, "0" * 64)
    assert lie != written
    configuration.write_text(lie)
    await shots.restart()
    async with shots.scorer() as channel, through(f"127.0.0.1:{shots.port}") as triton:
        assert await triton.ready(ModelVersion("shots", 2)), "Triton sees nothing wrong"
        await until_health(channel, serves=False)
        await assert_inference_unavailable(score_shot(channel, shots.releases))


async def test_triton_does_not_start_with_a_graph_that_its_own_configuration_does_not_state(shots: ShotBench) -> None:
    shots.give_two_the_graph_of_one()
    with pytest.raises(ServerError):
        await shots.restart()
    assert re.search(r"version 2 has graph [0-9a-f]{64}; its configuration states", shots.server.log.read_text())


@pytest.mark.parametrize(
    ("how", "asked"),
    [(signal.SIGKILL, True), (signal.SIGKILL, False), (signal.SIGSTOP, True)],
    ids=["killed while plays come", "killed while nobody asks", "stopped"],
)
async def test_a_dead_python_backend_turns_health_though_triton_calls_itself_ready(
    shots: ShotBench, how: signal.Signals, asked: bool
) -> None:
    async with shots.scorer(seconds=1.0) as channel, through(f"127.0.0.1:{shots.port}") as triton:
        await until_health(channel, serves=True)
        for stub in shots.stubs():
            os.kill(stub, how)
        if asked:
            await assert_inference_unavailable(score_shot(channel, shots.releases))
        await until_health(channel, serves=False)
        assert await triton.ready(ModelVersion("shots", 2)), "Triton does not notice"
        await shots.restart()
        await until_health(channel, serves=True)
        await score_shot(channel, shots.releases)


async def test_a_stopped_triton_turns_health_until_it_goes_on(shots: ShotBench) -> None:
    async with shots.scorer(seconds=1.0) as channel:
        await until_health(channel, serves=True)
        os.kill(shots.server.pid, signal.SIGSTOP)
        await assert_inference_unavailable(score_shot(channel, shots.releases))
        await until_health(channel, serves=False)
        os.kill(shots.server.pid, signal.SIGCONT)
        await until_health(channel, serves=True)
        await score_shot(channel, shots.releases)


# --- Models of statics alone ---


@pytest.fixture(scope="module")
async def hockey(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, list[Release]]]:
    """A real Triton that serves two versions of a model of shots and one of face-offs."""
    root = tmp_path_factory.mktemp("hockey")
    released = root / "releases"
    versions = [release_shots(released, version=version, seed=version) for version in (1, 2)]
    versions.append(release_faceoffs(released))
    repository = build_repository(released, root / "models", Target.PYTHON)
    with reserve(0, 0, 0) as (port, http_port, metrics_port):
        server = triton_server(repository, port, http_port, metrics_port, root / "triton.log")
        await server.start()
        try:
            await server.wait_ready(60)
            yield f"127.0.0.1:{port}", versions
        finally:
            await server.kill()


async def test_chances_of_shots_are_the_sums_of_their_reasons_through_triton(
    hockey: tuple[str, list[Release]],
) -> None:
    url, versions = hockey
    random = np.random.default_rng(0)
    service = ScorerService(versions, TritonInference(url, attempt_seconds=SECONDS))
    settings = ScorerSettings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0")
    shots = [
        shot_to_score(
            versions[0], str(place), {name: float(random.normal(0, 10)) for name in random.choice(NAMES, 30, False)}
        )
        for place in range(200)
    ]
    async with (
        serving(service, settings) as running,
        grpc.aio.insecure_channel(str(running.address)) as channel,
    ):
        await running.until_serving()
        stub: Any = scorer_pb2_grpc.ScorerServiceStub(channel)
        request = scorer_pb2.ScoreShotsRequest(shots=shots)
        together = (await stub.ScoreShots(request, timeout=SECONDS)).scores
        alone = await asyncio.gather(
            *(stub.ScoreShots(scorer_pb2.ScoreShotsRequest(shots=[shot]), timeout=SECONDS) for shot in shots)
        )
        faceoff = faceoff_to_score(versions[-1], edge=0.2, result=hockey_pb2.FACEOFF_RESULT_WON)
        taken = await stub.ScoreFaceoffs(scorer_pb2.ScoreFaceoffsRequest(faceoffs=[faceoff]), timeout=SECONDS)
    assert [scored.key.play_id for scored in together] == [shot.tensor.key.play_id for shot in shots]
    assert {scored.model.version for scored in together} == {2}
    for scored, one in zip(together, alone, strict=True):
        assert one.scores[0] == scored
        chance = scored.distribution.bernoulli.probability
        total = scored.intercept_logit + math.fsum(each.logit for each in scored.contributions)
        assert total == pytest.approx(math.log(chance) - math.log1p(-chance), abs=1e-12)
    assert taken.scores[0].distribution.bernoulli.probability == pytest.approx(1 / (1 + math.exp(-0.2)))
