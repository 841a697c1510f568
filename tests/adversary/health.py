"""Asks services for their health, over and over: `python -m tests.adversary.health NAME=HOST:PORT …`.

It is a process of its own, so that it measures how long the services take, not how long an attacker's event loop does.
It prints a line an answer, `NAME SECONDS STATUS`, until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import grpc
import numpy as np
from grpc_health.v1 import health_pb2, health_pb2_grpc

_EVERY_SECONDS: Final = 0.05
_TIMEOUT_SECONDS: Final = 30.0


class HealthAnswers:
    """What a probe has heard, in a file that it writes."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def seconds(self) -> Mapping[str, Sequence[float]]:
        """How long each answer took, by service."""
        heard: dict[str, list[float]] = defaultdict(list)
        for line in self._file.read_text().splitlines():
            if len(words := line.split()) == 3:
                heard[words[0]].append(float(words[1]))
        return heard

    def p99(self) -> Mapping[str, float]:
        """Seconds within which 99 of 100 answers came, by service."""
        return {name: float(np.quantile(seconds, 0.99)) for name, seconds in self.seconds().items()}


@asynccontextmanager
async def asking(addresses: Mapping[str, str]) -> AsyncIterator[HealthAnswers]:
    """Asks services, by name, while the block runs."""
    with tempfile.NamedTemporaryFile("wb", prefix="playscore-health-") as answers:
        probe = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.adversary.health"),
            *(f"{name}={address}" for name, address in addresses.items()),
            stdout=answers,
        )
        try:
            yield HealthAnswers(Path(answers.name))
        finally:
            probe.kill()
            await probe.wait()


async def _ask(name: str, address: str) -> None:
    async with grpc.aio.insecure_channel(address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        while True:
            begun = time.perf_counter()
            try:
                answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_SECONDS)
                said = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
            except grpc.aio.AioRpcError as error:
                said = error.code().name
            print(name, f"{time.perf_counter() - begun:.6f}", said, flush=True)
            await asyncio.sleep(_EVERY_SECONDS)


async def _main(arguments: Sequence[str]) -> None:
    await asyncio.gather(*(_ask(*argument.split("=", 1)) for argument in arguments))


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1:]))
