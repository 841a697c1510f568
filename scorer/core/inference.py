"""The inference port: what the scorer asks of whatever runs released graphs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from playscore.game import Floats
from playscore.release import ModelVersion


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """N plays of one bucket, padded on the right to its length T. Without columns C, statics alone describe them."""

    frames: Floats
    """(N, T, C)"""
    mask: Floats
    """(N, T): 1 where a frame is real, 0 where it is padding."""
    statics: Floats
    """(N, S)"""
    traceparent: str = ""
    """The trace that running the batch belongs to; empty for none."""

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def inputs(self) -> Mapping[str, Floats]:
        """What a graph takes, by the names that `playscore.release` gives them."""
        if not self.frames.shape[2]:
            return {"static": self.statics}
        return {"frames": self.frames, "mask": self.mask, "static": self.statics}


Outputs: TypeAlias = Mapping[str, Floats]
"""What a graph outputs for a batch: tensors (N, …), by the names that the release gives them."""


class Inference(Protocol):
    """Runs released graphs."""

    async def open(self) -> None:
        """Acquires what is needed. A server that does not answer yet is no error; `ready` tells."""

    async def ready(self, model: ModelVersion) -> bool:
        """Whether the model can be used now. Never raises."""

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        """Runs one batch before `deadline` (seconds of `time.monotonic`).

        Raises:
            PlayscoreError: INFERENCE_UNAVAILABLE, or OVERLOADED with a retry hint.
            TimeoutError: the deadline has passed.
        """

    async def close(self) -> None:
        """Releases everything."""
