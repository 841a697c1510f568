"""Who is who around a shot: the shooter, the goalie, their teams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from featurizer.shots.skaters import Skaters
from playscore import rink
from playscore.errors import PlayscoreError, Reason
from playscore.game import Player
from playscore.shots import NetState, ShotSituation

MAX_OF_TEAM: Final = 6
"""On the ice, a goalie among them."""
BENCH_Y_FEET: Final = 36.0
"""Who is so near the boards may be changing."""
CREASE_FEET: Final = 9.0
"""From the center of the goal line to the goalie of a source that does not say who the goalies are."""
PULLED_SKATERS: Final = 6
"""A team that has so many skaters has no goalie."""
GOALIE_POSITIONS: Final = frozenset({"G", "GK", "GOALIE", "GOALTENDER"})


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Everybody around a shot, by their columns in `skaters`."""

    skaters: Skaters
    row: int
    """Of the release."""
    shooter: int | None
    goalie: int | None
    attackers: tuple[int, ...]
    """Skaters of the shooting team, the shooter among them."""
    defenders: tuple[int, ...]
    """Skaters of the defending team, without the goalie."""
    empty_net: bool | None
    """Nobody guards the net that is attacked; None: not known, since the goalie is not seen."""

    def place(self, column: int, row: int | None = None) -> tuple[float, float]:
        """Where somebody was, feet; NaN where they were not seen, or outside of the film."""
        row = self.row if row is None else row
        if not 0 <= row < len(self.skaters.x):
            return np.nan, np.nan
        return float(self.skaters.x[row, column]), float(self.skaters.y[row, column])

    def velocity(self, column: int, row: int | None = None) -> tuple[float, float]:
        """Of somebody, feet per second; NaN where it is not known."""
        row = self.row if row is None else row
        if not 0 <= row < len(self.skaters.x):
            return np.nan, np.nan
        return float(self.skaters.vx[row, column]), float(self.skaters.vy[row, column])


def scene_of(
    skaters: Skaters,
    row: int,
    roster: Mapping[str, Player],
    team_id: str,
    situation: ShotSituation,
    puck: tuple[float, float],
) -> Scene:
    """Who is who at a row of the film.

    The goalie is the one that the situation names, else the defender that the roster calls a goalie and who is nearest
    to the net, else, where the roster names none, who stands in the crease. The shooter is the one that is named, else
    the attacker nearest to the puck.

    Raises:
        PlayscoreError: PLAYER_NOT_IN_ROSTER, TOO_MANY_PLAYERS.
    """
    present = np.flatnonzero(np.isfinite(skaters.x[row])) if 0 <= row < len(skaters.x) else np.empty(0, int)
    own: list[int] = []
    others: list[int] = []
    for column in present.tolist():
        player = roster.get(skaters.player_ids[column])
        if player is None:
            raise PlayscoreError(
                Reason.PLAYER_NOT_IN_ROSTER,
                f"player {skaters.player_ids[column]!r} is in the frames, but no roster names them",
            )
        (own if player.team_id == team_id else others).append(column)
    own = _on_the_ice(skaters, row, own, "shooting")
    others = _on_the_ice(skaters, row, others, "defending")
    goalie = _goalie(skaters, row, roster, others, situation)
    own_goalies = {column for column in own if is_goalie(roster[skaters.player_ids[column]])}
    attackers = tuple(column for column in own if column not in own_goalies)
    defenders = tuple(column for column in others if column != goalie)
    return Scene(
        skaters,
        row,
        _shooter(skaters, row, own, attackers, situation, puck),
        goalie,
        attackers,
        defenders,
        _empty_net(situation, goalie, defenders),
    )


def _on_the_ice(skaters: Skaters, row: int, columns: list[int], whose: str) -> list[int]:
    if len(columns) <= MAX_OF_TEAM:
        return columns
    playing = [column for column in columns if abs(skaters.y[row, column]) < BENCH_Y_FEET]
    if len(playing) > MAX_OF_TEAM:
        raise PlayscoreError(
            Reason.TOO_MANY_PLAYERS,
            f"the {whose} team has {len(playing)} players on the ice at the release, away from the benches; at most"
            f" {MAX_OF_TEAM} play",
        )
    return playing


def _goalie(
    skaters: Skaters, row: int, roster: Mapping[str, Player], others: list[int], situation: ShotSituation
) -> int | None:
    if situation.net_state is NetState.EMPTY:
        return None

    def from_net(column: int) -> float:
        return rink.distance_to_net(float(skaters.x[row, column]), float(skaters.y[row, column]))

    named = [column for column in others if skaters.player_ids[column] == situation.goalie_id]
    goalies = named or [column for column in others if is_goalie(roster[skaters.player_ids[column]])]
    if goalies:
        return min(goalies, key=from_net)
    if any(is_goalie(player) for player in roster.values()):
        return None
    return next((column for column in sorted(others, key=from_net)[:1] if from_net(column) <= CREASE_FEET), None)


def _empty_net(situation: ShotSituation, goalie: int | None, defenders: tuple[int, ...]) -> bool | None:
    if situation.net_state is not None:
        return situation.net_state is NetState.EMPTY
    if goalie is not None:
        return False
    return True if len(defenders) >= PULLED_SKATERS else None


def _shooter(
    skaters: Skaters,
    row: int,
    own: list[int],
    attackers: tuple[int, ...],
    situation: ShotSituation,
    puck: tuple[float, float],
) -> int | None:
    if situation.shooter_id:
        return next((column for column in own if skaters.player_ids[column] == situation.shooter_id), None)
    if not attackers or np.isnan(puck[0]):
        return None
    return min(attackers, key=lambda e: float(np.hypot(skaters.x[row, e] - puck[0], skaters.y[row, e] - puck[1])))


def is_goalie(player: Player) -> bool:
    """Whether the roster calls somebody a goalie."""
    return player.position.upper() in GOALIE_POSITIONS
