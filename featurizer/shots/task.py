"""Shots, as the featurizer's core sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from featurizer.core.segments import Footage
from featurizer.core.task import Task
from featurizer.shots.factors import SPECIFICATION
from featurizer.shots.shot import LOOK_BACK_SECONDS, Shot
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.features import FeatureSpecification
from playscore.game import GameHeader, PlayContext, Player
from playscore.shots import GOALIE, SHOOTER, SHOOTING_TEAM, NetState, ShotSituation, situation_of
from playscore.subjects import Subject

MIN_RATE_HERTZ: Final = 5.0
MAX_RATE_HERTZ: Final = 60.0


class ShotsTask:
    """Hockey shots: the `Task` of this folder."""

    name: Final = "shots"
    number: Final = 2
    specification: Final[FeatureSpecification] = SPECIFICATION

    def check_header(self, header: GameHeader) -> None:
        """Raise FRAME_RATE_UNSUPPORTED or COORDINATES_UNDECLARED for a game whose film cannot be read.

        A game that is not filmed has neither.
        """
        rate = header.frame_rate_hertz
        if rate is None:
            return
        if header.coordinates is None:
            raise PlayscoreError(
                Reason.COORDINATES_UNDECLARED,
                "the header states a frame rate but no coordinates by which to read the frames",
                fields=(FieldViolation("header.coordinates", "must be set"),),
            )
        if not MIN_RATE_HERTZ <= rate <= MAX_RATE_HERTZ:
            raise PlayscoreError(
                Reason.FRAME_RATE_UNSUPPORTED,
                f"frame_rate_hertz is {rate:g}; shots are read at {MIN_RATE_HERTZ:g} to {MAX_RATE_HERTZ:g}",
                fields=(
                    FieldViolation(
                        "header.frame_rate_hertz", f"must be {MIN_RATE_HERTZ:g} to {MAX_RATE_HERTZ:g}, or absent"
                    ),
                ),
            )

    def reads(self, context: PlayContext) -> bool:
        """Whether it is a shot."""
        return isinstance(context.situation, ShotSituation)

    def first_frame(self, header: GameHeader, context: PlayContext) -> int:
        """As far back as a late event may have to be looked for, and how the attack began."""
        if context.release_frame is None or header.frame_rate_hertz is None:
            return context.opens_at_frame or 0
        return max(1, context.release_frame - math.ceil(LOOK_BACK_SECONDS * header.frame_rate_hertz))

    def subjects(self, roster: Mapping[str, Player], context: PlayContext) -> tuple[Subject, ...]:
        """The shooter, their team, and the goalie where one is known; without identifiers what is not known."""
        situation, team_id = situation_of(context), context.attacking_team_id
        shooter = Subject(SHOOTER, situation.shooter_id, _name(roster, situation.shooter_id), team_id)
        team = Subject(SHOOTING_TEAM, team_id, team_id, team_id)
        if not situation.goalie_id or situation.net_state is NetState.EMPTY:
            return shooter, team
        goalie = roster.get(situation.goalie_id)
        return (
            shooter,
            team,
            Subject(
                GOALIE,
                situation.goalie_id,
                _name(roster, situation.goalie_id),
                "" if goalie is None else goalie.team_id,
            ),
        )

    def open(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext, film: Footage) -> Shot:
        """Open a shot; film may have come already."""
        return Shot(header, roster, context, film, self.subjects(roster, context))


def _name(roster: Mapping[str, Player], player_id: str) -> str:
    player = roster.get(player_id)
    return "" if player is None else player.display_name


SHOTS: Final[Task] = ShotsTask()
"""The shots task."""
