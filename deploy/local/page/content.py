"""What the demo's page shows: leaderboards, plays, the times of each stage, and where every play went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from deploy.local.page import words
from deploy.local.page.boards import Board, board_data
from deploy.local.page.leaderboard import Split, leaderboard_data
from deploy.local.page.plays import plays_data
from deploy.local.page.shots import chart_data, is_graded_shot, shots_data
from pipeline.commands import BACKLOG
from pipeline.reported_plays import kind_of
from pipeline.results import Ending, PlayResult, StageTimes
from playscore.client.words import counted, duration
from playscore.game import Game

Standing = TypeVar("Standing")


@dataclass(frozen=True, slots=True)
class Slate(Generic[Standing]):
    """The games of one sport, and the ratings after them."""

    games: Sequence[Game]
    standings: Sequence[Standing]


def page_data(
    football: Slate[Split],
    hockey: Slate[Board],
    results: Sequence[PlayResult],
    times: StageTimes,
    seconds: float,
    speed: float | None,
) -> dict[str, Any]:
    """What the page's scripts read and `demo.json` holds. A sport without games is None.

    `seconds` is how long the slate took; `speed` is in times real time, None for as fast as it goes.
    """
    passes = [
        (result.scored.score, result.scored.supports[0])
        for result in results
        if result.ending is Ending.SCORED and result.scored is not None and kind_of(result) == "pass"
    ]
    shots = [result for result in results if result.ending is Ending.SCORED and is_graded_shot(result)]
    endings = Counter(words.ending(result.ending, result.reason) for result in results)
    stages = times.as_json()
    pace = "at full speed" if speed is None else f"at {speed:g} times real time"
    figures = [
        ["games", str(len(football.games) + len(hockey.games))],
        ["plays", str(len(results))],
        ["passes scored", str(len(passes))],
        ["shots scored", str(len(shots))],
        ["plays a second", f"{len(results) / seconds:.0f}"],
    ]
    if speed is not None and "play" in stages:
        figures.append(["release to readable rating, median", duration(stages["play"]["p50_ms"])])
    played = " and ".join(
        counted(len(slate.games), f"simulated game of {sport}").replace(f"game of {sport}s", f"games of {sport}")
        for sport, slate in (("football", football), ("hockey", hockey))
        if slate.games
    )
    return {
        "summary": f"{played}, played {pace} through the featurizer, the scorer on Triton, and the aggregator",
        "figures": figures,
        "football": {
            "splits": [leaderboard_data(split) for split in football.standings],
            "plays": plays_data(football.games, passes),
        }
        if football.games
        else None,
        "hockey": _hockey(hockey, shots) if hockey.games else None,
        "times": {
            "heading": "Backlog at each stage" if speed is None else "Latency of each stage",
            "backlog": BACKLOG if speed is None else "",
            "stages": [
                {
                    "name": name,
                    "description": words.STAGES.get(name, ""),
                    **row,
                    "p50": duration(row["p50_ms"]),
                    "p99": duration(row["p99_ms"]),
                }
                for name, row in stages.items()
            ],
        },
        "endings": [[name, count] for name, count in endings.most_common()],
    }


def _hockey(slate: Slate[Board], shots: Sequence[PlayResult]) -> dict[str, Any]:
    chart, verdict = chart_data(shots)
    return {
        "boards": [board_data(board) for board in slate.standings],
        "chart": chart,
        "chart_verdict": verdict,
        "shots": shots_data(slate.games, shots),
    }
