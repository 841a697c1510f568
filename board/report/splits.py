"""The splits that a report shows, by role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from playscore.common.v1 import common_pb2 as common


@dataclass(frozen=True, slots=True)
class Splits:
    """A group of splits that exclude each other: a play is in at most one of them."""

    name: str
    filters: Sequence[tuple[str, str]]
    """The name and the filter of each split."""


PLACE: Final = Splits("Where", [("Home", "home"), ("Away", "NOT home")])
"""At home first."""
_SCORE: Final = Splits(
    "Score",
    [("Trailing", "score_difference < 0"), ("Tied", "score_difference = 0"), ("Leading", "score_difference > 0")],
)
_PERIOD: Final = Splits(
    "Period",
    [("First", "period = 1"), ("Second", "period = 2"), ("Third", "period = 3"), ("Overtime", "period >= 4")],
)
_STRENGTH: Final = Splits(
    "Strength",
    [
        ("Even strength", "strength = STRENGTH_EVEN"),
        ("Power play", "strength = STRENGTH_POWER_PLAY"),
        ("Short-handed", "strength = STRENGTH_SHORT_HANDED"),
    ],
)

PASS_DEPTHS: Final = Splits(
    "Depth",
    [
        ("Behind the line", "depth = PASS_DEPTH_BEHIND_LINE"),
        ("Short, 0 to 10 yd", "depth = PASS_DEPTH_SHORT"),
        ("Intermediate, 10 to 20 yd", "depth = PASS_DEPTH_INTERMEDIATE"),
        ("Deep, 20 yd and more", "depth = PASS_DEPTH_DEEP"),
    ],
)
"""From short to long, as `charts.js` draws them."""
_PASSES: Final = (
    Splits("Down", [("1st", "down = 1"), ("2nd", "down = 2"), ("3rd", "down = 3"), ("4th", "down = 4")]),
    Splits("Pressure", [("Clean pocket", "NOT under_pressure"), ("Under pressure", "under_pressure")]),
    PASS_DEPTHS,
    Splits(
        "Time to throw",
        [
            ("Under 2.5 s", "time_to_throw_seconds < 2.5"),
            ("2.5 to 4 s", "time_to_throw_seconds >= 2.5 AND time_to_throw_seconds < 4"),
            ("4 s and more", "time_to_throw_seconds >= 4"),
        ],
    ),
    Splits(
        "Separation of the target",
        [
            ("Under 2 yd", "target_separation_yards < 2"),
            ("2 to 4 yd", "target_separation_yards >= 2 AND target_separation_yards < 4"),
            ("4 yd and more", "target_separation_yards >= 4"),
        ],
    ),
    Splits(
        "To a first down",
        [
            ("Up to 3 yd", "yards_to_go <= 3"),
            ("3 to 7 yd", "yards_to_go > 3 AND yards_to_go <= 7"),
            ("More than 7 yd", "yards_to_go > 7"),
        ],
    ),
    Splits(
        "To the end zone",
        [("Up to 20 yd", "yards_to_end_zone <= 20"), ("More than 20 yd", "yards_to_end_zone > 20")],
    ),
    Splits(
        "Quarter",
        [
            ("1st", "quarter = 1"),
            ("2nd", "quarter = 2"),
            ("3rd", "quarter = 3"),
            ("4th", "quarter = 4"),
            ("Overtime", "quarter >= 5"),
        ],
    ),
    _SCORE,
    PLACE,
)
_SHOTS: Final = (
    Splits(
        "Chance",
        [
            ("High", "level = OPPORTUNITY_LEVEL_HIGH"),
            ("Medium", "level = OPPORTUNITY_LEVEL_MEDIUM"),
            ("Low", "level = OPPORTUNITY_LEVEL_LOW"),
        ],
    ),
    Splits(
        "Zone",
        [
            ("Net front", "zone = ICE_ZONE_NET_FRONT"),
            ("Slot", "zone = ICE_ZONE_SLOT"),
            ("Left circle", "zone = ICE_ZONE_LEFT_CIRCLE"),
            ("Right circle", "zone = ICE_ZONE_RIGHT_CIRCLE"),
            ("Point", "zone = ICE_ZONE_POINT"),
            ("Behind the net", "zone = ICE_ZONE_BEHIND_NET"),
            ("Outside the zone", "zone = ICE_ZONE_OUTSIDE"),
        ],
    ),
    Splits(
        "Type",
        [
            ("Wrist", "shot_type = SHOT_TYPE_WRIST"),
            ("Snap", "shot_type = SHOT_TYPE_SNAP"),
            ("Slap", "shot_type = SHOT_TYPE_SLAP"),
            ("Backhand", "shot_type = SHOT_TYPE_BACKHAND"),
            ("Tip-in", "shot_type = SHOT_TYPE_TIP_IN"),
            ("Deflected", "shot_type = SHOT_TYPE_DEFLECTED"),
            ("Wrap-around", "shot_type = SHOT_TYPE_WRAP_AROUND"),
            ("Other", "shot_type = SHOT_TYPE_OTHER"),
        ],
    ),
    _STRENGTH,
    Splits("Rebound", [("Rebound", "rebound"), ("No rebound", "NOT rebound")]),
    Splits("Rush", [("Rush", "rush"), ("No rush", "NOT rush")]),
    Splits("One-timer", [("One-timer", "one_timer"), ("Other", "NOT one_timer")]),
    Splits("Royal road", [("Crossed", "royal_road"), ("Not crossed", "NOT royal_road")]),
    Splits("Screens", [("None", "screens = 0"), ("One", "screens = 1"), ("Two and more", "screens >= 2")]),
    _PERIOD,
    _SCORE,
    PLACE,
)
_FACEOFFS: Final = (
    Splits(
        "Zone",
        [
            ("Defensive zone", "zone = RINK_ZONE_DEFENSIVE"),
            ("Neutral zone", "zone = RINK_ZONE_NEUTRAL"),
            ("Offensive zone", "zone = RINK_ZONE_OFFENSIVE"),
        ],
    ),
    _STRENGTH,
    _PERIOD,
    _SCORE,
    PLACE,
)

SPLITS: Final[Mapping[common.Role.ValueType, Sequence[Splits]]] = {
    common.ROLE_PASSER: _PASSES,
    common.ROLE_SHOOTER: _SHOTS,
    common.ROLE_GOALIE: _SHOTS,
    common.ROLE_SHOOTING_TEAM: _SHOTS,
    common.ROLE_FACEOFF_TAKER: _FACEOFFS,
}
