"""How much of Triton's throughput the scorer leaves: `python -m benchmarks.scorer`.

One Triton; a bare `tritonclient.grpc.aio` and the whole scorer (its own process, gRPC in and out, distributions graded)
take turns, each with the same number of plays in flight. The client's work is part of both. The scorer is asked by
calls of one and of eight plays, and on one open stream by the product's own client. What counts on a busy machine is
the CPU time that each process uses for a play.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import psutil
import uvloop
from numpy.typing import NDArray
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient

from deploy.local.ports import reserve
from deploy.local.stack import service_process
from deploy.local.triton import triton_server
from deploy.triton.repository import Target, build_repository
from playscore.client import ScorerClient, ScoreStream
from playscore.common.v1 import common_pb2
from playscore.featurizer.v1 import featurizer_pb2
from playscore.football.v1 import football_pb2
from playscore.release import Release, list_releases
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from playscore.shipped import RELEASES
from scorer.core.batching import bucket_length, pad
from scorer.core.tensors import Tensor

FRAMES = 28
"""Frames of every play: 2.8 s from snap to release."""
CALLS, STREAM, EIGHT = "one play a call", "on an open stream", "eight plays a call"
WANTED = {CALLS: 0.6, STREAM: 0.75, EIGHT: 0.9}
"""Of the bare client's plays a second."""
SECONDS = 30.0
MODEL = "passing"


@dataclass(frozen=True, slots=True)
class Asked:
    """A way to ask for plays."""

    call: Callable[[int], Awaitable[object]]
    plays_a_call: int = 1


class Plays:
    """Random plays in the shape of a release, as both sides want them."""

    def __init__(self, release: Release, count: int = 64) -> None:
        random = np.random.default_rng(0)
        columns, statics = len(release.features.frame_columns), len(release.features.static_columns)
        self.release = release
        self.frames = random.normal(size=(count, FRAMES, columns)).astype(np.float32)
        self.statics = random.normal(size=(count, statics)).astype(np.float32)
        self.passes = [self._pass(place) for place in range(count)]

    def _pass(self, place: int) -> scorer_pb2.PassToScore:
        tensor = featurizer_pb2.PlayTensor(
            key=common_pb2.PlayKey(league="SIM", game_id="1", play_id=str(place)),
            revision=1,
            feature_specification_id=self.release.features.id,
            shape=self.frames[place].shape,
            frames=self.frames[place].tobytes(),
            statics=self.statics[place].tobytes(),
            pass_attributes=football_pb2.PassAttributes(yards_to_go=10.0, yards_to_end_zone=45.0),
        )
        outcome = football_pb2.PassOutcome(yards_gained=7.0)
        return scorer_pb2.PassToScore(tensor=tensor, outcome=outcome)

    def bare(self, client: InferenceServerClient) -> Asked:
        """Asks Triton for one play, padded before the clock starts."""
        length = bucket_length(FRAMES, self.release.bucket_lengths)
        batches = [pad([Tensor(*play)], length) for play in zip(self.frames, self.statics, strict=True)]

        def tensor(name: str, values: NDArray[np.float32]) -> InferInput:
            declared = InferInput(name, list(values.shape), "FP32")
            declared.set_data_from_numpy(values)
            return declared

        async def call(turn: int) -> None:
            batch = batches[turn % len(batches)]
            inputs = [tensor("frames", batch.frames), tensor("mask", batch.mask), tensor("static", batch.statics)]
            answer = await client.infer(MODEL, inputs, model_version=str(self.release.version), client_timeout=SECONDS)
            for output in self.release.outputs:
                answer.as_numpy(output.name)

        return Asked(call)

    def scored(self, stub: Any, together: int) -> Asked:
        """Asks the scorer for `together` plays in one call."""
        groups = [self.passes[first : first + together] for first in range(0, len(self.passes), together)]
        requests = [scorer_pb2.ScorePassesRequest(passes=group) for group in groups]

        async def call(turn: int) -> None:
            request = requests[turn % len(requests)]
            response = await stub.ScorePasses(request, timeout=SECONDS)
            assert len(response.scores) == len(request.passes)

        return Asked(call, together)

    def streamed(self, stream: ScoreStream) -> Asked:
        """Asks the scorer for one play on an open stream, where plays asked for at the same time travel together."""

        async def call(turn: int) -> None:
            answer = await stream.score_pass(self.passes[turn % len(self.passes)])
            assert isinstance(answer, scorer_pb2.PassScore)

        return Asked(call)


