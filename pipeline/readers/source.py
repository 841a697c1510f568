"""What every reader of tables is, and the parts of a game that they all put together alike."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline.readers.losses import Losses
from pipeline.readers.samples import Film
from pipeline.readers.tables import FILE, TableFiles, in_order
from pipeline.readers.teams import Teams
from pipeline.readers.text_files import ROW
from playscore.errors import PlayscoreError, Reason
from playscore.feed.v1.feed_pb2 import FeedMessage
from playscore.field_limits import FIELD_LIMITS
from playscore.game import (
    AngleConvention,
    CoordinateSystem,
    Frames,
    Game,
    GameHeader,
    HomeSide,
    LengthUnit,
    Origin,
    Play,
    PlayContext,
    Player,
    Sport,
    TrackingEventKind,
)
from playscore.limits import TextKind
from playscore.passing import FootballSituation
from playscore.sources import Loss
from playscore.tracking_events import kind_of
from playscore.wire.games import feed_of

LEAGUE: Final = "NFL"
COORDINATES: Final = CoordinateSystem(LengthUnit.YARD, Origin.CORNER, AngleConvention.DEGREES_CLOCKWISE_FROM_Y)

MIN_FRAMES: Final = 4
"""Of a play that no table lists: with fewer, its identifier is a slip, and it is none."""
MIN_ROWS: Final = 100
"""Of tracking, of a game that no table lists."""


@dataclass(frozen=True)
class TableSource(ABC):
    """Games in tables. See `playscore.sources.Source`."""

    tables: Mapping[str, TableFiles]
    """By the names that the layout gives them; `tracking` among them."""
    left_out: Losses

    @cached_property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games that were tracked, in order."""
        tracked = self.tables["tracking"].games
        listed = {
            game_id for name, table in self.tables.items() if name != "tracking" for game_id in self._listed(table)
        }
        slips = {game_id for game_id, rows in tracked.items() if game_id not in listed and rows < MIN_ROWS}
        for game_id in sorted(slips):
            self.left_out.begin(game_id)
            self.left_out.add(
                game_id, "the game is in no table but that of tracking", tracked[game_id], f"game {game_id}"
            )
        return in_order(tracked.keys() - slips)

    def _listed(self, table: TableFiles) -> Iterable[str]:
        return table.games if table.table.game in table.table.columns else ()

    def game(self, game_id: str) -> Game:
        """One of them, whole. Raises FIELD_INVALID where a file cannot be read, or the game not be made sense of."""
        self.left_out.begin(game_id)
        return self.read(game_id)

    @abstractmethod
    def read(self, game_id: str) -> Game:
        """One of them, whole. What is left out is counted in `left_out`."""

    def feed(self, game_id: str) -> Iterator[FeedMessage]:
        """One of them, message by message."""
        return feed_of(self.game(game_id))

    def losses(self) -> Sequence[Loss]:
        """What was left out."""
        return self.left_out.all()

    def leave_out(self, game_id: str, rows: pl.DataFrame, which: pl.Expr, reason: str) -> pl.DataFrame:
        """The rows without `which` of them, and count those."""
        gone = rows.filter(which)
        if not len(gone):
            return rows
        first = gone.row(0, named=True)
        self.left_out.add(game_id, reason, len(gone), f"{first[FILE]}, row {first[ROW]}")
        return rows.filter(~which.fill_null(False))

    def plays(self, game_id: str, play: str = "playId") -> pl.DataFrame:
        """The rows of a game's plays, each play once, in the order of their identifiers, which are in column `play`.

        Rows of one play add up; what they say differently is not known.
        """
        rows = self.tables["plays"].rows(game_id)
        again = ~pl.col(play).is_first_distinct()
        if rows.select(again.any()).item():
            agreed = pl.exclude(play, ROW, FILE).drop_nulls().unique()
            known = rows.group_by(play, maintain_order=True).agg(
                pl.when(agreed.len() == 1).then(agreed.first()), pl.col(ROW, FILE).first()
            )
            self.leave_out(game_id, rows, again, "the play is listed twice")
            rows = known.select(rows.columns)
        return rows.sort(pl.col(play).str.len_chars(), play)

    def without_slips(self, game_id: str, samples: pl.DataFrame, listed: Iterable[str]) -> pl.DataFrame:
        """The samples (`play`, `frame`) of plays that are listed, or long enough to be plays that nobody listed."""
        is_slip = ~pl.col("play").is_in(list(listed)) & (pl.col("frame").n_unique().over("play") < MIN_FRAMES)
        return self.leave_out(game_id, samples, is_slip, "the play is in no table but that of tracking")


