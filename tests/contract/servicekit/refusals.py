"""How calls of the echo service fail."""

from __future__ import annotations

from typing import Any

import grpc.aio
import pytest

from playscore.errors import PlayscoreError
from playscore.rpc_errors import error_from_rpc
from tests.contract.servicekit.echo import EchoStub

_OF_CORE = "Internal error from Core"
"""What grpc.aio's client says of a stream that ended as it wrote to it, whatever the stream ended with."""


_OF_CORE = "Internal error from Core"
"""What grpc.aio's client says of a stream that ended as it wrote to it, whatever the stream ended with."""


async def failure(stub: EchoStub, method: str, *texts: str, **options: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.call(method, *texts, **options)
    return failed.value


async def refusal(stub: EchoStub, method: str = "Unary", *texts: str, **options: Any) -> PlayscoreError:
    """What a call with these texts, or an empty one, is refused for."""
    failed = await failure(stub, method, *(texts or ("",)), **options)
    while failed.details() == _OF_CORE:
        failed = await failure(stub, method, *(texts or ("",)), **options)
    error = error_from_rpc(failed)
    assert error is not None, failed
    return error
