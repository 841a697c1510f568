"""The audit log: a line for every write, refused or not, with nothing of players in it."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.client import AggregatorClient, Tls
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError
from tests.authority import Authority, dns
from tests.contract.aggregator.test_service import record
from tests.processes import Command

CALLERS = """
callers:
  worker: {role: writer, leagues: [SIM], certificates: [worker.example.org]}
  operator: {role: operator, certificates: [operator.example.org]}
  reader: {role: reader, certificates: [reader.example.org]}
"""
ROOT = Path(__file__).parents[3]
MODEL = common.ModelVersion(name="passing", version=3)


class Audited:
    """An aggregator as a process, and what it logs."""

    def __init__(self, process: Command, authority: Authority) -> None:
        self._process = process
        self._authority = authority
        self._clients: dict[str, AggregatorClient] = {}

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._process.stderr.splitlines()]

    def said(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["event"] == event]

    def writes(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line.get("logger") == "audit"]

    async def until(self, condition: Callable[[], Any]) -> None:
        await self._process.until(lambda: bool(condition()))

    def called_by(self, name: str) -> AggregatorClient:
        if name not in self._clients:
            tls = Tls(self._authority.certificate, *self._authority.sign(dns(f"{name}.example.org")))
            self._clients[name] = AggregatorClient(self.said("listening")[0]["address"], tls=tls)
        return self._clients[name]

    async def close(self) -> None:
        for client in self._clients.values():
            await client.close()


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Audited]:
    authority = Authority(tmp_path / "tls")
    certificate, key = authority.sign(dns("localhost"))
    (tmp_path / "callers.yaml").write_text(CALLERS)
    flags = {
        "--listen": "localhost:0",
        "--metrics-listen": "127.0.0.1:0",
        "--store": f"sqlite:///{tmp_path}/scores.sqlite",
        "--tls-certificate": certificate,
        "--tls-key": key,
        "--tls-client-authority": authority.certificate,
        "--callers": tmp_path / "callers.yaml",
    }
    command = [sys.executable, "-m", "aggregator", *(str(part) for flag in flags.items() for part in flag)]
    async with Command(tmp_path / "run", *command, environment={"PYTHONPATH": str(ROOT)}) as process:
        audited = Audited(process, authority)
        await audited.until(lambda: '"serving"' in process.stderr)
        try:
            yield audited
        finally:
            await audited.close()


def played(league: str, play: str) -> pb.PlayRecord:
    return pb.PlayRecord(score=record(play, key=common.PlayKey(league=league), model=MODEL))


Line: TypeAlias = dict[str, Any]


def written(line: Line) -> Line:
    """What a line says, less what every line has, which is checked here."""
    for always, kind in {"service": "aggregator", "level": "info", "event": "write", "logger": "audit"}.items():
        assert line.pop(always) == kind
    assert line.pop("timestamp").endswith("Z")
    assert line.pop("address") in ("127.0.0.1", "::/64")
    line["method"] = line["method"].rpartition("/")[2]
    return line


async def test_every_write_is_a_line_that_says_who_what_and_what_it_came_to(service: Audited) -> None:
    worker, operator, reader = map(service.called_by, ("worker", "operator", "reader"))
    await worker.record_scores([played("SIM", "1"), played("SIM", "2"), played("NFL", "3")], [], "scores 1")
    await worker.record_scores([played("SIM", "1")], [], "scores 2")
    with pytest.raises(PlayscoreError):
        await reader.record_scores([played("SIM", "1")], [], "scores 3")
    with pytest.raises(PlayscoreError):
        await service.called_by("stranger").record_scores([played("SIM", "1")], [], "scores 4")
    await operator.switch_model("SIM", common.TASK_PASSING, MODEL, request_id="switch 1")
    with pytest.raises(PlayscoreError):
        await worker.switch_model("SIM", common.TASK_PASSING, MODEL, request_id="switch 2")
    with pytest.raises(PlayscoreError):
        await operator.switch_model(
            "SIM", common.TASK_PASSING, MODEL, request_id="switch 3", expected=common.ModelVersion(name="a", version=9)
        )
    await operator.erase_records("SIM", "ticket 17", subject_id="p1", request_id="erase 1")
    await reader.get_coverage("SIM")

    await service.until(lambda: len(service.writes()) >= 8)
    assert [written(line) for line in service.writes()] == [
        {
            "method": "RecordScores",
            "caller": "worker",
            "outcome": "OK",
            "request_id": "scores 1",
            "leagues": ["NFL", "SIM"],
            "leagues_in_all": 2,
            "records": 3,
            "inserted": 2,
            "replaced": 0,
            "withdrawn": 0,
            "unchanged": 0,
            "stale": 0,
            "rejected": 1,
        },
        {
            "method": "RecordScores",
            "caller": "worker",
            "outcome": "OK",
            "request_id": "scores 2",
            "leagues": ["SIM"],
            "leagues_in_all": 1,
            "records": 1,
            "inserted": 0,
            "replaced": 0,
            "withdrawn": 0,
            "unchanged": 1,
            "stale": 0,
            "rejected": 0,
        },
        {"method": "RecordScores", "caller": "reader", "outcome": "PERMISSION_DENIED"},
        {"method": "RecordScores", "caller": None, "outcome": "PERMISSION_DENIED"},
        {
            "method": "SwitchModel",
            "caller": "operator",
            "outcome": "OK",
            "request_id": "switch 1",
            "leagues": ["SIM"],
            "leagues_in_all": 1,
            "model": "passing:3",
            "previous": "passing:3",
        },
        {"method": "SwitchModel", "caller": "worker", "outcome": "PERMISSION_DENIED"},
        {
            "method": "SwitchModel",
            "caller": "operator",
            "outcome": "MODEL_CHANGED",
            "request_id": "switch 3",
            "leagues": ["SIM"],
            "leagues_in_all": 1,
        },
        {
            "method": "EraseRecords",
            "caller": "operator",
            "outcome": "OK",
            "request_id": "erase 1",
            "leagues": ["SIM"],
            "leagues_in_all": 1,
            "erases": "subject_id",
            "scores": 2,
            "superseded": 0,
            "unscored": 0,
            "mentions": 0,
        },
    ]


async def test_a_line_is_bounded_and_one_line_whatever_a_caller_sends(service: Audited) -> None:
    operator = service.called_by("operator")
    records = [played(f"LEAGUE-{number:02}", "1") for number in range(40)]
    await operator.record_scores(records, [], "many")
    with pytest.raises(PlayscoreError):
        await operator.record_scores([], [], 'forged\n{"logger": "audit", "caller": "somebody else"}' + "x" * 1000)
    await service.until(lambda: len(service.writes()) >= 2)
    many, forged = service.writes()
    assert len(many["leagues"]) == 16
    assert many["leagues_in_all"] == 40
    assert (forged["caller"], forged["outcome"]) == ("operator", "FIELD_INVALID")
    assert len(forged["request_id"]) < 150
    assert len(service.writes()) == 2
