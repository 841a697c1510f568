"""How calls of the echo service fail."""

from __future__ import annotations

from typing import Any

import grpc.aio
import pytest

from playscore.errors import PlayscoreError
from playscore.rpc_errors import error_from_rpc
from tests.contract.servicekit.echo import EchoStub


async def failure(stub: EchoStub, method: str, *texts: str, **options: Any) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await stub.call(method, *texts, **options)
    return failed.value


async def refusal(stub: EchoStub, method: str = "Unary", *texts: str, **options: Any) -> PlayscoreError:
    """What a call with these texts, or an empty one, is refused for."""
    error = error_from_rpc(await failure(stub, method, *(texts or ("",)), **options))
    assert error is not None
    return error
