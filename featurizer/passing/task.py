"""Passing, as the featurizer's core sees it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from featurizer.core.segments import Footage
from featurizer.core.task import Task
from featurizer.passing.columns import FRAME_RATE_HERTZ, SPECIFICATION
from featurizer.passing.play import PassPlay
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.features import FeatureSpecification
from playscore.game import GameHeader, PlayContext, Player
from playscore.passing import PASSER, FootballSituation, situation_of
from playscore.subjects import Subject


class PassingTask:
    """Football passes: the `Task` of this folder."""

    name: Final = "passing"
    number: Final = 1
    specification: Final[FeatureSpecification] = SPECIFICATION

    def check_header(self, header: GameHeader) -> None:
        """Raise COORDINATES_UNDECLARED or FRAME_RATE_UNSUPPORTED: positions are read, at ten frames per second."""
        if header.coordinates is None:
            raise PlayscoreError(
                Reason.COORDINATES_UNDECLARED,
                "the header states no coordinates; the passing score reads positions and does not guess what they mean",
                fields=(FieldViolation("header.coordinates", "must be set"),),
            )
        if header.frame_rate_hertz != FRAME_RATE_HERTZ:
            rate = "not stated" if header.frame_rate_hertz is None else header.frame_rate_hertz
            raise PlayscoreError(
                Reason.FRAME_RATE_UNSUPPORTED,
                f"frame_rate_hertz is {rate}; the passing score works at {FRAME_RATE_HERTZ:g} frames"
                " a second and resamples nothing",
                fields=(FieldViolation("header.frame_rate_hertz", f"must be {FRAME_RATE_HERTZ:g}"),),
            )

    def reads(self, context: PlayContext) -> bool:
        """Whether it is a football play."""
        return isinstance(context.situation, FootballSituation)

    def first_frame(self, header: GameHeader, context: PlayContext) -> int:
        """Where the play opens, else the release: film from before it only helps."""
        known = context.opens_at_frame if context.opens_at_frame is not None else context.release_frame
        return known or 0

    def subjects(self, roster: Mapping[str, Player], context: PlayContext) -> tuple[Subject, ...]:
        """The passer, as far as known; their team is the attacking one where the roster does not tell."""
        passer_id = situation_of(context).passer_id
        passer = roster.get(passer_id)
        if passer is None:
            return (Subject(PASSER, passer_id, "", context.attacking_team_id),)
        return (Subject(PASSER, passer_id, passer.display_name, passer.team_id),)

    def open(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext, film: Footage) -> PassPlay:
        """Open a pass; film may have come already."""
        return PassPlay(header, roster, context, film)


PASSING: Final[Task] = PassingTask()
"""The passing task."""
