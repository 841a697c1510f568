"""What the readers make of the real games."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from pipeline.readers.descriptions import described_pass, is_nullified, kind_told
from playscore.game import Play
from playscore.passing import PassResult, PlayKind, outcome_of, situation_of
from playscore.sources import layouts, open_source

pytestmark = pytest.mark.real_data


def passes(folder: Path, layout: str, every: int = 1) -> tuple[int, list[Play]]:
    """How many plays every n-th game has, and those of them that are passes."""
    source = open_source(folder, layout)
    plays = [play for game_id in source.game_ids[::every] for play in source.game(game_id).plays]
    return len(plays), [play for play in plays if situation_of(play.context).kind is PlayKind.PASS]


def results_of(plays: list[Play]) -> Counter[PassResult | None]:
    return Counter(outcome.result for outcome in map(outcome_of, plays) if outcome)


def test_the_layouts_that_have_tracking_are_found(real_data: Path) -> None:
    found = [name for name, layout in layouts().items() if not layout.recognize(real_data / "nfl").missing]
    assert found == ["bdb2022", "bdb2023", "hackathon2015", "ngs_highlights"]


def test_hackathon2015(real_data: Path) -> None:
    total, thrown = passes(real_data / "nfl", "hackathon2015")
    assert total == 502
    results = results_of(thrown)
    assert results[PassResult.INTERCEPTED] == 4
    assert results[PassResult.SACK] == 10
    assert results[PassResult.COMPLETE] == 127
    assert all(situation_of(play.context).passer_id in play.frames.player_ids for play in thrown)


def test_ngs_highlights(real_data: Path) -> None:
    total, thrown = passes(real_data / "nfl", "ngs_highlights", every=4)
    assert (total, len(thrown)) == (97, 96)  # one is a try for two points
    outcomes = [outcome_of(play) for play in thrown]
    assert all(outcome is not None and outcome.yards_gained is not None for outcome in outcomes)
    assert all(situation_of(play.context).passer_id in play.frames.player_ids for play in thrown)
    assert sum(not situation_of(play.context).target_id for play in thrown) == 1


def test_bdb2023(real_data: Path, tmp_path: Path) -> None:
    for file in (real_data / "nfl").glob("bdb2023_*"):
        (tmp_path / file.name).symlink_to(file)
    total, thrown = passes(tmp_path, "bdb2023")
    assert total == len(thrown) == 7
    assert results_of(thrown) == {
        PassResult.COMPLETE: 6,
        PassResult.SCRAMBLE: 1,
    }
    assert all(situation_of(play.context).passer_id for play in thrown)


def test_the_sentences_of_2017_agree_with_the_official_results(real_data: Path) -> None:
    plays = pl.read_parquet(real_data / "nfl" / "bdb2019_plays.parquet")
    codes = {"C": "COMPLETE", "I": "INCOMPLETE", "IN": "INTERCEPTED", "S": "SACK"}
    wrong = []
    for row in plays.filter(pl.col("PassResult").is_in(list(codes))).iter_rows(named=True):
        told = described_pass(row["playDescription"])
        counts = not is_nullified(row["playDescription"]) and kind_told(row["playDescription"]) is not PlayKind.SPIKE
        if counts and (told is None or told.result.name != codes[row["PassResult"]]):
            wrong.append(row["playDescription"])
    assert wrong == []
