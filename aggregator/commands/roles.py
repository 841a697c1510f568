"""How the ratings of each role are told to people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.common.v1 import common_pb2 as common
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey


@dataclass(frozen=True, slots=True)
class Told:
    """A value under its heading."""

    heading: str
    field: str
    form: str = ""

    def of(self, message: Any) -> str:
        """As text; "-" where it is not known."""
        if message.DESCRIPTOR.fields_by_name[self.field].has_presence and not message.HasField(self.field):
            return "-"
        return format(getattr(message, self.field), self.form)


@dataclass(frozen=True, slots=True)
class Difference:
    """The words for how far apart two ratings are."""

    form: str
    above: str
    below: str


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role on the command line."""

    option: str
    number: common.Role.ValueType
    league: str
    """Asked for where no league is named."""
    subject: str
    subjects: str
    play: str
    value: str
    """The arm of `Rating.value`."""
    rated: Told
    """What ratings are ranked by; `_low` and `_high` are the ends of its interval."""
    others: Sequence[Told]
    difference: Difference
    measure: str
    """The arm of `ScoreRecord.measure`."""
    attributes: str
    """The arm of `ScoreRecord.attributes`."""

    def value_of(self, rating: messages.Rating) -> Any:
        """The role's own part of a rating."""
        return getattr(rating, self.value)

    def interval(self, rating: messages.Rating) -> tuple[float, float, float]:
        """What ratings are ranked by, between the ends of its 90% interval: low, value, high."""
        value, name = self.value_of(rating), self.rated.field
        return getattr(value, f"{name}_low"), getattr(value, name), getattr(value, f"{name}_high")

    def number_as_told(self, number: float) -> str:
        """A number of the scale of ratings."""
        return format(number, self.rated.form)


_PASSING: Final = {"measure": "pass_measure", "attributes": "pass_attributes"}
_SHOTS: Final = {"measure": "shot_measure", "attributes": "shot_attributes"}
_FACEOFFS: Final = {"measure": "faceoff_measure", "attributes": "faceoff_attributes"}


def _of_shots(option: str, number: common.Role.ValueType, subject: str, goals: str) -> RoleView:
    saved = " saved" if number == common.ROLE_GOALIE else ""
    return RoleView(
        option=option,
        number=number,
        league="NHL",
        subject=subject,
        subjects=f"{subject}s",
        play="shot",
        value="shots",
        rated=Told(f"{'saved ' if saved else ''}above exp.", "goals_above_expected", "+.2f"),
        others=(Told(goals, "goals"), Told("expected", "expected_goals", ".2f")),
        difference=Difference(".3f", f"goals{saved} a shot above", f"goals{saved} a shot below"),
        **_SHOTS,
    )


VIEWS: Final[Mapping[str, RoleView]] = {
    view.option: view
    for view in (
        RoleView(
            option="passer",
            number=common.ROLE_PASSER,
            league="NFL",
            subject="passer",
            subjects="passers",
            play="pass",
            value="passing",
            rated=Told("rating", "rating", ".1f"),
            others=(Told("yards", "yards_per_play", ".1f"), Told("expected", "expected_yards_per_play", ".1f")),
            difference=Difference(".1f", "points above", "points below"),
            **_PASSING,
        ),
        _of_shots("shooter", common.ROLE_SHOOTER, "shooter", "goals"),
        _of_shots("goalie", common.ROLE_GOALIE, "goalie", "conceded"),
        _of_shots("shooting-team", common.ROLE_SHOOTING_TEAM, "team", "goals"),
        RoleView(
            option="faceoff-taker",
            number=common.ROLE_FACEOFF_TAKER,
            league="NHL",
            subject="taker",
            subjects="takers",
            play="face-off",
            value="faceoffs",
            rated=Told("above exp.", "wins_above_expected", "+.1f"),
            others=(Told("won", "wins"), Told("expected", "expected_wins", ".1f")),
            difference=Difference(".3f", "wins a face-off above", "wins a face-off below"),
            **_FACEOFFS,
        ),
    )
}
"""By the name of the role on the command line."""


