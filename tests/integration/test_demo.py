"""The demo, with real servers."""

from __future__ import annotations

import io
import json
from pathlib import Path

from rich.console import Console

from deploy.local.demo import SPLITS, run_demo


async def test_a_slate_of_one_game_is_played_to_its_page(tmp_path: Path) -> None:
    await run_demo(games=1, speed=None, out=tmp_path, console=Console(file=io.StringIO()))
    shown = json.loads((tmp_path / "demo.json").read_text())
    assert [split["name"] for split in shown["splits"]] == [name for name, _, _ in SPLITS]
    assert sum(plays for _, plays in shown["outcomes"]) == 70
    everybody = shown["splits"][0]["ratings"]
    assert sum(rating["plays"] for rating in everybody) == dict(shown["outcomes"])["scored"]
    for rating in everybody:
        assert 50 <= rating["low"] <= rating["rating"] <= rating["high"] <= 99
    for play in shown["plays"]:
        assert abs(sum(play["law"]["probabilities"]) - 1) < 1e-9
        assert play["snap"] < play["release"] < len(play["x"])
    assert {stage["name"] for stage in shown["stages"]} >= {"featurize", "score", "record", "play"}
    assert "</html>" in (tmp_path / "index.html").read_text()
