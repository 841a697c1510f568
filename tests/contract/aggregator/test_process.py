"""`python -m aggregator` as a process: starts from a release, keeps what it answered, says why it does not start."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import grpc.aio
import pytest

from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1 import aggregator_pb2_grpc
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from tests.postgres import server

ROOT = Path(__file__).parents[3]
Stub: TypeAlias = Any
"""`AggregatorServiceStub`, whose calls are awaited here."""


@pytest.fixture
def releases(tmp_path: Path) -> Path:
    made = tmp_path / "releases"
    release(made, 1)
    return made


def release(releases: Path, version: int) -> None:
    folder = releases / "passing" / str(version)
    folder.mkdir(parents=True)
    graph = b"no graph: the aggregator runs none"
    (folder / "model.onnx").write_bytes(graph)
    description = {
        "format": 2,
        "model": "passing",
        "version": version,
        "task": "passing",
        "released": "2026-01-01",
        "features": {"id": "made up", "frame_columns": [], "static_columns": []},
        "bucket_lengths": [32],
        "max_batch_size": 8,
        "outputs": [{"name": "logits", "shape": [-1, 2]}],
        "reference_population": {
            "description": "made up",
            "subjects": 31,
            "min_plays": 10,
            "mean": 0.5,
            "standard_deviation": 0.02,
            "play_standard_deviation": 0.3,
            "shrinkage_plays": 100,
        },
        "graph_sha256": hashlib.sha256(graph).hexdigest(),
        "figures": {},
    }
    (folder / "release.json").write_text(json.dumps(description))


async def process(releases: Path, store: str, **more: str) -> asyncio.subprocess.Process:
    settings = {
        "LISTEN": "127.0.0.1:0",
        "METRICS_LISTEN": "127.0.0.1:0",
        "STORE": store,
        "RELEASES": str(releases),
        **more,
    }
    environment = {f"PLAYSCORE_AGGREGATOR_{name}": value for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aggregator"),
        cwd=ROOT,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


@asynccontextmanager
async def running(releases: Path, store: str, **more: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Stub]]:
    service = await process(releases, store, **more)
    try:
        assert service.stdout is not None
        address, serving = "", False
        async with asyncio.timeout(30):
            while not serving:
                line = (await service.stdout.readline()).decode()
                assert line, "the process ended before it served"
                found = re.search(r'"address": ?"([^"]+)"', line)
                address = found[1] if found else address
                serving = '"serving"' in line
        async with grpc.aio.insecure_channel(address) as channel:
            yield service, aggregator_pb2_grpc.AggregatorServiceStub(channel)
    finally:
        if service.returncode is None:
            service.kill()
        await service.communicate()


def request(number: int) -> pb.RecordScoresRequest:
    record = pb.ScoreRecord(
        key=common.PlayKey(league="SIM", game_id="g1", play_id=str(number)),
        subject=common.Subject(role=common.ROLE_PASSER, subject_id=f"p{number % 7}"),
        model=common.ModelVersion(name="passing", version=1),
        revision=1,
        pass_measure=pb.PassMeasure(play_score=number % 11 / 10, yards_gained=5, expected_yards=6),
    )
    return pb.RecordScoresRequest(request_id=f"play {number}", records=[pb.PlayRecord(score=record)])


async def standings(stub: Stub, revision: common.RevisionToken | None = None) -> pb.ListRatingsResponse:
    question = pb.ListRatingsRequest(split=pb.Split(league="SIM", role=common.ROLE_PASSER))
    if revision is not None:
        question.consistency.at_least_as_fresh.CopyFrom(revision)
    answer: pb.ListRatingsResponse = await stub.ListRatings(question, timeout=30)
    answer.ClearField("revision")
    return answer


async def test_killed_in_a_storm_and_told_everything_again_it_ends_where_an_undisturbed_one_does(
    tmp_path: Path, releases: Path
) -> None:
    plays = 200  # fewer than the service takes at once, so that none is refused

    async def tell(stub: Stub, number: int) -> pb.RecordScoresResponse:
        answer: pb.RecordScoresResponse = await stub.RecordScores(request(number), timeout=10)
        return answer

    async with running(releases, f"sqlite:///{tmp_path}/killed.sqlite") as (service, stub):
        storm = [asyncio.ensure_future(tell(stub, number)) for number in range(plays)]
        await asyncio.wait(storm, return_when=asyncio.FIRST_COMPLETED)
        service.kill()
        answers = await asyncio.gather(*storm, return_exceptions=True)
    kept = {number: answer for number, answer in enumerate(answers) if isinstance(answer, pb.RecordScoresResponse)}
    assert kept
    async with running(releases, f"sqlite:///{tmp_path}/killed.sqlite") as (service, stub):
        again = [await tell(stub, number) for number in range(plays)]
        assert all(again[number] == answer for number, answer in kept.items())
        disturbed = await standings(stub, again[-1].revision)
        service.send_signal(signal.SIGTERM)
        await service.communicate()
        assert service.returncode == 0
    async with running(releases, f"sqlite:///{tmp_path}/calm.sqlite") as (_, stub):
        calm = [await tell(stub, number) for number in range(plays)]
        assert await standings(stub, calm[-1].revision) == disturbed


async def test_replicas_of_one_database_know_each_others_plays_and_go_on_without_each_other(releases: Path) -> None:
    server().execute("CREATE DATABASE replicas")
    store = server().url("replicas")
    async with running(releases, store) as (killed, one), running(releases, store) as (_, two):
        kept = [await stub.RecordScores(request(number), timeout=30) for number, stub in enumerate((one, two) * 10)]
        assert await standings(one, kept[-1].revision) == await standings(two, kept[-1].revision)
        killed.kill()
        assert [await two.RecordScores(request(number), timeout=30) for number in range(20)] == kept
        last = await two.RecordScores(request(20), timeout=30)
        alone = await standings(two, last.revision)
    async with running(releases, store) as (_, stub):
        assert await standings(stub, last.revision) == alone


async def test_after_an_upgrade_an_older_store_opens_and_either_version_is_rated_by(
    tmp_path: Path, releases: Path
) -> None:
    store = f"sqlite:///{tmp_path}/s.sqlite"
    of_second = request(2)
    of_second.records[0].score.model.version = 2
    async with running(releases, store) as (_, stub):
        await stub.RecordScores(request(1), timeout=30)
        (refused,) = (await stub.RecordScores(of_second, timeout=30)).rejections
        assert refused.reason == reason_pb2.REASON_MODEL_NOT_FOUND
    release(releases, 2)
    async with running(releases, store) as (_, stub):
        # The same request has the answer it had; a new one is written.
        assert list((await stub.RecordScores(of_second, timeout=30)).rejections) == [refused]
        of_second.request_id = "after the upgrade"
        written = await stub.RecordScores(of_second, timeout=30)
        assert rated_by(await standings(stub, written.revision)) == (2, "p2")
    async with running(releases, store, DEFAULT_MODELS="passing:1") as (_, stub):
        assert rated_by(await standings(stub)) == (1, "p1")
    shutil.rmtree(releases / "passing" / "1")
    async with running(releases, store) as (_, stub):
        assert rated_by(await standings(stub)) == (2, "p2")


def rated_by(answer: pb.ListRatingsResponse) -> tuple[int, str]:
    """The version that an answer is of, and the one subject it rates."""
    (rating,) = answer.ratings
    return answer.ranking.model.version, rating.subject.subject_id


async def test_it_says_why_it_does_not_start(tmp_path: Path, releases: Path) -> None:
    nowhere = tmp_path / "nothing"
    nowhere.mkdir()
    (tmp_path / "text").write_text("no database " * 1000)
    for folder, store, models, code, says in [
        (nowhere, f"sqlite:///{tmp_path}/s", "", 1, "no release"),
        (releases, f"sqlite:///{tmp_path}/s", "passing:7", 1, "no release of passing:7"),
        (releases, f"sqlite:///{tmp_path}/s", "passing", 2, "is not name:version"),
        (releases, f"sqlite:///{tmp_path}/text", "", 1, "this is not a SQLite file"),
        (releases, "postgres://x", "", 2, "is not a store URL"),
    ]:
        service = await process(folder, store, DEFAULT_MODELS=models)
        output, _ = await asyncio.wait_for(service.communicate(), 30)
        assert (service.returncode, says in output.decode()) == (code, True), output.decode()
