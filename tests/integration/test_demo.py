"""The demo, with real servers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from deploy.local.demo import SPLITS, run_demo
from pipeline.commands import BACKLOG
from playscore.client.words import duration


async def test_a_slate_of_both_sports_is_played_to_its_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.demo.HOCKEY_PERIOD_SECONDS", 100.0)
    printed = io.StringIO()
    await run_demo(games=1, hockey_games=1, speed=None, out=tmp_path, console=Console(file=printed, width=200))
    shown = json.loads((tmp_path / "demo.json").read_text())
    football, hockey = shown["football"], shown["hockey"]
    assert [split["name"] for split in football["splits"]] == [name for name, _, _ in SPLITS]
    everyone = football["splits"][0]["ratings"]
    passes = sum(rating["plays"] for rating in everyone)
    taken = sum(int(row["cells"][0][0]) for row in hockey["boards"][-1]["rows"])
    assert passes + len(hockey["chart"]) + taken // 2 == dict(shown["endings"])["Scored"]
    for rating in everyone:
        assert 50 <= rating["low"] <= rating["rating"] <= rating["high"] <= 99
    for split in football["splits"]:
        for rating in split["ratings"]:
            assert rating["qualified"] == (rating["plays"] >= split["min_plays_applied"]) == (rating["rank"] > 0)
    assert football["splits"][0]["qualified"] > 0
    for play in football["plays"]:
        assert sum(play["distribution"]["probabilities"]) == pytest.approx(1)
        assert play["snap"] < play["release"] < len(play["x"])
    assert [board["name"] for board in hockey["boards"]] == ["Shooters", "Goalies", "Teams", "Face-off takers"]
    for shot in hockey["chart"]:
        assert 0 < shot["probability"] < 1
        assert abs(shot["y"]) < 43
    for shot in hockey["shots"]:
        assert len(shot["x"]) == len(shot["y"]) == len(shot["puck_x"])
        assert 0 < shot["release"] < len(shot["x"])
        assert {player["role"] for player in shot["players"]} >= {"shooter", "attacker", "defender"}
        assert all(factor["text"] for factor in shot["factors"])
    stages = {stage["name"]: stage["description"] for stage in shown["times"]["stages"]}
    assert set(stages) >= {"featurize", "score", "record", "play"}
    assert all(stages.values())
    for stage in shown["times"]["stages"]:
        assert (stage["p50"], stage["p99"]) == (duration(stage["p50_ms"]), duration(stage["p99_ms"]))
    assert "</html>" in (tmp_path / "index.html").read_text()
    assert "1 simulated game of football and 1 simulated game of hockey," in shown["summary"]
    assert shown["times"]["backlog"] == BACKLOG
    assert BACKLOG in printed.getvalue()
