"""Plain words for what the contracts number and name: roles, situations, results, reasons. All rooms use these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.errors import Reason
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey
from playscore.reasons import MEANINGS
from playscore.release import ModelVersion

UNKNOWN: Final = "unknown"
PENDING: Final = "result pending"
"""The result of a play that waits for its official result."""

_ORDINALS: Final = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th"}
_ENUM_WORDS: Final = {
    "STRENGTH_EVEN": "even strength",
    "STRENGTH_SHORT_HANDED": "short-handed",
    "SHOT_RESULT_POST": "off the post",
    "RINK_ZONE_DEFENSIVE": "defensive zone",
    "RINK_ZONE_NEUTRAL": "neutral zone",
    "RINK_ZONE_OFFENSIVE": "offensive zone",
}
"""Enum values whose name without its prefix is not what people say."""


class Interval(NamedTuple):
    """A value between the ends of its 90% interval."""

    low: float
    value: float
    high: float


@dataclass(frozen=True, slots=True)
class RoleWords:
    """The words for a role, in lower case."""

    subject: str
    subjects: str
    play: str
    plays: str
    measure: str
    """The heading of what ratings are ranked by."""
    description: str
    """A sentence about the measure."""
    value: str
    """The arm of `Rating.value`."""
    ranked_by: str
    """The field of that arm which ratings are ranked by; `<field>_low` and `<field>_high` end its interval."""
    scale: tuple[float, float] | None = None
    """Least and greatest value of the measure, if it has them."""

    def interval(self, rating: aggregator.Rating) -> Interval:
        """What a rating is ranked by, with its 90% interval."""
        value, name = getattr(rating, self.value), self.ranked_by
        return Interval(getattr(value, f"{name}_low"), getattr(value, name), getattr(value, f"{name}_high"))

    def interval_text(self, interval: Interval, form: str) -> str:
        """The ends of an interval, formatted: "73.8 to 97.2". One that is cut off by the scale is not shown as sure."""
        low, high = format(interval.low, form), format(interval.high, form)
        if self.scale is not None and low == high:
            bottom, top = (format(end, form) for end in self.scale)
            return {top: "top of scale", bottom: "bottom of scale"}.get(low, f"{low} to {high}")
        return f"{low} to {high}"

    def counted_plays(self, number: int) -> str:
        """A number of plays: "1 pass", "1,204 shots"."""
        return f"{number:,} {self.play if number == 1 else self.plays}"


def _of_shots(subject: str, *, saved: bool = False) -> RoleWords:
    return RoleWords(
        subject=subject,
        subjects=f"{subject}s",
        play="shot",
        plays="shots",
        measure="saved above expected" if saved else "above expected",
        description="Expected goals minus goals against." if saved else "Goals minus expected goals.",
        value="shots",
        ranked_by="goals_above_expected",
    )


ROLES: Final[Mapping[common.Role.ValueType, RoleWords]] = {
    common.ROLE_PASSER: RoleWords(
        subject="passer",
        subjects="passers",
        play="pass",
        plays="passes",
        measure="rating",
        description="How the yards gained compare with what was expected, from 50 to 99.",
        value="passing",
        ranked_by="rating",
        scale=(50.0, 99.0),
    ),
    common.ROLE_SHOOTER: _of_shots("shooter"),
    common.ROLE_GOALIE: _of_shots("goalie", saved=True),
    common.ROLE_SHOOTING_TEAM: _of_shots("team"),
    common.ROLE_FACEOFF_TAKER: RoleWords(
        subject="face-off taker",
        subjects="face-off takers",
        play="face-off",
        plays="face-offs",
        measure="above expected",
        description="Face-offs won minus expected wins.",
        value="faceoffs",
        ranked_by="wins_above_expected",
    ),
}


def role_name(role: common.Role.ValueType) -> str:
    """A role as commands and addresses write it: "shooting-team"."""
    return common.Role.Name(role).removeprefix("ROLE_").lower().replace("_", "-")


def model_label(model: common.ModelVersion) -> str:
    """A released model as commands write it: "passing:3"."""
    return str(ModelVersion(model.name, model.version))


def clock(play: aggregator.ScoreRecord) -> str:
    """The quarter or period and the time left in it, as far as they are known: "Q3 4:12", "P2"."""
    match play.WhichOneof("attributes"):
        case None:
            return ""
        case "pass_attributes":
            return _clock("Q", play.pass_attributes, "quarter")
        case attributes:
            return _clock("P", getattr(play, attributes), "period")


def situation(play: aggregator.ScoreRecord) -> str:
    """What is known of a play besides its result: "3rd & 7, 52 yd to end zone, under pressure, 2.9 s, deep"."""
    match play.WhichOneof("attributes"):
        case "pass_attributes":
            return joined(_pass_situation(play.pass_attributes))
        case "shot_attributes":
            return joined(_shot_situation(play.shot_attributes))
        case "faceoff_attributes":
            return joined(enum_word(play.faceoff_attributes, field) for field in ("zone", "strength"))
    return ""


def result(play: aggregator.ScoreRecord) -> str:
    """How a play ended: "complete", "off the post", "won"; PENDING before its official result, "" if unknown."""
    measure = play.WhichOneof("measure")
    return PENDING if measure is None else enum_word(getattr(play, measure), "result")


def down_and_distance(down: int, yards_to_go: float) -> str:
    """ "3rd & 7"."""
    return f"{_ORDINALS.get(down, down)} & {yards_to_go:.0f}"


def gained(yards: float) -> str:
    """Yards gained: "19 yards", "loss of 5 yards"."""
    return f"loss of {counted(-yards, 'yard')}" if yards < 0 else counted(yards, "yard")


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


def duration(milliseconds: float) -> str:
    """How long something took: "12.4 ms", from one second on "2.3 s"."""
    return f"{milliseconds:.1f} ms" if round(milliseconds, 1) < 1e3 else f"{milliseconds / 1e3:.1f} s"


def reason_name(number: int) -> str:
    """The name of a reason by its number in the contract: "NO_RELEASE"; the number if this release does not know it."""
    reason = _known_reason(number)
    return str(number) if reason is None else reason.name


def reason_meaning(number: int) -> str:
    """What a reason means, in the words of the contract. `number` may be that of a later release."""
    reason = _known_reason(number)
    return f"Reason {number} is unknown to this release." if reason is None else MEANINGS[reason]


def enum_word(message: Any, field: str) -> str:
    """The value of an enum field in plain words: "behind line" for PASS_DEPTH_BEHIND_LINE, "" for an unknown one."""
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    value = enum.values_by_number.get(getattr(message, field))
    if value is None or not value.number:
        return ""
    return _enum_words(value.name, enum.values_by_number[0].name.removesuffix("UNSPECIFIED"))


def enum_value(name: str, siblings: Sequence[str]) -> str:
    """An enum value by its name in plain words. `siblings` are the names of the enum's values, itself included."""
    parts = [each.split("_") for each in siblings]
    shared = 0
    while all(len(each) > shared + 1 and each[shared] == parts[0][shared] for each in parts):
        shared += 1
    return _enum_words(name, "".join(f"{part}_" for part in parts[0][:shared]))


