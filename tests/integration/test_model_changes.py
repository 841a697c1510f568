"""Models are changed while plays are scored, as docs/operations.md says, and no request fails.

Tritons, scorers and calls are real. A proxy stands for the name of Triton's service: new connections go to the Triton
that it leads to, and those that there are stay, as with the addresses behind a Kubernetes service. Callers take turns
among the scorers that are in use: a new one comes into use when it is ready, an old one ends after that.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from click.testing import CliRunner

from deploy.local.ports import reserve
from deploy.local.process import ServerError, ServerProcess
from deploy.local.stack import service_process
from deploy.local.triton import triton_server
from deploy.triton.commands import triton as triton_command
from playscore.client import ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError
from playscore.release import GRAPH, load_release
from playscore.scorer.v1 import scorer_pb2, scorer_pb2_grpc
from tests.adversary.proxy import Link, link
from tests.hockey import release_shots, shot_to_score

pytestmark = pytest.mark.triton

SECONDS = 60.0
CALLERS = 3
"""Of each kind."""
PAUSE_SECONDS = 0.02
"""Between two requests of a caller."""
ON_A_STREAM = 25


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    end = time.monotonic() + SECONDS
    while not await condition():
        assert time.monotonic() < end, "it did not come about"
        await asyncio.sleep(0.1)


@dataclass
class Traffic:
    """Callers that ask all the time, without retries, and what they were answered."""

    shot: scorer_pb2.ShotToScore
    scorers: list[ScorerClient] = field(default_factory=list)
    """In use."""
    in_flight: Counter[str] = field(default_factory=Counter)
    """Calls and streams, by the scorer's address."""
    named: int = 1
    """The version that callers name who name one."""
    answered: Counter[tuple[int | None, int]] = field(default_factory=Counter)
    """How many requests, by the version that was asked for (None: the default) and the one that answered."""
    chances: dict[int, float] = field(default_factory=dict)
    """What each version answers."""
    failed: list[str] = field(default_factory=list)
    ending: bool = False

    @property
    def requests(self) -> int:
        return self.answered.total() + len(self.failed)

    @contextmanager
    def scorer(self) -> Iterator[ScorerClient]:
        """The scorer whose turn it is, for one call or stream."""
        self.scorers.append(self.scorers.pop(0))
        scorer = self.scorers[0]
        self.in_flight[scorer.address] += 1
        try:
            yield scorer
        finally:
            self.in_flight[scorer.address] -= 1

    async def leave(self, scorer: ScorerClient) -> None:
        """Returns once nobody uses a scorer anymore."""
        self.scorers.remove(scorer)

        async def left() -> bool:
            return not self.in_flight[scorer.address]

        await until(left)

    async def call(self, *, names: bool) -> None:
        while not self.ending:
            asked = self.named if names else None
            request = scorer_pb2.ScoreShotsRequest(shots=[self.shot], model=_model(asked))
            with self.scorer() as scorer:
                stub: Any = scorer.stub_of(scorer_pb2_grpc.ScorerServiceStub)
                try:
                    answer = await stub.ScoreShots(request, timeout=SECONDS)
                except grpc.aio.AioRpcError as error:
                    self.failed.append(f"call: {error.code().name}: {error.details()}")
                else:
                    self._take(asked, *answer.scores, *answer.rejections)
            await asyncio.sleep(PAUSE_SECONDS)

    async def stream(self, *, names: bool) -> None:
        while not self.ending:
            asked = self.named if names else None
            try:
                with self.scorer() as scorer:
                    async with scorer.stream_scores(_model(asked)) as stream:
                        for _ in range(ON_A_STREAM):
                            self._take(asked, await stream.score_shot(self.shot))
                            await asyncio.sleep(PAUSE_SECONDS)
            except (OSError, PlayscoreError) as error:
                self.failed.append(f"stream: {error}")
                await asyncio.sleep(PAUSE_SECONDS)

    async def some(self, more: int = 100) -> None:
        """Returns once so many more requests were answered."""
        before = self.requests

        async def asked() -> bool:
            return self.requests >= before + more

        await until(asked)

    async def are_answered_by(self, *versions: int) -> None:
        """Returns once those who name no version are answered by these."""

        async def so() -> bool:
            before = self.answered.copy()
            await self.some()
            return {answered for asked, answered in self.answered - before if asked is None} == set(versions)

        await until(so)

    def _take(self, asked: int | None, *answers: Any) -> None:
        [answer] = answers
        if isinstance(answer, common.Rejection):
            self.failed.append(f"rejection: {answer.reason}: {answer.detail}")
            return
        version = answer.model.version
        chance = answer.distribution.bernoulli.probability
        assert chance == pytest.approx(self.chances.setdefault(version, chance), abs=1e-5)
        self.answered[asked, version] += 1


