"""What splits can be made by, and what is measured."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, TypeAlias

from aggregator.core.arrays import Numbers, Texts

Derive: TypeAlias = Callable[[Mapping[str, Numbers], Mapping[str, Texts]], Numbers]
"""(N,) numbers that follow from the measures, each (N,), and the outcomes of N graded scores."""


PLAY_ID: Final = "play_id"


class FieldType(enum.Enum):
    """What a field holds."""

    INTEGER = "a whole number"
    NUMBER = "a number"
    BOOLEAN = "true or false"
    STRING = "a string"
    ENUM = "one of a few values"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a filter."""

    name: str
    type: FieldType
    unit: str
    description: str
    values: tuple[str, ...] = ()
    """All there are, for an ENUM."""
    names_player: bool = False
    """It holds a player's identifier, who may ask to be erased."""

    @property
    def groups(self) -> bool:
        """Whether ratings can be grouped by it: it says what kind a play is of, not how much of something there was."""
        return self.type is not FieldType.NUMBER and self.name != PLAY_ID


IDENTITY: Final = (
    Field("game_id", FieldType.STRING, "", "The source's identifier of the game."),
    Field(PLAY_ID, FieldType.STRING, "", "The source's identifier of the play, unique in the game."),
    Field("subject_id", FieldType.STRING, "", "Whose play it is."),
)
"""Fields that every score has: they are part of its key."""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A task's measures and split fields.

    Three attributes mean the same in every task that has them. `season` and `week`, whole numbers, say when a game was
    played. `team_id`, a string, is the subject's team.
    """

    measures: tuple[str, ...]
    """Numbers that every graded score has, and that are added up."""
    attributes: tuple[Field, ...]
    """Fields that may be absent from a score."""
    outcome: tuple[str, ...] = ()
    """Texts that a graded score may have besides: no field of a split."""
    derived: Mapping[str, Derive] = field(default_factory=dict)
    """Numbers by name that follow from what a graded score has. They are added up like measures, and not kept."""
    fields: Mapping[str, Field] = field(init=False)
    """Those of the identity and the attributes by name, in the order of the names."""

    def __post_init__(self) -> None:
        every = sorted((*IDENTITY, *self.attributes), key=lambda each: each.name)
        object.__setattr__(self, "fields", MappingProxyType({each.name: each for each in every}))
