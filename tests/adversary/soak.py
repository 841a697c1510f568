"""Steady play for a long time: nothing is lost, and no process takes more memory or descriptors as time goes on."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random

from tests.adversary.kills import Result, Rounds, Say
from tests.adversary.slate import slate
from tests.adversary.suite import Options, Suite, client, vital_processes
from tests.adversary.vitals import Growth, Vitals


async def campaign(
    out: Path,
    options: Options,
    *,
    seed: int,
    seconds: float,
    games: int,
    plays: int,
    hockey_games: int,
    speed: float | None,
    say: Say = lambda text: None,
) -> tuple[Result, Mapping[str, Growth]]:
    """Plays rounds for so long. What grew is by process."""
    vitals = Vitals()
    told = await asyncio.to_thread(slate, seed, games, plays, hockey_games)
    async with Suite(out, options) as suite, client(suite) as ratings:
        rounds = Rounds(suite, ratings, told, Random(seed))
        await rounds.undisturbed()
        watching = asyncio.create_task(vitals.watch(vital_processes(suite)))
        begun = time.monotonic()
        turn = 0
        while time.monotonic() < begun + seconds:
            turn += 1
            await rounds.play(str(turn), speed, 1.0)
            say(f"round {turn}, {time.monotonic() - begun:.0f} s: {len(rounds.result.faults)} faults")
        watching.cancel()
        rounds.result.faults += [f"a process died: {said}" for said in suite.deaths]
        return rounds.result, vitals.growth()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--games", type=int, default=14, help="games of football at once")
    parser.add_argument("--hockey-games", type=int, default=2)
    parser.add_argument("--plays", type=int, default=20, help="plays of a game of football")
    parser.add_argument("--speed", type=float, default=4.0, help="times real time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--mib-an-hour", type=float, default=64, help="that a process may take once it has settled, at most"
    )
    parser.add_argument("--growth-descriptors", type=int, default=8, help="descriptors that it may open")


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    result, growth = asyncio.run(
        campaign(
            options.out / "soak",
            Options(options.store),
            seed=options.seed,
            seconds=60 * options.minutes,
            games=options.games,
            plays=options.plays,
            hockey_games=options.hockey_games,
            speed=options.speed,
            say=lambda text: print(text, flush=True),
        )
    )
    print(*result.report(), sep="\n")
    grows = False
    for name, grown in growth.items():
        an_hour = grown.grown_bytes / 2**20 / (grown.seconds / 3600)
        wrong = an_hour > options.mib_an_hour or grown.grown_descriptors > options.growth_descriptors
        grows = grows or wrong
        print(f"{name:<11} {grown}   {an_hour:+.0f} MiB an hour{'   GROWS' if wrong else ''}")
    return not (result.faults or grows)
