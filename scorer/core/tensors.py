"""A play as a model reads it."""

from __future__ import annotations

from dataclasses import dataclass

from playscore.game import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A play of T frames; of none, and no columns, where statics alone describe it. Every value is finite."""

    frames: Floats
    """(T, C)"""
    statics: Floats
    """(S,)"""

    def __len__(self) -> int:
        return len(self.frames)
