"""The inference port: what the scorer asks of whatever runs a released graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from playscore.game import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """N plays of one bucket, padded on the right to its length T."""

    frames: Floats
    """(N, T, C)"""
    mask: Floats
    """(N, T): 1 where a frame is real, 0 where it is padding."""
    statics: Floats
    """(N, S)"""

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, slots=True, eq=False)
class Outputs:
    """What the graph says of a batch."""

    logits: Floats
    """(N, K): log probabilities of the bins, up to a constant."""
    tails: Floats
    """(N, 4): lower shape, lower scale, upper shape, upper scale; scales in yards."""


class Inference(Protocol):
    """Runs the released graphs of one model."""

    async def open(self) -> None:
        """Acquires what is needed. What does not answer yet is no error: `ready` says so."""

    async def ready(self, version: int) -> bool:
        """Whether that version answers now. Never raises."""

    async def infer(self, version: int, batch: Batch, deadline: float) -> Outputs:
        """Runs one batch, done before `deadline` (seconds of `time.monotonic`) or not at all.

        Raises:
            PlayscoreError: INFERENCE_UNAVAILABLE, or OVERLOADED with a time to come back.
            TimeoutError: the deadline has passed.
        """

    async def close(self) -> None:
        """Lets everything go."""
