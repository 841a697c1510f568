"""What a load test recorded: all that its verdict and its page are made from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from loadtest.histograms import Buckets, Latencies

FORMAT: Final = 1
STAGES: Final = "playscore_pipeline_stage_seconds"
"""What the workers measure of each stage."""


@dataclass(frozen=True, slots=True)
class Second:
    """The plays that closed in one second of the schedule."""

    at: int
    """Seconds after the begin."""
    plays: int
    p50: float
    """Closing message to readable rating, seconds."""
    longest: float


@dataclass(frozen=True, slots=True)
class Part:
    """What one process took, where it ran on this machine."""

    cpu_seconds: float
    """While the load ran."""
    memory_bytes: int
    """At its end, resident, of it and its children."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One load test."""

    scenario: str
    scale: int
    target: str
    """What was tested, in words."""
    games: int
    seconds: float
    """From the first message's intended time until everything was recorded."""
    messages: int
    """That were published."""
    plays_told: int
    plays_recorded: int
    plays_scored: int
    """Of those recorded."""
    flat_out: bool
    """Everything was due at once."""
    lag: Latencies
    """How late the generator came to each of its messages."""
    readable: Latencies
    """From a play's intended closing message to its rating's being readable, as a reader of the service saw it."""
    seconds_of_plays: Sequence[Second] = ()
    series: Sequence[Buckets] = ()
    """The services' own histograms; empty where no process was named that shows them."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """By process; empty where they did not run on this machine."""

    def stage(self, stage: str) -> Buckets | None:
        """What the workers measured of a stage; None where nothing was."""
        found = [each for each in self.series if each.metric == STAGES and each.labels.get("stage") == stage]
        return found[0] if found else None

    def as_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {
            "format": FORMAT,
            "scenario": self.scenario,
            "scale": self.scale,
            "target": self.target,
            "games": self.games,
            "seconds": self.seconds,
            "messages": self.messages,
            "plays_told": self.plays_told,
            "plays_recorded": self.plays_recorded,
            "plays_scored": self.plays_scored,
            "flat_out": self.flat_out,
            "lag": self.lag.as_json(),
            "readable": self.readable.as_json(),
            "seconds_of_plays": [[each.at, each.plays, each.p50, each.longest] for each in self.seconds_of_plays],
            "series": [each.as_json() for each in self.series],
            "parts": {name: [part.cpu_seconds, part.memory_bytes] for name, part in self.parts.items()},
        }

    @classmethod
    def from_json(cls, read: Mapping[str, Any]) -> Self:
        """What `as_json` wrote. Raises ValueError for another format."""
        if read.get("format") != FORMAT:
            raise ValueError(f"a recording of format {read.get('format')}, not {FORMAT}")
        plain = {
            name: read[name]
            for name in (
                *("scenario", "scale", "target", "games", "seconds", "messages"),
                *("plays_told", "plays_recorded", "plays_scored", "flat_out"),
            )
        }
        return cls(
            **plain,
            lag=Latencies.from_json(read["lag"]),
            readable=Latencies.from_json(read["readable"]),
            seconds_of_plays=[Second(*each) for each in read["seconds_of_plays"]],
            series=[Buckets.from_json(each) for each in read["series"]],
            parts={name: Part(*each) for name, each in read["parts"].items()},
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file that `playscore loadtest --json` wrote."""
        return cls.from_json(json.loads(path.read_text(encoding="utf-8"))["recording"])
