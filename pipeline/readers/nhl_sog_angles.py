"""Shots on goal of the NHL with distance, angle and situation code, but without teams, players and sides.

Who shot is not told, so that all shots of a game are filed under two teams that have no names, and the situation code,
which names strengths by home and visitors, says nothing of the shooter's.
"""

from __future__ import annotations

from typing import Final

from pipeline.readers import hockey
from pipeline.readers.cells import Kind
from pipeline.readers.hockey import HockeySource
from pipeline.readers.layout import TableLayout
from pipeline.readers.source import play_of
from pipeline.readers.tables import Table
from playscore.game import AttackingDirection, Game, HomeSide, PlayContext
from playscore.shots import ShotKind, ShotListing, ShotOutcome, ShotResult, ShotSituation

SHOOTERS, DEFENDERS = "unnamed shooters", "unnamed defenders"
SHOOTOUT: Final = 5
PENALTY_SHOTS: Final = ("1010", "0101", "101")
"""Situation codes of one skater against a goalie."""

TABLES: Final = (
    Table(
        "events",
        {
            "game_id": Kind.ID,
            "is_goal": Kind.FLAG,
            "x_coord": Kind.NUMBER,
            "y_coord": Kind.NUMBER,
            "distance": Kind.NUMBER,
            "angle": Kind.NUMBER,
            "shot_type": Kind.TEXT,
            "situation_code": Kind.ID,
            "period": Kind.INTEGER,
        },
        game="game_id",
        keys=("is_goal",),
        by_game=True,
    ),
)


class Reader(HockeySource):
    """The games of this layout in a folder."""

    def read(self, game_id: str) -> Game:
        """See TableSource. Shots have no identifiers: they are numbered in the order of the file."""
        plays = [
            play_of(
                PlayContext(
                    play_id=str(number),
                    attacking_team_id=SHOOTERS,
                    attacking_direction=_nearer_end(shot["x_coord"]),
                    situation=ShotSituation(
                        period=hockey.whole("period", shot["period"]),
                        listing=ShotListing.ON_GOAL,
                        kind=_kind(shot["period"], shot["situation_code"]),
                        shot_type=hockey.shot_type(shot["shot_type"]),
                        x=hockey.place(shot["x_coord"], shot["y_coord"])[0],
                        y=hockey.place(shot["x_coord"], shot["y_coord"])[1],
                    ),
                ),
                None,
                ShotOutcome(ShotResult.GOAL if shot["is_goal"] else ShotResult.SAVED),
            )
            for number, shot in enumerate(self.events.rows(game_id).iter_rows(named=True), start=1)
        ]
        season = int(game_id[:4]) if game_id[:4].isdigit() else None
        header = hockey.header("NHL", game_id, season, (SHOOTERS, DEFENDERS), home_side=HomeSide.UNKNOWN)
        return Game(header, (), plays)


def _nearer_end(x: float | None) -> AttackingDirection | None:
    """The source measures its distances to the nearer net."""
    if x is None:
        return None
    return AttackingDirection.POSITIVE_X if x >= 0 else AttackingDirection.NEGATIVE_X


def _kind(period: int | None, situation_code: str | None) -> ShotKind:
    if period == SHOOTOUT:
        return ShotKind.SHOOTOUT
    return ShotKind.PENALTY_SHOT if situation_code in PENALTY_SHOTS else ShotKind.IN_PLAY


LAYOUT = TableLayout("nhl_sog_angles", TABLES, Reader)
