"""What makes a shot one that is not scored, whatever its factors are."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.ice import FEET, Ice
from featurizer.shots.puck import Puck
from featurizer.shots.skaters import Skaters
from playscore import rink
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.game import CoordinateSystem, GameHeader, LengthUnit, PlayContext
from playscore.shots import HockeyEventKind, ShotKind, ShotSituation

WHISTLE_SECONDS: Final = 1.0
"""Sources list what happens in one second in any order."""
SPOT_FEET: Final = 3.5
"""From a face-off spot to where a face-off can be."""
MIN_FACEOFFS: Final = 2
"""On spots in another unit only: one may be charted badly."""
MIN_PLACES: Final = 8
"""Of events, which no real play has all in so small a part of the ice."""
BEYOND_FEET: Final = 5.0
"""Outside of the boards, where badly charted events are."""
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


def check_places(situation: ShotSituation, coordinates: CoordinateSystem) -> None:
    """Raise SITUATION_CONTRADICTED if the places of what happened up to the shot look like another unit's.

    Face-offs are taken on spots, which tells units apart. Where few are listed, all places together tell feet from a
    larger unit.
    """
    events = [event for event in situation.preceding_events if event.x is not None and event.y is not None]
    faceoffs = [(event.x, event.y) for event in events if event.kind is HockeyEventKind.FACEOFF]
    if len(faceoffs) >= MIN_FACEOFFS:
        _check_faceoffs(np.array(faceoffs), coordinates)
    if len(events) >= MIN_PLACES and coordinates.length_unit is LengthUnit.FOOT:
        own = [(situation.x, situation.y)] if situation.x is not None and situation.y is not None else []
        _check_extent(np.array([*own, *((event.x, event.y) for event in events)]), coordinates)


def _check_faceoffs(places: NDArray[np.float64], coordinates: CoordinateSystem) -> None:
    """Raise SITUATION_CONTRADICTED if several face-offs (N, 2) were taken on spots in another unit only."""
    declared = coordinates.length_unit
    on_spots = {unit: _on_spot(_read(places, coordinates, unit)) for unit in FEET}
    here = on_spots.pop(declared)
    unit = max(on_spots, key=lambda each: int(on_spots[each].sum()))
    there = on_spots[unit]
    wrong = int((there & ~here).sum())
    if wrong >= MIN_FACEOFFS and not (here & ~there).any():
        raise PlayscoreError(
            Reason.SITUATION_CONTRADICTED,
            f"{wrong} face-offs before the shot were taken on no spot in {_name(declared)}, as the header has it, and"
            f" on spots in {_name(unit)}",
        )


def _check_extent(places: NDArray[np.float64], coordinates: CoordinateSystem) -> None:
    """Raise SITUATION_CONTRADICTED if many places (N, 2) that are called feet would be on the ice in yards, too."""
    x, y = np.abs(_read(places, coordinates, LengthUnit.YARD)).T
    if x.max() <= rink.HALF_LENGTH_FEET + BEYOND_FEET and y.max() <= rink.HALF_WIDTH_FEET + BEYOND_FEET:
        raise PlayscoreError(
            Reason.SITUATION_CONTRADICTED,
            f"the {len(places)} places of the shot and of what happened before it all lie in a third of the ice's"
            " length and width: they look like meters or yards that the header calls feet",
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


def _read(places: NDArray[np.float64], coordinates: CoordinateSystem, unit: LengthUnit) -> NDArray[np.float64]:
    """(N, 2) places of the source in feet from the center of the ice, if it were in this unit."""
    return np.stack(Ice(replace(coordinates, length_unit=unit)).place(*places.T), axis=1)


def _on_spot(places: NDArray[np.float64]) -> NDArray[np.bool_]:
    away = np.hypot(*(places[:, None] - SPOTS).transpose(2, 0, 1))
    return np.asarray(away.min(axis=1) <= SPOT_FEET)


def _name(unit: LengthUnit) -> str:
    return {LengthUnit.FOOT: "feet", LengthUnit.METER: "meters", LengthUnit.YARD: "yards"}[unit]
