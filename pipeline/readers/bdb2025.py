"""Big Data Bowl 2025: every play of 2022 with all 22 players, from the huddle on; a file a week.

A table of its own says what each player did in a play: who dropped back, whom the pass was for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.readers.big_data_bowl import GAMES, SITUATION, BigDataBowl, passer_told, target_told
from pipeline.readers.cells import Kind
from pipeline.readers.descriptions import DescribedPass
from pipeline.readers.layout import TableLayout
from pipeline.readers.names import only_passer, thrower_by_last_name
from pipeline.readers.tables import FILE, Table
from pipeline.readers.text_files import ROW
from playscore.game import Player
from playscore.passing import PlayKind
from playscore.tracking_events import SNAP_NAMES

TABLES = (
    Table(
        "tracking",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "nflId": Kind.ID,
            "displayName": Kind.NAME,
            "frameId": Kind.FRAME,
            "frameType": Kind.TEXT,
            "time": Kind.TIME,
            "jerseyNumber": Kind.INTEGER,
            "club": Kind.ID,
            "playDirection": Kind.TEXT,
            "x": Kind.NUMBER,
            "y": Kind.NUMBER,
            "s": Kind.NUMBER,
            "a": Kind.NUMBER,
            "o": Kind.NUMBER,
            "dir": Kind.NUMBER,
            "event": Kind.ID,
        },
        keys=("playId", "frameId"),
        by_game=True,
    ),
    Table(
        "plays",
        {
            **SITUATION,
            "playNullifiedByPenalty": Kind.FLAG,
            "prePenaltyYardsGained": Kind.NUMBER,
        },
        extras={"passLength": Kind.NUMBER, "qbSpike": Kind.FLAG, "qbKneel": Kind.FLAG},
        without=frozenset({"ballCarrierId"}),
        keys=("playId",),
    ),
    Table(
        "player_play",
        {
            "gameId": Kind.ID,
            "playId": Kind.ID,
            "nflId": Kind.ID,
            "hadDropback": Kind.FLAG,
            "passingYards": Kind.NUMBER,
            "wasTargettedReceiver": Kind.FLAG,
        },
        keys=("playId", "nflId"),
        required=False,
    ),
    GAMES,
    Table(
        "players", {"nflId": Kind.ID, "position": Kind.ID, "displayName": Kind.NAME}, keys=("nflId",), required=False
    ),
)


class Reader(BigDataBowl):
    """The games of this layout in a folder."""

    def samples(self, game_id: str) -> pl.DataFrame:
        """See BigDataBowl. Where no event tells the snap, the type of the frame does."""
        rows = self.tables["tracking"].rows(game_id)
        is_told = pl.col("event").is_in(SNAP_NAMES).any().over("playId")
        is_snap = pl.col("frameType").str.strip_chars().str.to_uppercase() == "SNAP"
        first_of_snap = is_snap & (pl.int_range(pl.len()).over("playId", is_snap.fill_null(False)) == 0)
        return rows.select(
            pl.col("playId").alias("play"),
            pl.col("nflId").alias("player"),
            pl.col("displayName").alias("name"),
            pl.col("frameId").alias("frame"),
            pl.col("jerseyNumber").alias("jersey"),
            pl.col("club").alias("team"),
            pl.col("playDirection").alias("direction"),
            pl.when(first_of_snap & ~is_told.fill_null(False))
            .then(pl.lit("ball_snap"))
            .otherwise("event")
            .alias("event"),
            *("time", "x", "y", "s", "a", "dir", "o", ROW, FILE),
        )

    def listed(self, game_id: str) -> pl.DataFrame:
        """See BigDataBowl."""
        plays = self.plays(game_id)
        if "player_play" not in self.tables:
            return plays.with_columns(pl.lit(None).alias("deeds"))
        deeds = (
            self.tables["player_play"]
            .rows(game_id)
            .filter(pl.col("hadDropback") | pl.col("wasTargettedReceiver") | (pl.col("passingYards") != 0.0))
            .group_by("playId")
            .agg(pl.struct("nflId", "hadDropback", "passingYards", "wasTargettedReceiver").alias("deeds"))
        )
        return plays.join(deeds, on="playId", how="left", maintain_order="left")

    def positions(self) -> Mapping[str, tuple[str | None, str | None]]:
        """See BigDataBowl."""
        if "players" not in self.tables:
            return {}
        players = self.tables["players"].rows().select("nflId", "position", "displayName")
        return {player: (position, name) for player, position, name in players.iter_rows()}

    def kind(self, row: Mapping[str, Any]) -> PlayKind | None:
        """See BigDataBowl."""
        if row["qbSpike"]:
            return PlayKind.SPIKE
        return PlayKind.KNEEL if row["qbKneel"] else None

    def is_nullified(self, row: Mapping[str, Any]) -> bool:
        """See BigDataBowl."""
        return bool(row["playNullifiedByPenalty"])

    def yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """See BigDataBowl: the passer's official yards, where they are credited with any."""
        credited = [deed["passingYards"] for deed in row["deeds"] or () if deed["passingYards"]]
        yards: float | None = credited[0] if len(credited) == 1 else row["prePenaltyYardsGained"]
        return yards

    def air_yards(self, row: Mapping[str, Any], told: DescribedPass | None) -> float | None:
        """See BigDataBowl."""
        charted: float | None = row["passLength"]
        return charted

    def passer(
        self, row: Mapping[str, Any], told: DescribedPass | None, candidates: Sequence[Player], squad: Sequence[Player]
    ) -> tuple[str, str]:
        """See BigDataBowl. Who is credited with yards threw; else the sentence tells, else who dropped back."""
        deeds = [deed for deed in row["deeds"] or () if deed["nflId"] in {player.player_id for player in candidates}]
        credited = [deed["nflId"] for deed in deeds if deed["passingYards"]]
        dropped_back = [deed["nflId"] for deed in deeds if deed["hadDropback"]]
        targeted = [deed["nflId"] for deed in deeds if deed["wasTargettedReceiver"]]
        passer = (
            _only(credited)
            or passer_told(told, candidates, squad)
            or thrower_by_last_name(row["playDescription"] or "", candidates)
            or _only(dropped_back)
            or only_passer(candidates)
        )
        return passer, _only(targeted) or target_told(told, candidates, squad)


def _only(players: Sequence[str]) -> str:
    return players[0] if len(players) == 1 else ""


LAYOUT = TableLayout("bdb2025", TABLES, Reader)
