"""What a service does with more than it can do: `python -m benchmarks.overload`.

A service and the load each have a core of their own. Calls have eight plays and a second to be answered in; they come
at a rate, whether others are answered or not. Capacity is what calls in flight get through, measured in the same run.
Then come two and ten times of it, and after each half of it, to see how soon all is well again. At last ten greedy
callers keep 32 calls each in flight, while an eleventh makes five a second.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
import uvloop

from benchmarks.open_loop import LATE, OK, REFUSED, Caller, Outcome, at_rate, in_flight, numbered
from benchmarks.scorer import Plays
from deploy.local.ports import reserve
from deploy.local.stack import service_process
from playscore.aggregator.v1 import aggregator_pb2
from playscore.release import list_releases
from playscore.scorer.v1 import scorer_pb2
from playscore.shipped import RELEASES
from tests.scored_plays import SUPPORT, a_pass

PLAYS: Final = 8
DEADLINE_SECONDS: Final = 1.0
CONNECTIONS: Final = 4
GREEDY: Final = 10
MARK: Final = b"000000000"


@dataclass(frozen=True, slots=True)
class Asked:
    """A service, and calls of eight plays to it."""

    service: str
    settings: dict[str, str]
    method: str
    bodies: Iterator[bytes]


def scorer(_folder: Path) -> Asked:
    """With the model in its process."""
    plays = Plays(list_releases(RELEASES, "passing")[-1], PLAYS)
    body = scorer_pb2.ScorePassesRequest(passes=plays.passes).SerializeToString()
    settings = {"INFERENCE": "onnxruntime"}
    return Asked("scorer", settings, "/playscore.scorer.v1.ScorerService/ScorePasses", iter(lambda: body, None))


def aggregator(folder: Path) -> Asked:
    """Over SQLite; every call records other plays."""
    template = aggregator_pb2.RecordScoresRequest(
        request_id=f"r{MARK.decode()}",
        records=[a_pass(play, 0.5, game=f"g{MARK.decode()}") for play in range(PLAYS)],
        supports=[SUPPORT],
    )
    settings = {"STORE": f"sqlite:///{folder / 'scores.sqlite'}"}
    bodies = numbered(template.SerializeToString(), MARK)
    return Asked("aggregator", settings, "/playscore.aggregator.v1.AggregatorService/RecordScores", bodies)


@asynccontextmanager
async def served(asked: Asked, folder: Path, core: int | None) -> Any:
    """Starts the service; gives the port."""
    cores = os.sched_getaffinity(0)
    with reserve(0, 0) as ports:
        process = service_process(asked.service, ports[0], ports[1], asked.settings, folder / "log")
        if core is not None:
            os.sched_setaffinity(0, {core})  # which the service inherits
        try:
            await process.start()
        finally:
            os.sched_setaffinity(0, cores if core is None else cores - {core})
        try:
            await process.wait_ready(60)
            yield ports[0]
        finally:
            os.sched_setaffinity(0, cores)
            await process.stop()


@asynccontextmanager
async def connected(asked: Asked, port: int, count: int, host: str = "127.0.0.1") -> Any:
    """Connections of one caller."""
    callers = [await Caller.connect(port, asked.method, DEADLINE_SECONDS, host) for _ in range(count)]
    try:
        yield callers
    finally:
        for caller in callers:
            caller.close()


def told(name: str, outcome: Outcome, capacity: float) -> None:
    """Prints what became of a load."""
    others = outcome.calls - sum(outcome.count(status) for status in (OK, REFUSED, LATE))
    print(
        f"  {name:16} {outcome.calls / outcome.seconds:6.0f} calls/s asked, {outcome.rate:6.0f} answered = "
        f"{outcome.rate / capacity:4.2f} of capacity, p50 {1e3 * outcome.quantile(OK, 0.5):4.0f} ms, "
        f"p99 {1e3 * outcome.quantile(OK, 0.99):4.0f} ms; {outcome.count(REFUSED)} refused, "
        f"p50 {1e3 * outcome.quantile(REFUSED, 0.5):.1f} ms, p99 {1e3 * outcome.quantile(REFUSED, 0.99):.1f} ms; "
        f"{outcome.count(LATE)} late, {others} others",
        flush=True,
    )


async def overloaded(asked: Asked, port: int, seconds: float, times: tuple[float, ...]) -> float:
    """Measures capacity and what comes above it; answers capacity, calls a second."""
    async with connected(asked, port, CONNECTIONS) as callers:
        await in_flight(callers[0], asked.bodies, 32, 2.0)
        capacity = (await in_flight(callers[0], asked.bodies, 32, seconds)).rate
        print(f"{asked.service}: capacity {capacity:.0f} calls/s, {PLAYS * capacity:.0f} plays/s")
        for factor in times:
            told(f"{factor:g} times", await at_rate(callers, asked.bodies, factor * capacity, seconds), capacity)
            after = await at_rate(callers, asked.bodies, capacity / 2, seconds)
            told("then half", after, capacity)
            print(f"  {'':16} recovered after {after.last_failure:.2f} s")
    return capacity


async def greedy(asked: Asked, port: int, seconds: float) -> None:
    """Measures what ten greedy callers leave to an eleventh."""

    async def modest() -> Outcome:
        async with connected(asked, port, 1, "127.0.0.100") as callers:
            return await at_rate(callers, asked.bodies, 5.0, seconds)

    async def greedily(number: int) -> Outcome:
        async with connected(asked, port, 1, f"127.0.0.{10 + number}") as (caller,):
            return await in_flight(caller, asked.bodies, 32, seconds)

    alone = await modest()
    beside, *others = await asyncio.gather(modest(), *map(greedily, range(GREEDY)))
    shares = [outcome.count(OK) for outcome in others]
    for name, outcome in (("alone", alone), (f"beside {GREEDY} greedy", beside)):
        print(
            f"  eleventh {name:16} {outcome.count(OK)} of {outcome.calls} answered, p50 "
            f"{1e3 * outcome.quantile(OK, 0.5):.0f} ms, p99 {1e3 * outcome.quantile(OK, 0.99):.0f} ms"
        )
    print(f"  each greedy caller was answered {min(shares)} to {max(shares)} times, mean {np.mean(shares):.0f}")


SERVICES: Final[dict[str, Callable[[Path], Asked]]] = {"scorer": scorer, "aggregator": aggregator}


async def measure(services: tuple[str, ...], seconds: float, times: tuple[float, ...]) -> None:
    """Prints what was measured."""
    cores = sorted(os.sched_getaffinity(0))
    core = cores[-1] if len(cores) > 1 else None
    print("no core to spare: the load takes part of the service's" if core is None else f"service on core {core} alone")
    for name in services:
        with tempfile.TemporaryDirectory() as folder:
            asked = SERVICES[name](Path(folder))
            async with served(asked, Path(folder), core) as port:
                await overloaded(asked, port, seconds, times)
                await greedy(asked, port, seconds)


@click.command()
@click.option("--service", "services", type=click.Choice(list(SERVICES)), multiple=True, default=list(SERVICES))
@click.option("--seconds", default=10.0, show_default=True, help="Of each load.")
@click.option("--times", type=float, multiple=True, default=(2.0, 10.0), show_default=True, help="Of capacity.")
def main(services: tuple[str, ...], seconds: float, times: tuple[float, ...]) -> None:
    """Prints goodput, latency and refusals."""
    uvloop.run(measure(services, seconds, times))


if __name__ == "__main__":
    main()
