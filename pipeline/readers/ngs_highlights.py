"""NGS highlights 2017-19: chosen pass plays, 22 players and ball, with the situation on every row.

Outcomes stand in the play-by-play of the games ("gsis"); the sentence of the play tells them where that lacks a play.
The same play may be filed twice, once under each team: its samples then come twice, under one identifier. The file's
frame numbers start anew for players who appear late, so frames are numbered by time.
"""

from __future__ import annotations

import json
from typing import Any

import polars as pl

from pipeline.readers import situations
from pipeline.readers.descriptions import described_pass, find_passer, find_target
from pipeline.readers.layout import TableLayout
from pipeline.readers.samples import film_by_play, frame_by_time
from pipeline.readers.situations import OfficialPass, Statistic, official_pass, pass_outcome
from pipeline.readers.source import COORDINATES, LEAGUE, TableSource, on_field, play_of, roster
from pipeline.readers.tables import Kind, Table
from playscore.game import Game, GameHeader, PlayContext, Player, Sport
from playscore.passing import FootballSituation, PlayKind

_TRACKING = {
    "gameId": Kind.ID,
    "playId": Kind.ID,
    "playType": Kind.TEXT,
    "season": Kind.INTEGER,
    "week": Kind.INTEGER,
    "preSnapHomeScore": Kind.INTEGER,
    "preSnapVisitorScore": Kind.INTEGER,
    "playDirection": Kind.TEXT,
    "quarter": Kind.INTEGER,
    "gameClock": Kind.TEXT,
    "down": Kind.INTEGER,
    "yardsToGo": Kind.INTEGER,
    "yardlineSide": Kind.TEXT,
    "yardlineNumber": Kind.NUMBER,
    "possessionFlag": Kind.INTEGER,
    "homeTeamFlag": Kind.INTEGER,
    "teamAbbr": Kind.TEXT,
    "displayName": Kind.TEXT,
    "gsisId": Kind.ID,
    "jerseyNumber": Kind.INTEGER,
    "nflId": Kind.ID,
    "position": Kind.TEXT,
    "time": Kind.TIME,
    "x": Kind.NUMBER,
    "y": Kind.NUMBER,
    "s": Kind.NUMBER,
    "o": Kind.NUMBER,
    "dir": Kind.NUMBER,
    "event": Kind.TEXT,
    "playDescription": Kind.TEXT,
}
TABLES = (
    Table("tracking", _TRACKING),
    Table("gsis_plays", {"gameId": Kind.ID, "playId": Kind.ID, "players": Kind.TEXT, "desc": Kind.TEXT}),
)
_PASSES = ("play_type_pass", "play_type_sack", "play_type_two_point_conversion")


class Reader(TableSource):
    """The games of this layout in a folder."""

    def game(self, game_id: str) -> Game:
        """The plays of one game that are among the highlights."""
        samples = self.tables["tracking"].rows(game_id)
        films = film_by_play(
            samples.with_columns(frame_by_time(pl.col("time"), "playId").alias("frame")).select(
                pl.col("playId").alias("play"),
                pl.col("nflId").alias("player"),
                "frame",
                "time",
                "x",
                "y",
                "s",
                "dir",
                "o",
                "event",
            )
        )
        on_teams = samples.filter(pl.col("teamAbbr").is_not_null())
        players = roster(
            on_teams.select(
                pl.col("nflId").alias("player"),
                pl.col("teamAbbr").alias("team"),
                pl.col("displayName").alias("name"),
                "position",
                pl.col("jerseyNumber").alias("jersey"),
            )
        )
        nfl_ids = dict(on_teams.select("gsisId", "nflId").unique().iter_rows())
        gsis = self.tables["gsis_plays"].rows(game_id)
        statistics = {
            play: [
                Statistic(nfl_ids.get(gsis_id, ""), line["statId"], float(line["yards"]))
                for gsis_id, lines in json.loads(credited).items()
                for line in lines
            ]
            for play, credited in gsis.select("playId", "players").iter_rows()
        }
        teams = dict(on_teams.select("homeTeamFlag", "teamAbbr").unique().iter_rows())
        rows = on_teams.unique("playId", keep="first").sort(pl.col("playId").cast(pl.Int64)).to_dicts()
        plays = []
        for row in rows:
            offense = teams[row["homeTeamFlag"] if row["possessionFlag"] else 1 - row["homeTeamFlag"]]
            distance = situations.yards_to_end_zone(
                offense, (teams[1], teams[0]), row["yardlineSide"], row["yardlineNumber"]
            )
            candidates = on_field(films[row["playId"]], players, offense)
            official = official_pass(statistics.get(row["playId"], ()), distance) or _told(row, candidates, distance)
            plays.append(
                play_of(
                    _context(row, offense, distance, official),
                    films[row["playId"]],
                    official.outcome if official else None,
                )
            )
        return Game(
            header=GameHeader(
                league=LEAGUE,
                game_id=game_id,
                sport=Sport.AMERICAN_FOOTBALL,
                season=rows[0]["season"],
                week=rows[0]["week"],
                home_team_id=teams[1],
                away_team_id=teams[0],
                coordinates=COORDINATES,
            ),
            roster=tuple(players.values()),
            plays=plays,
        )


def _told(row: dict[str, Any], candidates: list[Player], distance: float | None) -> OfficialPass | None:
    """The pass as the play's sentence tells it."""
    told = described_pass(row["playDescription"])
    if told is None:
        return None
    yards = distance if row["playType"] == "play_type_two_point_conversion" else told.yards
    return OfficialPass(
        passer_id=find_passer(told.passer, candidates),
        target_id=find_target(told.target, candidates),
        air_yards=told.air_yards,
        outcome=pass_outcome(told.result, yards),
    )


def _context(row: dict[str, Any], offense: str, distance: float | None, official: OfficialPass | None) -> PlayContext:
    return PlayContext(
        play_id=row["playId"],
        attacking_team_id=offense,
        attacking_direction=situations.attacking_direction(row["playDirection"]),
        situation=FootballSituation(
            kind=PlayKind.PASS if row["playType"] in _PASSES else PlayKind.OTHER,
            quarter=row["quarter"],
            game_clock_seconds=situations.clock_seconds(row["gameClock"]),
            down=situations.down(row["down"]),
            yards_to_go=situations.positive(row["yardsToGo"]),
            yards_to_end_zone=distance,
            home_score=row["preSnapHomeScore"],
            away_score=row["preSnapVisitorScore"],
            passer_id=official.passer_id if official else "",
            target_id=official.target_id if official else "",
            charted_air_yards=official.air_yards if official else None,
        ),
    )


LAYOUT = TableLayout("ngs_highlights", TABLES, Reader)
