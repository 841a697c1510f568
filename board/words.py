"""What pages call things: plain words for what the contracts number and name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.common.v1 import reason_pb2
from playscore.errors import Reason

NOT_KNOWN: Final = "not known"
REASONS: Final = {
    Reason.NOT_A_PASS: "Not a pass play",
    Reason.NO_RELEASE: "No throw (sacks, scrambles)",
    Reason.NO_SNAP: "No snap in the tracking",
    Reason.NO_FRAMES: "No tracking",
    Reason.TOO_SHORT: "Tracking too short for a play",
    Reason.TOO_LONG: "Tracking too long for a play",
    Reason.GAP_TOO_LONG: "A gap in the tracking",
    Reason.TOO_FEW_PLAYERS: "Too few players tracked",
    Reason.TOO_MANY_PLAYERS: "Too many players tracked",
    Reason.PASSER_UNKNOWN: "Passer not named",
    Reason.PASSER_NOT_IN_ROSTER: "Passer not in the roster",
    Reason.PASSER_NOT_TRACKED: "Passer not tracked",
    Reason.SAMPLE_NOT_FINITE: "Unreadable positions",
    Reason.POSITION_OFF_FIELD: "Positions far off the field",
    Reason.DIRECTION_UNKNOWN: "Direction of play not known",
    Reason.PLAYER_NOT_IN_ROSTER: "A player not in the roster",
    Reason.OFFENSE_UNKNOWN: "Offense not known",
    Reason.PLAY_NULLIFIED: "Nullified by the officials",
    Reason.SITUATION_CONTRADICTED: "Official record and tracking disagree",
    Reason.PLAY_WITHDRAWN: "Withdrawn by the source",
    Reason.TRACKING_UNAVAILABLE: "Tracking no longer at hand",
    Reason.SPIKE: "Spike",
    Reason.KNEEL: "Kneel",
    Reason.CONVERSION_TRY: "Try after a touchdown",
    Reason.SPECIAL_TEAMS: "Special teams",
    Reason.MOTION_CONTRADICTED: "Positions and speeds disagree",
    Reason.SAMPLES_CONTRADICTED: "Tracking contradicts itself",
    Reason.TIMES_CONTRADICTED: "Times and frame numbers disagree",
    Reason.PLAYER_JUMPED: "A player jumps in the tracking",
    Reason.OUTCOME_CONTRADICTORY: "Official result contradicts itself",
    Reason.OUTCOME_UNKNOWN: "Official result never came",
    Reason.YARDS_OUT_OF_RANGE: "Impossible yards",
    Reason.SHOT_BLOCKED: "Blocked shot",
    Reason.PENALTY_SHOT: "Penalty shot",
    Reason.SHOOTOUT: "Shootout",
    Reason.AFTER_WHISTLE: "After the whistle",
    Reason.LOCATION_UNKNOWN: "Location not known",
    Reason.RELEASE_NOT_FOUND: "Shot not found in the tracking",
    Reason.TAKERS_UNKNOWN: "Takers not named",
}
"""Why plays are not scored."""


def counted(number: float, noun: str) -> str:
    """`number` rounded to a whole one and its noun: "1 game", "2 games", "1,204 plays"."""
    whole = round(number)
    return f"{whole:,} {noun}" if whole == 1 else f"{whole:,} {noun}s"


def chance(probability: float) -> str:
    """A probability in percent, without claiming 0% or 100%."""
    if probability < 0.005:
        return "under 1%"
    if probability > 0.995:
        return "over 99%"
    return f"{100 * probability:.0f}%"


def reason(number: int) -> str:
    """Why a play was not scored, by a number of the contract's Reason, which this release need not know."""
    try:
        known = Reason(number)
    except ValueError:
        return f"Reason {number}"
    return REASONS.get(known) or known.name.replace("_", " ").capitalize()


def reason_name(reason: Reason) -> str:
    """A reason as the contract writes it: "REASON_FILTER_INVALID"."""
    return reason_pb2.Reason.Name(reason_pb2.Reason.ValueType(reason.value))


def role_name(role: common.Role.ValueType) -> str:
    """A role as commands and addresses write it: "shooting-team"."""
    return common.Role.Name(role).removeprefix("ROLE_").lower().replace("_", "-")


def enum_value(name: str, siblings: Sequence[str]) -> str:
    """A value of an enum without what all its siblings begin with: "behind line" of PASS_DEPTH_BEHIND_LINE."""
    words = [each.split("_") for each in siblings]
    shared = 0
    while all(len(each) > shared + 1 and each[shared] == words[0][shared] for each in words):
        shared += 1
    return " ".join(name.split("_")[shared:]).lower()


def message_enum_value(name: str, prefix: str) -> str:
    """The same for a value whose prefix is known: `message_enum_value("SHOT_TYPE_WRIST", "SHOT_TYPE_")`."""
    return name.removeprefix(prefix).replace("_", " ").lower()


def field_value(value: aggregator.FieldValue, values: Sequence[str] = ()) -> str:
    """One value of a group, in words. `values` are those of its field, if that is an enum."""
    match value.WhichOneof("value"):
        case None:
            return NOT_KNOWN
        case "flag":
            return "yes" if value.flag else "no"
        case "integer":
            return str(value.integer)
        case "number":
            return f"{value.number:g}"
        case _:
            return enum_value(value.text, values) if value.text in values else value.text
