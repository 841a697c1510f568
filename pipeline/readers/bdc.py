"""Big Data Cup: hockey as Stathletes charts it, event by event, and as their cameras track it, puck and players.

In 2026 a table of events comes with files of tracking, one a period, for some of the games; in 2025 tracking stands
alone.
All places are feet on the ice as the camera sees it, with the ends changing each period; a table of camera
orientations says who defended which in the first. The frame is the number at the end of `Image Id`, thirty a second,
and gaps stay gaps. Where a shot is listed and its second was tracked, the middle frame of that second stands for its
release: the puck's own way tells it more exactly. Players are known by team and jersey: the identifiers of tracking
change within a game.

Charted are shot types and one-timers, whatever became of the shot, and are used. Whether there was traffic is charted
too; it is not, because it is said of most blocked shots.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from pipeline.readers import hockey
from pipeline.readers.cells import Kind
from pipeline.readers.hockey import FaceoffRecords, Happened, HockeySource, People
from pipeline.readers.layout import TableLayout
from pipeline.readers.samples import Film, film_of
from pipeline.readers.source import play_of, unreadable_game
from pipeline.readers.tables import Table, in_order
from playscore.faceoffs import FaceoffOutcome, FaceoffResult, FaceoffSituation
from playscore.game import AttackingDirection, Game, Play, PlayContext, Track, TrackedObject
from playscore.shots import (
    HockeyEventKind,
    NetState,
    ShotListing,
    ShotOutcome,
    ShotResult,
    ShotSituation,
    ShotType,
)
from playscore.sources import Recognition

LEAGUE: Final = "BDC"
"""The source does not name the league."""
HERTZ: Final = 30.0
GOALIE_JERSEY: Final = "Go"
_IMAGE: Final = r"^(.+ @ .+)_(\d+)$"
_GAME: Final = r"^\d{4}-\d\d-\d\d (.+) @ (.+)$"
TRACKING: Final = Table(
    "tracking",
    {
        "game": Kind.ID,
        "Image Id": Kind.TEXT,
        "Period": Kind.ID,
        "Game Clock": Kind.PERIOD_CLOCK,
        "Player or Puck": Kind.TEXT,
        "Team": Kind.TEXT,
        "Player Id": Kind.ID,
        "Rink Location X (Feet)": Kind.NUMBER,
        "Rink Location Y (Feet)": Kind.NUMBER,
        "Rink Location Z (Feet)": Kind.NUMBER,
    },
    extras={"Player Jersey Number": Kind.ID},
    game="game",
    game_from=pl.col("Image Id").cast(pl.String, strict=False).str.extract(_IMAGE, 1),
    keys=("Image Id", "Period", "Player or Puck"),
    by_game=True,
    required=False,
)
EVENTS: Final = Table(
    "events",
    {
        "game": Kind.ID,
        "Date": Kind.TEXT,
        "Home_Team": Kind.ID,
        "Away_Team": Kind.ID,
        "Period": Kind.ID,
        "Clock": Kind.PERIOD_CLOCK,
        "Home_Team_Skaters": Kind.NUMBER,
        "Away_Team_Skaters": Kind.NUMBER,
        "Home_Team_Goals": Kind.INTEGER,
        "Away_Team_Goals": Kind.INTEGER,
        "Team": Kind.ID,
        "Player_Id": Kind.ID,
        "Event": Kind.TEXT,
        "X_Coordinate": Kind.NUMBER,
        "Y_Coordinate": Kind.NUMBER,
        "Detail_1": Kind.TEXT,
        "Detail_2": Kind.TEXT,
        "Detail_4": Kind.FLAG,
        "Player_Id_2": Kind.ID,
        "X_Coordinate_2": Kind.NUMBER,
        "Y_Coordinate_2": Kind.NUMBER,
    },
    game="game",
    game_from=pl.when(pl.col("Date").cast(pl.String, strict=False).str.contains(r"^\d{4}-\d\d-\d\d$")).then(
        pl.format("{} {} @ {}", "Date", "Away_Team", "Home_Team")
    ),
    keys=("Event",),
)
CAMERAS: Final = Table(
    "cameras",
    {"Game": Kind.ID, "GoalieTeamOnRightSideOfRink1stPeriod": Kind.TEXT},
    game="Game",
    required=False,
)

_KINDS: Final = {
    "Faceoff Win": HockeyEventKind.FACEOFF,
    "Puck Recovery": HockeyEventKind.RECOVERY,
    "Zone Entry": HockeyEventKind.ZONE_ENTRY,
    "Play": HockeyEventKind.PASS,
    "Incomplete Play": HockeyEventKind.OTHER,
    "Dump In/Out": HockeyEventKind.OTHER,
    "Takeaway": HockeyEventKind.TAKEAWAY,
    "Penalty Taken": HockeyEventKind.PENALTY,
    "Goal": HockeyEventKind.GOAL,
}
"""Of events but shots. A puck that is dumped in over the line is a zone entry besides."""
_RESULTS: Final = {"On Net": ShotResult.SAVED, "Missed": ShotResult.MISSED, "Blocked": ShotResult.BLOCKED}
_KIND_OF_RESULT: Final = {
    ShotResult.SAVED: HockeyEventKind.SHOT_ON_GOAL,
    ShotResult.MISSED: HockeyEventKind.MISSED_SHOT,
    ShotResult.BLOCKED: HockeyEventKind.BLOCKED_SHOT,
    ShotResult.GOAL: HockeyEventKind.GOAL,
}
_TYPES: Final = {
    "Wristshot": ShotType.WRIST,
    "Snapshot": ShotType.SNAP,
    "Slapshot": ShotType.SLAP,
    "Deflection": ShotType.DEFLECTED,
    "Wrap Around": ShotType.WRAP_AROUND,
    "Fan": ShotType.OTHER,
    "Bat": ShotType.OTHER,
    "Poke": ShotType.OTHER,
}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Period:
    """The film of a period, and when the clock showed what."""

    film: Film
    clock: Mapping[float, Sequence[int]]
    """Frames by the seconds that were left."""

    def frame(self, seconds: float | None, *, after_stoppage: bool) -> int | None:
        """The middle frame of a second of the clock; None where that was not filmed.

        The clock shows a second for longer where it stands still: what happens before the whistle happens in the first
        of these, what happens after the face-off in the last.
        """
        frames = self.clock.get(-1.0 if seconds is None else seconds)
        if not frames:
            return None
        second = round(HERTZ)
        if after_stoppage:
            ending = [frame for frame in frames if frame > frames[-1] - second]
            return ending[len(ending) // 2]
        beginning = [frame for frame in frames if frame < frames[0] + second]
        return beginning[len(beginning) // 2]


class Tracked(HockeySource):
    """Games that are tracked, and of which no events are listed."""

    @cached_property
    def game_ids(self) -> tuple[str, ...]:
        """Identifiers of the games, in order."""
        games = set(self.tables["tracking"].games) if "tracking" in self.tables else set()
        return in_order(games.union(self.tables["events"].games if "events" in self.tables else ()))

    def read(self, game_id: str) -> Game:
        """See TableSource. Without events nothing is known to have been shot."""
        teams, people = _teams(game_id), People()
        for period, filmed in self._film(game_id, teams, people).items():
            self._note_idle(game_id, period, filmed)
        return self._game(game_id, teams, people, (), filmed=True)

    def _game(
        self, game_id: str, teams: tuple[str, str], people: People, plays: Sequence[Play], *, filmed: bool
    ) -> Game:
        year, month = int(game_id[:4]), int(game_id[5:7])
        header = hockey.header(
            LEAGUE, game_id, year if month > 6 else year - 1, teams, frame_rate_hertz=HERTZ if filmed else None
        )
        return Game(header, people.roster, list(plays))

    def _note_idle(self, game_id: str, period: int, filmed: _Period) -> None:
        what = "the frame is of a period in which no shot is listed"
        self.left_out.add(game_id, what, len(filmed.film.frames), f"game {game_id}, period {period}")

    def _film(self, game_id: str, teams: tuple[str, str], people: People) -> dict[int, _Period]:
        """The film of each period of a game that was tracked."""
        if "tracking" not in self.tables:
            return {}
        rows = self.tables["tracking"].rows(game_id)
        has_jerseys = rows["Player Jersey Number"].count() > 0
        jersey = pl.col("Player Jersey Number" if has_jerseys else "Player Id")
        rows = rows.with_columns(
            frame=pl.col("Image Id").str.extract(_IMAGE, 2).cast(pl.Int32, strict=False),
            is_puck=pl.col("Player or Puck").str.to_lowercase() == "puck",
            team=pl.col("Team").str.to_lowercase().replace_strict(["home", "away"], list(teams), default=None),
            jersey=jersey,
            name=pl.coalesce(jersey, pl.lit("track ") + pl.col("Player Id")) if has_jerseys else jersey,
            period=_periods(rows["Period"]),
        ).with_columns(player=pl.when(~pl.col("is_puck")).then(pl.col("team") + " " + pl.col("name")))
        for which, reason in (
            (pl.col("period").is_null(), "Period is none that is known"),
            (pl.col("frame").is_null(), "Image Id does not end in the number of a frame"),
            (~pl.col("is_puck") & pl.col("team").is_null(), "the team is neither of those that play"),
            (~pl.col("is_puck") & pl.col("name").is_null(), "no player is named"),
        ):
            rows = self.leave_out(game_id, rows, which, reason)
        named = rows.select("player", "team", "jersey").drop_nulls("player").unique(maintain_order=True)
        for player, team, number in named.iter_rows():
            _add(people, player, team, number)
        periods = rows.sort("frame", maintain_order=True).partition_by("period", as_dict=True, maintain_order=True)
        return {number: _filmed(of_period) for (number,), of_period in sorted(periods.items())}


class Charted(Tracked):
    """Games whose events are listed; some of them are tracked."""

    def read(self, game_id: str) -> Game:
        """See TableSource. Events have no identifiers: they are numbered in the order of the file."""
        rows = self.events.rows(game_id).with_row_index("place", offset=1)
        known = pl.col("Event").is_in([*_KINDS, "Shot"])
        rows = self.leave_out(game_id, rows, ~known, "Event is none that is known")
        rows = rows.with_columns(_periods(rows["Period"]))
        teams, people = _teams(game_id), People()
        film = self._film(game_id, teams, people)
        events = list(rows.iter_rows(named=True))
        telling = _Telling(game_id, teams, people, film, self._ends(game_id, teams, events), self._records)
        plays = [play for row in events if (play := telling.next(row)) is not None]
        used = {play.context.segment_id for play in plays}
        for period, filmed in film.items():
            if _segment(period) not in used:
                self._note_idle(game_id, period, filmed)
        return self._game(game_id, teams, people, plays, filmed=bool(film))

    def _ends(
        self, game_id: str, teams: tuple[str, str], events: Sequence[Row]
    ) -> Mapping[int | None, AttackingDirection]:
        """Which way the home team attacks in each period: by the camera's table, else by most shots."""
        camera = self.tables["cameras"].row(game_id) if "cameras" in self.tables else None
        right = (camera or {}).get("GoalieTeamOnRightSideOfRink1stPeriod")
        if right not in ("Home", "Away"):
            shots = [row for row in events if row["Event"] in ("Shot", "Goal")]
            return hockey.home_directions(
                (row["Period"], row["Team"] == teams[0], row["X_Coordinate"]) for row in shots
            )
        ways = AttackingDirection.POSITIVE_X, AttackingDirection.NEGATIVE_X
        first = ways if right == "Away" else ways[::-1]
        return {period: first[(period - 1) % 2] for period in {row["Period"] for row in events} if period}

    @cached_property
    def _records(self) -> FaceoffRecords:
        """The takers' records before each face-off, over all games of the folder in the order of their dates."""
        rows = self.events.rows()
        rows = rows.with_columns(place=pl.int_range(1, pl.len() + 1).over("game"))
        drawn = rows.filter(pl.col("Event") == "Faceoff Win").sort("Date", "game", "place", maintain_order=True)

        def loser(row: Row) -> str | None:
            other = row["Away_Team"] if row["Team"] == row["Home_Team"] else row["Home_Team"]
            return _player(other, row["Player_Id_2"])

        return hockey.faceoff_records(
            ((row["game"], str(row["place"])), None, _player(row["Team"], row["Player_Id"]), loser(row))
            for row in drawn.iter_rows(named=True)
        )


