"""Health tells the truth about writes: whatever keeps a store from taking them, before a writer runs into it."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from prometheus_client import REGISTRY

import aggregator.probing
import aggregator.sqlite.file
import servicekit.server
from aggregator.__main__ import AggregatorSettings, build
from aggregator.service import AggregatorService
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.errors import PlayscoreError, Reason
from playscore.rpc_errors import error_from_rpc
from servicekit import ServiceSettings, serving
from servicekit.settings import parse_settings
from tests.contract.aggregator.test_service import play_record, record, split, subject
from tests.disks import small_disk
from tests.postgres import Server

SECONDS = 120
"""Within which what is waited for must come, on a busy machine."""
SERVICE = "playscore.aggregator.v1.AggregatorService"
WRITES = f"{SERVICE}/writes"


@pytest.fixture(autouse=True)
def tried_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aggregator.probing, "PROBE_EVERY_SECONDS", 0.2)
    monkeypatch.setattr(aggregator.probing, "RETRY_SECONDS", 0.1)
    monkeypatch.setattr(aggregator.sqlite.file, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(servicekit.server, "_ASK_READY_EVERY_SECONDS", 0.1)


class Aggregator:
    """A running aggregator, as its callers see it."""

    def __init__(self, service: AggregatorService, channel: grpc.aio.Channel) -> None:
        self._service = service
        self._calls: Any = AggregatorServiceStub(channel)
        self._health: Any = health_pb2_grpc.HealthStub(channel)
        self._requests = 0

    async def serves(self, *, reads: bool, writes: bool, because: str = "") -> None:
        """Waits until health says so, without anybody calling, and the log why."""
        for name, expected in (("", reads), (SERVICE, reads), (WRITES, writes)):
            status = health_pb2.HealthCheckResponse.SERVING if expected else health_pb2.HealthCheckResponse.NOT_SERVING
            watch = self._health.Watch(health_pb2.HealthCheckRequest(service=name))
            async with asyncio.timeout(SECONDS):
                while (await watch.read()).status != status:
                    pass
            watch.cancel()
        async with asyncio.timeout(SECONDS):
            while because not in (self._service.writes.problem or ""):  # noqa: ASYNC110 - a log tells nobody
                await asyncio.sleep(0.01)

    async def write(self, *plays: str) -> pb.RecordScoresResponse:
        self._requests += 1
        records = [record(play, subject=subject("p1"), model={"name": "passing", "version": 3}) for play in plays]
        request = pb.RecordScoresRequest(request_id=f"request {self._requests}", records=map(play_record, records))
        answer: pb.RecordScoresResponse = await self._calls.RecordScores(request, timeout=SECONDS)
        return answer

    async def refused(self, *plays: str) -> None:
        """A write is not taken, and may be repeated later."""
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await self.write(*plays)
        error = error_from_rpc(refused.value)
        assert isinstance(error, PlayscoreError)
        assert (refused.value.code(), error.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.STORE_UNAVAILABLE)
        assert error.retry_after_seconds

    async def shows(self, plays: int) -> None:
        """Readers are answered, and see that many plays."""
        seen = -1
        async with asyncio.timeout(SECONDS):
            while seen != plays:
                with contextlib.suppress(grpc.aio.AioRpcError):  # nothing is recorded yet
                    seen = (await self._calls.ListPlays(pb.ListPlaysRequest(split=split()), timeout=SECONDS)).total_size


@asynccontextmanager
async def serving_from(store: str) -> AsyncIterator[Aggregator]:
    settings = parse_settings(AggregatorSettings, [f"--store={store}", "--listen=127.0.0.1:0"])
    service = build(settings)
    async with serving(service, ServiceSettings()) as running:
        await running.until_serving()
        async with grpc.aio.insecure_channel(str(running.address)) as channel:
            yield Aggregator(service, channel)


MUCH = [f"play {number}" for number in range(500)]
VERY_MUCH = [f"play {number}" for number in range(1500)]


# --- A file ---


async def test_a_disk_that_fills_up_stops_writes_until_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        async with serving_from(f"sqlite:///{disk.path}/store/s") as service:
            await service.write("1")
            await service.shows(1)
            await service.serves(reads=True, writes=True)
            disk.fill(leaving=10 << 20)  # health does not wait for the last byte
            await service.serves(reads=True, writes=False, because="MiB are free where 64 MiB are needed")
            assert (await service.write("2")).inserted == 1
            disk.fill()
            await service.refused(*MUCH)
            await service.shows(2)
            disk.empty()
            await service.serves(reads=True, writes=True)
            await service.write(*MUCH)
            await service.shows(2 + len(MUCH))


async def test_a_disk_that_turns_read_only_stops_writes_and_no_reads(tmp_path: Path) -> None:
    with small_disk(tmp_path) as disk:
        async with serving_from(f"sqlite:///{disk.path}/s") as service:
            await service.write("1")
            await service.shows(1)
            disk.fail()
            await service.serves(reads=True, writes=False, because="its disk fails or has turned read-only")
            await service.refused("2")
            await service.shows(1)


async def test_a_process_that_locks_the_file_stops_writes_until_it_lets_go(tmp_path: Path) -> None:
    async with serving_from(f"sqlite:///{tmp_path}/s") as service:
        await service.write("1")
        await service.shows(1)
        with contextlib.closing(sqlite3.connect(tmp_path / "s", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await service.serves(reads=True, writes=False, because="database is locked")
            assert REGISTRY.get_sample_value("playscore_aggregator_writes_taken") == 0
            await service.refused("2")
            await service.shows(1)
        await service.serves(reads=True, writes=True)
        await service.write("2")
        await service.shows(2)


@pytest.mark.parametrize("lost", ["s", "s-wal", "s-shm"])
async def test_a_file_that_is_gone_stops_everything_until_it_is_back(tmp_path: Path, lost: str) -> None:
    async with serving_from(f"sqlite:///{tmp_path}/s") as service:
        await service.write("1")
        await service.shows(1)
        (tmp_path / lost).rename(tmp_path / "away")
        await service.serves(reads=False, writes=False, because="No such file")
        await service.refused("2")
        (tmp_path / "away").rename(tmp_path / lost)
        await service.serves(reads=True, writes=True)
        await service.write("2")
        await service.shows(2)


async def test_a_file_that_was_replaced_is_not_written_to_beside_the_new_one(tmp_path: Path) -> None:
    """The new one has another aggregator: one that was started where the lock was deleted with the file."""
    store = tmp_path / "s"
    async with serving_from(f"sqlite:///{store}") as service:
        await service.write("1")
        await service.shows(1)
        shutil.copytree(tmp_path, tmp_path / "copy", ignore=lambda *_: ["copy"])
        for name in ("s", "s-wal", "s-shm", "s-lock"):
            (tmp_path / name).unlink()
        shutil.copy(tmp_path / "copy" / "s", store)
        async with serving_from(f"sqlite:///{store}") as other:
            await service.serves(reads=False, writes=False, because="the file was replaced while it was open; restart")
            await service.refused("2")
            assert (await other.write("3")).inserted == 1
        async with serving_from(f"sqlite:///{store}") as again:
            await again.shows(1 + await was_in(tmp_path / "copy" / "s"))


async def was_in(file: Path) -> int:
    """Plays that were in the file itself, and not in its log."""
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)) as connection:
        ((tables,),) = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'scores'")
        return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0]) if tables else 0


# --- A database ---


@pytest.fixture(scope="module")
def database() -> Iterator[Server]:
    """A server that may be harmed."""
    made = Server()
    made.start()
    yield made
    made.remove()


async def test_a_database_that_is_set_read_only_stops_writes_until_it_is_not(database: Server) -> None:
    async with serving_from(database.url()) as service:
        await service.write("1")
        await service.shows(1)
        await service.serves(reads=True, writes=True)
        database.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        database.execute("SELECT pg_reload_conf()")
        await service.serves(reads=True, writes=False, because="default_transaction_read_only is on")
        await service.refused("2")
        await service.shows(1)
        database.execute("ALTER SYSTEM RESET default_transaction_read_only")
        database.execute("SELECT pg_reload_conf()")
        await service.serves(reads=True, writes=True)
        await service.write("2")
        await service.shows(2)
    database.execute("DROP SCHEMA playscore CASCADE")


async def test_a_database_that_is_away_stops_everything_until_it_is_back(database: Server) -> None:
    async with serving_from(database.url()) as service:
        await service.write("1")
        await service.shows(1)
        database.stop()
        await service.serves(reads=False, writes=False, because="cannot connect")
        await service.refused("2")
        database.start()
        await service.serves(reads=True, writes=True)
        await service.write("2")
        await service.shows(2)
    database.execute("DROP SCHEMA playscore CASCADE")


async def test_a_database_without_room_stops_writes_until_there_is_some(tmp_path: Path, database: Server) -> None:
    with small_disk(tmp_path) as disk:
        place = disk.path / "tablespace"
        place.mkdir()
        database.own(place)
        database.execute(f"CREATE TABLESPACE small LOCATION '{place}'")
        database.execute("CREATE DATABASE small TABLESPACE small")
        try:
            async with serving_from(database.url("small")) as service:
                await service.write("1")
                await service.shows(1)
                disk.fill()
                await service.serves(reads=True, writes=False, because="No space left on device")
                await service.refused(*VERY_MUCH)
                await service.shows(1)
                disk.empty()
                await service.serves(reads=True, writes=True)
                await service.write(*VERY_MUCH)
                await service.shows(1 + len(VERY_MUCH))
        finally:
            database.execute("DROP DATABASE small WITH (FORCE)")
            database.execute("DROP TABLESPACE small")
