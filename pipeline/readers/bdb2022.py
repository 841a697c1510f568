"""Big Data Bowl 2022: kickoffs, punts and field goals of 2018 to 2020. None is graded; every play has its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pipeline.readers.big_data_bowl import GAMES, SITUATION, BigDataBowl
from pipeline.readers.cells import Kind
from pipeline.readers.descriptions import DescribedPass
from pipeline.readers.layout import TableLayout
from pipeline.readers.tables import FILE, Table
from pipeline.readers.text_files import ROW
from playscore.passing import PlayKind

TABLES = (
    Table(
        "tracking",
        {
            "time": Kind.TIME,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "a": Kind.NUMBER,
            "o": Kind.NUMBER,
            "dir": Kind.NUMBER,
            "event": Kind.ID,
            "nflId": Kind.ID,
            "displayName": Kind.NAME,
            "jerseyNumber": Kind.INTEGER,
            "position": Kind.ID,
            "team": Kind.ID,
            "frameId": Kind.FRAME,
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "playDirection": Kind.TEXT,
        },
        without=frozenset({"route"}),
        keys=("playId", "frameId"),
        by_game=True,
    ),
    Table(
        "plays",
        {
            **SITUATION,
            "specialTeamsPlayType": Kind.TEXT,
        },
        keys=("playId",),
    ),
    GAMES,
)


class Reader(BigDataBowl):
    """The games of this layout in a folder."""

    def samples(self, game_id: str) -> pl.DataFrame:
        """See BigDataBowl."""
        return (
            self.tables["tracking"]
            .rows(game_id)
            .select(
                pl.col("playId").alias("play"),
                pl.col("nflId").alias("player"),
                pl.col("displayName").alias("name"),
                pl.col("frameId").alias("frame"),
                pl.col("jerseyNumber").alias("jersey"),
                pl.col("playDirection").alias("direction"),
                *("team", "position", "time", "x", "y", "s", "a", "dir", "o", "event", ROW, FILE),
            )
        )

    def kind(self, row: Mapping[str, Any]) -> PlayKind | None:
        """See BigDataBowl."""
        return PlayKind.CONVERSION_TRY if row["specialTeamsPlayType"] == "Extra Point" else PlayKind.SPECIAL_TEAMS

    def yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """See BigDataBowl."""
        return None


LAYOUT = TableLayout("bdb2022", TABLES, Reader)
