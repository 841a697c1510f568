"""Fixtures of all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from xdist.remote import Producer

from tests.workers import ByFile

# How long an example takes depends on what else the machine does. Each run draws other examples, so that runs add up.
settings.register_profile("untimed", deadline=None, max_examples=50)
settings.load_profile("untimed")

# Tests start programs while gRPC's threads run. gRPC's fork handlers would run in the child, and have crashed one.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

_REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile:
    """How `pytest -n` hands out tests."""
    return ByFile(config, log)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What a test makes of logging ends with it."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real games, which are no part of the project; skips where it is absent."""
    if not _REAL_DATA.is_dir():
        pytest.skip(f"the real games are absent: {_REAL_DATA} does not exist")
    return _REAL_DATA
