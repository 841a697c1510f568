"""Measures and split fields of a shot: those of `playscore.hockey.v1.ShotAttributes`, as seen by the subject."""

from __future__ import annotations

from typing import Final

from aggregator.core.chances import ended_in, moments
from aggregator.core.fields import Field, FieldType, Schema

GOALS: Final = "goals"
SHOTS_ON_GOAL: Final = "shots_on_goal"
CHANCE: Final = "goal_probability"

SCHEMA: Final = Schema(
    measures=(CHANCE,),
    outcome=("result", "level"),
    derived={
        **moments(CHANCE),
        GOALS: ended_in("result", {"SHOT_RESULT_GOAL"}),
        SHOTS_ON_GOAL: ended_in("result", {"SHOT_RESULT_GOAL", "SHOT_RESULT_SAVED"}),
    },
    attributes=(
        Field("season", FieldType.INTEGER, "", "The year in which the season began."),
        Field("period", FieldType.INTEGER, "", "1 to 3; 4 and above are overtime."),
        Field("team_id", FieldType.STRING, "", "The subject's team; a goalie's is the defending one."),
        Field("opponent_id", FieldType.STRING, "", "The other team."),
        Field("home", FieldType.BOOLEAN, "", "The subject plays at home."),
        Field("distance_feet", FieldType.NUMBER, "ft", "From the shooter to the center of the net."),
        Field(
            "angle_degrees",
            FieldType.NUMBER,
            "deg",
            "Between the line from shooter to net and the long axis.",
        ),
        Field("game_clock_seconds", FieldType.NUMBER, "s", "Left on the clock of the period."),
        Field(
            "strength",
            FieldType.ENUM,
            "",
            "Skaters of the shooting team against those of the defending one.",
            values=("STRENGTH_EVEN", "STRENGTH_POWER_PLAY", "STRENGTH_SHORT_HANDED"),
        ),
        Field(
            "net_state",
            FieldType.ENUM,
            "",
            "Whether the net was empty.",
            values=("NET_STATE_GUARDED", "NET_STATE_EMPTY"),
        ),
        Field(
            "listing",
            FieldType.ENUM,
            "",
            "Which attempts the source lists.",
            values=("SHOT_LISTING_UNBLOCKED", "SHOT_LISTING_ON_GOAL"),
        ),
        Field(
            "shot_type",
            FieldType.ENUM,
            "",
            "How it was taken.",
            values=(
                "SHOT_TYPE_WRIST",
                "SHOT_TYPE_SNAP",
                "SHOT_TYPE_SLAP",
                "SHOT_TYPE_BACKHAND",
                "SHOT_TYPE_TIP_IN",
                "SHOT_TYPE_DEFLECTED",
                "SHOT_TYPE_WRAP_AROUND",
                "SHOT_TYPE_OTHER",
            ),
        ),
        Field(
            "zone",
            FieldType.ENUM,
            "",
            "Where on the ice.",
            values=(
                "ICE_ZONE_NET_FRONT",
                "ICE_ZONE_SLOT",
                "ICE_ZONE_LEFT_CIRCLE",
                "ICE_ZONE_RIGHT_CIRCLE",
                "ICE_ZONE_POINT",
                "ICE_ZONE_BEHIND_NET",
                "ICE_ZONE_OUTSIDE",
            ),
        ),
        Field("rebound", FieldType.BOOLEAN, "", "At most 3 s after another shot of the same team."),
        Field("rush", FieldType.BOOLEAN, "", "At most 4 s after the puck came from the neutral or defensive zone."),
        Field("one_timer", FieldType.BOOLEAN, "", "A pass was shot at once."),
        Field("royal_road", FieldType.BOOLEAN, "", "The puck crossed the slot on its way to the shooter."),
        Field("screens", FieldType.INTEGER, "", "Bodies between puck and net."),
        Field(
            "score_difference",
            FieldType.INTEGER,
            "",
            "Goals of the shooting team less those of the defending one, before the shot.",
        ),
        Field("shooter_id", FieldType.STRING, "", "Who shot.", names_player=True),
        Field("goalie_id", FieldType.STRING, "", "Who defended the net; unknown where nobody did.", names_player=True),
        Field(
            "level",
            FieldType.ENUM,
            "",
            "How good the chance was, at the thresholds of the release that scored it.",
            values=("OPPORTUNITY_LEVEL_LOW", "OPPORTUNITY_LEVEL_MEDIUM", "OPPORTUNITY_LEVEL_HIGH"),
        ),
        Field("tracked", FieldType.BOOLEAN, "", "Puck and players were tracked."),
        Field(
            "x_feet",
            FieldType.NUMBER,
            "ft",
            "Where it was taken: from the center of the ice toward the net attacked, whose goal line is at 89.",
        ),
        Field("y_feet", FieldType.NUMBER, "ft", "From the long axis to the left, as the attackers see it."),
    ),
)
