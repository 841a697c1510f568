"""A service as a process: its settings, its logs, its signals, its exit code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.wrappers_pb2 import StringValue

from tests.contract.servicekit.echo import EchoStub

PROGRAM = Path(__file__).with_name("echo.py")
ROOT = Path(__file__).parents[3]


class Process:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        self._process, self._stderr = process, process.stderr
        self.lines: list[dict[str, Any]] = []

    async def says(self, event: str, **values: Any) -> dict[str, Any]:
        """The next line about an event, of which every line before it is JSON too."""
        while True:
            line: dict[str, Any] = json.loads(await self._stderr.readline())
            self.lines.append(line)
            if line["event"] == event and values.items() <= line.items():
                return line

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def ended(self) -> tuple[int, str]:
        rest = await self._stderr.read()
        return await self._process.wait(), rest.decode()


@asynccontextmanager
async def started(*flags: str, **environment: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        *flags,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )
    try:
        yield Process(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def refused(*flags: str, **environment: str) -> tuple[int, str]:
    async with started(*flags, **environment) as process:
        return await process.ended()


async def address(process: Process) -> str:
    listening = await process.says("listening")
    await process.says("serving")
    return str(listening["address"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_finishes_the_call_in_flight_and_exits_with_0(number: signal.Signals) -> None:
    async with started() as process:
        async with grpc.aio.insecure_channel(await address(process)) as channel:
            conversation = EchoStub(channel).methods["Converse"]()
            await conversation.write(StringValue(value="0"))
            assert (await conversation.read()).value == "0"
            process.signal(number)
            await process.says("draining", signal=number.name)
            await conversation.write(StringValue(value="0.1"))
            assert (await conversation.read()).value == "0.1"
            await conversation.done_writing()
            assert await conversation.code() is grpc.StatusCode.OK
        code, _ = await process.ended()
    assert code == 0


async def test_a_drain_says_not_serving_while_calls_are_still_taken() -> None:
    async with started("--drain-seconds", "1") as process:
        async with grpc.aio.insecure_channel(await address(process)) as channel:
            stub = EchoStub(channel)
            assert await stub.healthy()
            process.signal(signal.SIGTERM)
            await process.says("draining")
            while await stub.healthy():
                pass
            assert await stub.call("Unary", "0") == ["0"]
        code, _ = await process.ended()
    assert code == 0


async def test_a_second_signal_exits_at_once_with_1() -> None:
    async with started("--drain-seconds", "600") as process:
        await address(process)
        process.signal(signal.SIGTERM)
        await process.says("draining")
        process.signal(signal.SIGTERM)
        code, _ = await process.ended()
    assert code == 1


async def test_flags_win_over_the_environment_and_settings_are_printed_without_secrets() -> None:
    async with started(
        "--grace-seconds",
        "3",
        PLAYSCORE_ECHO_GRACE_SECONDS="7",
        PLAYSCORE_ECHO_MAX_WAITING_CALLS="9",
        PLAYSCORE_ECHO_STORE="postgresql://ratings:hunter2@db/ratings",
    ) as process:
        settings = await process.says("settings")
    assert (settings["grace_seconds"], settings["max_waiting_calls"]) == (3, 9)
    assert settings["store"] == "postgresql://ratings:***@db/ratings"


async def test_a_finished_call_is_one_line_with_its_trace_and_what_its_handler_bound() -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    async with started() as process:
        async with grpc.aio.insecure_channel(await address(process)) as channel:
            metadata = (("traceparent", f"00-{trace}-b7ad6b7169203331-01"),)
            await EchoStub(channel).call("Unary", "0", metadata=metadata)
        line = await process.says("call finished")
        assert line["method"] == "echo.v1.EchoService/Unary"
        assert (line["service"], line["code"], line["trace_id"]) == ("echo", "OK", trace)
        assert line["game_id"] == "2021_01"
        assert line["peer"].startswith("ipv4:127.0.0.1:")
        assert line["duration_ms"] > 0


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--listen", "0.0.0.0:0"], "--plaintext"),
        (["--tls-certificate", str(PROGRAM)], "--tls-certificate without --tls-key"),
        (["--tls-key", str(PROGRAM)], "--tls-key without --tls-certificate"),
        (["--tls-client-authority", str(PROGRAM)], "--tls-client-authority without"),
        (
            ["--callers", str(PROGRAM), "--listen", "0.0.0.0:0", "--plaintext"],
            "--callers without TLS",
        ),
        (["--tls-key", "/no/such/key"], "PLAYSCORE_ECHO_TLS_KEY"),
        (["--listen", "50051"], "host:port"),
        (["--max-plays-in-progress", "0"], "--max-plays-in-progress (PLAYSCORE_ECHO_MAX_PLAYS_IN_PROGRESS)"),
        (["--sing"], "unrecognized arguments: --sing"),
    ],
)
async def test_wrong_settings_are_refused_with_2_and_what_would_be_right(flags: list[str], said: str) -> None:
    code, text = await refused(*flags)
    assert code == 2
    assert said in text
    assert "Traceback" not in text


async def test_a_taken_port_exits_with_1_and_a_line_that_says_so() -> None:
    async with started() as first:
        taken = (await first.says("listening"))["metrics_address"]
        code, text = await refused("--metrics-listen", taken)
    assert code == 1
    assert f"cannot show metrics on {taken}" in text
    assert "Traceback" not in text


async def test_other_machines_are_served_in_plain_text_where_told_so() -> None:
    async with started("--listen", "0.0.0.0:0", PLAYSCORE_ECHO_PLAINTEXT="true") as process:
        port = (await address(process)).rpartition(":")[2]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await EchoStub(channel).call("Unary", "0") == ["0"]
        process.signal(signal.SIGTERM)
        await process.ended()
    assert any("--callers sets who" in line["event"] for line in process.lines if line["level"] == "warning")


async def test_a_service_that_cannot_open_exits_with_1_and_its_trace() -> None:
    async with started(PLAYSCORE_ECHO_STORE="locked") as process:
        code, text = await process.ended()
    assert code == 1
    assert "the store is locked" in text


def http2_frame(kind: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, 0]) + bytes(4) + payload


async def say_goodbye(address: str, text: bytes) -> None:
    """Speaks HTTP/2 as far as a GOAWAY frame whose debug data is `text`."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    settings, goaway = http2_frame(4, b""), http2_frame(7, (0).to_bytes(4, "big") + (2).to_bytes(4, "big") + text)
    writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + settings)
    await reader.readexactly(9)  # its settings: it listens
    writer.write(goaway)
    writer.close()
    await writer.wait_closed()


