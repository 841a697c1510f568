"""`playscore evaluate ratings` writes the study, with the real league's tables and without them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from models.commands import evaluate
from models.ratings import public, seasons
from models.ratings.seasons import Seasons
from playscore.errors import PlayscoreError
from tests.unit.models.test_public_study import league, many
from tests.unit.models.test_study import invented


@pytest.fixture
def study_without_games(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The command plays no seasons: it takes invented ones. How often it would have played."""
    asked: list[int] = []

    def play(*_: Any, seasons: int, **__: Any) -> Seasons:
        asked.append(seasons)
        return invented()

    monkeypatch.setattr(seasons, "play", play)
    return asked


def test_the_command_without_the_real_league_tells_of_the_simulated_one_only(
    tmp_path: Path, study_without_games: list[int]
) -> None:
    page = tmp_path / "new" / "study.md"
    done = CliRunner().invoke(evaluate, ["ratings", "--seasons", "8", "--page", str(page)])
    assert done.exit_code == 0, done.output
    assert study_without_games == [8]
    assert "real league's public measures" not in page.read_text()
    assert "public" not in json.loads(page.with_suffix(".json").read_text())


def test_the_command_with_the_real_league_tells_of_both(
    tmp_path: Path, study_without_games: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(public, "read", lambda folder: league(many()))
    page = tmp_path / "study.md"
    done = CliRunner().invoke(evaluate, ["ratings", "--seasons", "8", "--page", str(page), "--real", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "## The real league's public measures" in page.read_text()
    assert "<!-- Written by `playscore evaluate ratings --seasons 8 --real DIR` from" in page.read_text()
    found = json.loads(page.with_suffix(".json").read_text())
    assert found["public"]["all"]["passer_seasons"] == 240


def test_a_folder_without_the_tables_is_refused_before_any_season_is_played(
    tmp_path: Path, study_without_games: list[int]
) -> None:
    done = CliRunner().invoke(evaluate, ["ratings", "--page", str(tmp_path / "study.md"), "--real", str(tmp_path)])
    assert done.exit_code != 0
    assert isinstance(done.exception, PlayscoreError)
    assert public.SCHEDULES in str(done.exception)
    assert not study_without_games
