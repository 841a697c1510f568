"""The factors of a shot: their names, units and order. docs/shot_factors.md has a picture of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from featurizer.core.flags import with_flags
from playscore.features import Column, FeatureSpecification
from playscore.game import Sport


@dataclass(frozen=True, slots=True)
class Factor:
    """One thing that makes a chance good or bad, up to the release of the shot."""

    name: str
    unit: str
    description: str
    ordered: bool = True
    """Greater values are more of something; else values are codes."""


FACTORS: Final = (
    # Where the shot was taken.
    Factor("puck_distance_feet", "ft", "From the puck to the center of the goal line."),
    Factor(
        "puck_angle_degrees",
        "deg",
        "Between the line from the puck to the center of the goal line and the long axis: 0 in front, above 90 behind.",
    ),
    Factor("shooter_distance_feet", "ft", "From the shooter's body to the center of the goal line."),
    Factor("shooter_angle_degrees", "deg", "As puck_angle_degrees, from the shooter's body."),
    Factor("lateral_offset_feet", "ft", "From the puck to the long axis."),
    # What of the net the puck sees.
    Factor("net_visible_past_goalie", "1", "Share of the goal mouth, as an angle at the puck, the goalie leaves open."),
    Factor("net_visible_past_traffic", "1", "Share of the goal mouth that neither goalie nor anybody else covers."),
    # The puck.
    Factor("puck_speed_feet_per_second", "ft/s", "Of the puck over the first tenth of a second after the release."),
    Factor("puck_height_feet", "ft", "Of the puck above the ice at the release."),
    # The shooter.
    Factor("shooter_speed_feet_per_second", "ft/s", "Of the shooter at the release."),
    Factor("shooter_turn_degrees", "deg", "How far the shooter's direction turned over the second before the release."),
    Factor(
        "shooter_off_wing", "1", "1 where the shooter's stick is on the side of the middle, 0 on that of the boards."
    ),
    # How the puck came.
    Factor("one_timer", "1", "1 where a pass was shot at most 0.5 s after it was received, else 0."),
    Factor("seconds_since_pass", "s", "Since the shooter received a pass, up to 5."),
    Factor("royal_road", "1", "1 where a pass of the last 3 s crossed the long axis below the tops of the circles."),
    Factor("cross_ice_feet", "ft", "Across the ice that the puck moved in the last 2 s: greatest less least y."),
    # The goalie.
    Factor("goalie_move_feet", "ft", "From where the goalie stood a second before to the line from puck to net."),
    Factor("goalie_speed_feet_per_second", "ft/s", "Of the goalie at the release."),
    Factor("goalie_off_line_feet", "ft", "From the goalie to the line from the puck to the center of the goal line."),
    Factor("goalie_set", "1", "1 where the goalie moved slower than 4 ft/s at the release, else 0."),
    Factor("goalie_depth_feet", "ft", "How far the goalie stood out of the goal line."),
    Factor("goalie_glove_side", "1", "1 where the puck was on the side of the goalie's catching hand, else 0."),
    # Bodies.
    Factor("screens", "1", "Bodies, but for shooter and goalie, in the triangle of puck and posts."),
    Factor("nearest_screen_feet", "ft", "From the puck to the nearest body in that triangle."),
    Factor("nearest_defender_feet", "ft", "From the shooter to the nearest defending skater."),
    Factor(
        "nearest_defender_closing_feet_per_second", "ft/s", "How fast that defender came closer; negative: went away."
    ),
    Factor(
        "defenders_between", "1", "Defending skaters nearer to the goal line than the puck, within 10 ft of its line."
    ),
    Factor("attackers_at_net", "1", "Attackers, but for the shooter, within 10 ft of the center of the goal line."),
    # How the attack began.
    Factor(
        "odd_man", "1", "Attackers less defending skaters that are at most 10 ft farther from the net than the puck."
    ),
    Factor("rush", "1", "1 where the puck came over the blue line at most 4 s before the release, else 0."),
    Factor("seconds_since_entry", "s", "Since the puck came over the blue line, up to 5."),
    Factor("entry_lateral_feet", "ft", "From the long axis to where the puck crossed the blue line."),
    Factor("entry_speed_feet_per_second", "ft/s", "Of the puck as it crossed the blue line."),
    Factor(
        "entry_carried",
        "1",
        "1 where an attacker had the puck at the blue line or got it there, 0 where it was shot in.",
    ),
    Factor("rebound", "1", "1 where the same team shot at most 3 s before, else 0."),
    Factor("rebound_seconds", "s", "Since that shot."),
    Factor(
        "rebound_angle_change_degrees",
        "deg",
        "Between the places of the two shots, as seen from the goal line's center.",
    ),
    Factor("seconds_since_faceoff", "s", "Since the last face-off, up to 120."),
    Factor("faceoff_won", "1", "1 where the shooting team won it, 0 where it lost it."),
    # What happened last, as events tell it.
    Factor("seconds_since_event", "s", "Since the last event that was listed, up to 60."),
    Factor("event_distance_feet", "ft", "From the place of that event to that of the shot."),
    Factor("event_speed_feet_per_second", "ft/s", "That distance by that time, the time at least half a second."),
    Factor("event_angle_change_degrees", "deg", "Between both places, as seen from the center of the goal line."),
    Factor(
        "event_kind",
        "code",
        "Number of that event's kind in HockeyEventKind, negative where it was the defending team's.",
        ordered=False,
    ),
    # The state of the game.
    Factor("skater_advantage", "1", "Skaters of the shooting team less those of the defending one."),
    Factor("skaters", "1", "Skaters of both teams."),
    Factor("empty_net", "1", "1 where nobody defended the net, else 0."),
    Factor("score_difference", "1", "Goals of the shooting team less those of the defending one, -4 to 4."),
    Factor("game_clock_seconds", "s", "Left in the period."),
    Factor("period", "1", "1 to 3, 4 in overtime."),
    Factor("shooter_seconds_on_ice", "s", "Of the shooter in this shift, up to 180."),
    Factor("shooting_seconds_on_ice", "s", "Of the shooting team's skaters, on average, up to 180."),
    Factor("defending_seconds_on_ice", "s", "Of the defending team's skaters, on average, up to 180."),
    Factor("shot_type", "code", "Number of ShotType.", ordered=False),
    Factor("listed_on_goal", "1", "1 where the source lists shots on goal only, 0 where it lists all unblocked ones."),
)
"""In the order of the tensor."""

NAMES: Final = tuple(factor.name for factor in FACTORS)
PLACE: Final = {name: place for place, name in enumerate(NAMES)}
"""Of each factor among the values, by its name."""

SPECIFICATION: Final = FeatureSpecification(
    sport=Sport.ICE_HOCKEY,
    frame_rate_hertz=0.0,
    frame_columns=(),
    static_columns=with_flags([Column(factor.name, factor.unit, factor.description) for factor in FACTORS]),
)
"""F values, then F flags. No frame columns: the window is in the factors. Frames may come at any rate."""
