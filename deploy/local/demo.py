"""The demo: simulated games, played through the real services, with a live leaderboard and a page about them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local.page import render
from deploy.local.page.content import BACKLOG, page_data
from deploy.local.page.leaderboard import MIN_PLAYS, Split, plays_to_rank
from deploy.local.page.words import ENDINGS, counted
from deploy.local.stack import LocalStack
from pipeline.desks import Desks
from pipeline.results import PlayResult
from pipeline.worker import play_game
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from simulator import simulate
from simulator.games import SimulatedGame

LEAGUE = "SIM"
SEED = 2021
LEADERBOARD_ROWS = 10

SPLITS = (
    ("All passes", "Every pass.", ""),
    ("Under pressure", "Passes thrown under pressure.", "under_pressure"),
    ("Clean pocket", "Passes thrown without pressure.", "NOT under_pressure"),
    ("Quick", "Passes thrown within 2.5 seconds of the snap.", "time_to_throw_seconds < 2.5"),
    (
        "2.5 to 4 s",
        "Passes thrown 2.5 to 4 seconds after the snap.",
        "time_to_throw_seconds >= 2.5 AND time_to_throw_seconds < 4",
    ),
    ("Deep", "Passes 20 yards or more downfield.", "depth = PASS_DEPTH_DEEP"),
    ("Third down", "Passes on third down.", "down = 3"),
    ("Away", "Passes by the visiting team.", "NOT home"),
)
"""Name, description and filter."""


async def run_demo(games: int, speed: float | None, out: Path, console: Console) -> None:
    """Plays `games` simulated games at `speed` times real time (None: as fast as they go), and writes them up in `out`.

    Raises RuntimeError where a play was lost.
    """
    console.print(f"simulating {counted(games, 'game')} ...")
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
        splits = await _splits(ratings, _team_games(slate), desks.revision_token)
    for split in splits:
        console.print(leaderboard(split))
    data = page_data([played.game for played in slate], results, splits, desks.times, seconds, speed)
    await asyncio.to_thread(_write, data, out)
    lost = sum(len(played.game.plays) for played in slate) - len(results)
    endings = Counter(ENDINGS[result.ending].lower() for result in results)
    console.print(
        f"{counted(len(results), 'play')} in {seconds:.1f} s: "
        + ", ".join(f"{plays} {ending}" for ending, plays in endings.most_common())
    )
    if (play := desks.times.as_json().get("play")) is not None:
        console.print(f"release to rating: median {play['p50_ms']:.1f} ms, 99% within {play['p99_ms']:.1f} ms")
    if speed is None:
        console.print(BACKLOG)
    if lost:
        raise RuntimeError(f"{counted(lost, 'play')} lost; the logs are in {out / 'logs'}")
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
    min_plays = plays_to_rank(_team_games(slate))
    playing = asyncio.gather(*(play_game(played.game, featurizer, desks, speed=speed) for played in slate))
    with Live(bars, console=console, refresh_per_second=8) as live:
        while not playing.done():
            await asyncio.wait([playing], timeout=0.25)
            for game_id, done in Counter(result.game_id for result in results).items():
                bars.update(bar_of[game_id], completed=done)
            if any(result.score for result in results):
                live.update(Group(bars, leaderboard(await _split(ratings, *SPLITS[0], min_plays))))
        live.update(bars)
    if not console.is_terminal:
        console.line()
    await playing


def _team_games(slate: Sequence[SimulatedGame]) -> int:
    """How many games a team has played, in the middle of all teams."""
    headers = [played.game.header for played in slate]
    return int(
        median(Counter(team for header in headers for team in (header.home_team_id, header.away_team_id)).values())
    )


async def _splits(ratings: AggregatorClient, team_games: int, token: str) -> list[Split]:
    """Every split, each ranked from its share of the passes that a rank needs among all of them."""
    everything = await _split(ratings, *SPLITS[0], plays_to_rank(team_games), token)
    total = _plays(everything)
    splits = [everything]
    for name, description, text in SPLITS[1:]:
        any_plays = await _split(ratings, name, description, text, MIN_PLAYS, token)
        min_plays = plays_to_rank(team_games, _plays(any_plays) / total if total else 0.0)
        splits.append(await _split(ratings, name, description, text, min_plays, token))
    return splits


def _plays(split: Split) -> int:
    return sum(rating.plays for rating in split.ratings)


async def _split(
    ratings: AggregatorClient, name: str, description: str, text: str, min_plays: int, token: str = ""
) -> Split:
    found = [
        rating
        async for rating in ratings.list_ratings(LEAGUE, split=text, min_plays=min_plays, at_least_as_fresh=token)
    ]
    return Split(name, description, text, min_plays, tuple(sorted(found, key=lambda rating: not rating.qualified)))


def leaderboard(split: Split) -> Table:
    """The first of a split, for a terminal."""
    table = Table(
        title=f"{split.name}  [dim]{split.description}[/dim]",
        title_justify="left",
        caption=f"-: needs {counted(split.min_plays, 'play')} for a rank",
        caption_justify="left",
    )
    table.add_column("rank", justify="right")
    table.add_column("passer")
    table.add_column("team")
    for heading in ("plays", "rating", "90% interval"):
        table.add_column(heading, justify="right")
    for rating in split.ratings[:LEADERBOARD_ROWS]:
        table.add_row(
            str(rating.rank or "-"),
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
