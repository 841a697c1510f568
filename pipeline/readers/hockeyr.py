"""The play-by-play of the NHL as the R package hockeyR has it: every event of a game, in order.

Four things would give results away, and are not used so: misses have no shot type; the score of a goal's row counts
that goal; the goalie of a goal on an empty net is missing; a challenge is listed before the goal that it is about. The
score is counted here. Whether the net is empty is told by the lists of who is on the ice, for goals as for misses: a
goalie among them guards it, and six skaters without one have left it. In other lists without a goalie, the goalie is
as often missing from the list as from the ice: they say nothing.

Some blocked shots are listed under the blocker's team: whose they were is told by whom the shooter plays for.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Final, NamedTuple

import polars as pl

from pipeline.readers import hockey
from pipeline.readers.cells import Kind
from pipeline.readers.hockey import FaceoffRecords, Happened, HockeySource, People, Shifts
from pipeline.readers.layout import TableLayout
from pipeline.readers.source import most_say, play_of, unreadable_game
from pipeline.readers.tables import Table
from playscore.faceoffs import FaceoffOutcome, FaceoffResult, FaceoffSituation
from playscore.game import AttackingDirection, Game, Play, PlayContext
from playscore.shots import (
    HockeyEventKind,
    NetState,
    ShotKind,
    ShotListing,
    ShotOutcome,
    ShotResult,
    ShotSituation,
)

SIDES: Final = ("home", "away")
MAX_ON_ICE: Final = 7
SHOOTOUT: Final = 5
_ON_ICE: Final = {side: tuple(f"{side}_on_{place}" for place in range(1, MAX_ON_ICE + 1)) for side in SIDES}

TABLES: Final = (
    Table(
        "events",
        {
            "game_id": Kind.ID,
            "season": Kind.INTEGER,
            "event_idx": Kind.ID,
            "event_type": Kind.TEXT,
            "event_team_type": Kind.TEXT,
            "period": Kind.INTEGER,
            "period_seconds": Kind.NUMBER,
            "period_seconds_remaining": Kind.NUMBER,
            "event_player_1_id": Kind.ID,
            "event_player_1_name": Kind.NAME,
            "event_player_2_id": Kind.ID,
            "event_player_2_name": Kind.NAME,
            "x_fixed": Kind.NUMBER,
            "y_fixed": Kind.NUMBER,
            "home_skaters": Kind.NUMBER,
            "away_skaters": Kind.NUMBER,
            "home_abbreviation": Kind.ID,
            "away_abbreviation": Kind.ID,
        },
        extras={
            "secondary_type": Kind.TEXT,
            "description": Kind.TEXT,
            "period_type": Kind.TEXT,
            "event_player_1_type": Kind.TEXT,
            "event_player_2_type": Kind.TEXT,
            "game_date": Kind.TEXT,
            "event_goalie_id": Kind.ID,
            "event_goalie_name": Kind.NAME,
            "home_goalie": Kind.NAME,
            "away_goalie": Kind.NAME,
            **{name: Kind.NAME for names in _ON_ICE.values() for name in names},
        },
        game="game_id",
        keys=("event_idx", "event_type"),
        by_game=True,
    ),
)
_RESULTS: Final = {
    "GOAL": ShotResult.GOAL,
    "SHOT": ShotResult.SAVED,
    "MISSED_SHOT": ShotResult.MISSED,
    "BLOCKED_SHOT": ShotResult.BLOCKED,
}
_KINDS: Final = {
    "FACEOFF": HockeyEventKind.FACEOFF,
    "SHOT": HockeyEventKind.SHOT_ON_GOAL,
    "MISSED_SHOT": HockeyEventKind.MISSED_SHOT,
    "BLOCKED_SHOT": HockeyEventKind.BLOCKED_SHOT,
    "GOAL": HockeyEventKind.GOAL,
    "HIT": HockeyEventKind.HIT,
    "GIVEAWAY": HockeyEventKind.GIVEAWAY,
    "TAKEAWAY": HockeyEventKind.TAKEAWAY,
    "STOP": HockeyEventKind.STOPPAGE,
    "PENALTY": HockeyEventKind.PENALTY,
}
_NOTES: Final = (
    "GAME_SCHEDULED", "PERIOD_READY", "PERIOD_START", "PERIOD_END", "PERIOD_OFFICIAL", "GAME_END", "GAME_OFFICIAL",
    "EARLY_INT_START", "EARLY_INT_END", "SHOOTOUT_COMPLETE", "CHALLENGE", "CHANGE", "EMERGENCY_GOALTENDER",
)  # fmt: skip
"""Rows of nothing that happened on the ice."""
_AGAINST: Final = ("Loser", "Hittee", "Blocker", "DrewBy", "Goalie", "Unknown")
"""Who plays for the other team than the event's. The goalie whom a shot missed is "Unknown"."""
_OF_GOALIES: Final = ("Goalie", "Unknown")
_FRAME: Final = re.compile("post|crossbar", re.IGNORECASE)
_DIRECTIONS: Final = {"home": AttackingDirection.POSITIVE_X, "away": AttackingDirection.NEGATIVE_X}
"""In the columns x_fixed and y_fixed, in every period."""

