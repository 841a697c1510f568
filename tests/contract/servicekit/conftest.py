from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc.aio
import pytest

from servicekit import serving
from tests.contract.servicekit.echo import Answer, Echo, EchoSettings, EchoStub, same

Serve = Callable[..., AbstractAsyncContextManager[EchoStub]]


@pytest.fixture
def serve() -> Serve:
    """`async with serve(answer, **settings) as stub`: the echo service, serving on loopback."""

    @asynccontextmanager
    async def serve(answer: Answer = same, **settings: Any) -> AsyncIterator[EchoStub]:
        async with (
            serving(Echo(answer), EchoSettings(**settings)) as running,
            grpc.aio.insecure_channel(str(running.address)) as channel,
        ):
            await running.until_serving()
            yield EchoStub(channel)

    return serve
