from __future__ import annotations

from typing import Any

import pytest

from tests.releases import passing_release, releases
from tests.unit.models.evaluations import evaluation_of_invented_plays

__all__ = ["passing_release", "releases"]


@pytest.fixture(scope="session")
def found() -> dict[str, Any]:
    """The figures of an evaluation."""
    return evaluation_of_invented_plays()
