"""How much is needed for so many games: a model of CPU time and memory, from what a frame and a play cost.

`python -m loadtest.capacity FILE...` reads recordings of `playscore loadtest --json` in which the processes ran on one
machine, fits the costs, and prints them with what follows for 10, 100 and 1,000 games.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from loadtest.recording import Recording
from loadtest.suite import GENERATOR

FRAMES_A_SECOND: Final = 10.0
"""Messages of a game of football while its cameras run."""
PLAYS_A_SECOND: Final = 1 / 75
"""Plays of a game of football in a stadium: some 155 in three hours and a quarter."""
FILL: Final = 0.6
"""Of a core: how much of it is planned for. Above it, latency grows faster than load."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process takes."""

    idle: float
    """Of a core, without any game."""
    message: float
    """CPU seconds for a message of the feed: a frame of a game in real time."""
    play: float
    """CPU seconds for a play, beyond its messages."""

    def of(self, messages_a_second: float, plays_a_second: float) -> float:
        """Cores that are busy at these rates."""
        return self.idle + self.message * messages_a_second + self.play * plays_a_second


Costs = Mapping[str, Cost]
"""By process: "worker" for all workers together."""


def merged(recording: Recording) -> dict[str, float]:
    """CPU seconds by kind of process: the workers together."""
    sums: dict[str, float] = {}
    for name, part in recording.parts.items():
        kind = "worker" if name.startswith("worker") else name
        sums[kind] = sums.get(kind, 0.0) + part.cpu_seconds
    return sums


def fit(recordings: Sequence[Recording]) -> dict[str, Cost]:
    """Costs by least squares of the CPU time of several load tests, relative to each; none is below 0.

    It takes recordings that differ in messages a play: real time and flat out.
    """
    taken = [merged(recording) for recording in recordings]
    amounts = np.array([[each.seconds, each.messages, each.plays_recorded] for each in recordings], dtype=float)
    costs = {}
    for kind in taken[0]:
        seconds = np.array([each[kind] for each in taken])
        weights = 1 / np.maximum(seconds, 0.1)
        costs[kind] = Cost(*_not_negative(amounts * weights[:, None], seconds * weights))
    return costs


def _not_negative(amounts: NDArray[np.float64], seconds: NDArray[np.float64]) -> list[float]:
    """Least squares over the columns, without those whose factor would be negative."""
    kept = list(range(amounts.shape[1]))
    while kept:
        factors = np.linalg.lstsq(amounts[:, kept], seconds, rcond=None)[0]
        if (factors >= 0).all():
            return [float(factors[kept.index(column)]) if column in kept else 0.0 for column in range(amounts.shape[1])]
        kept.pop(int(factors.argmin()))
    return [0.0] * amounts.shape[1]


def busy(costs: Costs, messages_a_second: float, plays_a_second: float) -> float:
    """Cores that all processes together keep busy."""
    return sum(cost.of(messages_a_second, plays_a_second) for cost in costs.values())


def most(costs: Costs, cores: float, messages_a_game: float, plays_a_game: float) -> float:
    """Games at once that keep so many cores busy, all processes on them. Rates are a game's, a second."""
    idle = sum(cost.idle for cost in costs.values())
    a_game = sum(cost.message * messages_a_game + cost.play * plays_a_game for cost in costs.values())
    return max(0.0, (cores - idle) / a_game) if a_game else math.inf


@dataclass(frozen=True, slots=True)
class Need:
    """What one kind of process needs."""

    cores: float
    """That are busy."""
    pods: int
    """Of one core each, filled to `FILL`; at least one."""


def needs(costs: Costs, games: int) -> dict[str, Need]:
    """What so many games of football at once need in a stadium's own time. The generator of the test is left out."""
    messages, plays = games * FRAMES_A_SECOND, games * PLAYS_A_SECOND
    found = {}
    for kind, cost in costs.items():
        if kind != GENERATOR:
            cores = cost.of(messages, plays)
            found[kind] = Need(cores, max(1, math.ceil((cores - cost.idle) / (FILL - min(cost.idle, FILL / 2)))))
    return found


def _print(costs: Costs, recordings: Iterable[Recording]) -> None:
    print(f"{'process':12} {'idle, of a core':>16} {'a message, µs':>14} {'a play, ms':>11}")
    for kind, cost in costs.items():
        print(f"{kind:12} {100 * cost.idle:15.1f}% {1e6 * cost.message:14.0f} {1e3 * cost.play:11.2f}")
    print()
    for each in recordings:
        rates = each.messages / each.seconds, each.plays_recorded / each.seconds
        took = sum(merged(each).values()) / each.seconds
        print(
            f"{each.scenario} ×{each.scale}: {took:.2f} cores busy, {busy(costs, *rates):.2f} by the model;"
            f" two cores: {2 * rates[1] / took:.0f} plays a second"
        )
    print()
    print(f"{'games':>6} " + " ".join(f"{kind:>18}" for kind in costs if kind != GENERATOR))
    for games in (10, 100, 1000):
        row = needs(costs, games).values()
        print(f"{games:>6} " + " ".join(f"{need.cores:8.2f} → {need.pods:3} pods" for need in row))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m loadtest.capacity", description=__doc__)
    parser.add_argument("recordings", nargs="+", type=Path)
    recordings = [Recording.load(path) for path in parser.parse_args().recordings]
    _print(fit(recordings), recordings)


if __name__ == "__main__":
    main()
