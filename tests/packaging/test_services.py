"""`pip install 'playscore[services]'`: the services run from anywhere, and answer a caller with the base install."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc.aio
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.packaging.conftest import HERE, Environment, surroundings

PLAYS = 20


@asynccontextmanager
async def service(installed: Environment, name: str, *flags: str) -> AsyncIterator[str]:
    """Address of a service that serves; it must end cleanly."""
    process = await asyncio.create_subprocess_exec(
        *(str(installed.python), "-m", name, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", *flags),
        cwd=installed.elsewhere,
        env=surroundings(),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        address = await _serving(process.stderr)
        rest = asyncio.create_task(process.stderr.read())
        yield address
        process.send_signal(signal.SIGTERM)
        logged = await rest
        assert await process.wait() == 0, logged.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _serving(stderr: asyncio.StreamReader) -> str:
    """What a service says it listens on, once it says that it serves."""
    said: list[str] = []
    address = ""
    while line := (await stderr.readline()).decode():
        said.append(line)
        match json.loads(line) if line.startswith("{") else {}:
            case {"event": "listening", "address": str(address)}:
                pass
            case {"event": "serving"}:
                return address
    raise AssertionError("".join(said))


async def is_healthy(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=30)
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def test_a_game_played_through_them_is_rated(base: Environment, services: Environment, tmp_path: Path) -> None:
    games, report = tmp_path / "games", tmp_path / "report.json"
    simulated = services.run("playscore", "simulate", "--plays", str(PLAYS), "--out", str(games))
    assert simulated.returncode == 0, simulated.stderr
    async with (
        service(services, "featurizer") as featurizer,
        service(services, "scorer", "--inference", "onnxruntime") as scorer,
        service(services, "aggregator", "--store", f"sqlite:///{tmp_path / 'scores.sqlite'}") as aggregator,
    ):
        assert all([await is_healthy(address) for address in (featurizer, scorer, aggregator)])
        addresses = ("--featurizer", featurizer, "--scorer", scorer, "--aggregator", aggregator)
        replay = ("replay", "--data", str(games), "--json", str(report), *addresses)
        played = await asyncio.to_thread(services.run, "playscore", *replay)
        assert played.returncode == 0, played.stdout + played.stderr
        called = await asyncio.to_thread(base.run, "python", str(HERE / "caller.py"), aggregator)
    scored = [play for play in json.loads(report.read_text())["plays"] if play["outcome"] == "scored"]
    assert len(scored) > PLAYS / 2
    assert called.returncode == 0, called.stderr
    ratings = [float(line.split("\t")[1]) for line in called.stdout.splitlines()]
    assert len(ratings) == 2, "one passer a team"
    assert all(50 <= rating <= 99 for rating in ratings)
