"""NGS hackathon 2015: every play of whole games, 22 players without ball, no frame numbers, no angles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.readers import situations
from pipeline.readers.descriptions import counts
from pipeline.readers.layout import TableLayout
from pipeline.readers.samples import Film, film_by_play, frame_by_time
from pipeline.readers.situations import Statistic, official_pass
from pipeline.readers.source import LEAGUE, TableSource, play_of, roster, without_record
from pipeline.readers.tables import Kind, Table
from playscore.game import CoordinateSystem, Game, GameHeader, LengthUnit, Origin, Play, PlayContext, Sport
from playscore.passing import FootballSituation, PlayKind

TABLES = (
    Table(
        "tracking",
        {
            "gameId": Kind.ID,
            "ngsPlayId": Kind.ID,
            "trackingSide": Kind.TEXT,
            "nflId": Kind.ID,
            "time": Kind.TIME,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "event": Kind.TEXT,
        },
    ),
    Table(
        "plays",
        {
            "gameId": Kind.ID,
            "ngsPlayId": Kind.ID,
            "gsisPlayId": Kind.INTEGER,
            "playType": Kind.TEXT,
            "yardlineSide": Kind.TEXT,
            "yardlineNumber": Kind.NUMBER,
            "playDescription": Kind.TEXT,
            "quarter": Kind.INTEGER,
            "down": Kind.INTEGER,
            "yardsToGo": Kind.INTEGER,
            "possessionTeamId": Kind.ID,
            "gameClock": Kind.TEXT,
            "playStats": Kind.TEXT,
            "schedule_season": Kind.INTEGER,
            "schedule_week": Kind.INTEGER,
            "schedule_homeTeamId": Kind.ID,
            "schedule_visitorTeamId": Kind.ID,
            "schedule_homeTeamAbbr": Kind.TEXT,
            "schedule_visitorTeamAbbr": Kind.TEXT,
        },
    ),
    Table(
        "roster",
        {
            "nflId": Kind.ID,
            "teamId": Kind.ID,
            "abbr": Kind.TEXT,
            "displayName": Kind.TEXT,
            "position": Kind.TEXT,
            "positionGroup": Kind.TEXT,
            "jerseyNumber": Kind.INTEGER,
        },
        required=False,
    ),
)
_SIDES = ("homeTrackingData", "awayTrackingData")
_PASSES = ("play_type_pass", "play_type_sack")


class Reader(TableSource):
    """The games of this layout in a folder."""

    def game(self, game_id: str) -> Game:
        """One game. Frames are numbered by time from the first sample of their play."""
        plays = self.tables["plays"].rows(game_id).sort("gsisPlayId").to_dicts()
        schedule = plays[0]
        home, away = schedule["schedule_homeTeamAbbr"], schedule["schedule_visitorTeamAbbr"]
        samples = self.tables["tracking"].rows(game_id)
        films = film_by_play(
            samples.with_columns(frame_by_time(pl.col("time"), "ngsPlayId").alias("frame")).select(
                pl.col("ngsPlayId").alias("play"),
                pl.col("nflId").alias("player"),
                "frame",
                "time",
                "x",
                "y",
                "s",
                "event",
            )
        )
        people = samples.select(
            pl.col("nflId").alias("player"), pl.col("trackingSide").replace_strict(_SIDES, [home, away]).alias("team")
        ).unique("player")
        return Game(
            header=GameHeader(
                league=LEAGUE,
                game_id=game_id,
                sport=Sport.AMERICAN_FOOTBALL,
                season=schedule["schedule_season"],
                week=schedule["schedule_week"],
                home_team_id=home,
                away_team_id=away,
                coordinates=CoordinateSystem(LengthUnit.YARD, Origin.CORNER, angle_convention=None),
            ),
            roster=tuple(roster(people.join(self._names(plays), on="player", how="left")).values()),
            plays=[_play(row, films) for row in plays]
            + without_record(films.keys() - {row["ngsPlayId"] for row in plays}, films),
        )

    def _names(self, plays: list[dict[str, Any]]) -> pl.DataFrame:
        """Names and positions: one team's roster, and for the others the names that the statistics give."""
        schema = {"player": pl.String, "name": pl.String, "position": pl.String, "jersey": pl.Int64}
        credited = (
            (str(line["nflId"]), line["playerName"], None, None)
            for row in plays
            for line in json.loads(row["playStats"] or "[]")
            if "nflId" in line
        )
        names = pl.DataFrame(list(credited), schema=schema, orient="row")
        if "roster" in self.tables:
            listed = self.tables["roster"].rows().select("nflId", "displayName", "position", "jerseyNumber")
            names = pl.concat([listed.rename(dict(zip(listed.columns, schema, strict=True))), names])
        return names.unique("player", keep="first", maintain_order=True)


def _play(row: dict[str, Any], films: Mapping[str, Film]) -> Play:
    abbreviations = {row[f"schedule_{side}TeamId"]: row[f"schedule_{side}TeamAbbr"] for side in ("home", "visitor")}
    offense = abbreviations.get(row["possessionTeamId"], "")
    sides = (row["schedule_homeTeamAbbr"], row["schedule_visitorTeamAbbr"])
    distance = situations.yards_to_end_zone(offense, sides, row["yardlineSide"], row["yardlineNumber"])
    official = official_pass(
        (
            Statistic(str(line.get("nflId", "")), line["statId"], float(line["yards"]))
            for line in json.loads(row["playStats"] or "[]")
        ),
        distance,
    )
    if not counts(row["playDescription"]):
        official, kind = None, PlayKind.OTHER
    elif official is not None or row["playType"] in _PASSES:
        kind = PlayKind.PASS
    else:
        kind = PlayKind.RUN if row["playType"] == "play_type_rush" else PlayKind.OTHER
    return play_of(
        PlayContext(
            play_id=row["ngsPlayId"],
            attacking_team_id=offense,
            situation=FootballSituation(
                kind=kind,
                quarter=row["quarter"],
                game_clock_seconds=situations.clock_seconds(row["gameClock"]),
                down=situations.down(row["down"]),
                yards_to_go=situations.positive(row["yardsToGo"]),
                yards_to_end_zone=distance,
                passer_id=official.passer_id if official else "",
                target_id=official.target_id if official else "",
                charted_air_yards=official.air_yards if official else None,
            ),
        ),
        films.get(row["ngsPlayId"]),
        official.outcome if official else None,
    )


LAYOUT = TableLayout("hackathon2015", TABLES, Reader)