def _model(version: int | None) -> common.ModelVersion | None:
    return None if version is None else common.ModelVersion(name="shots", version=version)


@dataclass
class Installation:
    """Tritons and scorers, and the releases of a model that they serve."""

    folder: Path
    name: Link
    ports: list[int]
    traffic: Traffic
    closing: AsyncExitStack
    metrics_ports: dict[str, int] = field(default_factory=dict)
    """Of the scorers, by address."""
    serving: ServerProcess | None = None

    def release(self, version: int) -> None:
        release_shots(self.folder / "releases", version=version, seed=version)

    def releases(self, *versions: int) -> Path:
        """A folder with these releases only, as an image has them."""
        folder = self.folder / f"releases-{'-'.join(map(str, versions))}"
        for version in versions:
            shutil.copytree(
                self.folder / "releases" / "shots" / str(version), folder / "shots" / str(version), dirs_exist_ok=True
            )
        return folder

    def built(self, name: str, *versions: int, without: str = "") -> Path:
        """What `playscore triton build` makes of releases."""
        out = self.folder / name
        asked = ["build", "--target", "python", "--releases", str(self.releases(*versions)), "--out", str(out)]
        made = CliRunner().invoke(triton_command, [*asked, "--without", without], catch_exceptions=False)
        assert made.exit_code == 0, made.output
        return out

    async def triton(self, repository: Path) -> tuple[ServerProcess, int]:
        """A Triton beside the others, ready, and its port. Raises ServerError if it does not become so."""
        port, http_port, metrics_port = (self.ports.pop() for _ in range(3))
        server = triton_server(repository, port, http_port, metrics_port, self.folder / f"{repository.name}.log")
        await server.start()
        self.closing.push_async_callback(server.kill)
        await server.wait_ready(SECONDS)
        return server, port

    async def replace_triton(self, repository: Path) -> None:
        """As a rolling update does: a new one starts, is used once it is ready, and the old one is told to end."""
        server, port = await self.triton(repository)
        self.name.lead_to(port)
        if self.serving is not None:
            await terminate(self.serving)
        self.serving = server

    async def scorer(self, name: str, *versions: int, **settings: str) -> tuple[ServerProcess, ScorerClient]:
        """A scorer of releases beside the others, ready and in use."""
        port, metrics_port = self.ports.pop(), self.ports.pop()
        told = {"RELEASES": str(self.releases(*versions)), "TRITON_URL": f"127.0.0.1:{self.name.port}", **settings}
        process = service_process("scorer", port, metrics_port, told, self.folder / f"{name}.log")
        await process.start()
        self.closing.push_async_callback(process.kill)
        await process.wait_ready(SECONDS)
        client = await self.closing.enter_async_context(ScorerClient(f"127.0.0.1:{port}", timeout_seconds=SECONDS))
        self.metrics_ports[client.address] = metrics_port
        self.traffic.scorers.append(client)
        return process, client

    async def metric(self, scorer: ScorerClient, line: str) -> bool:
        """Whether a scorer's metrics have a line."""

        def shown() -> str:
            url = f"http://127.0.0.1:{self.metrics_ports[scorer.address]}/metrics"
            with urllib.request.urlopen(url, timeout=SECONDS) as answer:
                return str(answer.read().decode())

        return line in (await asyncio.to_thread(shown)).splitlines()


