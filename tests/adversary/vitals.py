"""What processes hold while they are attacked: memory and descriptors."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_PAGE: Final = 4096
_EVERY_SECONDS: Final = 1.0
SETTLED: Final = 0.3
"""The part of a run after which a process has what it needs: caches are full, pools have grown."""


@dataclass(frozen=True, slots=True)
class Held:
    """By a process and all that it started, at one moment."""

    seconds: float
    processes: frozenset[int]
    resident_bytes: int
    descriptors: int


@dataclass(frozen=True, slots=True)
class Growth:
    """What a process holds at the end of a run, beside what it held when it had settled."""

    resident_bytes: tuple[int, int]
    descriptors: tuple[int, int]
    seconds: float

    @property
    def grown_bytes(self) -> int:
        """Between the two."""
        return self.resident_bytes[1] - self.resident_bytes[0]

    @property
    def grown_descriptors(self) -> int:
        """Between the two."""
        return self.descriptors[1] - self.descriptors[0]

    def __str__(self) -> str:
        before, after = (bytes_ / 2**20 for bytes_ in self.resident_bytes)
        opened, open_ = self.descriptors
        return f"{before:6.0f} → {after:6.0f} MiB   {opened:4} → {open_:4} descriptors"


@dataclass
class Vitals:
    """Of processes by name, taken once a second."""

    samples: dict[str, list[Held]] = field(default_factory=dict)

    async def watch(self, processes: Callable[[], Mapping[str, int]]) -> None:
        """Runs until it is cancelled. `processes` are the ids of those that lead a group each, by name."""
        while True:
            for name, pid in processes().items():
                held = await asyncio.to_thread(held_by, pid)
                if held is not None:
                    self.samples.setdefault(name, []).append(held)
            await asyncio.sleep(_EVERY_SECONDS)

    def growth(self) -> Mapping[str, Growth]:
        """Of every process that has been the same one since it had settled, and was seen often enough to say."""
        return {name: grown for name, samples in self.samples.items() if (grown := _growth(samples)) is not None}


def held_by(pid: int) -> Held | None:
    """What a process and the rest of its group hold; None if it is gone."""
    group = [each for each in _group(pid) if (Path("/proc") / str(each)).exists()]
    resident = descriptors = 0
    seen = set()
    for each in group:
        with suppress(OSError, ValueError, IndexError):
            folder = Path("/proc") / str(each)
            resident += int((folder / "statm").read_text().split()[1]) * _PAGE
            descriptors += sum(1 for _ in (folder / "fd").iterdir())
            seen.add(each)
    return Held(time.monotonic(), frozenset(seen), resident, descriptors) if pid in seen else None


def _group(leader: int) -> Sequence[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, _, rest = stat.read_text().rpartition(") ")
            if int(rest.split()[2]) == leader:
                found.append(int(stat.parent.name))
    return found


def _growth(samples: Sequence[Held]) -> Growth | None:
    began, ended = samples[0].seconds, samples[-1].seconds
    settled = began + SETTLED * (ended - began)
    later = [each for each in samples if each.seconds >= settled]
    part = max(len(later) // 6, 1)
    if len(later) < 6 or len({each.processes for each in later}) > 1:
        return None
    first, last = later[:part], later[-part:]

    def between(of: Callable[[Held], int]) -> tuple[int, int]:
        return int(statistics.median(map(of, first))), int(statistics.median(map(of, last)))

    return Growth(between(lambda held: held.resident_bytes), between(lambda held: held.descriptors), ended - settled)
