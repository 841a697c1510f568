"""Big Data Bowl 2023: pass plays of 2021 with speed, acceleration, direction and orientation."""

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

TABLES = (
    Table(
        "tracking",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "frameId": Kind.FRAME,
            "nflId": Kind.ID,
            "time": Kind.TIME,
            "jerseyNumber": Kind.INTEGER,
            "team": Kind.ID,
            "playDirection": Kind.TEXT,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "a": Kind.NUMBER,
            "dir": Kind.NUMBER,
            "o": Kind.NUMBER,
            "event": Kind.ID,
        },
        without=frozenset({"position", "club"}),
        keys=("playId", "frameId"),
        by_game=True,
    ),
    Table(
        "plays",
        {
            **SITUATION,
            "defensiveTeam": Kind.ID,
            "prePenaltyPlayResult": Kind.NUMBER,
        },
        without=frozenset({"ballCarrierId"}),
        keys=("playId",),
    ),
    Table("players", {"nflId": Kind.ID, "officialPosition": Kind.ID, "displayName": Kind.NAME}, keys=("nflId",)),
    GAMES,
)
_ANONYMOUS = "anon"


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
                pl.col("frameId").alias("frame"),
                pl.col("jerseyNumber").alias("jersey"),
                pl.col("playDirection").alias("direction"),
                *("team", "time", "x", "y", "s", "a", "dir", "o", "event", ROW, FILE),
            )
        )

    def positions(self) -> Mapping[str, tuple[str | None, str | None]]:
        """See BigDataBowl."""
        players = self.tables["players"].rows().with_columns(pl.col("displayName").replace(_ANONYMOUS, None))
        told = players.select("nflId", "officialPosition", "displayName").iter_rows()
        return {player: (position, name) for player, position, name in told}

    def yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """See BigDataBowl."""
        yards: float | None = row["prePenaltyPlayResult"]
        return yards


LAYOUT = TableLayout("bdb2023", TABLES, Reader)
