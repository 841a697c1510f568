"""What the columns of a play tensor are: names, units and order, under one identifier."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from playscore.game import Sport


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a tensor."""

    name: str
    unit: str
    description: str


@dataclass(frozen=True)
class FeatureSpecification:
    """The columns of `PlayTensor.frames` (C) and `PlayTensor.statics` (S), in order, at one frame rate."""

    sport: Sport
    frame_rate_hertz: float
    frame_columns: tuple[Column, ...]
    static_columns: tuple[Column, ...]

    @cached_property
    def id(self) -> str:
        """Digest of sport, frame rate, names, units and order; descriptions may be reworded."""

        def named(columns: Sequence[Column]) -> list[list[str]]:
            return [[column.name, column.unit] for column in columns]

        canonical = json.dumps(
            [self.sport.name, self.frame_rate_hertz, named(self.frame_columns), named(self.static_columns)],
            separators=(",", ":"),
        )
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]
