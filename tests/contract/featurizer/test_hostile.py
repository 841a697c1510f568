"""A service answers everybody else while it works on what is hostile, and stops when its caller leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

from featurizer.core.game_stream import MAX_OPEN
from featurizer.core.segments import Segment
from featurizer.service import FeaturizerService
from playscore.common.v1 import reason_pb2
from playscore.featurizer.v1.featurizer_pb2 import FeaturizePlaysRequest, StreamPlaysResponse, WholePlay
from servicekit import ServiceSettings, serving
from tests import hostile
from tests.processes import until

SECONDS = 60.0


@pytest.fixture
async def channel() -> AsyncIterator[grpc.aio.Channel]:
    """To a featurizer that serves on loopback."""
    async with serving(FeaturizerService(), ServiceSettings()) as running:
        await running.until_serving()
        async with grpc.aio.insecure_channel(str(running.address)) as channel:
            yield channel


def long_work() -> bytes:
    """As many batches as a call may well have, of a player a frame."""
    frames = [hostile.one_frame(frame, [f"p{frame % 20}"]) for frame in range(1_500)]
    plays = [WholePlay(context=hostile.context(str(place)), frames=frames) for place in range(60)]
    return FeaturizePlaysRequest(header=hostile.header(), plays=plays).SerializeToString()


async def test_others_are_answered_while_a_call_is_worked_on_which_ends_with_its_caller(
    channel: grpc.aio.Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = 0
    add = Segment.add

    def counted(segment: Segment, frames: object) -> None:
        nonlocal added
        added += 1
        add(segment, frames)  # type: ignore[arg-type]

    monkeypatch.setattr(Segment, "add", counted)
    call = channel.unary_unary(hostile.FEATURIZE, None, None)(long_work(), timeout=SECONDS)
    await until(lambda: added > 0)
    health = health_pb2_grpc.HealthStub(channel)
    for _ in range(3):
        await health.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    assert not call.done()
    call.cancel()
    await until(lambda: canceled() > 0)
    come_to = added
    await health.Check(health_pb2.HealthCheckRequest(), timeout=SECONDS)
    await asyncio.to_thread(lambda: None)
    assert added - come_to < 1_500, "at most the slice that had begun"


def canceled() -> float:
    labels = {
        "grpc_type": "unary",
        "grpc_service": "playscore.featurizer.v1.FeaturizerService",
        "grpc_method": "FeaturizePlays",
        "grpc_code": "Canceled",
    }
    return REGISTRY.get_sample_value("grpc_server_handled_total", labels) or 0.0


async def test_a_game_has_so_many_plays_open_at_most(channel: grpc.aio.Channel) -> None:
    messages = hostile.game_of_plays(MAX_OPEN + 5)
    stream = channel.stream_stream(hostile.STREAM_PLAYS, None, None)(iter(messages), timeout=SECONDS)
    answers = [StreamPlaysResponse.FromString(answer) async for answer in stream]
    rejected = [answer.rejection for answer in answers if answer.HasField("rejection")]
    assert len(rejected) == MAX_OPEN + 5
    crowded = [each.key.play_id for each in rejected if each.reason == reason_pb2.REASON_TRACKING_UNAVAILABLE]
    assert crowded == [str(place) for place in range(MAX_OPEN, MAX_OPEN + 5)]