Row = Mapping[str, Any]


class Reader(HockeySource):
    """The games of this layout in a folder."""

    def read(self, game_id: str) -> Game:
        """See TableSource."""
        rows = self.events.rows(game_id)
        again = ~pl.col("event_idx").is_first_distinct()
        rows = self.leave_out(game_id, rows, again, "the event is listed twice")
        failed = pl.col("event_type") == "FAILED_SHOT_ATTEMPT"
        rows = self.leave_out(game_id, rows, failed, "the attempt ended without a shot")
        known = pl.col("event_type").is_in([*_KINDS, *_NOTES])
        rows = self.leave_out(game_id, rows, ~known, "event_type is none that is known")
        if not len(rows):
            raise unreadable_game(game_id, "none of its events can be read")
        home, away = most_say(rows, "home_abbreviation"), most_say(rows, "away_abbreviation")
        if not home or not away or home == away:
            raise unreadable_game(game_id, f"it is between {home or 'nobody'} and {away or 'nobody'}")
        teams = home, away
        events = [row for row in rows.iter_rows(named=True) if row["event_type"] in _KINDS]
        telling = _Telling(teams, events, self._goalies, self._records)
        plays = [play for row in events if (play := telling.next(row)) is not None]
        season = most_say(rows, "season")
        return Game(hockey.header("NHL", game_id, hockey.season_of(season), teams), telling.people.roster, plays)

    @cached_property
    def _goalies(self) -> Mapping[str, str]:
        """Identifiers of goalies by their names, as the lists of who is on the ice write them."""
        rows = self._all_rows.filter(pl.col("event_type").is_in(list(_RESULTS)))
        passed = rows.filter(pl.col("event_player_2_type").is_in(_OF_GOALIES))
        named = [
            *rows.select("event_goalie_name", "event_goalie_id").drop_nulls().unique().iter_rows(),
            *passed.select("event_player_2_name", "event_player_2_id").drop_nulls().unique().iter_rows(),
        ]
        return dict(sorted(named))

    @cached_property
    def _records(self) -> FaceoffRecords:
        """The takers' records before each face-off: over the season's games in the folder, in order of their dates."""
        drawn = self._all_rows.filter(pl.col("event_type") == "FACEOFF")
        keys = [pl.col("season"), pl.col("game_date"), pl.col("game_id")]
        drawn = drawn.unique(["game_id", "event_idx"], keep="first", maintain_order=True)
        ordered = drawn.with_row_index("order").sort(*keys, "order")
        return hockey.faceoff_records(
            ((row["game_id"], row["event_idx"]), row["season"], row["event_player_1_id"], row["event_player_2_id"])
            for row in ordered.iter_rows(named=True)
        )

    @cached_property
    def _all_rows(self) -> pl.DataFrame:
        return self.events.rows().select(
            "game_id",
            "season",
            "game_date",
            "event_idx",
            "event_type",
            "event_team_type",
            "event_player_1_id",
            "event_player_2_id",
            "event_player_2_name",
            "event_player_2_type",
            "event_goalie_id",
            "event_goalie_name",
        )


