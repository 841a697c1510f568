"""What the demo's page shows: leaderboards, plays, the times of each stage, and where every play went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from deploy.local.page import words
from deploy.local.page.leaderboard import Split, leaderboard_data
from deploy.local.page.plays import plays_data
from pipeline.commands import BACKLOG
from pipeline.results import Ending, PlayResult, StageTimes
from playscore.game import Game


def page_data(
    games: Sequence[Game],
    results: Sequence[PlayResult],
    splits: Sequence[Split],
    times: StageTimes,
    seconds: float,
    speed: float | None,
) -> dict[str, Any]:
    """What `page.js` reads and `demo.json` holds.

    `seconds` is how long the slate took; `speed` is in times real time, None for as fast as it goes.
    """
    scored = [
        (result.scored.score, result.scored.supports[0])
        for result in results
        if result.ending is Ending.SCORED and result.scored is not None
    ]
    endings = Counter(words.ending(result.ending, result.reason) for result in results)
    stages = times.as_json()
    pace = "at full speed" if speed is None else f"at {speed:g} times real time"
    figures = [
        ["games", str(len(games))],
        ["plays", str(len(results))],
        ["passes scored", str(len(scored))],
        ["plays a second", f"{len(results) / seconds:.0f}"],
    ]
    if speed is not None and scored:
        figures.append(["release to readable rating, median", f"{stages['play']['p50_ms']:.1f} ms"])
    return {
        "summary": f"{words.counted(len(games), 'simulated game')}, played {pace} through the featurizer, the scorer on"
        " Triton, and the aggregator",
        "figures": figures,
        "splits": [leaderboard_data(split) for split in splits],
        "plays": plays_data(games, scored),
        "times": {
            "heading": "Backlog at each stage" if speed is None else "Latency of each stage",
            "backlog": BACKLOG if speed is None else "",
            "stages": [
                {"name": name, "description": words.STAGES.get(name, ""), **row} for name, row in stages.items()
            ],
        },
        "endings": [[name, count] for name, count in endings.most_common()],
    }
