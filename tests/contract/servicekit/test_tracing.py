"""Traces of a service's calls: what a collector is told, what logs and metrics say, and that they harm no call."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from uuid import uuid4

import grpc
import grpc.aio
import pytest
from prometheus_client import REGISTRY
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from playscore.errors import PlayscoreError, Reason
from servicekit import StartError, serving, spans
from servicekit.tracing import MAX_QUEUED, tracing
from tests.contract.servicekit.conftest import Serve
from tests.contract.servicekit.echo import Echo, EchoSettings, EchoStub
from tests.contract.servicekit.test_process import address, started
from tests.otlp import collector
from tests.processes import until

ROOT = Path(__file__).parents[3]
TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RECORDED = (("traceparent", f"00-{TRACE}-{SPAN}-01"),)
UNARY = "echo.v1.EchoService/Unary"
NOWHERE = "http://127.0.0.1:9"


def outcome(of: str) -> float:
    return REGISTRY.get_sample_value("playscore_spans_total", {"outcome": of}) or 0.0


async def test_a_call_is_a_part_of_the_trace_that_its_caller_names(serve: Serve) -> None:
    with collector() as told:
        async with serve(otlp_endpoint=told.url, trace_ratio=0.0) as stub:
            await stub.call("Unary", "0", metadata=RECORDED)
            await stub.call("Unary", "0")
            await stub.call("Unary", "0", metadata=(("traceparent", f"00-{TRACE}-{SPAN}-00"),))
    [span] = told.spans
    assert (span.service, span.name, span.trace_id, span.parent_id) == ("echo", UNARY, TRACE, SPAN)
    assert span.begin <= span.end
    assert span.attributes["rpc.method"] == "Unary"
    assert span.attributes["rpc.grpc.status_code"] == 0


async def test_a_trace_begins_where_none_is_named_in_the_ratio_that_is_set(serve: Serve) -> None:
    with collector() as told:
        async with serve(otlp_endpoint=told.url, trace_ratio=1.0) as stub:
            await stub.call("Unary", "0")
            await stub.call("Unary", "0", metadata=(("traceparent", "00-junk"),))
            assert await stub.healthy()
    assert [(span.name, span.parent_id) for span in told.spans] == [(UNARY, ""), (UNARY, "")]
    assert len({span.trace_id for span in told.spans}) == 2


async def test_a_refused_call_says_so_without_what_its_caller_sent(serve: Serve) -> None:
    async def refuse(text: str) -> str:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{text} is not a number")

    with collector() as told:
        async with serve(refuse, otlp_endpoint=told.url, trace_ratio=1.0) as stub:
            with pytest.raises(grpc.aio.AioRpcError):
                await stub.call("Unary", "hunter2")
    [span] = told.spans
    assert span.failed == "InvalidArgument"
    assert "hunter2" not in str(span)


async def test_every_line_of_a_traced_call_names_trace_and_span() -> None:
    with collector() as told:
        async with started("--otlp-endpoint", told.url) as process:
            async with grpc.aio.insecure_channel(await address(process)) as channel:
                await EchoStub(channel).call("Unary", "0", metadata=RECORDED)
            line = await process.says("call finished")
            process.signal(signal.SIGINT)
            assert (await process.ended())[0] == 0
    [span] = told.spans
    assert (line["trace_id"], line["span_id"]) == (TRACE, span.span_id)


async def test_the_latency_of_a_call_has_the_trace_as_its_exemplar() -> None:
    trace_id = uuid4().hex
    with collector() as told:
        settings = EchoSettings(otlp_endpoint=told.url, trace_ratio=0.0)
        async with serving(Echo(), settings) as running, grpc.aio.insecure_channel(str(running.address)) as channel:
            await running.until_serving()
            traceparent = f"00-{trace_id}-{SPAN}-01"
            await EchoStub(channel).call("Unary", "0", metadata=(("traceparent", traceparent),))
            asking = urllib.request.Request(
                f"http://{running.metrics_address}/metrics", headers={"Accept": "application/openmetrics-text"}
            )
            found: list[dict[str, str]] = []
            while not found:
                with await asyncio.to_thread(urllib.request.urlopen, asking) as answer:
                    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
                    page = answer.read().decode()
                found = [
                    sample.exemplar.labels
                    for family in text_string_to_metric_families(page)  # type: ignore[no-untyped-call]
                    if family.name == "grpc_server_handling_seconds"
                    for sample in family.samples
                    if sample.exemplar is not None and sample.exemplar.labels["trace_id"] == trace_id
                ]
    assert [labels["span_id"] for labels in found] == [span.span_id for span in told.spans]


async def test_a_dead_collector_harms_no_call_and_is_one_line_of_log() -> None:
    async with started("--otlp-endpoint", NOWHERE, "--trace-ratio", "1", OTEL_BSP_SCHEDULE_DELAY="10") as process:
        async with grpc.aio.insecure_channel(await address(process)) as channel:
            stub = EchoStub(channel)
            assert await stub.call("Unary", "0") == ["0"]
            await process.says("the collector takes no spans; they are dropped", endpoint=NOWHERE)
            for _ in range(20):
                assert await stub.call("Unary", "0") == ["0"]
        process.signal(signal.SIGINT)
        code, rest = await process.ended()
    assert code == 0
    assert "no spans" not in rest
    assert "opentelemetry" not in rest.lower()


async def test_spans_that_find_no_room_are_dropped_and_counted() -> None:
    dropped, failed = outcome("dropped"), outcome("failed")
    async with tracing("echo", NOWHERE, 1.0):
        for _ in range(2 * MAX_QUEUED):
            spans.begin_trace("anything").end()
        assert outcome("dropped") - dropped >= 1
    await until(lambda: outcome("failed") > failed)


async def test_without_the_setting_opentelemetry_is_not_imported() -> None:
    program = """
import asyncio, sys
import grpc.aio
from servicekit import serving
from tests.contract.servicekit.echo import Echo, EchoSettings, EchoStub
import featurizer.__main__, scorer.__main__, aggregator.__main__, pipeline.jetstream.commands

async def main():
    async with serving(Echo(), EchoSettings()) as running:
        async with grpc.aio.insecure_channel(str(running.address)) as channel:
            await running.until_serving()
            await EchoStub(channel).call("Unary", "0")

asyncio.run(main())
print("imported:", *[name for name in sys.modules if name.startswith("opentelemetry")])
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].strip() == "imported:"


@pytest.mark.parametrize("endpoint", ["collector:4317", "grpc://collector:4317", "http://", "http://u:p@collector:1/x"])
def test_an_endpoint_that_is_none_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match="must be http://host:port"):
        EchoSettings(otlp_endpoint=endpoint)


async def test_a_service_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(StartError, match=r"pip install playscore\[tracing\]"):
        async with serving(Echo(), EchoSettings(otlp_endpoint=NOWHERE)):
            pass
