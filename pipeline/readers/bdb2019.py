"""Big Data Bowl 2019: whole games of 2017, a tracking file each; only the play's sentence names passer and target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.readers.big_data_bowl import BigDataBowl
from pipeline.readers.cells import Kind
from pipeline.readers.descriptions import DescribedPass, kind_told
from pipeline.readers.layout import TableLayout
from pipeline.readers.tables import FILE, Table
from pipeline.readers.text_files import ROW
from playscore.passing import PlayKind

TABLES = (
    Table(
        "tracking",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "frame.id": Kind.FRAME,
            "nflId": Kind.ID,
            "displayName": Kind.NAME,
            "jerseyNumber": Kind.INTEGER,
            "team": Kind.ID,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "dir": Kind.NUMBER,
            "event": Kind.ID,
        },
        keys=("playId", "frame.id"),
        by_game=True,
    ),
    Table(
        "plays",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "quarter": Kind.INTEGER,
            "GameClock": Kind.CLOCK,
            "down": Kind.INTEGER,
            "yardsToGo": Kind.INTEGER,
            "possessionTeam": Kind.ID,
            "yardlineSide": Kind.ID,
            "yardlineNumber": Kind.YARD_LINE,
            "HomeScoreBeforePlay": Kind.INTEGER,
            "VisitorScoreBeforePlay": Kind.INTEGER,
            "isPenalty": Kind.FLAG,
            "isSTPlay": Kind.FLAG,
            "PassLength": Kind.NUMBER,
            "PassResult": Kind.TEXT,
            "PlayResult": Kind.NUMBER,
            "playDescription": Kind.TEXT,
        },
        keys=("playId",),
    ),
    Table(
        "games",
        {
            "gameId": Kind.ID,
            "season": Kind.INTEGER,
            "week": Kind.INTEGER,
            "homeTeamAbbr": Kind.ID,
            "visitorTeamAbbr": Kind.ID,
            "HomeScore": Kind.INTEGER,
        },
        extras={"league": Kind.ID},
    ),
    Table(
        "players",
        {"nflId": Kind.ID, "FirstName": Kind.NAME, "LastName": Kind.NAME, "PositionAbbr": Kind.ID},
        keys=("nflId",),
        required=False,
    ),
)


class Reader(BigDataBowl):
    """The games of this layout in a folder. Its times are whole seconds and are not read; frames go by their number."""

    def samples(self, game_id: str) -> pl.DataFrame:
        """See BigDataBowl."""
        return (
            self.tables["tracking"]
            .rows(game_id)
            .select(
                pl.col("playId").alias("play"),
                pl.col("nflId").alias("player"),
                pl.col("displayName").alias("name"),
                pl.col("frame.id").alias("frame"),
                pl.col("jerseyNumber").alias("jersey"),
                *("team", "x", "y", "s", "dir", "event", ROW, FILE),
            )
        )

    def listed(self, game_id: str) -> pl.DataFrame:
        """See BigDataBowl."""
        return self.plays(game_id).rename(
            {
                "GameClock": "gameClock",
                "HomeScoreBeforePlay": "preSnapHomeScore",
                "VisitorScoreBeforePlay": "preSnapVisitorScore",
                "PassResult": "passResult",
            }
        )

    def positions(self) -> Mapping[str, tuple[str | None, str | None]]:
        """See BigDataBowl."""
        if "players" not in self.tables:
            return {}
        players = self.tables["players"].rows().select("nflId", "PositionAbbr")
        return {player: (position, None) for player, position in players.iter_rows()}

    def kind(self, row: Mapping[str, Any]) -> PlayKind | None:
        """See BigDataBowl."""
        kicked = row["isSTPlay"] and row["passResult"] is None
        is_try = kind_told(row["playDescription"] or "") is PlayKind.CONVERSION_TRY
        return PlayKind.SPECIAL_TEAMS if kicked and not is_try else None

    def yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """See BigDataBowl. The column says how far the ball was moved in the end.

        What penalties and fumbles added is not the pass's: there the sentence's yards count.
        """
        if told is not None and told.yards is not None and (row["isPenalty"] or "FUMBLES" in row["playDescription"]):
            return told.yards
        yards: float | None = row["PlayResult"]
        return yards

    def air_yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """See BigDataBowl."""
        charted: float | None = row["PassLength"]
        return charted


LAYOUT = TableLayout("bdb2019", TABLES, Reader)