async def test_a_peer_cannot_write_a_line_of_the_log() -> None:
    """gRPC core writes to standard error what a peer says as it leaves."""
    async with started() as process:
        address = (await process.says("listening"))["address"]
        await process.says("serving")
        await say_goodbye(address, b'x\n{"event": "forged", "level": "info"}\n\x1b[31mred')
        shown = [(await process.says("written to standard error"))["said"] for _ in range(3)]
        process.signal(signal.SIGTERM)
        await process.says("ended")
        code, rest = await process.ended()
    assert (code, rest) == (0, "")
    assert shown[0].endswith("Debug Text: x")
    assert shown[1] == '{"event": "forged", "level": "info"}'
    assert shown[2].startswith("\\x1b[31mred")
    assert "forged" not in {line["event"] for line in process.lines}


async def test_a_peer_cannot_fill_the_log() -> None:
    async with started() as process:
        address = (await process.says("listening"))["address"]
        await process.says("serving")
        await say_goodbye(address, b"x\n" * 8_000)
        await process.says("written to standard error")
        process.signal(signal.SIGTERM)
        _, lines = await process.ended()
    taken = [line for line in map(json.loads, lines.splitlines()) if line["event"] == "written to standard error"]
    assert 0 < len(taken) < 1_000
    assert any("lines left out" in line["said"] for line in taken)


async def test_what_is_left_to_say_at_the_end_is_in_the_log() -> None:
    async with started(ECHO_LAST_WORDS="last\x1bwords") as process:
        await process.says("serving")
        process.signal(signal.SIGTERM)
        await process.says("ended")
        code, rest = await process.ended()
    assert code == 0
    assert json.loads(rest)["said"] == "last\\x1bwords"
