from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from playscore.release import Release, list_releases
from playscore.scorer.v1 import scorer_pb2_grpc
from scorer.__main__ import ScorerSettings
from scorer.core.inference import Inference
from scorer.onnx import OnnxInference
from scorer.service import ScorerService
from servicekit import serving
from tests.releases import passing_release, releases

__all__ = ["passing_release", "releases"]

Serve = Callable[..., AbstractAsyncContextManager[Any]]


@pytest.fixture
def serve(releases: Path) -> Serve:
    """`async with serve(inference) as stub`: the scorer on loopback, over onnxruntime where nothing else is said."""

    @asynccontextmanager
    async def serve(inference: Inference | None = None, versions: tuple[Release, ...] = ()) -> AsyncIterator[Any]:
        versions = versions or list_releases(releases)
        service = ScorerService(versions, inference or OnnxInference(releases, versions))
        settings = ScorerSettings(listen="127.0.0.1:0", metrics_listen="127.0.0.1:0", releases=releases)
        async with (
            serving(service, settings) as running,
            grpc.aio.insecure_channel(str(running.address)) as channel,
        ):
            await running.until_serving()
            yield scorer_pb2_grpc.ScorerServiceStub(channel)

    return serve


@pytest.fixture
async def stub(serve: Serve) -> AsyncIterator[Any]:
    """The scorer on loopback over onnxruntime."""
    async with serve() as stub:
        yield stub
