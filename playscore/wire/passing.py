"""The situation, outcome and split attributes of a pass."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from playscore.football.v1 import football_pb2 as messages
from playscore.passing import FootballSituation, PassAttributes, PassDepth, PassOutcome, PassResult, PlayKind
from playscore.wire.common import number
from playscore.wire.validation import check

_SITUATION: Final = tuple(field.name for field in fields(FootballSituation) if field.name != "kind")
_ATTRIBUTES: Final = tuple(field.name for field in fields(PassAttributes) if field.name != "depth")
_TEXTS: Final = frozenset({"passer_id", "target_id", "team_id", "opponent_id"})


def situation_to_message(situation: FootballSituation) -> messages.FootballSituation:
    """The situation before the snap, as it travels."""
    return messages.FootballSituation(
        kind=number(situation.kind), **{name: getattr(situation, name) for name in _SITUATION}
    )


def situation_from_message(message: messages.FootballSituation, path: str) -> FootballSituation:
    """The situation before the snap. Raises FIELD_INVALID."""
    check(message, path)
    return FootballSituation(kind=PlayKind(message.kind), **_known(message, _SITUATION))


def outcome_to_message(outcome: PassOutcome) -> messages.PassOutcome:
    """The result of a pass, as it travels."""
    return messages.PassOutcome(
        result=number(outcome.result), yards_gained=outcome.yards_gained, outcome_revision=outcome.revision
    )


def outcome_from_message(message: messages.PassOutcome, path: str = "outcome") -> PassOutcome:
    """The result of a pass. Raises FIELD_INVALID or YARDS_OUT_OF_RANGE."""
    check(message, path)
    result = PassResult(message.result) if message.result else None
    yards = message.yards_gained if message.HasField("yards_gained") else None
    if yards is None and result in (PassResult.INCOMPLETE, PassResult.INTERCEPTED):
        yards = 0.0
    return PassOutcome(result, yards, message.outcome_revision)


def attributes_to_message(attributes: PassAttributes) -> messages.PassAttributes:
    """What splits can be made by, as it travels."""
    return messages.PassAttributes(
        depth=number(attributes.depth), **{name: getattr(attributes, name) for name in _ATTRIBUTES}
    )


def attributes_from_message(message: messages.PassAttributes, path: str = "pass_attributes") -> PassAttributes:
    """What splits can be made by. Raises FIELD_INVALID."""
    check(message, path)
    return PassAttributes(depth=PassDepth(message.depth) if message.depth else None, **_known(message, _ATTRIBUTES))


def _known(message: Any, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: getattr(message, name) for name in names if name in _TEXTS or message.HasField(name)}
