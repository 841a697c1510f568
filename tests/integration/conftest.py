"""Real servers for the integration tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.ports import reserve
from deploy.local.process import ServerProcess
from deploy.local.stack import LocalStack
from deploy.local.triton import triton_server
from deploy.triton.repository import Target, build_repository
from tests.releases import newest_releases, releases

__all__ = ["newest_releases", "releases"]


@dataclass(frozen=True, slots=True)
class RunningTriton:
    """A real Triton that serves the newest releases."""

    url: str
    server: ServerProcess


@pytest.fixture(scope="session")
async def triton(newest_releases: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningTriton]:
    """A real Triton for the whole session. A test that kills it starts it again."""
    scratch = tmp_path_factory.mktemp("triton")
    repository = build_repository(newest_releases, scratch / "models", Target.PYTHON)
    with reserve(0, 0, 0) as (port, http_port, metrics_port):
        server = triton_server(repository, port, http_port, metrics_port, scratch / "triton.log")
        await server.start()
        try:
            await server.wait_ready(60)
            yield RunningTriton(f"127.0.0.1:{port}", server)
        finally:
            await server.kill()


@pytest.fixture(scope="session")
async def triton_url(triton: RunningTriton) -> str:
    """Address of a real Triton."""
    return triton.url


@pytest.fixture(scope="session")
async def stack(newest_releases: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    """Triton and the three services, real, for the whole session; tests leave them running."""
    scratch = tmp_path_factory.mktemp("stack")
    async with LocalStack(store=scratch / "aggregator.db", logs=scratch / "logs", releases=newest_releases) as running:
        yield running
