"""The local stack, as somebody who runs it looks at it."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import urllib.request
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from deploy.local.stack import LocalStack, serving
from tests.processes import Command

SERVICES = ("featurizer", "scorer", "aggregator")


async def metrics(port: int) -> str:
    def read() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return str(answer.read(), "utf-8")

    return await asyncio.to_thread(read)


def observations(shown: str, histogram: str) -> float:
    counts = re.findall(rf"^{histogram}_count(?:{{.*}})? (\S+)$", shown, re.MULTILINE)
    assert counts, f"{histogram} is not shown"
    return sum(float(count) for count in counts)


@pytest.mark.parametrize("service", SERVICES)
async def test_health_and_reflection_answer(stack: LocalStack, service: str) -> None:
    address = getattr(stack, service)
    assert await serving(address)
    name = f"playscore.{service}.v1.{service.title()}Service"
    async with grpc.aio.insecure_channel(address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = [
            reflection_pb2.ServerReflectionRequest(list_services=""),
            reflection_pb2.ServerReflectionRequest(file_containing_symbol=name),
        ]
        listed, described = [answer async for answer in stub.ServerReflectionInfo(iter(asked), timeout=30)]
    assert name in [each.name for each in listed.list_services_response.service]
    files = [FileDescriptorProto.FromString(file) for file in described.file_descriptor_response.file_descriptor_proto]
    assert f"{service.title()}Service" in [each.name for file in files for each in file.service]


async def test_every_latency_is_counted_once_a_game_was_played(stack: LocalStack, tmp_path: Path) -> None:
    playscore = (sys.executable, "-m", "playscore")
    async with Command(tmp_path / "simulate", *playscore, "simulate", "--games", "1", "--out", "games") as simulate:
        assert await simulate.ended() == 0, simulate.stderr
    services = [word for name in SERVICES for word in (f"--{name}", getattr(stack, name))]
    played = (*playscore, "replay", "--data", str(simulate.folder / "games"), "--json", "report.json", *services)
    async with Command(tmp_path / "replay", *played) as replay:
        assert await replay.ended() == 0, replay.stderr
    report = json.loads((replay.folder / "report.json").read_text())
    scored = sum(play["outcome"] == "scored" for play in report["plays"])
    assert scored > 0
    shown = {service: await metrics(getattr(stack.ports, f"{service}_metrics")) for service in SERVICES}
    assert observations(shown["featurizer"], "playscore_featurizer_tensor_seconds") >= scored
    assert observations(shown["scorer"], "playscore_scorer_inference_seconds") > 0
    assert observations(shown["aggregator"], "playscore_aggregator_commit_seconds") > 0
    for service in SERVICES:
        assert observations(shown[service], "grpc_server_handling_seconds") > 0
        assert "playscore_plays_total" in shown[service]
    assert "nv_inference_request_success" in await metrics(stack.ports.triton_metrics)
