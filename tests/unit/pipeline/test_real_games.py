"""What the readers make of the real games."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl
import pytest

from pipeline.layouts import detect, read
from pipeline.layouts.descriptions import counts, described_pass
from playscore.game import PassResult, Play, PlayKind

pytestmark = pytest.mark.real_data


def passes(folder: Path, layout: str) -> tuple[int, list[Play]]:
    plays = [play for game in read(folder / "nfl", layout) for play in game.plays]
    return len(plays), [play for play in plays if play.context.football.kind is PlayKind.PASS]


def test_the_layouts_that_have_tracking_are_found(real_data: Path) -> None:
    assert detect(real_data / "nfl") == ("hackathon2015", "ngs_highlights", "bdb2023")


def test_hackathon2015(real_data: Path) -> None:
    total, thrown = passes(real_data, "hackathon2015")
    assert total == 502
    results = Counter(play.outcome.result for play in thrown if play.outcome)
    assert results[PassResult.INTERCEPTED] == 4
    assert results[PassResult.SACK] == 10
    assert results[PassResult.COMPLETE] == 128
    assert all(play.context.football.passer_id in play.frames.player_ids for play in thrown)


def test_ngs_highlights(real_data: Path) -> None:
    total, thrown = passes(real_data, "ngs_highlights")
    assert total == len(thrown) == 353
    assert all(play.outcome is not None and play.outcome.yards_gained is not None for play in thrown)
    assert all(play.context.football.passer_id in play.frames.player_ids for play in thrown)
    assert sum(not play.context.football.target_id for play in thrown) == 7


def test_bdb2023(real_data: Path) -> None:
    total, thrown = passes(real_data, "bdb2023")
    assert total == len(thrown) == 7
    assert Counter(play.outcome.result for play in thrown if play.outcome) == {
        PassResult.COMPLETE: 6,
        PassResult.SCRAMBLE: 1,
    }
    assert all(play.context.football.passer_id for play in thrown)


def test_the_sentences_of_2017_agree_with_the_official_results(real_data: Path) -> None:
    plays = pl.read_parquet(real_data / "nfl" / "bdb2019_plays.parquet")
    codes = {"C": "COMPLETE", "I": "INCOMPLETE", "IN": "INTERCEPTED", "S": "SACK"}
    wrong = []
    for row in plays.filter(pl.col("PassResult").is_in(list(codes))).iter_rows(named=True):
        told = described_pass(row["playDescription"])
        if counts(row["playDescription"]) and (told is None or told.result.name != codes[row["PassResult"]]):
            wrong.append(row["playDescription"])
    assert wrong == []
