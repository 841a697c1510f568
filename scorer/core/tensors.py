"""What is known of a play, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

from playscore.game import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A play of T frames, every value finite."""

    frames: Floats
    """(T, C)"""
    statics: Floats
    """(S,)"""

    def __len__(self) -> int:
        return len(self.frames)
