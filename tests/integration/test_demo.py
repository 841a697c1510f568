"""The demo, with real servers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local.demo import SPLITS, run_demo
from pipeline.commands import BACKLOG


async def test_a_slate_of_one_game_is_played_to_its_page(tmp_path: Path) -> None:
    printed = io.StringIO()
    await run_demo(games=1, speed=None, out=tmp_path, console=Console(file=printed, width=200))
    shown = json.loads((tmp_path / "demo.json").read_text())
    assert [split["name"] for split in shown["splits"]] == [name for name, _, _ in SPLITS]
    assert sum(plays for _, plays in shown["endings"]) == 70
    everyone = shown["splits"][0]["ratings"]
    assert sum(rating["plays"] for rating in everyone) == dict(shown["endings"])["Scored"]
    for rating in everyone:
        assert 50 <= rating["low"] <= rating["rating"] <= rating["high"] <= 99
    for split in shown["splits"]:
        for rating in split["ratings"]:
            assert rating["qualified"] == (rating["plays"] >= split["min_plays_applied"]) == (rating["rank"] > 0)
    assert shown["splits"][0]["qualified"] > 0
    for play in shown["plays"]:
        assert sum(play["distribution"]["probabilities"]) == pytest.approx(1)
        assert play["snap"] < play["release"] < len(play["x"])
    stages = {stage["name"]: stage["description"] for stage in shown["times"]["stages"]}
    assert set(stages) >= {"featurize", "score", "record", "play"}
    assert all(stages.values())
    assert "</html>" in (tmp_path / "index.html").read_text()
    assert "1 simulated game," in shown["summary"]
    assert shown["times"]["backlog"] == BACKLOG
    assert BACKLOG in printed.getvalue()
