"""The demo: a slate of simulated games, played through the real services, with a live board and a page at the end."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local.page import render
from deploy.local.page.content import Split, page_data
from deploy.local.stack import LocalStack
from pipeline.desks import Desks
from pipeline.results import PlayResult
from pipeline.worker import play_game
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from simulator import simulate
from simulator.games import SimulatedGame

LEAGUE = "SIM"
SEED = 2021
BOARD_ROWS = 10

SPLITS = (
    ("All passes", "", 15),
    ("Under pressure", "under_pressure", 4),
    ("Clean pocket", "NOT under_pressure", 8),
    ("Quick: before 2.5 s", "time_to_throw < 2.5", 4),
    ("2.5 to 4 s", "time_to_throw >= 2.5 AND time_to_throw < 4", 4),
    ("Deep", 'depth = "deep"', 2),
    ("Third down", "down = 3", 4),
    ("Away", "NOT home", 15),
)
"""Name, filter, and the plays that qualify on so short a slate."""


async def run_demo(games: int, speed: float | None, out: Path, console: Console) -> None:
    """Plays `games` simulated games at `speed` times real time (None: flat out), and writes them up in `out`.

    Raises RuntimeError where a play was lost.
    """
    console.print(f"simulating {games} games ...")
    slate = list(simulate(SEED, games))
    console.print("starting Triton and the services ...")
    begun = time.perf_counter()
    async with (
        LocalStack(logs=out / "logs") as stack,
        FeaturizerClient(stack.featurizer) as featurizer,
        ScorerClient(stack.scorer) as scorer,
        AggregatorClient(stack.aggregator) as ratings,
    ):
        console.print(f"ready after {time.perf_counter() - begun:.1f} s; playing")
        results: list[PlayResult] = []
        desks = Desks(scorer, ratings, read_back=speed is not None, on_finished=results.append)
        begun = time.perf_counter()
        async with desks:
            await _play(slate, featurizer, desks, ratings, results, speed, console)
        seconds = time.perf_counter() - begun
        splits = [await _split(ratings, *split, token=desks.revision_token) for split in SPLITS]
    for split in splits:
        console.print(leaderboard(split))
    data = page_data(slate, results, splits, desks, seconds, speed)
    await asyncio.to_thread(_write, data, out)
    lost = sum(len(played.game.plays) for played in slate) - len(results)
    endings = Counter(result.ending.value for result in results)
    console.print(
        f"{len(results)} plays in {seconds:.1f} s: " + ", ".join(f"{n} {name}" for name, n in endings.most_common())
    )
    if lost:
        raise RuntimeError(f"{lost} plays were lost; the logs are in {out / 'logs'}")
    console.print(f"the page: {out / 'index.html'}    the same as JSON: {out / 'demo.json'}")


async def _play(
    slate: Sequence[SimulatedGame],
    featurizer: FeaturizerClient,
    desks: Desks,
    ratings: AggregatorClient,
    results: list[PlayResult],
    speed: float | None,
    console: Console,
) -> None:
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    names = {
        played.game.header.game_id: f"{played.game.header.away_team_id} at {played.game.header.home_team_id}"
        for played in slate
    }
    bar_of = {
        played.game.header.game_id: bars.add_task(names[played.game.header.game_id], total=len(played.game.plays))
        for played in slate
    }
    playing = asyncio.gather(*(play_game(played.game, featurizer, desks, speed=speed) for played in slate))
    with Live(bars, console=console, refresh_per_second=8) as live:
        while not playing.done():
            await asyncio.wait([playing], timeout=0.25)
            for game_id, done in Counter(result.game_id for result in results).items():
                bars.update(bar_of[game_id], completed=done)
            if any(result.score for result in results):
                live.update(Group(bars, leaderboard(await _split(ratings, *SPLITS[0]))))
    await playing


async def _split(ratings: AggregatorClient, name: str, text: str, min_plays: int, token: str = "") -> Split:
    found = [
        rating
        async for rating in ratings.list_ratings(LEAGUE, split=text, min_plays=min_plays, at_least_as_fresh=token)
    ]
    return Split(name, text, tuple(sorted(found, key=lambda rating: not rating.qualified)))


def leaderboard(split: Split) -> Table:
    """The first of a split, for a terminal."""
    table = Table(title=f"{split.name}  [dim]{split.filter}[/dim]", title_justify="left")
    table.add_column("#", justify="right")
    table.add_column("passer")
    table.add_column("team")
    for heading in ("plays", "rating", "90% interval"):
        table.add_column(heading, justify="right")
    for rating in split.ratings[:BOARD_ROWS]:
        table.add_row(
            str(rating.rank or ""),
            rating.subject.subject_name,
            rating.subject.team_id,
            str(rating.plays),
            f"{rating.passing.rating:.0f}",
            f"{rating.passing.rating_low:.0f} to {rating.passing.rating_high:.0f}",
        )
    return table


def _write(data: dict[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.html").write_text(render(data))
    (out / "demo.json").write_text(json.dumps(data, indent=1, allow_nan=False))
