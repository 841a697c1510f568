"""The play-by-play of the NHL as the R package hockeyR has it: every event of a game, in order.

Three columns would give results away, and are not used so: misses have no shot type; the score of a goal's row counts
that goal; the goalie of a goal on an empty net is missing. The score is counted here, and whether the net is empty is
told by the lists of who is on the ice, for goals as for misses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import polars as pl

from pipeline.readers import hockey
from pipeline.readers.cells import Kind
from pipeline.readers.hockey import FaceoffRecords, Happened, HockeySource, People, Shifts
from pipeline.readers.layout import TableLayout
from pipeline.readers.source import play_of, unreadable_game
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
    "FAILED_SHOT_ATTEMPT": ShotResult.MISSED,
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
        first = rows.row(0, named=True)
        if not first["home_abbreviation"] or not first["away_abbreviation"]:
            raise unreadable_game(game_id, "its teams are not named")
        telling = _Telling((first["home_abbreviation"], first["away_abbreviation"]), self._goalies, self._records)
        plays = [play for row in rows.iter_rows(named=True) if (play := telling.next(row)) is not None]
        season = None if first["season"] is None else int(str(first["season"])[:4])
        return Game(
            hockey.header("NHL", game_id, season, telling.teams, coordinates=hockey.FEET), telling.people.roster, plays
        )

    @cached_property
    def _goalies(self) -> Mapping[str, str]:
        """Identifiers of goalies by their names, as the lists of who is on the ice write them."""
        columns = ("event_goalie_id", "event_goalie_name")
        named = self._all_rows.select(columns).drop_nulls().unique()
        return {name: goalie_id for goalie_id, name in named.iter_rows()}

    @cached_property
    def _records(self) -> FaceoffRecords:
        """The takers' records before each face-off: over the season's games in the folder, in order of their dates."""
        drawn = self._all_rows.filter(pl.col("event_type") == "FACEOFF")
        keys = [pl.col(name) for name in ("season", "game_date", "game_id")]
        drawn = drawn.with_row_index("order").sort(*keys, "order")
        taken: defaultdict[tuple[int, str], list[int]] = defaultdict(lambda: [0, 0])
        records = {}
        for row in drawn.iter_rows(named=True):
            winner, loser = row["event_player_1_id"], row["event_player_2_id"]
            if not winner or not loser:
                continue
            won, lost = taken[row["season"], winner], taken[row["season"], loser]
            home, away = (won, lost) if row["event_team_type"] == "home" else (lost, won)
            records[row["game_id"], row["event_idx"]] = (*home, *away)
            won[0] += 1
            won[1] += 1
            lost[0] += 1
        return {key: (record[0], record[1], record[2], record[3]) for key, record in records.items()}

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
            "event_goalie_id",
            "event_goalie_name",
        )


class _Telling:
    """A game event by event: what has happened so far is what is known before the next one."""

    def __init__(self, teams: tuple[str, str], goalies: Mapping[str, str], records: FaceoffRecords) -> None:
        self.teams = teams
        self.people = People()
        self._team = dict(zip(SIDES, teams, strict=True))
        self._goalies = goalies
        self._records = records
        self._goals = dict.fromkeys(SIDES, 0)
        self._period: int | None = None
        self._past: list[Happened] = []
        self._shifts = {side: Shifts() for side in SIDES}

    def next(self, row: Row) -> Play | None:
        """The play that an event is; None for one that is none."""
        if row["period"] != self._period:
            self._period = row["period"]
            self._past.clear()
            for shifts in self._shifts.values():
                shifts.restart()
        side = row["event_team_type"] if row["event_team_type"] in SIDES else ""
        on_ice = {each: _on_ice(row, each) for each in SIDES}
        seconds = row["period_seconds"] or 0.0
        for each, players in on_ice.items():
            if players:
                self._shifts[each].see(players, seconds)
        play = None
        if row["event_type"] in _RESULTS:
            play = self._shot(row, side, on_ice)
        elif row["event_type"] == "FACEOFF":
            play = self._faceoff(row, side)
        elif side:
            self.people.add(row["event_player_1_id"], self._team[side], row["event_player_1_name"])
        kind = _KINDS.get(row["event_type"])
        if kind is not None:
            team = self._team.get(side, "") if kind is not HockeyEventKind.STOPPAGE else ""
            self._past.append(Happened(kind, seconds, team, row["x_fixed"], row["y_fixed"]))
        if row["event_type"] == "GOAL" and side and row["period"] != SHOOTOUT:
            self._goals[side] += 1
        return play

    def _shot(self, row: Row, side: str, on_ice: Mapping[str, Sequence[str]]) -> Play:
        other = _other(side)
        team = self._team.get(side, "")
        shooter_id = self.people.add(row["event_player_1_id"], team, row["event_player_1_name"]) if side else ""
        goalie, net_state = self._net(row, other, on_ice)
        seconds = row["period_seconds"]
        return play_of(
            PlayContext(
                play_id=row["event_idx"],
                attacking_team_id=team,
                attacking_direction=_DIRECTIONS.get(side),
                situation=ShotSituation(
                    period=row["period"],
                    game_clock_seconds=hockey.within("game_clock_seconds", row["period_seconds_remaining"]),
                    shooting_skaters=hockey.skaters(row[f"{side}_skaters"]) if side else None,
                    defending_skaters=hockey.skaters(row[f"{other}_skaters"]) if side else None,
                    shooter_id=shooter_id,
                    goalie_id=goalie,
                    net_state=net_state,
                    listing=ShotListing.UNBLOCKED,
                    kind=_kind(row),
                    x=row["x_fixed"] if row["y_fixed"] is not None else None,
                    y=row["y_fixed"] if row["x_fixed"] is not None else None,
                    shooting_score=self._goals.get(side),
                    defending_score=self._goals.get(other),
                    shooter_seconds_on_ice=self._on_ice_for(side, [row["event_player_1_name"] or ""], seconds),
                    shooting_seconds_on_ice=self._on_ice_for(side, on_ice.get(side, ()), seconds),
                    defending_seconds_on_ice=self._on_ice_for(other, on_ice.get(other, ()), seconds),
                    preceding_events=hockey.preceding(self._past, seconds or 0.0),
                ),
            ),
            None,
            ShotOutcome(_RESULTS[row["event_type"]]),
        )

    def _net(self, row: Row, defending: str, on_ice: Mapping[str, Sequence[str]]) -> tuple[str, NetState | None]:
        """Who defended the net, by the lists of who is on the ice alone: these know nothing of how the shot ended."""
        name = row[f"{defending}_goalie"] if defending else None
        if name:
            goalie_id = self._goalies.get(name, name)
            return self.people.add(goalie_id, self._team[defending], name, hockey.GOALIE), NetState.GUARDED
        return "", NetState.EMPTY if defending and on_ice[defending] else None

    def _on_ice_for(self, side: str, players: Sequence[str], seconds: float | None) -> float | None:
        if not side or seconds is None:
            return None
        return hockey.within("shooter_seconds_on_ice", self._shifts[side].mean(players, seconds))

    def _faceoff(self, row: Row, side: str) -> Play:
        """A face-off as the home team's taker sees it: the event names the winner, then the loser."""
        winner, loser = ("event_player_1", "event_player_2")
        takers = {side: winner, _other(side): loser} if side else {}
        ids = {
            each: self.people.add(row[f"{column}_id"], self._team[each], row[f"{column}_name"])
            for each, column in takers.items()
        }
        known = self._records.get((row["game_id"], row["event_idx"]))
        return play_of(
            PlayContext(
                play_id=row["event_idx"],
                attacking_team_id=self.teams[0],
                attacking_direction=AttackingDirection.POSITIVE_X,
                situation=FaceoffSituation(
                    period=row["period"],
                    game_clock_seconds=hockey.within("game_clock_seconds", row["period_seconds_remaining"]),
                    taker_id=ids.get("home", ""),
                    opponent_id=ids.get("away", ""),
                    x=row["x_fixed"],
                    y=row["y_fixed"],
                    taker_skaters=hockey.skaters(row["home_skaters"]),
                    opponent_skaters=hockey.skaters(row["away_skaters"]),
                    taker_score=self._goals["home"],
                    opponent_score=self._goals["away"],
                    taker_faceoffs=None if known is None else known[0],
                    taker_wins=None if known is None else known[1],
                    opponent_faceoffs=None if known is None else known[2],
                    opponent_wins=None if known is None else known[3],
                ),
            ),
            None,
            FaceoffOutcome(FaceoffResult.WON if side == "home" else FaceoffResult.LOST) if side else None,
        )


def _kind(row: Row) -> ShotKind:
    if row["period"] == SHOOTOUT:
        return ShotKind.SHOOTOUT
    return ShotKind.PENALTY_SHOT if row["secondary_type"] == "Penalty Shot" else ShotKind.IN_PLAY


def _on_ice(row: Row, side: str) -> list[str]:
    """Names of a team's skaters on the ice; none where the source does not list them."""
    return [row[column] for column in _ON_ICE[side] if row[column]]


def _other(side: str) -> str:
    return {"home": "away", "away": "home"}.get(side, "")


LAYOUT = TableLayout("hockeyr", TABLES, Reader)