async def ready_versions(scorer: ScorerClient) -> list[int]:
    """The versions that a scorer calls ready."""
    return [each.model.version for each in await scorer.list_models() if each.ready]


async def terminate(server: ServerProcess) -> None:
    """Tells a server to end, as Kubernetes does, and waits until it has."""
    os.kill(server.pid, signal.SIGTERM)

    async def ended() -> bool:
        return not server.running

    await until(ended)


@asynccontextmanager
async def installed(folder: Path) -> AsyncIterator[Installation]:
    with reserve(*(0,) * 20) as ports:
        async with link(0) as name, AsyncExitStack() as closing:
            release_shots(folder / "releases", version=1, seed=1)
            traffic = Traffic(shot_to_score(load_release(folder / "releases" / "shots" / "1")))
            yield Installation(folder, name, list(ports), traffic, closing)


async def test_models_change_while_plays_are_scored_and_no_request_fails(tmp_path: Path) -> None:
    async with installed(tmp_path) as running, asyncio.TaskGroup() as callers:
        traffic = running.traffic
        first = running.built("first", 1)
        await running.replace_triton(first)
        old, old_client = await running.scorer("old", 1)
        for names in (True, False):
            for _ in range(CALLERS):
                callers.create_task(traffic.call(names=names))
                callers.create_task(traffic.stream(names=names))
        try:
            await traffic.some()

            # The same again, as `kubectl rollout restart deployment/triton` does.
            await running.replace_triton(first)
            await traffic.some()
            assert not traffic.failed

            # A version whose graph is broken: its Triton says why, and does not start.
            for version in (2, 3):
                running.release(version)
            broken = running.built("broken", 1, 2)
            (broken / "shots" / "2" / GRAPH).write_bytes(b"no graph")
            with pytest.raises(ServerError):
                await running.triton(broken)
            said = (tmp_path / "broken.log").read_text()
            assert re.search(r"version 2 has graph [0-9a-f]{64}; its configuration states", said)
            await traffic.some()
            assert not traffic.failed

            # A good second version, and a third that Triton takes for good, with another graph than was released.
            candidates = running.built("candidates", 1, 2, 3)
            shutil.copyfile(candidates / "shots" / "1" / GRAPH, candidates / "shots" / "3" / GRAPH)
            served = candidates / "shots" / "3" / "model.py"
            served.write_text(served.read_text().replace("!= stated", "is None"))
            await running.replace_triton(candidates)
            await traffic.some()
            assert not traffic.failed

            # Scorers for which the second is the default. They say that there is something wrong with the third.
            _, new = await running.scorer("new", 1, 2, 3, DEFAULT_MODELS="shots:2")
            await traffic.are_answered_by(1, 2)
            await traffic.leave(old_client)
            await terminate(old)
            await traffic.are_answered_by(2)
            assert await ready_versions(new) == [1, 2]
            assert await running.metric(new, 'playscore_scorer_model_ready{model="shots",version="3"} 0.0')
            assert "of known plays is" in (tmp_path / "new.log").read_text()
            assert not traffic.failed

            # The first version is asked for by nobody anymore, and goes.
            traffic.named = 2
            await traffic.some()
            await running.replace_triton(running.built("second", 1, 2, without="shots:1"))
            await traffic.some()

            async def gone() -> bool:
                return await ready_versions(new) == [2]

            await until(gone)
        finally:
            traffic.ending = True
    print(f"{traffic.requests} requests, {len(traffic.failed)} failed")
    assert not traffic.failed
    assert set(traffic.answered) == {(1, 1), (2, 2), (None, 1), (None, 2)}
