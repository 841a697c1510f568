"""The parts of messages that are face-offs' own."""

from __future__ import annotations

from playscore.faceoffs import FACEOFF_TAKER
from playscore.feed.v1.feed_pb2 import PlayContext
from playscore.limits import is_identifier
from playscore.subjects import Subject


def subjects_in(context: PlayContext) -> tuple[Subject, ...]:
    """Who takes a face-off by a context that may be wrong in itself: what is no identifier is left out."""
    takers = (context.faceoff.taker_id, context.faceoff.opponent_id)
    return tuple(Subject(FACEOFF_TAKER, taker, "", "") for taker in takers if is_identifier(taker))
