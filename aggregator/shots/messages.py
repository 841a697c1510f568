"""Which messages of the contract are a shot's, and how its subjects see it."""

from __future__ import annotations

from typing import Final

from aggregator.core.task import Task
from aggregator.messages import Perspective, TaskMessages
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM

_SHOOTING: Final = Perspective(
    {"shooting_team_id": "team_id", "defending_team_id": "opponent_id", "shooting_at_home": "home"}
)
_DEFENDING: Final = Perspective(
    {"shooting_team_id": "opponent_id", "defending_team_id": "team_id", "shooting_at_home": "home"},
    negated={"shooting_at_home"},
)


def shot_messages(task: Task) -> TaskMessages:
    """The edge of the shots task."""
    return TaskMessages(
        task,
        measure="shot_measure",
        attributes="shot_attributes",
        value="shots",
        perspectives={SHOOTER: _SHOOTING, SHOOTING_TEAM: _SHOOTING, GOALIE: _DEFENDING},
    )