@dataclass(frozen=True, slots=True)
class Servers:
    """A Triton and a scorer in front of it."""

    client: InferenceServerClient
    """Of Triton."""
    stub: Any
    """Of the scorer."""
    stream: ScoreStream
    """To the scorer."""
    processes: Mapping[str, psutil.Process]
    """Theirs and this one, by what the table calls them."""

    def cpu_seconds(self) -> dict[str, float]:
        """Used so far by each of them, those that it has started included."""
        return {name: sum(map(_cpu_seconds, _family(process))) for name, process in self.processes.items()}


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process] if process.pid == os.getpid() else [process, *process.children(recursive=True)]


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of one way to ask."""

    plays_a_second: float
    cpu_microseconds: Mapping[str, float]
    """A play, by process."""


async def round_of(asked: Asked, servers: Servers, plays: int, in_flight: int) -> Measured:
    """Asks for so many plays, with so many asked for at once."""
    turns = iter(range(plays // asked.plays_a_call))

    async def keep_one_in_flight() -> None:
        for turn in turns:
            await asked.call(turn)

    before, begin = servers.cpu_seconds(), time.perf_counter()
    await asyncio.gather(*(keep_one_in_flight() for _ in range(max(1, in_flight // asked.plays_a_call))))
    seconds, after = time.perf_counter() - begin, servers.cpu_seconds()
    return Measured(plays / seconds, {name: 1e6 * (after[name] - before[name]) / plays for name in before})


@asynccontextmanager
async def servers(releases: Path) -> AsyncIterator[Servers]:
    """A Triton and a scorer in front of it."""
    with tempfile.TemporaryDirectory() as folder, reserve(0, 0, 0, 0, 0) as ports:
        scratch = Path(folder)
        triton_port, triton_http, triton_metrics, scorer_port, scorer_metrics = ports
        repository = build_repository(releases, scratch / "models", Target.PYTHON)
        triton = triton_server(repository, triton_port, triton_http, triton_metrics, scratch / "triton.log")
        settings = {
            "RELEASES": str(releases),
            "TRITON_URL": f"127.0.0.1:{triton_port}",
            "LOG_LEVEL": "warning",
        }
        scorer = service_process("scorer", scorer_port, scorer_metrics, settings, scratch / "scorer.log")
        try:
            for server in (triton, scorer):
                await server.start()
                await server.wait_ready(60)
            async with (
                InferenceServerClient(f"127.0.0.1:{triton_port}") as client,
                ScorerClient(f"127.0.0.1:{scorer_port}", timeout_seconds=SECONDS) as scores,
                scores.stream_scores() as stream,
            ):
                processes = {
                    "client": psutil.Process(),
                    "scorer": psutil.Process(scorer.pid),
                    "Triton": psutil.Process(triton.pid),
                }
                yield Servers(client, scores.stub_of(scorer_pb2_grpc.ScorerServiceStub), stream, processes)
        finally:
            await scorer.stop()
            await triton.stop()


async def measure(releases: Path, plays: int, rounds: int, in_flight: int) -> bool:
    """Prints what was measured; answers whether every ratio is what is wanted."""
    made = Plays(list_releases(releases, MODEL)[-1])
    async with servers(releases) as running:
        bare = made.bare(running.client)
        ways = {
            "bare": bare,
            CALLS: made.scored(running.stub, 1),
            STREAM: made.streamed(running.stream),
            EIGHT: made.scored(running.stub, 8),
        }
        for asked in ways.values():
            await round_of(asked, running, plays // 10, in_flight)
        found: dict[str, list[Measured]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, asked in ways.items():
                found[name].append(await round_of(asked, running, plays, in_flight))
    print(f"{'':26}{'plays/s':>9}{'ratio':>7}{'wanted':>8}   of the rounds; CPU a play: client, scorer, Triton")
    good = True
    for name, measured in found.items():
        ratios = [turn.plays_a_second / bare.plays_a_second for turn, bare in zip(measured, found["bare"], strict=True)]
        ratio = statistics.median(ratios)
        cpu = [statistics.median(turn.cpu_microseconds[of] for turn in measured) for of in running.processes]
        rate = statistics.median(turn.plays_a_second for turn in measured)
        each, costs = ", ".join(f"{each:.2f}" for each in ratios), ", ".join(f"{each:.0f}" for each in cpu)
        print(f"{name:26}{rate:9,.0f}{ratio:7.2f}{WANTED.get(name, 1.0):8.2f}   {each}; {costs} µs")
        good &= ratio >= WANTED.get(name, 0.0)
    return good


@click.command()
@click.option("--releases", type=click.Path(path_type=Path), default=RELEASES, help="Folder of releases.")
@click.option("--plays", default=4000, show_default=True, help="Plays a round.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--in-flight", default=8, show_default=True, help="Plays asked for at once.")
def main(releases: Path, plays: int, rounds: int, in_flight: int) -> None:
    """Exits with 1 if the scorer is slower than it may be."""
    sys.exit(not uvloop.run(measure(releases.resolve(), plays, rounds, in_flight)))


if __name__ == "__main__":
    main()
