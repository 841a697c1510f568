"""The parts of messages that are shots' own."""

from __future__ import annotations

from playscore.feed.v1.feed_pb2 import PlayContext
from playscore.limits import is_identifier
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM
from playscore.subjects import Subject


def subjects_in(context: PlayContext) -> tuple[Subject, ...]:
    """Whose shot it is by a context that may be wrong in itself: what is no identifier is left out."""
    team_id = context.attacking_team_id if is_identifier(context.attacking_team_id) else ""
    shooter_id, goalie_id = context.shot.shooter_id, context.shot.goalie_id
    subjects = [
        Subject(SHOOTER, shooter_id if is_identifier(shooter_id) else "", "", team_id),
        Subject(SHOOTING_TEAM, team_id, team_id, team_id),
    ]
    if is_identifier(goalie_id):
        subjects.append(Subject(GOALIE, goalie_id, "", ""))
    return tuple(subjects)
