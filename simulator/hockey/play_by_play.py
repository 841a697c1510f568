"""Simulated games in the layout of hockeyR's play-by-play, its traps included.

Misses have no shot type; a goal's row already counts the goal; a blocked shot names the shooter's team in `event_team`
and the blocker's in `event_team_abbr`; rows outside play have strength 0v0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import polars as pl

from playscore import rink
from playscore.shots import HockeyEventKind, ShotType
from simulator.hockey.big_data_cup import clock_text
from simulator.hockey.games import LISTED, SimulatedHockeyGame, start_of
from simulator.hockey.league import POSITIONS, TEAMS
from simulator.hockey.rinks import OVERTIME, STARTING_GOALIE, Event

_TEXT, _NUMBER, _WHOLE = pl.String, pl.Float64, pl.Int64
SCHEMA: Final[dict[str, type[pl.DataType]]] = {
    "event_type": _TEXT, "event": _TEXT, "secondary_type": _TEXT, "event_team": _TEXT, "event_team_type": _TEXT,
    "description": _TEXT, "period": _WHOLE, "period_seconds": _NUMBER, "period_seconds_remaining": _NUMBER,
    "game_seconds": _NUMBER, "game_seconds_remaining": _NUMBER, "home_score": _NUMBER, "away_score": _NUMBER,
    "event_player_1_name": _TEXT, "event_player_1_type": _TEXT, "event_player_2_name": _TEXT,
    "event_player_2_type": _TEXT, "event_player_3_name": _TEXT, "event_player_3_type": _TEXT,
    "event_goalie_name": _TEXT, "strength_state": _TEXT, "strength_code": _TEXT, "strength": _TEXT,
    "empty_net": _TEXT, "penalty_severity": _TEXT, "penalty_minutes": _TEXT, "event_idx": _TEXT,
    "extra_attacker": _TEXT, "x": _NUMBER, "y": _NUMBER, "x_fixed": _NUMBER, "y_fixed": _NUMBER,
    "shot_distance": _NUMBER, "shot_angle": _NUMBER, "home_skaters": _NUMBER, "away_skaters": _NUMBER,
    **{f"{side}_on_{place}": _TEXT for side in ("home", "away") for place in range(1, 8)},
    "home_goalie": _TEXT, "away_goalie": _TEXT, "game_id": _WHOLE, "event_player_1_id": _WHOLE,
    "event_player_2_id": _WHOLE, "event_player_3_id": _WHOLE, "period_type": _TEXT, "ordinal_num": _TEXT,
    "period_time": _TEXT, "period_time_remaining": _TEXT, "date_time": _TEXT, "event_team_id": _WHOLE,
    "event_team_abbr": _TEXT, "home_final": _WHOLE, "away_final": _WHOLE, "event_goalie_id": _WHOLE,
    "event_goalie_type": _TEXT, "season": _WHOLE, "season_type": _TEXT, "game_date": _TEXT, "game_state": _TEXT,
    "detailed_state": _TEXT, "home_name": _TEXT, "home_abbreviation": _TEXT, "home_id": _WHOLE, "away_name": _TEXT,
    "away_abbreviation": _TEXT, "away_id": _WHOLE, "sourceFile": _TEXT, "xg": _NUMBER,
}  # fmt: skip
"""Columns of the layout, in its order, that can be told of a simulated game."""

_NAMES: Final = {
    HockeyEventKind.FACEOFF: ("FACEOFF", "Faceoff"),
    HockeyEventKind.SHOT_ON_GOAL: ("SHOT", "Shot"),
    HockeyEventKind.GOAL: ("GOAL", "Goal"),
    HockeyEventKind.MISSED_SHOT: ("MISSED_SHOT", "Missed Shot"),
    HockeyEventKind.BLOCKED_SHOT: ("BLOCKED_SHOT", "Blocked Shot"),
    HockeyEventKind.HIT: ("HIT", "Hit"),
    HockeyEventKind.GIVEAWAY: ("GIVEAWAY", "Giveaway"),
    HockeyEventKind.TAKEAWAY: ("TAKEAWAY", "Takeaway"),
    HockeyEventKind.STOPPAGE: ("STOP", "Stoppage"),
    HockeyEventKind.PENALTY: ("PENALTY", "Penalty"),
}
_TYPES: Final = {
    ShotType.WRIST: "Wrist Shot",
    ShotType.SNAP: "Snap Shot",
    ShotType.SLAP: "Slap Shot",
    ShotType.BACKHAND: "Backhand",
    ShotType.TIP_IN: "Tip-In",
    ShotType.DEFLECTED: "Deflected",
    ShotType.WRAP_AROUND: "Wrap-around",
    ShotType.OTHER: "poke",
}
_STOPS: Final = {
    "FREEZE": "Goalie Stopped",
    "ICING": "Icing",
    "OFFSIDE": "Offside",
    "OUT_OF_PLAY": "Puck in Netting",
}
PERIOD_APART: Final = timedelta(minutes=55)
REAL_SECONDS: Final = 1.9
"""That pass in a second of the game clock, with stoppages."""
_GOALIE_POSITION: Final = "G"


def write(games: Iterable[SimulatedHockeyGame], folder: Path) -> None:
    """Writes `play_by_play.csv` of all games into the folder, making it if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    pl.concat([table(simulated) for simulated in games]).write_csv(folder / "play_by_play.csv", null_value="NA")


