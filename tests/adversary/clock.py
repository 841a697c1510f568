"""Wall clocks that jump while games are played: services and workers run on libfaketime.

Only what asks the C library for the time jumps. NATS does not, so its clock stays; monotonic clocks stay too, as they
do when a machine's time is set.
"""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final

from tests.adversary.kills import Result, Rounds, Say, held
from tests.adversary.slate import slate
from tests.adversary.suite import Options, Suite, client

_HOUR: Final = 3600.0
JUMPS: Final[Mapping[str, float]] = {
    "-1h": -_HOUR,
    "+1h": _HOUR,
    "-1d": -24 * _HOUR,
    "+30d": 30 * 24 * _HOUR,
    "-1s": -1.0,
    "+0": 0.0,
    "+10y": 10 * 365 * 24 * _HOUR,
    "-5y": -5 * 365 * 24 * _HOUR,
}
"""Against the true time, as libfaketime has it, and in seconds."""
_SLACK_SECONDS: Final = 120.0
_TIME: Final = re.compile(r'"timestamp": "([^"]+)"')
_JUMPING: Final = ("featurizer", "scorer", "aggregator", "worker 1", "worker 2")


def library() -> Path | None:
    """libfaketime, where it is installed (Debian: apt-get install faketime)."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


def why_not() -> str | None:
    """Why clocks cannot jump on this machine; None if they can."""
    return None if library() else "libfaketime is missing: apt-get install faketime"


async def campaign(
    out: Path, *, seed: int, jumps: int, games: int = 12, plays: int = 6, say: Say = lambda text: None
) -> Result:
    """A round for each jump, which comes in its midst."""
    told = await asyncio.to_thread(slate, seed, games, plays)
    clock = out.with_name(f"{out.name}.time").resolve()
    await asyncio.to_thread(clock.parent.mkdir, parents=True, exist_ok=True)
    await asyncio.to_thread(clock.write_text, "+0")
    variables = {
        "LD_PRELOAD": str(library()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    options = Options(environment=dict.fromkeys(_JUMPING, variables))
    async with Suite(out, options) as suite, client(suite) as ratings:
        rounds = Rounds(suite, ratings, told, Random(seed))
        await rounds.undisturbed()
        for turn in range(1, jumps + 1):
            jump = list(JUMPS)[(turn - 1) % len(JUMPS)]
            jumping = asyncio.create_task(_jump(clock, jump, 2.0))
            await rounds.play(str(turn), None, 4.0)
            await jumping
            if (there := _seconds_off(suite)) is None or abs(there - JUMPS[jump]) > _SLACK_SECONDS:
                rounds.result.faults.append(f"the clock did not jump to {jump}: it is {there} s off")
            rounds.result.kills[f"jump to {jump}"] += 1
            say(f"{turn} jumps, the last to {jump}: {len(rounds.result.faults)} faults")
        await rounds.check_again([str(turn) for turn in range(jumps + 1)])
        rounds.result.faults += [f"a process died: {said}" for said in suite.deaths]
        return rounds.result


def _seconds_off(suite: Suite) -> float | None:
    """How far the aggregator's clock is from the true time, by the last line of its log."""
    times = _TIME.findall(suite.log_of("aggregator"))
    return (datetime.fromisoformat(times[-1]) - datetime.now(UTC)).total_seconds() if times else None


async def _jump(clock: Path, to: str, after_seconds: float) -> None:
    await asyncio.sleep(after_seconds)
    await asyncio.to_thread(clock.write_text, to)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--jumps", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    if (why := why_not()) is not None:
        print(f"SKIPPED: {why}")
        return True
    result = asyncio.run(
        campaign(
            options.out / "clock",
            seed=options.seed,
            jumps=options.jumps,
            say=lambda text: print(text, flush=True),
        )
    )
    return held(result)
