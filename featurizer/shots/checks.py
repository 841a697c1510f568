"""What makes a shot one that is not scored, whatever its factors are."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.events import Event
from featurizer.shots.ice import FEET, Ice
from featurizer.shots.puck import Puck
from featurizer.shots.skaters import Skaters
from playscore import rink
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.game import GameHeader, LengthUnit, PlayContext
from playscore.shots import HockeyEventKind, ShotKind, ShotSituation

WHISTLE_SECONDS: Final = 1.0
"""Sources list what happens in one second in any order."""
SPOT_FEET: Final = 3.5
"""From a face-off spot to where a face-off can be."""
UNIT_FEET: Final = 36.0
"""Where a net stands that is told in yards, and a little more."""
MIN_SEEN_FOR_UNIT: Final = 6
FAR_FEET: Final = 20.0
"""From the shooter to a puck that they do not have."""
SPOTS: Final = np.array(
    [
        (0.0, 0.0),
        *((x, y) for x in (-rink.END_ZONE_DOT_X_FEET, rink.END_ZONE_DOT_X_FEET) for y in (-22.0, 22.0)),
        *((x, y) for x in (-rink.NEUTRAL_ZONE_DOT_X_FEET, rink.NEUTRAL_ZONE_DOT_X_FEET) for y in (-22.0, 22.0)),
    ]
)
"""(9, 2) where face-offs are taken, feet."""


def check_situation(header: GameHeader, context: PlayContext, situation: ShotSituation) -> None:
    """Raise PENALTY_SHOT, SHOOTOUT, AFTER_WHISTLE, OFFENSE_UNKNOWN or COORDINATES_UNDECLARED."""
    if context.attacking_team_id not in header.team_ids:
        home, away = header.team_ids
        raise PlayscoreError(
            Reason.OFFENSE_UNKNOWN,
            f"attacking_team_id is {context.attacking_team_id!r}; the teams are {home!r} and {away!r}",
        )
    match situation.kind:
        case ShotKind.PENALTY_SHOT:
            raise PlayscoreError(Reason.PENALTY_SHOT, "a penalty shot: nobody but shooter and goalie plays")
        case ShotKind.SHOOTOUT:
            raise PlayscoreError(Reason.SHOOTOUT, "an attempt in the shootout: nobody but shooter and goalie plays")
    if situation.x is not None and header.coordinates is None:
        raise PlayscoreError(
            Reason.COORDINATES_UNDECLARED,
            "the situation states x and y, but the header states no coordinates by which to read them",
            fields=(FieldViolation("header.coordinates", "must be set"),),
        )
    if situation.preceding_events:
        last = situation.preceding_events[0]
        if last.kind is HockeyEventKind.STOPPAGE and last.seconds_before > WHISTLE_SECONDS:
            raise PlayscoreError(
                Reason.AFTER_WHISTLE,
                f"play was stopped {last.seconds_before:g} s before the shot, and no face-off is listed since",
            )


def check_spots(events: tuple[Event, ...], ice: Ice) -> None:
    """Raise SITUATION_CONTRADICTED if face-offs before the shot were taken at no spot, but would be in another unit."""
    places = np.array(
        [(event.x, event.y) for event in events if event.kind is HockeyEventKind.FACEOFF and event.placed]
    )
    if not len(places) or _off_spots(places) <= SPOT_FEET:
        return
    for unit, feet in FEET.items():
        if unit is not ice.coordinates.length_unit and _off_spots(places / ice.feet * feet) <= SPOT_FEET:
            raise PlayscoreError(
                Reason.SITUATION_CONTRADICTED,
                f"face-offs before the shot were taken {_off_spots(places):.0f} ft from every spot; the places look"
                f" like {_name(unit)}",
            )


def check_unit(skaters: Skaters) -> None:
    """Raise SITUATION_CONTRADICTED if everybody is so near the center of the ice that a smaller unit must be meant.

    Somebody is always near a net: both goalies, or those who attack and defend an empty one.
    """
    if len(skaters.player_ids) < MIN_SEEN_FOR_UNIT or not np.isfinite(skaters.x).any():
        return
    farthest = float(np.nanmax(np.abs(skaters.x)))
    if farthest < UNIT_FEET:
        raise PlayscoreError(
            Reason.SITUATION_CONTRADICTED,
            f"nobody was more than {farthest:.0f} ft from the center along the ice around the shot, and the nets stand"
            f" at {rink.GOAL_LINE_X_FEET:g} ft: the positions look like meters or yards that the header calls feet",
        )


def check_puck_near_shooter(
    puck: Puck, shooter: tuple[NDArray[np.float64], NDArray[np.float64]] | None, stated: float
) -> None:
    """Raise RELEASE_NOT_FOUND if the shooter was nowhere near the puck when they are said to have shot it."""
    x, y, _ = puck.at(np.array([stated]))[:, 0]
    if shooter is None or not len(shooter[0]) or not np.isfinite(x):
        return
    times, places = shooter
    away = float(np.hypot(np.interp(stated, times, places[0]) - x, np.interp(stated, times, places[1]) - y))
    if away > FAR_FEET:
        raise PlayscoreError(
            Reason.RELEASE_NOT_FOUND,
            f"at {stated:.2f} s of the segment, where the source has the shot, the puck was {away:.0f} ft from the"
            " shooter, and its way shows no shot of theirs near that",
        )


def _off_spots(places: NDArray[np.float64]) -> float:
    """Feet from the spots to the places, at most."""
    away = np.hypot(*(places[:, None] - SPOTS).transpose(2, 0, 1))
    return float(away.min(axis=1).max())


def _name(unit: LengthUnit) -> str:
    return {LengthUnit.FOOT: "feet", LengthUnit.METER: "meters", LengthUnit.YARD: "yards"}[unit]
