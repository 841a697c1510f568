"""What a source knows of a game, message by message."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.message import Message

from playscore.faceoffs import FaceoffOutcome, FaceoffSituation
from playscore.feed.v1 import feed_pb2 as messages
from playscore.football.v1 import football_pb2 as football
from playscore.game import (
    AttackingDirection,
    PlayContext,
    PlayStatus,
)
from playscore.hockey.v1.hockey_pb2 import FACEOFF_RESULT_UNSPECIFIED, SHOT_RESULT_UNSPECIFIED
from playscore.passing import FootballSituation, PassOutcome
from playscore.shots import ShotOutcome, ShotSituation
from playscore.wire import faceoffs, passing, shots
from playscore.wire.common import number
from playscore.wire.validation import check

_WITHOUT_YARDS: Final = frozenset(
    {
        football.PASS_RESULT_INCOMPLETE,
        football.PASS_RESULT_INTERCEPTED,
        football.PASS_RESULT_SACK,
        football.PASS_RESULT_SCRAMBLE,
    }
)
"""Results that are known without yards: there are none, or they do not count."""


def context_to_message(context: PlayContext) -> messages.PlayContext:
    """What is known of a play, as it travels."""
    message = messages.PlayContext(
        play_id=context.play_id,
        revision=context.revision,
        segment_id=context.segment_id,
        opens_at_frame=context.opens_at_frame,
        status=number(context.status),
        attacking_team_id=context.attacking_team_id,
        attacking_direction=number(context.attacking_direction),
        complete=context.complete,
        release_frame=context.release_frame,
    )
    match context.situation:
        case FootballSituation():
            message.football.CopyFrom(passing.situation_to_message(context.situation))
        case ShotSituation():
            message.shot.CopyFrom(shots.situation_to_message(context.situation))
        case FaceoffSituation():
            message.faceoff.CopyFrom(faceoffs.situation_to_message(context.situation))
    return message


def context_from_message(message: messages.PlayContext, path: str = "context") -> PlayContext:
    """What is known of a play. Raises FIELD_INVALID."""
    check(message, path, leaving=("football", "shot", "faceoff"))
    situation: object | None = None
    match message.WhichOneof("situation"):
        case "football":
            situation = passing.situation_from_message(message.football, f"{path}.football")
        case "shot":
            situation = shots.situation_from_message(message.shot, f"{path}.shot")
        case "faceoff":
            situation = faceoffs.situation_from_message(message.faceoff, f"{path}.faceoff")
    return PlayContext(
        play_id=message.play_id,
        attacking_team_id=message.attacking_team_id,
        situation=situation,
        attacking_direction=AttackingDirection(message.attacking_direction) if message.attacking_direction else None,
        revision=message.revision,
        segment_id=message.segment_id,
        opens_at_frame=message.opens_at_frame if message.HasField("opens_at_frame") else None,
        status=PlayStatus(message.status) if message.status else None,
        complete=message.complete,
        release_frame=message.release_frame if message.HasField("release_frame") else None,
    )


def result_to_message(play_id: str, outcome: object) -> messages.OfficialResult:
    """What a play came to, as it travels."""
    message = messages.OfficialResult(play_id=play_id)
    match outcome:
        case PassOutcome():
            message.pass_outcome.CopyFrom(passing.outcome_to_message(outcome))
        case ShotOutcome():
            message.shot_outcome.CopyFrom(shots.outcome_to_message(outcome))
        case FaceoffOutcome():
            message.faceoff_outcome.CopyFrom(faceoffs.outcome_to_message(outcome))
    return message


def result_from_message(
    message: messages.OfficialResult, path: str = "official_result"
) -> PassOutcome | ShotOutcome | FaceoffOutcome | None:
    """What a play came to; None where no outcome that is known here is set. Raises as its task does."""
    check(message, path, leaving=("pass_outcome", "shot_outcome", "faceoff_outcome"))
    match message.WhichOneof("outcome"):
        case "pass_outcome":
            return passing.outcome_from_message(message.pass_outcome, f"{path}.pass_outcome")
        case "shot_outcome":
            return shots.outcome_from_message(message.shot_outcome, f"{path}.shot_outcome")
        case "faceoff_outcome":
            return faceoffs.outcome_from_message(message.faceoff_outcome, f"{path}.faceoff_outcome")
    return None


def outcome_revision(message: messages.OfficialResult) -> int:
    """Which official result of its play it is, counted from 1; 0 where the source does not count."""
    outcome = message.WhichOneof("outcome")
    revision: int = getattr(message, outcome).outcome_revision if outcome else 0
    return revision


def is_later(told: messages.OfficialResult, known: messages.OfficialResult | None) -> bool:
    """Whether a result counts in place of the one that is known of its play, if any: of two at one count the first."""
    return known is None or outcome_revision(told) > outcome_revision(known)


def is_settled(message: messages.OfficialResult) -> bool:
    """Whether it says what the play came to: a result that only announces one to come does not."""
    match message.WhichOneof("outcome"):
        case "pass_outcome":
            outcome = message.pass_outcome
            return outcome.HasField("yards_gained") or outcome.result in _WITHOUT_YARDS
        case "shot_outcome":
            return message.shot_outcome.result != SHOT_RESULT_UNSPECIFIED
        case "faceoff_outcome":
            return message.faceoff_outcome.result != FACEOFF_RESULT_UNSPECIFIED
    return False


def merged(contexts: Iterable[messages.PlayContext]) -> messages.PlayContext:
    """What is known of a play from its contexts, of which each has a revision of its own, in any order.

    In the order of their revisions a set field replaces, a list as a whole, and a context that is `complete` clears
    what came before it.
    """
    known = messages.PlayContext()
    for context in sorted(contexts, key=lambda context: context.revision):
        if context.complete:
            known.Clear()
        _clear_told_lists(known, context)
        known.MergeFrom(context)
    return known


def _clear_told_lists(known: Message, told: Message) -> None:
    """Clear each list that is told anew, which merging would append to what was known."""
    for field, value in told.ListFields():
        if field.is_repeated:
            known.ClearField(field.name)
        elif field.message_type is not None and known.HasField(field.name):
            _clear_told_lists(getattr(known, field.name), value)
