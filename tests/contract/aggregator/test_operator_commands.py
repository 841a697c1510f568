"""What operators do on the command line, by a running service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from aggregator import commands
from aggregator.__main__ import AggregatorSettings, build
from playscore.client import AggregatorClient
from servicekit.server import serving
from tests.contract.aggregator.test_commands import SUPPORT, passed


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """Of a service that has plays of two passers."""
    settings = AggregatorSettings(
        store=f"sqlite:///{tmp_path}/scores.sqlite", listen="127.0.0.1:0", metrics_listen="127.0.0.1:0"
    )
    async with serving(build(settings), settings) as service:
        await service.until_serving()
        async with AggregatorClient(str(service.address)) as aggregator:
            written = await aggregator.record_scores(
                [passed(passer, play, week=1) for passer, play in (("p1", 1), ("p1", 2), ("p2", 3))], [SUPPORT]
            )
            await aggregator.get_coverage("NFL", at_least_as_fresh=written.revision)
            yield str(service.address)


async def run(address: str, command: str, *arguments: str, given: str | None = None) -> Result:
    runner = CliRunner()
    invoked = [*arguments, "--aggregator", address]
    return await asyncio.to_thread(runner.invoke, getattr(commands, command), invoked, input=given)


async def test_a_player_is_erased_once_it_is_confirmed_and_it_is_on_the_record(address: str) -> None:
    erasing = ("--league", "NFL", "--subject", "p1", "--justification", "request 17")
    kept = await run(address, "erase", *erasing, given="n\n")
    assert kept.exit_code == 1
    assert "Erase Jordan Swift (p1, KC), 2 passes of NFL, permanently?" in kept.output
    assert "erased" not in (await run(address, "operations")).output
    erased = await run(address, "erase", *erasing, given="y\n")
    assert "Erased Jordan Swift (p1, KC), 2 passes of NFL. Records: 2 scores" in erased.output
    listed = (await run(address, "operations", "--league", "NFL")).output
    assert "erased a player (request 17): 2 scores" in listed
    assert "p1" not in listed
    told = (await run(address, "operations", "--json")).output  # with what the service in this process logs
    (operation,) = json.loads(told[told.index("[\n") : told.rindex("]") + 1])
    assert operation["erasure"]["scores"] == 2


async def test_what_to_erase_is_said_once(address: str) -> None:
    for what in ((), ("--subject", "p1", "--whole-league")):
        refused = await run(address, "erase", "--league", "NFL", "--justification", "x", "--yes", *what)
        assert refused.exit_code == 2
        assert "--subject ID or --whole-league" in refused.output


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ("Swift", "nothing is recorded of an identifier 'Swift' in NFL; did you mean Jordan Swift (p1, KC)?"),
        ("jordan", "did you mean Jordan Smith (p2, BUF) or Jordan Swift (p1, KC)?"),
        ("Jordan Swift", "did you mean Jordan Swift (p1, KC)?"),
        ("nobody", "nothing is recorded of an identifier 'nobody' in NFL; --force erases it where plays of others"),
    ],
)
async def test_only_an_identifier_of_which_something_is_recorded_is_erased(
    address: str, subject: str, told: str
) -> None:
    refused = await run(address, "erase", "--league", "NFL", "--justification", "x", "--yes", "--subject", subject)
    assert refused.exit_code == 1
    assert told in str(refused.exception)
    assert "Nothing has been done." in (await run(address, "operations")).output


async def test_who_is_only_named_in_plays_of_others_can_be_erased_by_force(address: str) -> None:
    forced = ("--league", "NFL", "--justification", "x", "--yes", "--subject", "nobody", "--force")
    done = await run(address, "erase", *forced)
    assert "Erased player nobody of NFL. Records: 0 scores" in done.output


async def test_a_league_of_which_nothing_is_recorded_is_not_erased(address: str) -> None:
    refused = await run(address, "erase", "--league", "NFLX", "--whole-league", "--justification", "x", "--yes")
    assert refused.exit_code == 1
    assert "nothing is recorded of league 'NFLX'; there are: NFL" in str(refused.exception)


async def test_a_league_is_erased(address: str) -> None:
    done = await run(address, "erase", "--league", "NFL", "--whole-league", "--justification", "a trial", "--yes")
    assert done.exit_code == 0, done.output
    assert "Erased all of NFL, 3 passes." in done.output
    asked = await run(address, "coverage", "--league", "NFL")
    assert "nothing is recorded of league 'NFL'" in str(asked.exception)