def situation(play: messages.ScoreRecord) -> str:
    """When a play was and what it was like, in a few words: "Q3 4:12  3rd & 7, 52 yd to go"."""
    match play.WhichOneof("attributes"):
        case "pass_attributes":
            return _joined(_pass_situation(play.pass_attributes))
        case "shot_attributes":
            return _joined(_shot_situation(play.shot_attributes))
        case "faceoff_attributes":
            return _joined(_faceoff_situation(play.faceoff_attributes))
    return ""


def ending(play: messages.ScoreRecord) -> str:
    """How a play ended, in a word; "not known" where its official result is not known."""
    measure = play.WhichOneof("measure")
    return "not known" if measure is None else _word(getattr(play, measure), "result")


def measures(play: messages.ScoreRecord) -> tuple[str, str, str]:
    """A play's own numbers: what came of it, what was to be expected, and its score. "" where there is none."""
    match play.WhichOneof("measure"):
        case "pass_measure":
            passed = play.pass_measure
            return f"{passed.yards_gained:.0f}", f"{passed.expected_yards:.1f}", f"{passed.play_score:.2f}"
        case "shot_measure":
            return "", f"{play.shot_measure.goal_probability:.2f}", ""
        case "faceoff_measure":
            return "", f"{play.faceoff_measure.win_probability:.2f}", ""
    return "", "", ""


_ORDINALS: Final = ("", "1st", "2nd", "3rd", "4th")


def _pass_situation(known: football.PassAttributes) -> list[str]:
    told = [_clock("Q", known, "quarter")]
    if known.HasField("down") and known.HasField("yards_to_go") and 0 < known.down < len(_ORDINALS):
        told.append(f"{_ORDINALS[known.down]} & {known.yards_to_go:.0f}")
    if known.HasField("yards_to_end_zone"):
        told.append(f"{known.yards_to_end_zone:.0f} to end zone")
    if known.HasField("time_to_throw_seconds"):
        told.append(f"{known.time_to_throw_seconds:.1f} s")
    if known.under_pressure:
        told.append("pressure")
    return [*told, _word(known, "depth")]


def _shot_situation(known: hockey.ShotAttributes) -> list[str]:
    told = [_clock("P", known, "period")]
    if known.HasField("distance_feet"):
        told.append(f"{known.distance_feet:.0f} ft")
    if known.HasField("angle_degrees"):
        told.append(f"{known.angle_degrees:.0f}°")
    told += (_word(known, field) for field in ("shot_type", "zone", "strength"))
    return [*told, *(word for word in ("rebound", "rush") if getattr(known, word))]


def _faceoff_situation(known: hockey.FaceoffAttributes) -> list[str]:
    return [_clock("P", known, "period"), *(_word(known, field) for field in ("zone", "strength"))]


def _clock(letter: str, known: Any, part: str) -> str:
    """ "Q3 4:12" of a quarter or period and the seconds left in it, as far as they are known."""
    told = f"{letter}{getattr(known, part)}" if known.HasField(part) else ""
    if known.HasField("game_clock_seconds"):
        minutes, seconds = divmod(int(known.game_clock_seconds), 60)
        told = f"{told} {minutes}:{seconds:02}".strip()
    return told


def _word(message: Any, field: str) -> str:
    """The value of an enum in plain words: PASS_DEPTH_BEHIND_LINE is "behind line"; "" where it is not known."""
    enum = message.DESCRIPTOR.fields_by_name[field].enum_type
    value = enum.values_by_number.get(getattr(message, field))
    if value is None or not value.number:
        return ""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return str(value.name).removeprefix(prefix).lower().replace("_", " ")


def _joined(told: Sequence[str]) -> str:
    return ", ".join(filter(None, told))
