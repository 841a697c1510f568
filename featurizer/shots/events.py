"""What the situation of a shot tells of it without film: its place, what happened before it, the state of the game."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.ice import Ice, Number
from featurizer.shots.values import Values, flag
from playscore import rink
from playscore.shots import Handedness, HockeyEventKind, NetState, PrecedingEvent, ShotListing, ShotSituation, Strength

REBOUND_SECONDS: Final = 3.0
RUSH_SECONDS: Final = 4.0
ROYAL_ROAD_SECONDS: Final = 3.0
ONE_TIMER_SECONDS: Final = 0.5
MAX_SECONDS_SINCE_PASS: Final = 5.0
MAX_SECONDS_SINCE_ENTRY: Final = 5.0
MAX_SECONDS_SINCE_FACEOFF: Final = 120.0
MAX_SECONDS_SINCE_EVENT: Final = 60.0
MAX_SECONDS_ON_ICE: Final = 180.0
MAX_SCORE_DIFFERENCE: Final = 4
OVERTIME: Final = 4
AXIS_FEET: Final = 0.1
"""So near the long axis a puck is on neither side."""
CIRCLE_TOPS_X_FEET: Final = rink.END_ZONE_DOT_X_FEET - 15.0

_SHOTS: Final = frozenset({HockeyEventKind.SHOT_ON_GOAL, HockeyEventKind.MISSED_SHOT, HockeyEventKind.BLOCKED_SHOT})
_ENTRIES: Final = frozenset({HockeyEventKind.ZONE_ENTRY, HockeyEventKind.DUMP_IN})
_STOPS: Final = frozenset({HockeyEventKind.STOPPAGE, HockeyEventKind.FACEOFF, HockeyEventKind.GOAL})
_NOT_PLAY: Final = frozenset({HockeyEventKind.STOPPAGE, HockeyEventKind.PENALTY, HockeyEventKind.OTHER})


@dataclass(frozen=True, slots=True)
class Event:
    """A preceding event in feet, the net attacked at +x; NaN where its place is not known."""

    kind: HockeyEventKind
    seconds_before: float
    own: bool | None
    """The shooting team's; None: not known whose."""
    x: float
    y: float

    @property
    def placed(self) -> bool:
        """Whether its place is known."""
        return not math.isnan(self.x)


def events_of(situation: ShotSituation, team_id: str, ice: Ice | None) -> tuple[Event, ...]:
    """What happened before a shot of a team, the latest first. Without an `ice` no places are known."""
    return tuple(_event(event, team_id, ice) for event in situation.preceding_events)


def place_factors(x: float, y: float) -> Values:
    """Of a shot from a place in feet, the net attacked at +x."""
    return {
        "puck_distance_feet": rink.distance_to_net(x, y),
        "puck_angle_degrees": rink.angle_to_net(x, y),
        "lateral_offset_feet": abs(y),
    }


def handedness_factors(situation: ShotSituation, y: float) -> Values:
    """On which side of the ice the shot was taken, for the stick of the shooter and the glove of the goalie.

    Left is toward +y for the attackers, who go toward +x, and toward -y for the goalie, who faces them.
    """
    shoots, catches = situation.shooter_shoots, situation.goalie_catches
    if abs(y) < AXIS_FEET:
        return {}
    return {
        "shooter_off_wing": flag(None if shoots is None else (y < 0) == (shoots is Handedness.LEFT)),
        "goalie_glove_side": flag(None if catches is None else (y < 0) == (catches is Handedness.LEFT)),
    }


def state_factors(situation: ShotSituation) -> Values:
    """The state of the game."""
    own, others = situation.shooting_skaters, situation.defending_skaters
    known = Strength.of(own, others) is not None
    scored, conceded = situation.shooting_score, situation.defending_score
    return {
        "skater_advantage": float(own - others) if known and own and others else None,
        "skaters": float(own + others) if known and own and others else None,
        "empty_net": flag(None if situation.net_state is None else situation.net_state is NetState.EMPTY),
        "score_difference": None if scored is None or conceded is None else held_difference(scored - conceded),
        "game_clock_seconds": situation.game_clock_seconds,
        "period": None if situation.period is None else float(min(situation.period, OVERTIME)),
        "shooter_seconds_on_ice": _at_most(situation.shooter_seconds_on_ice, MAX_SECONDS_ON_ICE),
        "shooting_seconds_on_ice": _at_most(situation.shooting_seconds_on_ice, MAX_SECONDS_ON_ICE),
        "defending_seconds_on_ice": _at_most(situation.defending_seconds_on_ice, MAX_SECONDS_ON_ICE),
        "shot_type": None if situation.shot_type is None else float(situation.shot_type.value),
        "listed_on_goal": float(situation.listing is ShotListing.ON_GOAL),
    }


def sequence_factors(events: tuple[Event, ...], x: float, y: float) -> Values:
    """What the events before a shot from (x, y) tell; nothing where none are known. The place may be NaN."""
    if not events:
        return {}
    return {
        **_last_event(events, x, y),
        **_rebound(events, x, y),
        **_passed(events),
        **_entered(events),
        **_since_faceoff(events),
        "rush": flag(_rushed(events)),
    }


