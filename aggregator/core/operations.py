"""What operators do to a store: switch the model that a league is rated by, and erase."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from aggregator.core.erasing import ErasedPlayer
from aggregator.core.revision import Revision
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion


@dataclass(frozen=True, slots=True)
class SwitchRequest:
    """Asks to rate a league by a model."""

    request_id: str
    digest: bytes
    """Of the request's content: tells it apart from any other request's."""
    caller: str
    """Empty where nobody is named."""
    league: str
    task: int
    model: ModelVersion
    default: ModelVersion
    """The one that it is rated by where it was never switched."""
    expected: ModelVersion | None
    """The one that is to be replaced; None: whatever it is."""

    def settle(self, rated_by: ModelVersion | None) -> ModelSwitch:
        """What it comes to where the league was last switched to `rated_by`; None: it never was.

        Raises MODEL_CHANGED where another model is expected.
        """
        previous = rated_by or self.default
        if self.expected not in (None, previous):
            raise PlayscoreError(
                Reason.MODEL_CHANGED,
                f"{self.league} is rated by {previous}, not by {self.expected} as expected; "
                "look at what was done, and expect that model if it is still to be replaced",
            )
        return ModelSwitch(self.task, previous, self.model)


@dataclass(frozen=True, slots=True)
class EraseRequest:
    """Asks to erase a player, or a league."""

    request_id: str
    digest: bytes
    caller: str
    league: str
    subject_id: str | None
    """None: the whole league."""
    justification: str
    mentions: frozenset[str]
    """Attributes that name players: where they name this one, they are taken out."""

    @property
    def player(self) -> ErasedPlayer | None:
        """Who is erased; None: the whole league."""
        return None if self.subject_id is None else ErasedPlayer(self.league, self.subject_id, self.mentions)


@dataclass(frozen=True, slots=True)
class ModelSwitch:
    """A league's model was switched."""

    task: int
    previous: ModelVersion
    model: ModelVersion


@dataclass(frozen=True, slots=True)
class Erasure:
    """Records were erased, so many of each kind."""

    whole_league: bool
    justification: str
    scores: int
    superseded: int
    unscored: int
    mentions: int


Effect: TypeAlias = ModelSwitch | Erasure


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done, and the first state that has it."""

    effect: Effect
    revision: Revision


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that an operator did."""

    time: datetime
    caller: str
    request_id: str
    league: str
    applied: Applied
