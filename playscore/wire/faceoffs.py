"""The situation, outcome and split attributes of a face-off."""

from __future__ import annotations

from typing import Final

from playscore.faceoffs import FaceoffAttributes, FaceoffOutcome, FaceoffSituation
from playscore.hockey.v1 import hockey_pb2 as messages
from playscore.wire.mirror import Mirror
from playscore.wire.validation import invalid

_SITUATION: Final = Mirror(FaceoffSituation, messages.FaceoffSituation)
_OUTCOME: Final = Mirror(FaceoffOutcome, messages.FaceoffOutcome, renamed={"revision": "outcome_revision"})
_ATTRIBUTES: Final = Mirror(FaceoffAttributes, messages.FaceoffAttributes)


def situation_to_message(situation: FaceoffSituation) -> messages.FaceoffSituation:
    """A face-off before the drop, as it travels."""
    message: messages.FaceoffSituation = _SITUATION.to_message(situation)
    return message


def situation_from_message(message: messages.FaceoffSituation, path: str) -> FaceoffSituation:
    """A face-off before the drop. Raises FIELD_INVALID, also for somebody who won more face-offs than they took."""
    situation = _SITUATION.from_message(message, path)
    for whose in ("taker", "opponent"):
        wins, taken = getattr(situation, f"{whose}_wins"), getattr(situation, f"{whose}_faceoffs")
        if wins is not None and taken is not None and wins > taken:
            raise invalid(f"{path}.{whose}_wins", f"must be at most {whose}_faceoffs, {taken}, not {wins}")
    return situation


def outcome_to_message(outcome: FaceoffOutcome) -> messages.FaceoffOutcome:
    """The result of a face-off, as it travels."""
    message: messages.FaceoffOutcome = _OUTCOME.to_message(outcome)
    return message


def outcome_from_message(message: messages.FaceoffOutcome, path: str = "outcome") -> FaceoffOutcome:
    """The result of a face-off. Raises FIELD_INVALID."""
    return _OUTCOME.from_message(message, path)


def attributes_to_message(attributes: FaceoffAttributes) -> messages.FaceoffAttributes:
    """What splits can be made by, as it travels."""
    message: messages.FaceoffAttributes = _ATTRIBUTES.to_message(attributes)
    return message


def attributes_from_message(message: messages.FaceoffAttributes, path: str = "faceoff_attributes") -> FaceoffAttributes:
    """What splits can be made by. Raises FIELD_INVALID."""
    return _ATTRIBUTES.from_message(message, path)
