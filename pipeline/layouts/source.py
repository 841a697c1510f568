"""What every layout's reader is, and the parts of a game that they all put together alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.layouts.tables import TableFiles
from playscore.game import (
    AngleConvention,
    CoordinateSystem,
    FootballSituation,
    Frames,
    Game,
    LengthUnit,
    Origin,
    Play,
    PlayContext,
    Player,
)

LEAGUE = "NFL"
COORDINATES = CoordinateSystem(LengthUnit.YARD, Origin.CORNER, AngleConvention.DEGREES_CLOCKWISE_FROM_Y)
BALL_NAMES = ("ball", "football")


@dataclass(frozen=True)
class Source(ABC):
    """Games in one layout. A game is read when it is asked for, and nothing of it is kept."""

    tables: Mapping[str, TableFiles]
    """By the names that the layout gives them; `tracking` among them."""

    @property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in order."""
        return self.tables["tracking"].game_ids

    @abstractmethod
    def game(self, game_id: str) -> Game:
        """One of them, whole."""


def roster(people: pl.DataFrame) -> dict[str, Player]:
    """Players by identifier, of rows `player`, `team`, `name`, `position`, `jersey`; a player's first row counts."""
    people = people.drop_nulls(["player", "team"]).unique("player", keep="first", maintain_order=True).sort("player")
    columns = people.select("player", "team", pl.col("name", "position").fill_null(""), "jersey")
    return {row[0]: Player(*row) for row in columns.iter_rows()}


def on_field(frames: Frames, players: Mapping[str, Player], team: str) -> list[Player]:
    """The players of one team who appear in a play."""
    present = (players[player] for player in frames.player_ids if player in players)
    return [player for player in present if player.team_id == team]


def without_record(play_ids: Iterable[str], frames: Mapping[str, Frames]) -> list[Play]:
    """Plays that were tracked but stand in no table of plays: nothing is known of them, and nothing is left out."""
    return [
        Play(PlayContext(play_id, offense_team_id="", football=FootballSituation()), frames[play_id])
        for play_id in play_ids
    ]


def no_frames() -> Frames:
    """The frames of a play that was not tracked."""
    nothing = np.empty((0, 0), dtype=np.float32)
    return Frames(frame_numbers=np.empty(0, dtype=np.int32), player_ids=(), x=nothing, y=nothing)