def field_value(value: aggregator.FieldValue, values: Sequence[str] = ()) -> str:
    """One value of a group, in words. `values` are the names of its enum's values; without them a text is as it is."""
    match value.WhichOneof("value"):
        case None:
            return UNKNOWN
        case "flag":
            return "yes" if value.flag else "no"
        case "integer":
            return str(value.integer)
        case "number":
            return f"{value.number:g}"
        case _:
            return enum_value(value.text, values) if value.text in values else value.text


def joined(parts: Iterable[str]) -> str:
    """The parts that are not empty, with commas between."""
    return ", ".join(filter(None, parts))


def alternatives(parts: Sequence[str], most: int) -> str:
    """Up to `most` of them with "or" between: "a, b or c", "a, b or 7 more"."""
    named = list(parts) if len(parts) <= most else [*parts[:most], f"{len(parts) - most} more"]
    *first, last = named
    return f"{', '.join(first)} or {last}" if first else last


def _pass_situation(known: football.PassAttributes) -> Iterable[str]:
    if known.HasField("down") and known.HasField("yards_to_go"):
        yield down_and_distance(known.down, known.yards_to_go)
    if known.HasField("yards_to_end_zone"):
        yield f"{known.yards_to_end_zone:.0f} yd to end zone"
    if known.under_pressure:
        yield "under pressure"
    if known.HasField("time_to_throw_seconds"):
        yield f"{known.time_to_throw_seconds:.1f} s"
    yield enum_word(known, "depth")


def _shot_situation(known: hockey.ShotAttributes) -> Iterable[str]:
    yield enum_word(known, "zone")
    yield enum_word(known, "shot_type")
    if known.HasField("distance_feet"):
        yield f"{known.distance_feet:.0f} ft"
    if known.HasField("angle_degrees"):
        yield f"{known.angle_degrees:.0f}°"
    yield enum_word(known, "strength")
    if known.rebound:
        yield "rebound"
    if known.rush:
        yield "rush"
    if known.net_state == hockey.NET_STATE_EMPTY:
        yield "empty net"


def _clock(letter: str, known: Any, part: str) -> str:
    when = f"{letter}{getattr(known, part)}" if known.HasField(part) else ""
    if not known.HasField("game_clock_seconds"):
        return when
    minutes, seconds = divmod(int(known.game_clock_seconds), 60)
    return f"{when} {minutes}:{seconds:02}".strip()


def _enum_words(name: str, prefix: str) -> str:
    return _ENUM_WORDS.get(name) or name.removeprefix(prefix).lower().replace("_", " ")


def _known_reason(number: int) -> Reason | None:
    try:
        return Reason(number)
    except ValueError:
        return None