class _OnIce(NamedTuple):
    """A team on the ice at an event."""

    skaters: int | None
    goalie: str
    """As the source writes them; empty where it lists none."""
    net_state: NetState | None


class _Telling:
    """A game event by event: what has happened so far is what is known before the next one."""

    def __init__(
        self, teams: tuple[str, str], events: Sequence[Row], goalies: Mapping[str, str], records: FaceoffRecords
    ) -> None:
        self.teams = teams
        self.people = People()
        self._team = dict(zip(SIDES, teams, strict=True))
        self._side = {team: side for side, team in self._team.items()}
        self._goalies = goalies
        self._records = records
        self._plays_for = self._squads(events)
        self._goals = dict.fromkeys(SIDES, 0)
        self._period: int | None = None
        self._past: list[Happened] = []
        self._shifts = {side: Shifts() for side in SIDES}

    def _squads(self, events: Sequence[Row]) -> dict[str, str]:
        """The side that everybody plays for: by most events, and by blocked shots where there are no others."""
        votes: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for row in events:
            side = row["event_team_type"]
            if side not in SIDES:
                continue
            for part in (1, 2):
                player = row[f"event_player_{part}_id"]
                if player:
                    mine = _other(side) if row[f"event_player_{part}_type"] in _AGAINST else side
                    votes[player][mine] += 1 if row["event_type"] == "BLOCKED_SHOT" else len(events)
        return {player: max(SIDES, key=lambda side: told[side]) for player, told in votes.items()}

    def next(self, row: Row) -> Play | None:
        """The play that an event is; None for one that is none."""
        if row["period"] != self._period:
            self._period = row["period"]
            self._past.clear()
            for shifts in self._shifts.values():
                shifts.restart()
        side, seconds = self._whose(row), row["period_seconds"]
        for each in SIDES:
            self._shifts[each].see([name for name in _listed(row, each) if name not in self._goalies], seconds)
        kind, play = _KINDS[row["event_type"]], None
        if row["event_type"] in _RESULTS:
            play = self._shot(row, side)
        elif kind is HockeyEventKind.FACEOFF:
            play = self._faceoff(row, side)
        elif side:
            self._add(row["event_player_1_id"], side, row["event_player_1_name"])
        if seconds is not None:
            self._past.append(Happened(kind, seconds, self._team.get(side, ""), row["x_fixed"], row["y_fixed"]))
        if kind is HockeyEventKind.GOAL and side and _kind(row) is not ShotKind.SHOOTOUT:
            self._goals[side] += 1
        return play

    def _whose(self, row: Row) -> str:
        """The side whose event it is; empty where it is nobody's."""
        side = row["event_team_type"] if row["event_team_type"] in SIDES else ""
        if side and row["event_type"] != "BLOCKED_SHOT":
            return str(side)
        return self._plays_for.get(row["event_player_1_id"] or "", str(side))

    def _add(self, player_id: str | None, side: str, name: str | None, position: str = "") -> str:
        side = self._plays_for.get(player_id or "", side)
        return self.people.add(player_id, self._team[side], name, position)

    def _shot(self, row: Row, side: str) -> Play:
        result = _RESULTS[row["event_type"]]
        if result is ShotResult.MISSED and _FRAME.search(row["description"] or ""):
            result = ShotResult.POST
        situation = ShotSituation(
            period=hockey.whole("period", row["period"]),
            game_clock_seconds=hockey.within("game_clock_seconds", row["period_seconds_remaining"]),
            listing=ShotListing.UNBLOCKED,
            kind=_kind(row),
        )
        return play_of(
            PlayContext(
                play_id=row["event_idx"],
                attacking_team_id=self._team.get(side, ""),
                attacking_direction=_DIRECTIONS.get(side),
                situation=self._seen_from(row, side, situation) if side else situation,
            ),
            None,
            ShotOutcome(result),
        )

    def _seen_from(self, row: Row, side: str, situation: ShotSituation) -> ShotSituation:
        """The situation with what can be told only where it is known who shot."""
        other = _other(side)
        defending = self._on_ice(row, other)
        x, y = hockey.place(row["x_fixed"], row["y_fixed"])
        seconds = row["period_seconds"]
        return replace(
            situation,
            x=x,
            y=y,
            shooting_skaters=self._on_ice(row, side).skaters,
            defending_skaters=defending.skaters,
            shooter_id=self._add(row["event_player_1_id"], side, row["event_player_1_name"]),
            goalie_id=self._goalie(row, other, defending),
            net_state=defending.net_state,
            shooting_score=self._goals[side],
            defending_score=self._goals[other],
            shooter_seconds_on_ice=self._shifts[side].seconds(row["event_player_1_name"] or ""),
            shooting_seconds_on_ice=self._shifts[side].mean(),
            defending_seconds_on_ice=self._shifts[other].mean(),
            preceding_events=() if seconds is None else hockey.preceding(self._past, seconds),
        )

    def _on_ice(self, row: Row, side: str) -> _OnIce:
        """Who was on, by lists that are made without knowing how the event ended."""
        count, goalie = row[f"{side}_skaters"], row[f"{side}_goalie"] or ""
        among = [name for name in _listed(row, side) if name in self._goalies]
        if goalie or among:
            playing = None if count is None else count - len(among)
            return _OnIce(hockey.skaters(playing), goalie or among[0], NetState.GUARDED)
        return _OnIce(hockey.skaters(count), "", NetState.EMPTY if count == hockey.MAX_SKATERS else None)

    def _goalie(self, row: Row, side: str, defending: _OnIce) -> str:
        """Whom the event names, or who was on the ice; empty where nobody was, or they are not known."""
        if defending.net_state is NetState.EMPTY:
            return ""
        if row["event_goalie_id"]:
            return self._add(row["event_goalie_id"], side, row["event_goalie_name"], hockey.GOALIE)
        if row["event_player_2_type"] in _OF_GOALIES:
            return self._add(row["event_player_2_id"], side, row["event_player_2_name"], hockey.GOALIE)
        return self._add(self._goalies.get(defending.goalie), side, defending.goalie, hockey.GOALIE)

    def _faceoff(self, row: Row, side: str) -> Play:
        """A face-off as the home team's taker sees it: the event names the winner, then the loser."""
        winner, loser = ("event_player_1", "event_player_2")
        takers = {side: winner, _other(side): loser} if side else {}
        ids = {each: self._add(row[f"{column}_id"], each, row[f"{column}_name"]) for each, column in takers.items()}
        x, y = hockey.place(row["x_fixed"], row["y_fixed"])
        situation = FaceoffSituation(
            period=hockey.whole("period", row["period"]),
            game_clock_seconds=hockey.within("game_clock_seconds", row["period_seconds_remaining"]),
            taker_id=ids.get("home", ""),
            opponent_id=ids.get("away", ""),
            x=x,
            y=y,
            taker_skaters=self._on_ice(row, "home").skaters,
            opponent_skaters=self._on_ice(row, "away").skaters,
            taker_score=self._goals["home"],
            opponent_score=self._goals["away"],
        )
        record = self._records.get((row["game_id"], row["event_idx"]))
        return play_of(
            PlayContext(
                play_id=row["event_idx"],
                attacking_team_id=self.teams[0],
                attacking_direction=AttackingDirection.POSITIVE_X,
                situation=hockey.with_records(situation, record, taker_won=side == "home"),
            ),
            None,
            FaceoffOutcome(FaceoffResult.WON if side == "home" else FaceoffResult.LOST) if side else None,
        )


def _kind(row: Row) -> ShotKind:
    if row["period_type"] == "SHOOTOUT" or (row["period_type"] is None and row["period"] == SHOOTOUT):
        return ShotKind.SHOOTOUT
    return ShotKind.PENALTY_SHOT if row["secondary_type"] == "Penalty Shot" else ShotKind.IN_PLAY


def _listed(row: Row, side: str) -> list[str]:
    """Names of a team on the ice; none where the source does not list them."""
    return [row[column] for column in _ON_ICE[side] if row[column]]


def _other(side: str) -> str:
    return {"home": "away", "away": "home"}.get(side, "")


LAYOUT = TableLayout("hockeyr", TABLES, Reader, main="events")
