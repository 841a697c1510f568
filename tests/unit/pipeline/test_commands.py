from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.commands import replay
from tests.unit.pipeline import tables


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(replay, arguments)


def test_addresses_are_given_together_or_not_at_all(tmp_path: Path) -> None:
    tables.bdb2019(tmp_path)
    result = invoke("--data", str(tmp_path), "--scorer", "127.0.0.1:50052")
    assert result.exit_code == 2
    assert "together, or none of them" in result.output


def test_running_services_have_a_store_of_their_own(tmp_path: Path) -> None:
    tables.bdb2019(tmp_path)
    addresses = [part for name in ("featurizer", "scorer", "aggregator") for part in (f"--{name}", "127.0.0.1:1")]
    result = invoke("--data", str(tmp_path), "--store", "x.db", *addresses)
    assert result.exit_code == 2
    assert "--store is for a stack of its own" in result.output


@pytest.mark.parametrize("speed", ["0", "-1", "fast", "nan"])
def test_a_speed_is_a_number_above_0_or_max(tmp_path: Path, speed: str) -> None:
    tables.bdb2019(tmp_path)
    result = invoke("--data", str(tmp_path), "--speed", speed)
    assert result.exit_code == 2
    assert "neither a number above 0 nor max" in result.output
