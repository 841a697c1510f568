"""What the metrics port shows."""

from __future__ import annotations

import asyncio
import socket
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
import pytest
from prometheus_client import REGISTRY

from playscore.errors import PlayscoreError, Reason
from servicekit import StartError, serving
from tests.contract.servicekit.echo import DESCRIPTOR, METHODS, Echo, EchoSettings

TYPES = {"Unary": "unary", "Watch": "server_stream", "Collect": "client_stream", "Converse": "bidi_stream"}


def series(metric: str, method: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(
        metric,
        {"grpc_type": TYPES[method], "grpc_service": DESCRIPTOR.full_name, "grpc_method": method, **labels},
    )


async def rises_by_one(read: Callable[[], float | None], before: float) -> None:
    """A server counts a call after it told its end; so this waits, for as long as the test may run."""
    while read() == before:  # noqa: ASYNC110 - the registry tells nobody
        await asyncio.sleep(0.01)
    assert read() == before + 1


async def test_every_series_is_there_from_the_start() -> None:
    async with serving(Echo(), EchoSettings()) as running:
        page = (
            (await asyncio.to_thread(urllib.request.urlopen, f"http://{running.metrics_address}/metrics"))
            .read()
            .decode()
        )
    for method, kind in TYPES.items():
        labels = f'grpc_method="{method}",grpc_service="{DESCRIPTOR.full_name}",grpc_type="{kind}"'
        assert f"grpc_server_started_total{{{labels}}}" in page
        for code in ("OK", "Canceled", "InvalidArgument", "DeadlineExceeded", "Unavailable", "Internal"):
            assert f'grpc_server_handled_total{{grpc_code="{code}",{labels}}}' in page
        assert f"grpc_server_handling_seconds_bucket{{{labels[: labels.index(',grpc_type')]}" in page
        assert 'le="0.05"' in page


async def answer(text: str) -> str:
    match text:
        case "refuse":
            raise PlayscoreError(Reason.STORE_UNAVAILABLE, "the disk is full")
        case "crash":
            raise RuntimeError
        case "hang":
            await asyncio.Event().wait()
    return text


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("text", "seconds", "code"),
    [
        ("fine", 10, "OK"),
        ("refuse", 10, "Unavailable"),
        ("crash", 10, "Internal"),
        ("hang", 0.2, "DeadlineExceeded"),
    ],
)
async def test_calls_are_counted_by_how_they_ended(
    serve: Any,
    method: str,
    text: str,
    seconds: float,
    code: str,
) -> None:
    def handled() -> float | None:
        return series("grpc_server_handled_total", method, grpc_code=code)

    async with serve(answer) as stub:
        before, started = handled(), series("grpc_server_started_total", method)
        timed = series("grpc_server_handling_seconds_count", method)
        assert before is not None and started is not None and timed is not None
        with suppress(grpc.aio.AioRpcError):
            await stub.call(method, text, timeout=seconds)
        await rises_by_one(handled, before)
        assert series("grpc_server_started_total", method) == started + 1
        assert series("grpc_server_handling_seconds_count", method) == timed + 1


@pytest.mark.parametrize("method", METHODS)
async def test_a_call_given_up_by_its_caller_counts_as_canceled(serve: Any, method: str) -> None:
    def handled() -> float | None:
        return series("grpc_server_handled_total", method, grpc_code="Canceled")

    arrived = asyncio.Event()

    async def hang(text: str) -> str:
        arrived.set()
        return await answer(text)

    async with serve(hang) as stub:
        before = handled()
        assert before is not None
        call = asyncio.create_task(stub.call(method, "hang"))
        await arrived.wait()
        call.cancel()
        await rises_by_one(handled, before)


async def test_a_taken_port_is_said_to_be_taken() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(StartError, match=f"{address}.*--metrics-listen"):
            async with serving(Echo(), EchoSettings(metrics_listen=address)):
                pass
        with pytest.raises(StartError, match=f"{address}.*--listen"):
            async with serving(Echo(), EchoSettings(listen=address)):
                pass