class _Telling:
    """A game event by event."""

    def __init__(
        self,
        game_id: str,
        teams: tuple[str, str],
        people: People,
        film: Mapping[int, _Period],
        ends: Mapping[int | None, AttackingDirection],
        records: FaceoffRecords,
    ) -> None:
        self._game_id = game_id
        self._teams = teams
        self._people = people
        self._film = film
        self._ends = ends
        self._records = records
        self._period: int | None = None
        self._past: list[Happened] = []
        self._goals: dict[str, int] | None = None

    def next(self, row: Row) -> Play | None:
        """The play that an event is; None for one that is none."""
        if row["Period"] != self._period:
            self._period = row["Period"]
            self._past.clear()
        if self._goals is None:
            self._goals = dict(
                zip(self._teams, (row["Home_Team_Goals"] or 0, row["Away_Team_Goals"] or 0), strict=True)
            )
        play = None
        kind = _KINDS.get(row["Event"], HockeyEventKind.OTHER)
        if row["Event"] in ("Shot", "Goal"):
            result = ShotResult.GOAL if row["Event"] == "Goal" else _RESULTS.get(row["Detail_2"])
            kind = _KIND_OF_RESULT[result] if result is not None else kind
            play = self._shot(row, result)
        elif kind is HockeyEventKind.FACEOFF:
            play = self._faceoff(row)
        elif kind is HockeyEventKind.ZONE_ENTRY and row["Detail_1"] == "Dumped":
            kind = HockeyEventKind.DUMP_IN
        if row["Clock"] is not None:
            received = "_2" if kind is HockeyEventKind.PASS else ""
            x, y = row[f"X_Coordinate{received}"], row[f"Y_Coordinate{received}"]
            self._past.append(Happened(kind, self._seconds(row), row["Team"] or "", x, y))
        if kind is HockeyEventKind.GOAL and row["Team"] in self._goals:
            self._goals[row["Team"]] += 1
        return play

    def _seconds(self, row: Row) -> float:
        """Played in the period, counted from twenty minutes before its end."""
        return hockey.PERIOD_SECONDS - float(row["Clock"])

    def _other(self, team: str | None) -> str:
        return self._teams[1] if team == self._teams[0] else self._teams[0]

    def _shot(self, row: Row, result: ShotResult | None) -> Play:
        team, by_home = row["Team"] or "", row["Team"] == self._teams[0]
        side, other = ("Home", "Away") if by_home else ("Away", "Home")
        filmed = self._film.get(row["Period"])
        release = None if filmed is None else filmed.frame(row["Clock"], after_stoppage=self._follows_faceoff(row))
        pulled = row[f"{other}_Team_Skaters"] == hockey.MAX_SKATERS
        x, y = hockey.place(row["X_Coordinate"], row["Y_Coordinate"])
        assert self._goals is not None
        context = PlayContext(
            play_id=str(row["place"]),
            attacking_team_id=team,
            attacking_direction=hockey.direction(self._ends.get(row["Period"]), by_home=by_home),
            segment_id=_segment(row["Period"]) if release is not None else "",
            release_frame=release,
            situation=ShotSituation(
                period=hockey.whole("period", row["Period"]),
                game_clock_seconds=row["Clock"],
                shooting_skaters=hockey.skaters(row[f"{side}_Team_Skaters"]),
                defending_skaters=hockey.skaters(row[f"{other}_Team_Skaters"]),
                shooter_id=_add(self._people, _player(team, row["Player_Id"]), team, row["Player_Id"]),
                net_state=NetState.EMPTY if pulled else None,
                listing=ShotListing.UNBLOCKED,
                shot_type=_TYPES.get(row["Detail_1"]),
                x=x,
                y=y,
                shooting_score=self._goals.get(team),
                defending_score=self._goals.get(self._other(team)),
                preceding_events=() if row["Clock"] is None else hockey.preceding(self._past, self._seconds(row)),
                one_timer=row["Detail_4"],
            ),
        )
        film = filmed.film if filmed is not None and release is not None else None
        return play_of(context, film, None if result is None else ShotOutcome(result))

    def _follows_faceoff(self, row: Row) -> bool:
        """Whether play began in the same second of the clock."""
        drops = [event.seconds for event in self._past if event.kind is HockeyEventKind.FACEOFF]
        return row["Clock"] is not None and self._seconds(row) in drops

    def _faceoff(self, row: Row) -> Play:
        """A face-off as the home team's taker sees it: the event names the winner, then the loser."""
        home_won, winner, loser = row["Team"] == self._teams[0], row["Team"] or "", self._other(row["Team"])
        ids = [
            _add(self._people, _player(team, row[column]), team, row[column])
            for team, column in ((winner, "Player_Id"), (loser, "Player_Id_2"))
        ]
        taker, opponent = ids if home_won else reversed(ids)
        x, y = hockey.place(row["X_Coordinate"], row["Y_Coordinate"])
        assert self._goals is not None
        situation = FaceoffSituation(
            period=hockey.whole("period", row["Period"]),
            game_clock_seconds=row["Clock"],
            taker_id=taker,
            opponent_id=opponent,
            x=x,
            y=y,
            taker_skaters=hockey.skaters(row["Home_Team_Skaters"]),
            opponent_skaters=hockey.skaters(row["Away_Team_Skaters"]),
            taker_score=self._goals[self._teams[0]],
            opponent_score=self._goals[self._teams[1]],
        )
        record = self._records.get((self._game_id, str(row["place"])))
        context = PlayContext(
            play_id=str(row["place"]),
            attacking_team_id=self._teams[0],
            attacking_direction=self._ends.get(row["Period"]),
            situation=hockey.with_records(situation, record, taker_won=home_won),
        )
        known = row["Team"] in self._teams
        return play_of(
            context, None, FaceoffOutcome(FaceoffResult.WON if home_won else FaceoffResult.LOST) if known else None
        )


