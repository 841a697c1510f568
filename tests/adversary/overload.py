"""More calls than a service can answer: some are answered all the time, the rest refused, and then all is well again.

What it is measured with, and the figures, are those of `benchmarks.overload`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.open_loop import LATE, OK, REFUSED, Outcome, at_rate, in_flight
from benchmarks.overload import CONNECTIONS, SERVICES, connected, served

_IN_FLIGHT: Final = 32
_LIGHT: Final = 0.25
"""Of capacity, after the overload."""


@dataclass(frozen=True, slots=True)
class Overload:
    """What became of a service's calls, at `times` its capacity and after."""

    service: str
    times: float
    capacity: float
    """Calls a second."""
    during: Outcome
    after: Outcome

    def faults(self) -> Iterator[str]:
        """What must not be."""
        others = self.during.calls - sum(self.during.count(status) for status in (OK, REFUSED, LATE))
        if not self.during.count(OK):
            yield f"{self.service} answered nothing at {self.times:g} times its capacity"
        if not self.during.count(REFUSED):
            yield f"{self.service} refused nothing at {self.times:g} times its capacity"
        if others:
            yield f"{self.service}: {others} calls ended otherwise than answered, refused or late"
        if self.after.last_failure > self.after.seconds / 2:
            yield f"{self.service} did not recover: a call failed {self.after.last_failure:.1f} s after the overload"

    def __str__(self) -> str:
        return (
            f"{self.service}: capacity {self.capacity:.0f} calls/s; at {self.times:g} times of it "
            f"{self.during.rate / self.capacity:.2f} of it answered, {self.during.count(REFUSED)} refused, "
            f"{self.during.count(LATE)} late; recovered after {self.after.last_failure:.2f} s"
        )


async def overloaded(service: str, folder: Path, seconds: float, times: float) -> Overload:
    """Calls a service at so many times of what it can do, which is measured first."""
    asked = SERVICES[service](folder)
    async with served(asked, folder, None) as port, connected(asked, port, CONNECTIONS) as callers:
        await in_flight(callers[0], asked.bodies, _IN_FLIGHT, seconds / 2)
        capacity = (await in_flight(callers[0], asked.bodies, _IN_FLIGHT, seconds)).rate
        during = await at_rate(callers, asked.bodies, times * capacity, seconds)
        after = await at_rate(callers, asked.bodies, _LIGHT * capacity, max(2 * seconds, 4.0))
        return Overload(service, times, capacity, during, after)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--times", type=float, default=10.0, help="of capacity")


def run(options: argparse.Namespace) -> bool:
    """The command. True where everything held."""
    faults = []
    for service in SERVICES:
        with tempfile.TemporaryDirectory() as folder:
            found = asyncio.run(overloaded(service, Path(folder), options.seconds, options.times))
        print(found)
        faults += list(found.faults())
    print(*faults, sep="\n")
    return not faults
