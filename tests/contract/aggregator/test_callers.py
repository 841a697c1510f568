"""What callers may do to ratings: roles, and writers and operators of some leagues only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.client import AggregatorClient, Tls
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from servicekit.authorization import accesses
from tests.authority import Authority, uri
from tests.contract.aggregator.guarded import guarded
from tests.contract.aggregator.test_service import record, rejection

CALLERS = """
callers:
  reader: {role: reader, certificates: [spiffe://example.org/reader]}
  worker: {role: writer, certificates: [spiffe://example.org/worker]}
  sim worker: {role: writer, leagues: [SIM], certificates: [spiffe://example.org/sim-worker]}
  operator: {role: operator, certificates: [spiffe://example.org/operator]}
  sim operator: {role: operator, leagues: [SIM, SIH], certificates: [spiffe://example.org/sim-operator]}
"""
MODEL = common.ModelVersion(name="passing", version=3)

As: TypeAlias = Callable[[str], AggregatorClient]


@pytest.fixture
async def caller(tmp_path: Path) -> AsyncIterator[As]:
    """`caller(name)`: the service, called by somebody of the file."""
    authority = Authority(tmp_path / "tls")
    made: list[AggregatorClient] = []
    async with guarded(tmp_path, authority, CALLERS, mutual=True) as address:

        def caller(name: str) -> AggregatorClient:
            certified = authority.sign(uri(f"spiffe://example.org/{name.replace(' ', '-')}"))
            made.append(AggregatorClient(address, tls=Tls(authority.certificate, *certified)))
            return made[-1]

        yield caller
        for each in made:
            await each.close()


def played(league: str, play: str) -> pb.PlayRecord:
    return pb.PlayRecord(score=record(play, key=common.PlayKey(league=league), model=MODEL))


async def erase(by: AggregatorClient, league: str) -> None:
    await by.erase_records(league, whole_league=True, justification="a trial")


async def switch(by: AggregatorClient, league: str) -> None:
    await by.switch_model(league, common.TASK_PASSING, MODEL)


async def write(by: AggregatorClient, league: str) -> None:
    answer = await by.record_scores([played(league, "1")], [])
    for rejected in answer.rejections:
        raise PlayscoreError(Reason(rejected.reason), rejected.detail)


WRITING: dict[str, Callable[[AggregatorClient, str], Awaitable[None]]] = {
    "RecordScores": write,
    "SwitchModel": switch,
    "EraseRecords": erase,
}


def test_every_call_that_writes_is_tested() -> None:
    stated = accesses([pb.DESCRIPTOR.services_by_name["AggregatorService"]])
    assert {name.rpartition("/")[2] for name, access in stated.items() if access.writes} == set(WRITING)


@pytest.mark.parametrize("method", WRITING)
async def test_a_caller_of_one_league_writes_to_no_other(caller: As, method: str) -> None:
    calling = WRITING[method]
    limited = caller("sim worker" if method == "RecordScores" else "sim operator")
    await calling(limited, "SIM")
    for foreign in ("NFL", "sim", "SIM2", "SI"):
        with pytest.raises(PlayscoreError) as refused:
            await calling(limited, foreign)
        assert refused.value.reason is Reason.PERMISSION_DENIED
        assert foreign in refused.value.detail
    await calling(caller("worker" if method == "RecordScores" else "operator"), "NFL")


async def test_of_a_batch_the_records_of_other_leagues_are_rejected_and_the_rest_is_written(caller: As) -> None:
    limited = caller("sim worker")
    foreign = rejection("4", key=common.PlayKey(league="NFL"))
    records = [played("SIM", "1"), played("NFL", "2"), played("SIM", "3"), pb.PlayRecord(unscored=foreign)]
    answer = await limited.record_scores(records, [])
    assert answer.inserted == 2
    assert [(each.index, each.reason) for each in answer.rejections] == [
        (place, Reason.PERMISSION_DENIED.value) for place in (1, 3)
    ]
    assert {each.detail for each in answer.rejections} == {'sim worker writes to SIM only, not to "NFL"'}
    coverage = await limited.get_coverage("SIM", at_least_as_fresh=answer.revision)
    assert coverage.plays == 2
    with pytest.raises(PlayscoreError) as unknown:
        await limited.get_coverage("NFL", at_least_as_fresh=answer.revision)
    assert unknown.value.reason is Reason.LEAGUE_NOT_FOUND


async def test_what_operators_did_names_them_and_is_told_to_operators_only(caller: As) -> None:
    await switch(caller("sim operator"), "SIM")
    (operation,) = [each async for each in caller("operator").list_operations()]
    assert operation.caller == "sim operator"
    for lesser in ("reader", "worker"):
        with pytest.raises(PlayscoreError) as refused:
            _ = [each async for each in caller(lesser).list_operations()]
        assert refused.value.reason is Reason.PERMISSION_DENIED


async def test_a_reader_reads_and_nothing_else(caller: As) -> None:
    await write(caller("worker"), "SIM")
    reader = caller("reader")
    for calling in WRITING.values():
        with pytest.raises(PlayscoreError) as refused:
            await calling(reader, "SIM")
        assert refused.value.reason is Reason.PERMISSION_DENIED
    assert [each async for each in reader.list_subjects("SIM")]
