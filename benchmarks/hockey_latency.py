"""From a shot's film to its readable rating, live: `python -m benchmarks.hockey_latency`.

Games are played at once in real time, each with players at 15 Hz and a puck at 60 Hz, through the three services on
Triton. A shot is timed from when the frame was sent, or the shot told, that completed it, to when its chance with its
reasons was recorded and could be read ("play"). Its rating moves when its result is told, a second or more later.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from deploy.local.stack import LocalStack
from pipeline.batch_stages import BatchStages
from pipeline.faceoffs import Faceoffs
from pipeline.game_run import GameRun
from pipeline.pace import paced
from pipeline.results import PlayResult
from pipeline.shots import Shots
from playscore.client import AggregatorClient, FeaturizerClient, ScorerClient
from playscore.common.v1 import common_pb2 as common
from playscore.shipped import RELEASES
from simulator.hockey import simulate_games
from simulator.hockey.feed import feed_of


async def play(games: int, period_seconds: float, releases: Path) -> None:
    """Plays the games and prints what each stage took."""
    slate = list(simulate_games(1, games, period_seconds=period_seconds))
    async with (
        LocalStack(releases=releases) as stack,
        FeaturizerClient(stack.featurizer) as featurizer,
        ScorerClient(stack.scorer) as scorer,
        AggregatorClient(stack.aggregator) as ratings,
    ):
        results: list[PlayResult] = []
        stages = BatchStages(ratings, read_back=True, on_recorded=results.append)
        tasks = (Shots(scorer, ratings), Faceoffs(scorer, ratings))
        async with stages, asyncio.TaskGroup() as playing:
            for played in slate:
                header = played.game.header
                key = common.GameKey(league=header.league, game_id=header.game_id)
                run = GameRun(key, featurizer, tasks, stages)
                playing.create_task(run.run(paced(feed_of(played), 1.0)))
        print(f"{games} games, {len({(each.game_id, each.play_id) for each in results})} plays")
        for stage, times in stages.times.as_json().items():
            print(f"  {stage:10} {times['count']:5.0f}   p50 {times['p50_ms']:6.1f} ms   p99 {times['p99_ms']:6.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=16)
    parser.add_argument("--period-seconds", type=float, default=60.0)
    parser.add_argument("--releases", type=Path, default=RELEASES)
    arguments = parser.parse_args()
    asyncio.run(play(arguments.games, arguments.period_seconds, arguments.releases))


if __name__ == "__main__":
    main()
