"""Damaged games, cell by cell, row by row and file by file. What failed says which corpus and seed; to see it again:

python -m benchmarks.fuzz --corpus "bdb2019 csv" --seed 17 --cases 1

Many more cases: `python -m benchmarks.fuzz --cases 20000`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.fuzz.corpus import REAL, SIMULATED, corpus
from tests.fuzz.verdict import TENSOR, Trials

CASES: Final = 8
"""For each corpus."""
FAILED_ONCE: Final[Mapping[str, tuple[int, ...]]] = {
    "bdb2019 csv": (151, 448, 6233),
    "bdb2019 parquet": (211, 215, 558, 200130),
    "bdb2023 csv": (211, 496, 10259),
    "bdb2023 parquet": (144, 700879),
    "bdb2025 csv": (379, 6241),
    "bdb2022 csv": (149, 362),
    "ngs_highlights csv": (6185, 9087),
    "feed binary": (39, 87),
    "feed lines": (65,),
}
"""Seeds of cases that were faults. They make the same cases again as long as the damages stay as they are."""


def check(name: str, folder: Path, real_data: Path | None = None) -> None:
    trials = Trials(corpus(name, folder, real_data), folder / "damaged")
    assert not trials.sound.refused
    assert not trials.sound.losses
    assert "bdb2022" in name or any(ending.what == TENSOR for ending in trials.sound.endings.values())
    made = [trials.trial(seed) for seed in (*range(CASES), *FAILED_ONCE.get(name, ()))]
    failed = [str(trial) for trial in made if trial.faults]
    assert not failed, "\n".join(failed)


@pytest.mark.parametrize("name", SIMULATED)
def test_simulated_games(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_games(name: str, tmp_path: Path, real_data: Path) -> None:
    check(name, tmp_path, real_data)
