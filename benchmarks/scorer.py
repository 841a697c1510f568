"""How much of Triton's throughput the scorer leaves: `python -m benchmarks.scorer`.

One Triton; a bare `tritonclient.grpc.aio` and the whole scorer (its own process, gRPC in and out, laws graded) take
turns, each with the same number of single plays in flight. The client's work is part of both.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import click
import grpc.aio
import numpy as np
import uvloop
from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient

from deploy.local.process import ServerProcess, free_port
from deploy.local.stack import serving
from deploy.local.triton import triton_server
from deploy.triton.repository import Target, build_repository
from playscore.release import Release, list_releases
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from playscore.tracking.v1 import tracking_pb2
from scorer.core.batching import bucket_length, pad

FRAMES = 28
"""Frames of every play: 2.8 s from snap to release."""
TARGET = 0.7
SECONDS = 30.0

Call = Callable[[int], Awaitable[object]]


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
        tensor = tracking_pb2.PlayTensor(
            key=tracking_pb2.PlayKey(league="SIM", game_id="1", play_id=str(place)),
            revision=1,
            feature_specification_id=self.release.features.id,
            shape=self.frames[place].shape,
            frames=self.frames[place].tobytes(),
            statics=self.statics[place].tobytes(),
            pass_attributes=tracking_pb2.PassAttributes(yards_to_go=10.0, yards_to_end_zone=45.0),
        )
        outcome = tracking_pb2.PassOutcome(yards_gained=7.0)
        return scorer_pb2.PassToScore(tensor=tensor, outcome=outcome)

    def bare(self, client: InferenceServerClient) -> Call:
        """Asks Triton for one play, padded before the clock starts."""
        length = bucket_length(FRAMES, self.release.bucket_lengths)
        batches = [pad([frames], [statics], length) for frames, statics in zip(self.frames, self.statics, strict=True)]

        def tensor(name: str, values: np.ndarray) -> InferInput:
            declared = InferInput(name, list(values.shape), "FP32")
            declared.set_data_from_numpy(values)
            return declared

        async def call(turn: int) -> None:
            batch = batches[turn % len(batches)]
            inputs = [tensor("frames", batch.frames), tensor("mask", batch.mask), tensor("static", batch.statics)]
            answer = await client.infer(
                "passing", inputs, model_version=str(self.release.version), client_timeout=SECONDS
            )
            answer.as_numpy("logits")
            answer.as_numpy("tails")

        return call

    def scored(self, stub: Any, together: int) -> Call:
        """Asks the scorer for `together` plays in one call."""
        groups = [self.passes[first : first + together] for first in range(0, len(self.passes), together)]
        requests = [scorer_pb2.ScorePassesRequest(passes=group) for group in groups]

        async def call(turn: int) -> None:
            request = requests[turn % len(requests)]
            response = await stub.ScorePasses(request, timeout=SECONDS)
            assert len(response.scores) == len(request.passes)

        return call


async def plays_a_second(call: Call, plays: int, in_flight: int, together: int = 1) -> float:
    turns = iter(range(plays // together))

    async def keep_one_in_flight() -> None:
        for turn in turns:
            await call(turn)

    begin = time.perf_counter()
    await asyncio.gather(*(keep_one_in_flight() for _ in range(in_flight // together)))
    return plays / (time.perf_counter() - begin)


def scorer_server(port: int, triton_port: int, releases: Path, log: Path) -> ServerProcess:
    address = f"127.0.0.1:{port}"

    command = [sys.executable, "-m", "scorer", "--listen", address, "--metrics-listen", f"127.0.0.1:{free_port()}"]
    command += ["--releases", str(releases), "--triton-url", f"127.0.0.1:{triton_port}", "--log-level", "warning"]
    return ServerProcess(name="scorer", command=command, environment={}, log=log, ready=lambda: serving(address))


async def measure(releases: Path, plays: int, rounds: int, in_flight: int, together: int) -> float:
    """Prints what was measured; answers the ratio."""
    made = Plays(list_releases(releases, "passing")[-1])
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        repository = build_repository(releases, scratch / "models", Target.PYTHON)
        triton_port, scorer_port = free_port(), free_port()
        triton = triton_server(repository, triton_port, free_port(), free_port(), scratch / "triton.log")
        scorer = scorer_server(scorer_port, triton_port, releases, scratch / "scorer.log")
        client = InferenceServerClient(f"127.0.0.1:{triton_port}")
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{scorer_port}")
        try:
            await triton.start()
            await triton.wait_ready(60)
            await scorer.start()
            await scorer.wait_ready(60)
            calls = {
                "tritonclient": (made.bare(client), 1),
                "scorer": (made.scored(scorer_pb2_grpc.ScorerServiceStub(channel), together), together),
            }
            for call, plays_a_call in calls.values():
                await plays_a_second(call, plays // 10, in_flight, plays_a_call)
            found: dict[str, list[float]] = {name: [] for name in calls}
            for _ in range(rounds):
                for name, (call, plays_a_call) in calls.items():
                    found[name].append(await plays_a_second(call, plays, in_flight, plays_a_call))
        finally:
            await channel.close()
            await client.close()
            await scorer.stop()
            await triton.stop()
    for name, rates in found.items():
        each = ", ".join(f"{rate:.0f}" for rate in rates)
        print(f"{name:13} {statistics.median(rates):6.0f} plays/s (median of {each})")
    ratios = [theirs / bare for bare, theirs in zip(found["tritonclient"], found["scorer"], strict=True)]
    ratio = statistics.median(ratios)
    print(f"ratio {ratio:.2f} (median of {', '.join(f'{each:.2f}' for each in ratios)}); at least {TARGET} is wanted")
    return ratio


@click.command()
@click.option("--releases", type=click.Path(path_type=Path), default=Path("models/releases"), show_default=True)
@click.option("--plays", default=4000, show_default=True, help="Plays a round.")
@click.option("--rounds", default=5, show_default=True)
@click.option("--in-flight", default=8, show_default=True, help="Plays asked for at once.")
@click.option("--together", type=click.IntRange(1, 8), default=1, show_default=True, help="Plays a call of the scorer.")
def main(releases: Path, plays: int, rounds: int, in_flight: int, together: int) -> None:
    """Exits with 1 if the scorer is slower than it may be."""
    sys.exit(uvloop.run(measure(releases, plays, rounds, in_flight, together)) < TARGET)


if __name__ == "__main__":
    main()
