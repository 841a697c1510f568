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
            await aggregator.record_scores(
                [passed(passer, play, week=1) for passer, play in (("p1", 1), ("p1", 2), ("p2", 3))], [SUPPORT]
            )
            yield str(service.address)


async def run(address: str, command: str, *arguments: str, given: str | None = None) -> Result:
    runner = CliRunner()
    invoked = [*arguments, "--aggregator", address]
    return await asyncio.to_thread(runner.invoke, getattr(commands, command), invoked, input=given)


async def test_a_player_is_erased_once_it_is_confirmed_and_it_is_on_the_record(address: str) -> None:
    erasing = ("--league", "NFL", "--subject", "p1", "--justification", "request 17")
    kept = await run(address, "erase", *erasing, given="n\n")
    assert kept.exit_code == 1
    assert "erased" not in (await run(address, "operations")).output
    erased = await run(address, "erase", *erasing, given="y\n")
    assert "Erased player p1 of NFL: 2 scores" in erased.output
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


async def test_a_league_is_erased(address: str) -> None:
    done = await run(address, "erase", "--league", "NFL", "--whole-league", "--justification", "a trial", "--yes")
    assert done.exit_code == 0, done.output
    asked = await run(address, "coverage", "--league", "NFL")
    assert "nothing is recorded of league 'NFL'" in str(asked.exception)