def angle_between(x: float, y: float, other_x: float, other_y: float) -> float:
    """Degrees between two places as seen from the center of the goal line."""
    one = math.atan2(y, rink.GOAL_LINE_X_FEET - x)
    other = math.atan2(other_y, rink.GOAL_LINE_X_FEET - other_x)
    apart = abs(one - other)
    return math.degrees(min(apart, 2.0 * math.pi - apart))


def crosses_slot(x: Number, y: Number, to_x: Number, to_y: Number) -> NDArray[np.bool_]:
    """Whether ways from places to others cross the long axis between the tops of the circles and the goal line."""
    with np.errstate(divide="ignore", invalid="ignore"):
        crossing = x + (to_x - x) * np.divide(y, y - to_y)
    low = (crossing >= CIRCLE_TOPS_X_FEET) & (crossing <= rink.GOAL_LINE_X_FEET)
    return np.asarray((np.sign(y) * np.sign(to_y) < 0) & low)


def _event(event: PrecedingEvent, team_id: str, ice: Ice | None) -> Event:
    place = (math.nan, math.nan)
    if ice is not None and event.x is not None and event.y is not None:
        place = ice.place(event.x, event.y)
    return Event(event.kind, event.seconds_before, event.team_id == team_id if event.team_id else None, *place)


def _last_event(events: Iterable[Event], x: float, y: float) -> Values:
    last = next((event for event in events if event.kind not in _NOT_PLAY), None)
    if last is None:
        return {}
    seconds = min(last.seconds_before, MAX_SECONDS_SINCE_EVENT)
    away = math.hypot(last.x - x, last.y - y)
    return {
        "seconds_since_event": seconds,
        "event_distance_feet": away,
        "event_speed_feet_per_second": away / max(seconds, 0.5),
        "event_angle_change_degrees": angle_between(x, y, last.x, last.y),
        "event_kind": None if last.own is None else float(last.kind.value if last.own else -last.kind.value),
    }


def _rebound(events: tuple[Event, ...], x: float, y: float) -> Values:
    shot = next(
        (
            event
            for event in _since_stop(events)
            if event.kind in _SHOTS and event.own and event.seconds_before <= REBOUND_SECONDS
        ),
        None,
    )
    if shot is None:
        return {"rebound": 0.0}
    return {
        "rebound": 1.0,
        "rebound_seconds": shot.seconds_before,
        "rebound_angle_change_degrees": angle_between(x, y, shot.x, shot.y),
    }


def _passed(events: tuple[Event, ...]) -> Values:
    """By passes, where the source lists them: the shot followed one if that was the last that the team did."""
    if not any(event.kind is HockeyEventKind.PASS for event in events):
        return {}
    own = [event for event in _since_stop(events) if event.own]
    if not own or own[0].kind is not HockeyEventKind.PASS:
        return {"seconds_since_pass": MAX_SECONDS_SINCE_PASS, "royal_road": 0.0}
    received, before = own[0], own[1] if len(own) > 1 else None
    crossed: bool | None = None
    if before is not None and before.placed and received.placed:
        across = bool(crosses_slot(before.x, before.y, received.x, received.y))
        crossed = across and received.seconds_before <= ROYAL_ROAD_SECONDS
    return {
        "seconds_since_pass": min(received.seconds_before, MAX_SECONDS_SINCE_PASS),
        "royal_road": flag(crossed),
    }


def _entered(events: tuple[Event, ...]) -> Values:
    entry = next((event for event in _since_stop(events) if event.own and event.kind in _ENTRIES), None)
    if entry is None:
        return {}
    return {
        "seconds_since_entry": min(entry.seconds_before, MAX_SECONDS_SINCE_ENTRY),
        "entry_lateral_feet": abs(entry.y),
        "entry_carried": float(entry.kind is HockeyEventKind.ZONE_ENTRY),
    }


def _rushed(events: Iterable[Event]) -> bool:
    """Whether the puck came over the blue line, or something happened outside of the zone, just before."""
    lately = [event for event in _since_stop(events) if event.seconds_before <= RUSH_SECONDS]
    return any(
        (event.own and event.kind in _ENTRIES) or (event.placed and event.x < rink.BLUE_LINE_X_FEET) for event in lately
    )


def _since_faceoff(events: Iterable[Event]) -> Values:
    faceoff = next((event for event in events if event.kind is HockeyEventKind.FACEOFF), None)
    if faceoff is None:
        return {}
    return {
        "seconds_since_faceoff": min(faceoff.seconds_before, MAX_SECONDS_SINCE_FACEOFF),
        "faceoff_won": flag(faceoff.own),
    }


def _since_stop(events: Iterable[Event]) -> Iterator[Event]:
    """The events since play began: those before a face-off or the whistle have nothing to do with the shot."""
    for event in events:
        if event.kind in _STOPS:
            return
        yield event


def held_difference(difference: int) -> float:
    """Of two scores, at most MAX_SCORE_DIFFERENCE either way."""
    return float(max(-MAX_SCORE_DIFFERENCE, min(MAX_SCORE_DIFFERENCE, difference)))


def _at_most(value: float | None, limit: float) -> float | None:
    return None if value is None else min(value, limit)
