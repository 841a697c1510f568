"""Links between processes that go bad while games are played.

Every pair of processes that talk has a link of its own; one of them at a time is bad. What goes over it is late, held
back, reset, cut off or open in one direction (`tests.adversary.proxy`), or it loses packets, some or all of them
(`tests.adversary.packets`).
"""

from __future__ import annotations

import argparse
import asyncio
import enum
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Final

from tests.adversary import packets
from tests.adversary.kills import Result, Rounds, Say, add_round_arguments, held
from tests.adversary.proxy import Fault, Link
from tests.adversary.slate import slate
from tests.adversary.suite import Options, Suite, client

FAULTS: Final = tuple(fault for fault in Fault if fault is not Fault.NONE)


class Loss(enum.Enum):
    """How probable it is that a packet is lost."""

    LOSS = 0.2
    PARTITION = 1.0


def kinds() -> Sequence[Fault | Loss]:
    """The faults that this machine can make."""
    return (*FAULTS, *(Loss if packets.why_not() is None else ()))


async def keep_breaking(
    suite: Suite, result: Result, faults: int, every_seconds: float, lasting_seconds: float, random: Random, say: Say
) -> None:
    """Makes one link bad for a while, so many times. The first faults are one of each kind."""
    known = kinds()
    first = [*known]
    while result.kills.total() < faults:
        await asyncio.sleep(random.uniform(0, 2 * every_seconds))
        pair, fault = random.choice(list(suite.links)), first.pop() if first else random.choice(known)
        await _break(suite.links[pair], fault, random.uniform(0.2, 2 * lasting_seconds))
        result.kills[f"{fault.name.lower()} {pair[0]}-{pair[1]}"] += 1
        say(f"{result.kills.total()} faults, the last: {pair[0]} to {pair[1]}, {fault.name.lower()}")


async def _break(broken: Link, fault: Fault | Loss, seconds: float) -> None:
    if isinstance(fault, Loss):
        with packets.dropped(broken.port, fault.value):
            await asyncio.sleep(seconds)
        return
    broken.set(fault)
    await asyncio.sleep(seconds)
    broken.set(Fault.NONE)


async def campaign(
    out: Path,
    options: Options,
    *,
    seed: int,
    faults: int,
    every_seconds: float,
    lasting_seconds: float,
    games: int,
    plays: int,
    hockey_games: int,
    speed: float | None,
    spread_seconds: float,
    say: Say = lambda text: None,
) -> Result:
    """Plays rounds until links were bad so many times."""
    random = Random(seed)
    told = await asyncio.to_thread(slate, seed, games, plays, hockey_games)
    async with Suite(out, options) as suite, client(suite) as ratings:
        rounds = Rounds(suite, ratings, told, random)
        await rounds.undisturbed()
        breaking = asyncio.create_task(
            keep_breaking(suite, rounds.result, faults, every_seconds, lasting_seconds, random, say)
        )
        suffixes = [0]
        while not breaking.done():
            suffixes.append(len(suffixes))
            await rounds.play(str(suffixes[-1]), speed, spread_seconds)
            say(f"round {suffixes[-1]}: {len(rounds.result.faults)} faults")
        breaking.result()
        await rounds.check_again([str(suffix) for suffix in suffixes])
        rounds.result.faults += [f"a process died: {said}" for said in suite.deaths]
        return rounds.result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="between two faults, on average")
    parser.add_argument("--lasting", type=float, default=3.0, metavar="SECONDS", help="of a fault, on average")
    parser.add_argument("--store", choices=["sqlite", "postgresql"], default="sqlite")
    add_round_arguments(parser)


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    if (why := packets.why_not()) is not None:
        print(f"SKIPPED: faults that lose packets: {why}")
    result = asyncio.run(
        campaign(
            options.out / f"network-{options.store}",
            Options(options.store, linked=True),
            seed=options.seed,
            faults=options.faults,
            every_seconds=options.every,
            lasting_seconds=options.lasting,
            games=options.games,
            plays=options.plays,
            hockey_games=options.hockey_games,
            speed=options.speed,
            spread_seconds=options.spread,
            say=lambda text: print(text, flush=True),
        )
    )
    return held(result)
