"""The parts of messages that are passing's own."""

from __future__ import annotations

from playscore.feed.v1.feed_pb2 import PlayContext
from playscore.limits import is_identifier
from playscore.passing import PASSER
from playscore.subjects import Subject


def subjects_in(context: PlayContext) -> tuple[Subject, ...]:
    """Whose pass it is by a context that may be wrong in itself: what is no identifier is left out."""
    passer_id, team_id = context.football.passer_id, context.attacking_team_id
    return (
        Subject(
            PASSER,
            passer_id if is_identifier(passer_id) else "",
            "",
            team_id if is_identifier(team_id) else "",
        ),
    )