def table(simulated: SimulatedHockeyGame) -> pl.DataFrame:
    """The rows of one game. It need not have been filmed."""
    return pl.DataFrame(_Rows(simulated).all(), schema=SCHEMA)


class _Rows:
    def __init__(self, simulated: SimulatedHockeyGame) -> None:
        self.simulated = simulated
        self.log = simulated.played.log
        self.teams = tuple(TEAMS[team] for team in self.log.teams)
        header = simulated.game.header
        home, away = self.teams
        assert header.season is not None
        self.season = header.season
        self.start = start_of(self.season, self.log.index)
        self.shared: dict[str, Any] = {
            "game_id": int(header.game_id),
            "season": self.season * 10_000 + self.season + 1,
            "season_type": "R",
            "game_date": self.start.date().isoformat(),
            "game_state": "Final",
            "detailed_state": "Final",
            "home_name": home.name,
            "home_abbreviation": home.team_id,
            "home_id": self.log.teams[0] + 1,
            "away_name": away.name,
            "away_abbreviation": away.team_id,
            "away_id": self.log.teams[1] + 1,
            "home_final": self.log.score[0],
            "away_final": self.log.score[1],
            "sourceFile": "simulated",
        }
        self.seconds = max((event.clock for event in self.log.events), default=0.0)
        self.number = 0

    def all(self) -> list[dict[str, Any]]:
        """GAME_SCHEDULED, the events period by period, GAME_END."""
        rows = [self._idle("GAME_SCHEDULED", "Game Scheduled", "Game Scheduled", period=1, over=False, score=(0, 0))]
        listed = [event for event in self.log.events if event.kind in LISTED]
        last = max(event.period for event in listed)
        score = (0, 0)
        for period in range(1, last + 1):
            for event in (each for each in listed if each.period == period):
                if event.kind is HockeyEventKind.STOPPAGE and event.detail not in _STOPS:
                    continue
                rows.append(self._row(event))
                score = self._score(event)
            words = f"End of {_ordinal(period)} Period"
            rows.append(self._idle("PERIOD_END", "Period End", words, period=period, over=True, score=score))
        rows.append(self._idle("GAME_END", "Game End", "Game End", period=last, over=True, score=score))
        return rows

    def _idle(
        self, kind: str, name: str, words: str, *, period: int, over: bool, score: tuple[int, int]
    ) -> dict[str, Any]:
        return {
            **self.shared,
            **self._when(period, 0.0 if over else self._length(period)),
            "event_type": kind,
            "event": name,
            "description": words,
            "strength_state": "0v0",
            "extra_attacker": "False",
            "home_skaters": 0.0,
            "away_skaters": 0.0,
            "home_score": float(score[0]),
            "away_score": float(score[1]),
        }

    def _length(self, period: int) -> float:
        return self.seconds if period < OVERTIME else self.seconds / 4

    def _when(self, period: int, clock: float) -> dict[str, Any]:
        length = self._length(period)
        left = float(math.ceil(max(clock, 0.0) - 1e-6))
        spent = max(length - left, 0.0)
        number, self.number = self.number, self.number + 1
        before = self.seconds * min(period - 1, OVERTIME - 1)
        moment = self.start + timedelta(seconds=REAL_SECONDS * spent) + (period - 1) * PERIOD_APART
        return {
            "event_idx": str(number),
            "period": period,
            "period_seconds": spent,
            "period_seconds_remaining": left,
            "game_seconds": before + spent,
            "game_seconds_remaining": max(3 * self.seconds - before - spent, 0.0),
            "period_type": "REGULAR" if period < OVERTIME else "OVERTIME",
            "ordinal_num": _ordinal(period),
            "period_time": clock_text(spent).rjust(5, "0"),
            "period_time_remaining": clock_text(left).rjust(5, "0"),
            "date_time": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _score(self, event: Event) -> tuple[int, int]:
        scored = event.kind is HockeyEventKind.GOAL
        home, away = event.score
        return home + (scored and event.team == 0), away + (scored and event.team == 1)

    def _row(self, event: Event) -> dict[str, Any]:
        kind, name = _NAMES[event.kind]
        score = self._score(event)
        row = {
            **self.shared,
            **self._when(event.period, event.clock),
            "event_type": kind,
            "event": name,
            "home_score": float(score[0]),
            "away_score": float(score[1]),
            "home_skaters": float(event.skaters[0]),
            "away_skaters": float(event.skaters[1]),
            **self._on_ice(event),
        }
        if event.team < 0:
            return {
                **row,
                "description": _STOPS[event.detail],
                "strength_state": f"{event.skaters[0]}v{event.skaters[1]}",
                "extra_attacker": "False",
            }
        toward = self._home_direction(event.period)
        mine, other = event.skaters[event.team], event.skaters[1 - event.team]
        x, y = float(round(event.x)), float(round(event.y))
        named = 1 - event.team if event.kind is HockeyEventKind.BLOCKED_SHOT else event.team
        code = "EV" if mine == other else "PP" if mine > other else "SH"
        row |= {
            "event_team": self.teams[event.team].name,
            "event_team_type": ("home", "away")[event.team],
            "event_team_id": self.log.teams[named] + 1,
            "event_team_abbr": self.teams[named].team_id,
            "strength_state": f"{mine}v{other}",
            "strength_code": code,
            "strength": {"EV": "Even", "PP": "Power Play", "SH": "Shorthanded"}[code],
            "extra_attacker": str(not event.goalies[event.team]),
            "x": x,
            "y": y,
            "x_fixed": x * toward,
            "y_fixed": y * toward,
            "event_player_1_name": self._name(event.team, event.player),
            "event_player_1_id": self._id(event.team, event.player),
        }
        return row | self._of_kind(event)

    def _home_direction(self, period: int) -> int:
        return 1 if period % 2 else -1

    def _on_ice(self, event: Event) -> dict[str, Any]:
        row: dict[str, Any] = {}
        for team, side in enumerate(("home", "away")):
            skaters = [each for each in event.on_ice[team] if POSITIONS[each] != _GOALIE_POSITION]
            row |= {f"{side}_on_{place}": self._name(team, each) for place, each in enumerate(skaters, start=1)}
            row[f"{side}_goalie"] = self._name(team, STARTING_GOALIE) if event.goalies[team] else None
        return row

    def _name(self, team: int, player: int) -> str | None:
        return None if player < 0 else self.teams[team].players[player].display_name.replace(" ", ".")

    def _id(self, team: int, player: int) -> int | None:
        return None if player < 0 else int(self.teams[team].players[player].player_id)

    def _of_kind(self, event: Event) -> dict[str, Any]:
        words = (self._name(event.team, event.player) or "").replace(".", " ")
        against = 1 - event.team
        other = self._name(against, event.other)
        seen = (other or "").replace(".", " ")

        def second(kind: str) -> dict[str, Any]:
            return {
                "event_player_2_name": other,
                "event_player_2_id": self._id(against, event.other),
                "event_player_2_type": kind,
            }

        match event.kind:
            case HockeyEventKind.FACEOFF:
                return {"description": f"{words} faceoff won against {seen}", "event_player_1_type": "Winner",
                        **second("Loser")}  # fmt: skip
            case HockeyEventKind.HIT:
                return {"description": f"{words} hit {seen}", "event_player_1_type": "Hitter", **second("Hittee")}
            case HockeyEventKind.BLOCKED_SHOT:
                return {"description": f"{words} shot blocked shot by {seen}", "event_player_1_type": "Shooter",
                        **second("Blocker")}  # fmt: skip
            case HockeyEventKind.PENALTY:
                return {"description": f"{words} Tripping", "secondary_type": "Tripping", "penalty_severity": "Minor",
                        "penalty_minutes": "2.0", "event_player_1_type": "PenaltyOn"}  # fmt: skip
            case HockeyEventKind.GIVEAWAY | HockeyEventKind.TAKEAWAY:
                return {"description": f"{_NAMES[event.kind][1]} by {words}", "event_player_1_type": "PlayerID"}
            case _:
                return self._shot(event, words)

    def _shot(self, event: Event, words: str) -> dict[str, Any]:
        attempt = self.log.attempts[event.shot]
        against = 1 - event.team
        goalie = self._name(against, attempt.goalie)
        goalie_id = self._id(against, attempt.goalie)
        x, y = round(event.x) * attempt.direction, round(event.y)
        row: dict[str, Any] = {
            "shot_distance": round(rink.distance_to_net(x, y), 1),
            "shot_angle": round(rink.angle_to_net(x, y), 1),
            "event_player_1_type": "Scorer" if event.kind is HockeyEventKind.GOAL else "Shooter",
        }
        kind = _TYPES[attempt.kind]
        keeper = (goalie or "").replace(".", " ")
        of_goalie = {"event_goalie_name": goalie, "event_goalie_id": goalie_id,
                     "event_goalie_type": "Goalie" if goalie else None}  # fmt: skip
        named = {"event_player_2_name": goalie, "event_player_2_id": goalie_id}
        match event.kind:
            case HockeyEventKind.GOAL:
                return row | of_goalie | {
                    "secondary_type": kind, "description": f"{words} (1) {kind}, assists: none",
                    "empty_net": str(attempt.goalie < 0),
                }  # fmt: skip
            case HockeyEventKind.SHOT_ON_GOAL:
                return row | of_goalie | named | {
                    "secondary_type": kind, "description": f"{words} {kind} saved by {keeper}",
                    "event_player_2_type": "Goalie",
                }  # fmt: skip
            case _:
                missed = "Goalpost" if event.detail == "POST" else "Wide of Net"
                return row | named | {"description": f"{words} {missed} {keeper}".strip(),
                                      "event_player_2_type": "Unknown" if goalie else None}  # fmt: skip


def _ordinal(period: int) -> str:
    return {1: "1st", 2: "2nd", 3: "3rd"}.get(period, "OT")
