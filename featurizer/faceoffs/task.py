"""Face-offs, as the featurizer's core sees them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from featurizer.core.flags import flagged
from featurizer.core.outcomes import NO_FRAMES, Tensor
from featurizer.core.segments import Footage
from featurizer.core.task import Task
from featurizer.faceoffs.columns import COLUMNS, PRIOR_FACEOFFS, SPECIFICATION
from featurizer.shots.events import held_difference
from featurizer.shots.ice import Ice, sign_of
from playscore import rink
from playscore.errors import PlayscoreError, Reason
from playscore.faceoffs import FACEOFF_TAKER, FaceoffAttributes, FaceoffSituation, RinkZone, situation_of
from playscore.features import FeatureSpecification
from playscore.game import GameHeader, HomeSide, PlayContext, Player
from playscore.shots import Handedness, Strength
from playscore.subjects import Subject


class Faceoff:
    """A face-off: the `OpenPlay` of this folder. It has no film."""

    def __init__(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext) -> None:
        """Open it; `roster` may grow while it is open."""
        self._header = header
        self._roster = roster
        self._context = context
        self._situation = situation_of(context)

    def is_complete(self) -> bool:
        """Always: all that is known of it is in its context."""
        return True

    def tensor(self) -> Tensor:
        """What is known before the drop. Raises OFFENSE_UNKNOWN, or TAKERS_UNKNOWN."""
        header, situation, team_id = self._header, self._situation, self._context.attacking_team_id
        if team_id not in header.team_ids:
            home, away = header.team_ids
            raise PlayscoreError(
                Reason.OFFENSE_UNKNOWN, f"attacking_team_id is {team_id!r}; the teams are {home!r} and {away!r}"
            )
        if not (situation.taker_id and situation.opponent_id) or situation.taker_id == situation.opponent_id:
            raise PlayscoreError(
                Reason.TAKERS_UNKNOWN,
                f"taker_id is {situation.taker_id!r} and opponent_id {situation.opponent_id!r}; a face-off has two"
                " takers",
            )
        place = self._place()
        home_side = team_id == header.home_team_id if header.home_side is HomeSide.STATED else None
        values = _values(situation, place, home_side)
        return Tensor(
            play_id=self._context.play_id,
            revision=self._context.revision,
            specification_id=SPECIFICATION.id,
            frames=NO_FRAMES,
            statics=flagged(values[column.name] for column in COLUMNS),
            subjects=FACEOFFS.subjects(self._roster, self._context),
            attributes=FaceoffAttributes(
                season=header.season,
                period=situation.period,
                game_clock_seconds=situation.game_clock_seconds,
                team_id=team_id,
                opponent_team_id=next(each for each in header.team_ids if each != team_id),
                opponent_id=situation.opponent_id,
                home=home_side,
                zone=None if place is None else zone_of(place[0]),
                strength=Strength.of(situation.taker_skaters, situation.opponent_skaters),
                score_difference=_difference(situation.taker_score, situation.opponent_score),
                is_taker=True,
            ),
        )

    def _place(self) -> tuple[float, float] | None:
        """Where it is taken, feet, the taker's team attacking +x; None where that is not known."""
        coordinates, situation = self._header.coordinates, self._situation
        sign = sign_of(self._context.attacking_direction)
        if coordinates is None or situation.x is None or situation.y is None:
            return None
        x, y = Ice(coordinates, sign or 1).place(situation.x, situation.y)
        return (x, y) if sign is not None or abs(x) <= rink.BLUE_LINE_X_FEET else None


def zone_of(x: float) -> RinkZone:
    """The third of the ice that a place is in, feet, the team attacking +x."""
    if abs(x) <= rink.BLUE_LINE_X_FEET:
        return RinkZone.NEUTRAL
    return RinkZone.OFFENSIVE if x > 0 else RinkZone.DEFENSIVE


def record(wins: int | None, taken: int | None) -> float | None:
    """Share of face-offs won, with PRIOR_FACEOFFS even ones added; None where the record is not known."""
    if wins is None or taken is None:
        return None
    return (wins + PRIOR_FACEOFFS / 2.0) / (taken + PRIOR_FACEOFFS)


def _values(
    situation: FaceoffSituation, place: tuple[float, float] | None, home: bool | None
) -> dict[str, float | None]:
    own, others = situation.taker_skaters, situation.opponent_skaters
    difference = _difference(situation.taker_score, situation.opponent_score)
    zones = {RinkZone.OFFENSIVE: 1.0, RinkZone.NEUTRAL: 0.0, RinkZone.DEFENSIVE: -1.0}
    return {
        "taker_record": record(situation.taker_wins, situation.taker_faceoffs),
        "opponent_record": record(situation.opponent_wins, situation.opponent_faceoffs),
        "taker_experience": None if situation.taker_faceoffs is None else math.log1p(situation.taker_faceoffs),
        "opponent_experience": None if situation.opponent_faceoffs is None else math.log1p(situation.opponent_faceoffs),
        "zone": None if place is None else zones[zone_of(place[0])],
        "skater_advantage": float(own - others) if own and others else None,
        "home": None if home is None else (1.0 if home else -1.0),
        "score_difference": None if difference is None else held_difference(difference),
        "taker_forehand": _strong_side(situation.taker_shoots, place, 1.0),
        "opponent_forehand": _strong_side(situation.opponent_shoots, place, -1.0),
    }


def _strong_side(shoots: Handedness | None, place: tuple[float, float] | None, facing: float) -> float | None:
    """1 where a draw back on the backhand goes toward the boards, -1 where it goes toward the middle.

    Somebody who faces +x (`facing` 1) and shoots left draws back toward their right on the backhand.
    """
    if shoots is None or place is None or place[1] == 0.0:
        return None
    right_is = -facing
    backhand = right_is if shoots is Handedness.LEFT else -right_is
    return 1.0 if backhand * place[1] > 0 else -1.0


def _difference(own: int | None, others: int | None) -> int | None:
    return None if own is None or others is None else own - others


class FaceoffsTask:
    """Face-offs: the `Task` of this folder."""

    name: Final = "faceoffs"
    number: Final = 3
    specification: Final[FeatureSpecification] = SPECIFICATION

    def check_header(self, header: GameHeader) -> None:
        """Every game can be read: nothing filmed is."""

    def reads(self, context: PlayContext) -> bool:
        """Whether it is a face-off."""
        return isinstance(context.situation, FaceoffSituation)

    def first_frame(self, header: GameHeader, context: PlayContext) -> None:
        """No frame is needed."""

    def subjects(self, roster: Mapping[str, Player], context: PlayContext) -> tuple[Subject, ...]:
        """The taker and their opponent, as far as known."""
        situation = situation_of(context)
        return tuple(
            _subject(roster, player_id) for player_id in (situation.taker_id, situation.opponent_id) if player_id
        )

    def open(self, header: GameHeader, roster: Mapping[str, Player], context: PlayContext, film: Footage) -> Faceoff:
        """Open a face-off."""
        return Faceoff(header, roster, context)


def _subject(roster: Mapping[str, Player], player_id: str) -> Subject:
    player = roster.get(player_id)
    return Subject(
        FACEOFF_TAKER,
        player_id,
        "" if player is None else player.display_name,
        "" if player is None else player.team_id,
    )


FACEOFFS: Final[Task] = FaceoffsTask()
"""The face-offs task."""