def _teams(game_id: str) -> tuple[str, str]:
    """The home team and the visitors, by the name of a game."""
    found = pl.Series([game_id]).str.extract_groups(_GAME).item()
    if found["1"] is None or found["1"] == found["2"]:
        raise unreadable_game(game_id, 'its name is not that of a date, visitors, "@" and a home team')
    return found["2"], found["1"]


def _period(written: str) -> int | None:
    """The number of a period; overtimes follow the third."""
    text = written.upper().strip()
    if text.endswith("OT"):
        number = text[:-2] or "1"
        return 3 + int(number) if number.isdigit() and int(number) <= 17 else None
    return int(text) if text.isdigit() and 1 <= int(text) <= 20 else None


def _periods(written: pl.Series) -> pl.Series:
    """The numbers of periods."""
    numbers = {text: _period(text) for text in written.unique().drop_nulls()}
    return written.replace_strict(list(numbers), list(numbers.values()), default=None, return_dtype=pl.Int32)


def _segment(period: int | None) -> str:
    return f"period {period}"


def _player(team: str | None, jersey: str | None) -> str | None:
    return f"{team} {jersey}" if team and jersey else None


def _add(people: People, player: str | None, team: str, jersey: str | None) -> str:
    number = int(jersey) if jersey and jersey.isdigit() and len(jersey) <= 2 else None
    position = hockey.GOALIE if jersey == GOALIE_JERSEY else ""
    return people.add(player, team, player, position, number)


