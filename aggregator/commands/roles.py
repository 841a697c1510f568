"""How commands lay out the ratings and plays of each role; `playscore.client.words` has the words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client.words import ROLES, Interval, RoleWords, role_name
from playscore.common.v1 import common_pb2 as common


@dataclass(frozen=True, slots=True)
class ValueColumn:
    """A column for a field of a role's rating."""

    heading: str
    field: str
    form: str = ""

    def text(self, message: Any) -> str:
        """The field's value as text; "-" where it is not known."""
        if message.DESCRIPTOR.fields_by_name[self.field].has_presence and not message.HasField(self.field):
            return "-"
        return format(getattr(message, self.field), self.form)


@dataclass(frozen=True, slots=True)
class Difference:
    """The words for how far apart two ratings are."""

    form: str
    unit: str


@dataclass(frozen=True, slots=True)
class RoleView:
    """A role on the command line."""

    number: common.Role.ValueType
    league: str
    """The league asked about by default."""
    form: str
    """The format of what ratings are ranked by."""
    others: Sequence[ValueColumn]
    difference: Difference
    measure: str
    """The arm of `ScoreRecord.measure`."""
    attributes: str
    """The arm of `ScoreRecord.attributes`."""

    @property
    def option(self) -> str:
        """The role's name on the command line."""
        return role_name(self.number)

    @property
    def words(self) -> RoleWords:
        """The words for the role."""
        return ROLES[self.number]

    def value_of(self, rating: messages.Rating) -> Any:
        """The role's own part of a rating."""
        return getattr(rating, self.words.value)

    def interval(self, rating: messages.Rating) -> Interval:
        """What ratings are ranked by, with its 90% interval."""
        return self.words.interval(rating)

    def number_text(self, number: float) -> str:
        """A number of the scale of ratings."""
        return format(number, self.form)

    def interval_text(self, interval: Interval) -> str:
        """The ends of an interval: "73.8 to 97.2"."""
        return self.words.interval_text(interval, self.form)


def _of_shots(number: common.Role.ValueType, goals: str, saved: str = "") -> RoleView:
    return RoleView(
        number=number,
        league="NHL",
        form="+z.2f",
        others=(ValueColumn(goals, "goals"), ValueColumn("expected", "expected_goals", ".2f")),
        difference=Difference("z.3f", f"goals{saved} a shot"),
        measure="shot_measure",
        attributes="shot_attributes",
    )


VIEWS: Final[Mapping[str, RoleView]] = {
    view.option: view
    for view in (
        RoleView(
            number=common.ROLE_PASSER,
            league="NFL",
            form=".1f",
            others=(
                ValueColumn("yards", "yards_per_play", ".1f"),
                ValueColumn("expected", "expected_yards_per_play", ".1f"),
            ),
            difference=Difference("z.1f", "points"),
            measure="pass_measure",
            attributes="pass_attributes",
        ),
        _of_shots(common.ROLE_SHOOTER, "goals"),
        _of_shots(common.ROLE_GOALIE, "goals against", " saved"),
        _of_shots(common.ROLE_SHOOTING_TEAM, "goals"),
        RoleView(
            number=common.ROLE_FACEOFF_TAKER,
            league="NHL",
            form="+z.1f",
            others=(ValueColumn("won", "wins"), ValueColumn("expected", "expected_wins", ".1f")),
            difference=Difference("z.3f", "wins a face-off"),
            measure="faceoff_measure",
            attributes="faceoff_attributes",
        ),
    )
}
"""The roles, by their name on the command line."""


def play_numbers(play: messages.ScoreRecord) -> tuple[str, str, str]:
    """A play's yards gained, what was expected of it (yards, or a probability), and its score; "" for none."""
    match play.WhichOneof("measure"):
        case "pass_measure":
            passed = play.pass_measure
            return f"{passed.yards_gained:.0f}", f"{passed.expected_yards:.1f}", f"{passed.play_score:.2f}"
        case "shot_measure":
            return "", f"{play.shot_measure.goal_probability:.2f}", ""
        case "faceoff_measure":
            return "", f"{play.faceoff_measure.win_probability:.2f}", ""
    return "", "", ""