def roster(people: pl.DataFrame) -> dict[str, Player]:
    """Players by identifier, of rows `player`, `team`, `name`, `position`, `jersey`: what most of their rows say."""
    of_teams = people.filter(pl.col("player").is_not_null() & (pl.col("team") != ""))
    columns = [pl.col(name).drop_nulls().mode().sort().first() for name in ("team", "name", "position", "jersey")]
    told = (
        of_teams.group_by("player").agg(columns).sort("player").with_columns(pl.col("name", "position").fill_null(""))
    )
    return {row[0]: Player(*row) for row in told.iter_rows()}


def most_say(rows: pl.DataFrame, column: str) -> Any:
    """What most of the rows say in a column; None if none says anything."""
    return rows[column].drop_nulls().mode().sort().to_list()[0] if rows[column].count() else None


def all_say(rows: pl.DataFrame, columns: Iterable[str]) -> dict[str, Any]:
    """What most of the rows say in each of these columns. See `most_say`."""
    return rows.select(pl.col(name).drop_nulls().mode().sort().first() for name in columns).row(0, named=True)


def header_of(
    game_id: str,
    teams: Teams,
    season: int | None,
    week: int | None,
    *,
    league: str | None = None,
    home_side: HomeSide = HomeSide.STATED,
    coordinates: CoordinateSystem = COORDINATES,
) -> GameHeader:
    """A game's header. A season or week that cannot be one is not known: a slip there must not cost the game."""

    def within(field: str, value: int | None) -> int | None:
        limits = FIELD_LIMITS[f"playscore.tracking.v1.GameHeader.{field}"]
        return value if value is not None and limits.allows_number(value) else None

    return GameHeader(
        league=league if league and TextKind.LEAGUE.allows(league) else LEAGUE,
        game_id=game_id,
        sport=Sport.AMERICAN_FOOTBALL,
        season=within("season", season),
        week=within("week", week),
        home_team_id=teams.home,
        away_team_id=teams.away,
        coordinates=coordinates,
        home_side=home_side,
    )


def on_field(film: Film | None, players: Mapping[str, Player], team: str) -> list[Player]:
    """The players of one team who are seen in a play from its last snap on: others have left the huddle."""
    frames = (film or _NOT_TRACKED).frames
    snaps = [event.frame_number for event in frames.events if kind_of(event) is TrackingEventKind.SNAP]
    from_snap = frames.frame_numbers >= max(snaps, default=0)
    seen = np.atleast_1d(np.any(~np.isnan(frames.x[from_snap]), axis=0))
    present = (players[player] for player in itertools.compress(frames.player_ids, seen) if player in players)
    return [player for player in present if player.team_id == team]


def play_of(context: PlayContext, film: Film | None, outcome: object | None) -> Play:
    """A play, whether it was tracked or not."""
    frames, tracks = film or _NOT_TRACKED
    return Play(context, frames, outcome, tracks)


def without_record(listed: Iterable[str], films: Mapping[str, Film]) -> list[Play]:
    """Plays that were tracked but stand in no table of plays: nothing is known of them, and nothing is left out."""
    return [
        play_of(PlayContext(play_id, attacking_team_id="", situation=FootballSituation()), films[play_id], None)
        for play_id in sorted(films.keys() - set(listed))
    ]


def unreadable_game(game_id: str, why: str) -> PlayscoreError:
    """FIELD_INVALID for a game that cannot be made sense of."""
    return PlayscoreError(Reason.FIELD_INVALID, f"game {game_id} cannot be read: {why}")


_NOT_TRACKED = Film(Frames(np.empty(0, np.int32), (), np.empty((0, 0), np.float32), np.empty((0, 0), np.float32)))
