"""Disks that fill up under the aggregator's SQLite and under NATS while games are played, and have room again later."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from tests.adversary.kills import Result, Rounds, Say, held
from tests.adversary.slate import slate
from tests.adversary.suite import Options, Suite, client

FULL: Final = {"aggregator": "STORE_UNAVAILABLE", "nats": "no space left"}
"""Whose disk is filled, and what their log says of it."""
_PIECE: Final = 64 * 1024


def why_not() -> str | None:
    """Why this machine cannot have a small disk; None if it can."""
    if os.geteuid() != 0:
        return "mounting a small disk takes root"
    if shutil.which("mount") is None:
        return "there is no mount"
    return None


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of that size. Raises OSError where the system does not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        raise OSError(f"no small disk can be mounted: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)


def fill(folder: Path) -> Path:
    """Take all room that is left. Returns the file that takes it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        piece = _PIECE
        while piece:
            try:
                file.write(bytes(piece))
            except OSError:
                piece //= 2
    return ballast


async def campaign(
    out: Path,
    *,
    seed: int,
    full: Iterable[str] = FULL,
    times: int = 3,
    full_seconds: float = 8.0,
    games: int = 12,
    plays: int = 6,
    mebibytes: int = 64,
    say: Say = lambda text: None,
) -> Result:
    """Fills each disk so many times, each time while a round is played."""
    total = Result()
    told = await asyncio.to_thread(slate, seed, games, plays)
    for name in full:
        with small_disk(out.with_name(f"{out.name}-{name}-disk"), mebibytes) as folder:
            options = Options(folders={name: folder})
            async with Suite(out / name, options) as suite, client(suite) as ratings:
                rounds = Rounds(suite, ratings, told, Random(seed))
                await rounds.undisturbed()
                for turn in range(1, times + 1):
                    filling = asyncio.create_task(_full_for_a_while(folder, full_seconds))
                    await rounds.play(str(turn), None, full_seconds / 2)
                    await filling
                    rounds.result.kills[f"full disk of {name}"] += 1
                    say(f"disk of {name} full {turn} times: {len(rounds.result.faults)} faults")
                # Not each time: what goes into pages of SQLite's log that are there already needs no room.
                if FULL[name] not in suite.log_of(name):
                    rounds.result.faults.append(f"the disk of {name} was full {times} times, and it never noticed")
                await suite.ready()
                await rounds.check_again([str(turn) for turn in range(times + 1)])
                total = _together(total, rounds.result)
    return total


async def _full_for_a_while(folder: Path, seconds: float) -> None:
    ballast = await asyncio.to_thread(fill, folder)
    await asyncio.sleep(seconds)
    ballast.unlink()


def _together(one: Result, other: Result) -> Result:
    return Result(
        one.games + other.games,
        one.plays + other.plays,
        one.rounds + other.rounds,
        one.kills + other.kills,
        one.faults + other.faults,
        one.settled_seconds + other.settled_seconds,
        one.seconds + other.seconds,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--times", type=int, default=10, help="that each disk is filled")
    parser.add_argument("--full-seconds", type=float, default=8.0, help="for which it is full")
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    if (why := why_not()) is not None:
        print(f"SKIPPED: {why}")
        return True
    result = asyncio.run(
        campaign(
            options.out / "disk",
            seed=options.seed,
            times=options.times,
            full_seconds=options.full_seconds,
            say=lambda text: print(text, flush=True),
        )
    )
    return held(result)
