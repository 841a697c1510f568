"""Fixtures of all tests."""

from __future__ import annotations

from pathlib import Path

import pytest

_REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real games, which are no part of the project; skips where it is absent."""
    if not _REAL_DATA.is_dir():
        pytest.skip(f"the real games are absent: {_REAL_DATA} does not exist")
    return _REAL_DATA
