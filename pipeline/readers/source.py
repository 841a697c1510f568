"""What every reader of tables is, and the parts of a game that they all put together alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.readers.samples import Film
from pipeline.readers.tables import TableFiles
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.game import (
    AngleConvention,
    CoordinateSystem,
    Frames,
    Game,
    LengthUnit,
    Origin,
    Play,
    PlayContext,
    Player,
)
from playscore.passing import FootballSituation
from playscore.wire.games import feed_of

LEAGUE = "NFL"
COORDINATES = CoordinateSystem(LengthUnit.YARD, Origin.CORNER, AngleConvention.DEGREES_CLOCKWISE_FROM_Y)
BALL_NAMES = ("ball", "football")


@dataclass(frozen=True)
class TableSource(ABC):
    """Games in tables. See `playscore.sources.Source`."""

    tables: Mapping[str, TableFiles]
    """By the names that the layout gives them; `tracking` among them."""

    @property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in order."""
        return self.tables["tracking"].game_ids

    @abstractmethod
    def game(self, game_id: str) -> Game:
        """One of them, whole."""

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        """One of them, message by message."""
        return feed_of(self.game(game_id))


def roster(people: pl.DataFrame) -> dict[str, Player]:
    """Players by identifier, of rows `player`, `team`, `name`, `position`, `jersey`; a player's first row counts."""
    people = people.drop_nulls(["player", "team"]).unique("player", keep="first", maintain_order=True).sort("player")
    columns = people.select("player", "team", pl.col("name", "position").fill_null(""), "jersey")
    return {row[0]: Player(*row) for row in columns.iter_rows()}


def on_field(film: Film | None, players: Mapping[str, Player], team: str) -> list[Player]:
    """The players of one team who appear in a play."""
    present = (players[player] for player in (film or _NOT_TRACKED).frames.player_ids if player in players)
    return [player for player in present if player.team_id == team]


def play_of(context: PlayContext, film: Film | None, outcome: object | None) -> Play:
    """A play, whether it was tracked or not."""
    frames, tracks = film or _NOT_TRACKED
    return Play(context, frames, outcome, tracks)


def without_record(play_ids: Iterable[str], films: Mapping[str, Film]) -> list[Play]:
    """Plays that were tracked but stand in no table of plays: nothing is known of them, and nothing is left out."""
    return [
        play_of(PlayContext(play_id, attacking_team_id="", situation=FootballSituation()), films[play_id], None)
        for play_id in sorted(play_ids)
    ]


_NOT_TRACKED = Film(Frames(np.empty(0, np.int32), (), np.empty((0, 0), np.float32), np.empty((0, 0), np.float32)))
