"""Measures and split fields of a pass: those of `playscore.football.v1.PassAttributes`."""

from __future__ import annotations

from typing import Final

from aggregator.core.fields import Field, FieldType, Schema

SCHEMA: Final = Schema(
    measures=("play_score", "yards_gained", "expected_yards"),
    outcome=("result",),
    attributes=(
        Field("season", FieldType.INTEGER, "", "The year in which the season began."),
        Field("week", FieldType.INTEGER, "", "Week of the season, from 1."),
        Field("quarter", FieldType.INTEGER, "", "1 to 4; 5 and above are overtime periods."),
        Field("game_clock_seconds", FieldType.NUMBER, "s", "Left on the clock of the quarter at the snap."),
        Field("down", FieldType.INTEGER, "", "1 to 4."),
        Field("yards_to_go", FieldType.NUMBER, "yd", "To a first down."),
        Field("yards_to_end_zone", FieldType.NUMBER, "yd", "From the line of scrimmage to the goal line attacked."),
        Field(
            "score_difference", FieldType.INTEGER, "", "Points of the offense less those of the defense, at the snap."
        ),
        Field("home", FieldType.BOOLEAN, "", "The passer plays at home."),
        Field("team_id", FieldType.STRING, "", "The passer's team."),
        Field("opponent_id", FieldType.STRING, "", "The other team."),
        Field("time_to_throw_seconds", FieldType.NUMBER, "s", "From the snap to the release."),
        Field(
            "under_pressure",
            FieldType.BOOLEAN,
            "",
            "At the release a defender was within 2 yd of the passer, or on course to be there within 0.2 s.",
        ),
        Field(
            "air_yards",
            FieldType.NUMBER,
            "yd",
            "From the line of scrimmage to where the ball was caught or aimed at, as charted.",
        ),
        Field(
            "depth",
            FieldType.ENUM,
            "",
            "By charted air yards where known, else by where the target stood at the release: behind the line below "
            "0 yd, short below 10, intermediate below 20, deep from 20.",
            values=("PASS_DEPTH_BEHIND_LINE", "PASS_DEPTH_SHORT", "PASS_DEPTH_INTERMEDIATE", "PASS_DEPTH_DEEP"),
        ),
        Field(
            "target_separation_yards",
            FieldType.NUMBER,
            "yd",
            "From the target to the nearest defender, at the release.",
        ),
        Field("defenders_near_target", FieldType.INTEGER, "", "Defenders within 2 yd of the target, at the release."),
        Field(
            "passer_depth_yards",
            FieldType.NUMBER,
            "yd",
            "Of the passer behind the line of scrimmage, at the release; negative beyond it.",
        ),
        Field(
            "passer_lateral_yards",
            FieldType.NUMBER,
            "yd",
            "Of the passer to the left (positive) or right (negative) of the snap, at the release.",
        ),
        Field("passer_speed_yards_per_second", FieldType.NUMBER, "yd/s", "Of the passer, at the release."),
        Field("target_id", FieldType.STRING, "", "Who was thrown at.", names_player=True),
    ),
)
