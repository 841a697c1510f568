"""The situation, outcome and split attributes of a shot."""

from __future__ import annotations

from typing import Final

from playscore.hockey.v1 import hockey_pb2 as messages
from playscore.shots import PrecedingEvent, ShotAttributes, ShotOutcome, ShotSituation
from playscore.wire.mirror import Mirror

_EVENT: Final = Mirror(PrecedingEvent, messages.PrecedingEvent)
_SITUATION: Final = Mirror(ShotSituation, messages.ShotSituation, leaving=("preceding_events",))
_OUTCOME: Final = Mirror(ShotOutcome, messages.ShotOutcome, renamed={"revision": "outcome_revision"})
_ATTRIBUTES: Final = Mirror(ShotAttributes, messages.ShotAttributes)


def situation_to_message(situation: ShotSituation) -> messages.ShotSituation:
    """A shot up to its release, as it travels."""
    events = [_EVENT.to_message(event) for event in situation.preceding_events]
    message: messages.ShotSituation = _SITUATION.to_message(situation, preceding_events=events)
    return message


def situation_from_message(message: messages.ShotSituation, path: str) -> ShotSituation:
    """A shot up to its release. Raises FIELD_INVALID."""
    events = tuple(
        _EVENT.from_message(event, f"{path}.preceding_events[{place}]")
        for place, event in enumerate(message.preceding_events)
    )
    return _SITUATION.from_message(message, path, preceding_events=events)


def outcome_to_message(outcome: ShotOutcome) -> messages.ShotOutcome:
    """The result of a shot, as it travels."""
    message: messages.ShotOutcome = _OUTCOME.to_message(outcome)
    return message


def outcome_from_message(message: messages.ShotOutcome, path: str = "outcome") -> ShotOutcome:
    """The result of a shot. Raises FIELD_INVALID."""
    return _OUTCOME.from_message(message, path)


def attributes_to_message(attributes: ShotAttributes) -> messages.ShotAttributes:
    """What splits can be made by, as it travels."""
    message: messages.ShotAttributes = _ATTRIBUTES.to_message(attributes)
    return message


def attributes_from_message(message: messages.ShotAttributes, path: str = "shot_attributes") -> ShotAttributes:
    """What splits can be made by. Raises FIELD_INVALID."""
    return _ATTRIBUTES.from_message(message, path)