def _filmed(rows: pl.DataFrame) -> _Period:
    """One period's film and clock, of rows by frame."""
    placed = rows.select(
        "frame",
        "player",
        "is_puck",
        pl.col("Rink Location X (Feet)").alias("x"),
        pl.col("Rink Location Y (Feet)").alias("y"),
        pl.col("Rink Location Z (Feet)").alias("z"),
        pl.lit(None, dtype=pl.String).alias("event"),
    )
    people = film_of(placed.filter(~pl.col("is_puck")).drop("is_puck", "z"), HERTZ)
    puck = placed.filter(pl.col("is_puck") & pl.col("x").is_not_null() & pl.col("y").is_not_null())
    x, y, z = (puck[axis].cast(pl.Float32).fill_null(float("nan")).to_numpy() for axis in "xyz")
    track = Track(TrackedObject.PUCK, HERTZ, puck["frame"].to_numpy().astype(np.int32), x, y, z)
    shown = rows.select("Game Clock", "frame").drop_nulls().unique().sort("Game Clock", "frame")
    clock = {float(seconds): frames["frame"].to_list() for (seconds,), frames in shown.group_by("Game Clock")}
    return _Period(Film(people.frames, (track,) if len(track) else ()), clock)


@dataclass(frozen=True)
class _TrackingAlone(TableLayout):
    """Tracking that no table of events belongs to."""

    def recognize(self, data: Path) -> Recognition:
        """See Layout."""
        alone = super().recognize(data)
        if alone.missing or BDC2026.recognize(data).missing:
            return alone
        return Recognition((f"its table of events makes it a folder of {BDC2026.name}",), 0.0)


BDC2026: Final = TableLayout("bdc2026", (EVENTS, TRACKING, CAMERAS), Charted, main="events")
BDC2025: Final = _TrackingAlone("bdc2025", (replace(TRACKING, required=True),), Tracked)
