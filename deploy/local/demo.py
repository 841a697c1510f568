"""The demo: simulated games, played through the real services, with a live leaderboard and a page about them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from deploy.local.page import render
from deploy.local.page.boards import Board
from deploy.local.page.content import Slate, page_data
from deploy.local.page.leaderboard import Split
from deploy.local.page.words import ending
from deploy.local.stack import LocalStack
from pipeline.batch_stages import BatchStages
from pipeline.commands import BACKLOG
from pipeline.game_run import GameRun
from pipeline.pace import paced
from pipeline.results import Ending, PlayResult
from pipeline.tasks import tasks_over
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.client.words import counted, duration
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1 import feed_pb2 as feed
from playscore.game import Game
from playscore.terminal_text import printable
from playscore.wire.games import feed_of
from simulator import simulate
from simulator.hockey import simulate_games as simulate_hockey
from simulator.hockey.feed import feed_of as hockey_feed_of

LEAGUE = "SIM"
HOCKEY_LEAGUE = "SIH"
SEED = 2021
HOCKEY_PERIOD_SECONDS = 300.0
"""So that a game of hockey takes about as long as the pass plays of one of football."""
HOCKEY_ROLES = (common.ROLE_SHOOTER, common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM, common.ROLE_FACEOFF_TAKER)
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


@dataclass(frozen=True)
class DemoGame:
    """A simulated game of either sport, and what its source says."""

    game: Game
    feed: Callable[[], Iterable[feed.FeedMessage]]

    @property
    def key(self) -> common.GameKey:
        """Its own."""
        return common.GameKey(league=self.game.header.league, game_id=self.game.header.game_id)


async def run_demo(games: int, hockey_games: int, speed: float | None, out: Path, console: Console) -> None:
    """Plays simulated games of both sports at `speed` times real time (None: as fast as they go).

    What came of them is written up in `out`. Raises RuntimeError where a play was lost.
    """
    console.print(f"simulating {counted(games, 'game')} of football and {hockey_games} of hockey ...")
    football = await asyncio.to_thread(_football, games)
    hockey = await asyncio.to_thread(_hockey, hockey_games)
    slate = [*football, *hockey]
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
        stages = BatchStages(ratings, read_back=speed is not None, on_recorded=results.append)
        begun = time.perf_counter()
        tasks = tasks_over(scorer, ratings)
        async with stages:
            runs = [(played, GameRun(played.key, featurizer, tasks, stages)) for played in slate]
            await _play(runs, ratings, results, speed, console)
        seconds = time.perf_counter() - begun
        splits = [await _split(ratings, *split, stages.revision) for split in SPLITS] if football else []
        boards = [await _board(ratings, role, stages.revision) for role in HOCKEY_ROLES] if hockey else []
    for split in splits:
        console.print(leaderboard(split))
    latest = list({(result.game_id, result.play_id): result for result in results}.values())
    data = page_data(
        Slate([played.game for played in football], splits),
        Slate([played.game for played in hockey], boards),
        latest,
        stages.times,
        seconds,
        speed,
    )
    await asyncio.to_thread(_write, data, out)
    lost = sum(len(played.game.plays) for played in slate) - len(latest)
    console.print(f"{counted(len(latest), 'play')} in {seconds:.1f} s:")
    for meaning, plays in Counter(ending(result.ending, result.reason) for result in latest).most_common():
        console.print(f"{plays:>8}  {meaning}")
    if (play := stages.times.as_json().get("play")) is not None:
        median, most = duration(play["p50_ms"]), duration(play["p99_ms"])
        console.print(f"release to rating: median {median}, 99% within {most}")
    if speed is None:
        console.print(BACKLOG)
    if lost:
        raise RuntimeError(f"{counted(lost, 'play')} lost; the logs are in {out / 'logs'}")
    console.print(f"the page: {out / 'index.html'}    the same as JSON: {out / 'demo.json'}")


def _football(games: int) -> list[DemoGame]:
    slate = [played.game for played in simulate(SEED, games)] if games else []
    return [DemoGame(game, partial(feed_of, game)) for game in slate]


def _hockey(games: int) -> list[DemoGame]:
    slate = list(simulate_hockey(SEED, games, period_seconds=HOCKEY_PERIOD_SECONDS)) if games else []
    return [DemoGame(played.game, partial(hockey_feed_of, played)) for played in slate]


async def _play(
    games: Sequence[tuple[DemoGame, GameRun]],
    ratings: AggregatorClient,
    results: list[PlayResult],
    speed: float | None,
    console: Console,
) -> None:
    bars = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
    )
    bar_of = {
        (header := played.game.header).game_id: bars.add_task(
            f"{header.away_team_id} at {header.home_team_id}", total=len(played.game.plays)
        )
        for played, _ in games
    }

    async def show(live: Live) -> None:
        while True:
            await asyncio.sleep(0.25)
            done = Counter(game_id for game_id, _ in {(result.game_id, result.play_id) for result in results})
            for game_id, plays in done.items():
                bars.update(bar_of[game_id], completed=plays)
            if any(result.ending is Ending.SCORED for result in results):
                live.update(Group(bars, leaderboard(await _split(ratings, *SPLITS[0]))))

    with Live(bars, console=console, refresh_per_second=8) as live:
        showing = asyncio.create_task(show(live))
        try:
            async with asyncio.TaskGroup() as playing:
                for played, game in games:
                    playing.create_task(game.run(paced(played.feed(), speed)))
        finally:
            showing.cancel()
        live.update(bars)
    if not console.is_terminal:
        console.line()


async def _board(
    ratings: AggregatorClient, role: common.Role.ValueType, revision: common.RevisionToken | None
) -> Board:
    listed = ratings.list_ratings(HOCKEY_LEAGUE, role=role, at_least_as_fresh=revision)
    found = tuple([rating async for rating in listed])
    return Board(role, (await listed.ranking()).min_plays, found)


async def _split(
    ratings: AggregatorClient, name: str, description: str, text: str, revision: common.RevisionToken | None = None
) -> Split:
    listed = ratings.list_ratings(LEAGUE, split=text, at_least_as_fresh=revision)
    try:
        found = [rating async for rating in listed]
        min_plays = (await listed.ranking()).min_plays
    except PlayscoreError as unknown:
        if unknown.reason is not Reason.LEAGUE_NOT_FOUND:
            raise
        found, min_plays = [], 1  # no play is recorded yet
    return Split(name, description, text, min_plays, tuple(sorted(found, key=lambda rating: not rating.qualified)))


def leaderboard(split: Split) -> Table:
    """The first of a split, for a terminal."""
    table = Table(
        title=Text.assemble(split.name, "  ", (split.description, "dim")),
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
            Text(printable(rating.subject.subject_name)),
            Text(printable(rating.subject.team_id)),
            str(rating.plays),
            f"{rating.passing.rating:.0f}",
            f"{rating.passing.rating_low:.0f} to {rating.passing.rating_high:.0f}",
        )
    return table


def _write(data: dict[str, Any], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.html").write_text(render(data))
    (out / "demo.json").write_text(json.dumps(data, indent=1, allow_nan=False))
