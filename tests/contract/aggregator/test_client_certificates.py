"""Our clients while their certificate and the authorities that they trust are exchanged."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.client import AggregatorClient, Tls, channels
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from tests.authority import Authority, Certified, dns
from tests.contract.aggregator.guarded import guarded
from tests.contract.aggregator.test_service import record

CALLERS = """
callers:
  one: {role: operator, certificates: [one.example.org]}
  two: {role: reader, certificates: [two.example.org]}
"""


@dataclass
class Place:
    """A service, and the files of a caller."""

    address: str
    authority: Authority
    tls: Tls

    def put(self, certified: Certified) -> None:
        assert self.tls.certificate is not None and self.tls.key is not None
        shutil.copy(certified[0], self.tls.certificate)
        shutil.copy(certified[1], self.tls.key)

    def put_certificate(self, certified: Certified) -> None:
        assert self.tls.certificate is not None
        shutil.copy(certified[0], self.tls.certificate)

    def named(self, name: str) -> Certified:
        return self.authority.sign(dns(f"{name}.example.org"))


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    monkeypatch.setattr(channels, "LOOK_EVERY_SECONDS", 0.0)
    authority = Authority(tmp_path / "tls")
    async with guarded(tmp_path, authority, CALLERS, mutual=True) as address:
        tls = Tls(authority.certificate, tmp_path / "caller.pem", tmp_path / "caller.key")
        made = Place(address, authority, tls)
        made.put(made.named("one"))
        yield made


async def operates(client: AggregatorClient) -> bool:
    try:
        return [each async for each in client.list_operations()] == []
    except PlayscoreError as refused:
        assert refused.reason is Reason.PERMISSION_DENIED
        return False


async def test_calls_are_made_with_the_certificate_that_is_there_and_a_watch_goes_on(place: Place) -> None:
    async with AggregatorClient(place.address, tls=place.tls) as client, client.watch_ratings("NFL") as watch:
        assert (await anext(watch)).restarted
        assert await operates(client)
        next_update = asyncio.create_task(anext(watch))
        place.put(place.named("two"))
        assert not await operates(client)
        place.put(place.named("one"))
        assert await operates(client)
        played = record("1", key=common.PlayKey(league="NFL"), model=common.ModelVersion(name="passing", version=3))
        await client.record_scores([pb.PlayRecord(score=played)])
        assert not (await next_update).restarted


async def test_a_certificate_whose_key_has_not_come_yet_is_not_used(place: Place) -> None:
    async with AggregatorClient(place.address, tls=place.tls) as client:
        two = place.named("two")
        place.put_certificate(two)
        assert await operates(client)
        place.put(two)
        assert not await operates(client)
