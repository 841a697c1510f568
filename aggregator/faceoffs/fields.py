"""Measures and split fields of a face-off: those of `playscore.hockey.v1.FaceoffAttributes`."""

from __future__ import annotations

from typing import Final

from aggregator.core.chances import ended_in, moments
from aggregator.core.fields import Field, FieldType, Schema

WINS: Final = "wins"
CHANCE: Final = "win_probability"

SCHEMA: Final = Schema(
    measures=(CHANCE,),
    outcome=("result",),
    derived={**moments(CHANCE), WINS: ended_in("result", {"FACEOFF_RESULT_WON"})},
    attributes=(
        Field("season", FieldType.INTEGER, "", "The year in which the season began."),
        Field("period", FieldType.INTEGER, "", "1 to 3; 4 and above are overtime."),
        Field("game_clock_seconds", FieldType.NUMBER, "s", "Left on the clock of the period."),
        Field("team_id", FieldType.STRING, "", "The subject's team."),
        Field("opponent_team_id", FieldType.STRING, "", "The other team."),
        Field("opponent_id", FieldType.STRING, "", "Whom they faced.", names_player=True),
        Field("home", FieldType.BOOLEAN, "", "The subject plays at home."),
        Field(
            "zone",
            FieldType.ENUM,
            "",
            "Where, as the subject's team attacks.",
            values=("RINK_ZONE_DEFENSIVE", "RINK_ZONE_NEUTRAL", "RINK_ZONE_OFFENSIVE"),
        ),
        Field(
            "strength",
            FieldType.ENUM,
            "",
            "Skaters of the subject's team against those of the other.",
            values=("STRENGTH_EVEN", "STRENGTH_POWER_PLAY", "STRENGTH_SHORT_HANDED"),
        ),
        Field("score_difference", FieldType.INTEGER, "", "Goals of the subject's team less those of the other."),
        Field(
            "is_taker",
            FieldType.BOOLEAN,
            "",
            "The subject is whom the source names as the taker, from whose side it tells the result.",
        ),
    ),
)
