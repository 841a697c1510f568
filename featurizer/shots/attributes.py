"""What splits of shots can be made by, from what was found out about one."""

from __future__ import annotations

from collections.abc import Mapping

from featurizer.shots.events import RUSH_SECONDS
from playscore.game import GameHeader, HomeSide, PlayContext
from playscore.shots import NetState, ShotAttributes, ShotListing, ShotSituation, Strength, zone_of


def attributes_of(
    header: GameHeader,
    context: PlayContext,
    situation: ShotSituation,
    values: Mapping[str, float],
    place: tuple[float, float],
    *,
    tracked: bool,
) -> ShotAttributes:
    """Of a shot from a place in feet, the net attacked at +x; `values` are its factors that are known."""
    home, away = header.team_ids
    shooting = context.attacking_team_id
    scored, conceded = situation.shooting_score, situation.defending_score
    entered = values.get("seconds_since_entry")
    rush = _flag(values, "rush")
    return ShotAttributes(
        season=header.season,
        period=situation.period,
        shooting_team_id=shooting,
        defending_team_id=away if shooting == home else home,
        distance_feet=values["puck_distance_feet"],
        angle_degrees=values["puck_angle_degrees"],
        shooting_at_home=shooting == home if header.home_side is HomeSide.STATED else None,
        game_clock_seconds=situation.game_clock_seconds,
        strength=Strength.of(situation.shooting_skaters, situation.defending_skaters),
        net_state=_net_state(values),
        listing=situation.listing or ShotListing.UNBLOCKED,
        shot_type=situation.shot_type,
        zone=zone_of(*place),
        rebound=_flag(values, "rebound"),
        rush=entered <= RUSH_SECONDS if rush is None and entered is not None else rush,
        one_timer=_flag(values, "one_timer"),
        royal_road=_flag(values, "royal_road"),
        screens=int(values["screens"]) if "screens" in values else None,
        score_difference=None if scored is None or conceded is None else scored - conceded,
        shooter_id=situation.shooter_id,
        goalie_id=situation.goalie_id,
        tracked=tracked,
        x_feet=place[0],
        y_feet=place[1],
    )


def _net_state(values: Mapping[str, float]) -> NetState | None:
    empty = _flag(values, "empty_net")
    if empty is None:
        return None
    return NetState.EMPTY if empty else NetState.GUARDED


def _flag(values: Mapping[str, float], name: str) -> bool | None:
    value = values.get(name)
    return None if value is None else bool(value)
