"""Shots on goal of the NHL with their places, types and goalies: no clock, strength, misses or shooters.

A goal without a goalie was scored on an empty net, and no other row says that a net was empty: so nothing here states
whether it was, nor with which hand the goalie catches, which would be unknown of such goals alone. Teams change ends
each period, and the source does not say which they attack: most shots tell.

Shots that are alike in all but their number are two shots: without a clock, two from one place look the same.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipeline.readers import hockey
from pipeline.readers.cells import Kind
from pipeline.readers.hockey import HockeySource, People
from pipeline.readers.layout import TableLayout
from pipeline.readers.source import most_say, play_of, unreadable_game
from pipeline.readers.tables import FILE, Table
from pipeline.readers.text_files import ROW
from playscore.game import Game, PlayContext
from playscore.shots import ShotListing, ShotOutcome, ShotResult, ShotSituation

TABLES: Final = (
    Table(
        "events",
        {
            "gameId": Kind.ID,
            "season": Kind.INTEGER,
            "period": Kind.INTEGER,
            "shootingTeam": Kind.ID,
            "isHomeShooting": Kind.FLAG,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "isGoal": Kind.FLAG,
            "shotType": Kind.TEXT,
            "goalieInNetId": Kind.ID,
            "goalieName": Kind.NAME,
            "seqInFile": Kind.ID,
        },
        keys=("seqInFile", "shootingTeam", "isHomeShooting", "isGoal"),
        by_game=True,
    ),
    Table("games", {"gameId": Kind.ID, "homeTeam": Kind.ID, "awayTeam": Kind.ID}, keys=("gameId",), required=False),
)


class Reader(HockeySource):
    """The games of this layout in a folder."""

    def read(self, game_id: str) -> Game:
        """See TableSource. A shot's identifier is its number in the source's file."""
        rows = self.events.rows(game_id)
        rows = self.leave_out(game_id, rows, ~pl.col("seqInFile").is_first_distinct(), "the shot is listed twice")
        home, away = self._teams(game_id, rows)
        shots = list(rows.drop(ROW, FILE).iter_rows(named=True))
        ends = hockey.home_directions((shot["period"], shot["isHomeShooting"], shot["x"]) for shot in shots)
        people = People()
        plays = []
        for shot in shots:
            by_home = shot["isHomeShooting"]
            goalie = people.add(shot["goalieInNetId"], away if by_home else home, shot["goalieName"], hockey.GOALIE)
            x, y = hockey.place(shot["x"], shot["y"])
            plays.append(
                play_of(
                    PlayContext(
                        play_id=shot["seqInFile"],
                        attacking_team_id=shot["shootingTeam"],
                        attacking_direction=hockey.direction(ends.get(shot["period"]), by_home=by_home),
                        situation=ShotSituation(
                            period=hockey.whole("period", shot["period"]),
                            goalie_id=goalie,
                            listing=ShotListing.ON_GOAL,
                            shot_type=hockey.shot_type(shot["shotType"]),
                            x=x,
                            y=y,
                        ),
                    ),
                    None,
                    ShotOutcome(ShotResult.GOAL if shot["isGoal"] else ShotResult.SAVED),
                )
            )
        season = hockey.season_of(most_say(rows, "season"))
        return Game(hockey.header("NHL", game_id, season, (home, away)), people.roster, plays)

    def _teams(self, game_id: str, rows: pl.DataFrame) -> tuple[str, str]:
        """The home team and the visitors: by the table of games, else by who shot."""
        listed = (self.tables["games"].row(game_id) if "games" in self.tables else None) or {}
        home = listed.get("homeTeam") or most_say(rows.filter("isHomeShooting"), "shootingTeam")
        away = listed.get("awayTeam") or most_say(rows.filter(~pl.col("isHomeShooting")), "shootingTeam")
        if not home or not away:
            raise unreadable_game(game_id, "only one team shot, and no table of games names the other")
        if home == away:
            raise unreadable_game(game_id, f"both teams are called {home}")
        return home, away


LAYOUT = TableLayout("nhl_sog", TABLES, Reader)
