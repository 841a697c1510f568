"""Events of the Finnish and Swiss leagues as Wisehockey has them, with everybody's places at the start of each.

Every cell is text, and a place is one cell, "x,y" in meters. The places of an event are one frame of film, so that a
period is filmed when something happens and not in between. The rinks are 60 m long and their nets stand 26 m from the
center: along the ice, places are stretched by 4% so that nets stand where the NHL's do.

The speed of a shot is 0 for most goals, which would give them away: it is not used, nor is the vendor's own chance.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Final

import numpy as np

from pipeline.readers import hockey
from pipeline.readers.cells import Kind
from pipeline.readers.hockey import Happened, HockeySource, People
from pipeline.readers.layout import TableLayout
from pipeline.readers.tables import FILE, Table
from playscore import rink
from playscore.faceoffs import FaceoffOutcome, FaceoffResult, FaceoffSituation
from playscore.game import Frames, Game, Play, PlayContext
from playscore.shots import HockeyEventKind, NetState, ShotListing, ShotOutcome, ShotResult, ShotSituation

PLAYERS: Final = range(1, 13)
RATE_HERTZ: Final = 10.0
NET_METERS: Final = 26.0
"""From the center of the ice, along it, on these rinks."""
STRETCH: Final = rink.GOAL_LINE_X_FEET * 0.3048 / NET_METERS
GOALIE_METERS: Final = 20.0
"""Who is farther from the center along the ice than this, more often than not, is a goalie."""
HOME, AWAY = "Home", "Away"
_MAX_IDENTIFIER: Final = 128
_MAX_MILLISECONDS: Final = 4e12
"""Since 1970: beyond is no time."""
_NAME: Final = re.compile(r"(?:#(?P<jersey>\d{1,2}) +)?(?P<name>.*)")

TABLES: Final = (
    Table(
        "events",
        {
            "Period": Kind.INTEGER,
            "MatchClock": Kind.NUMBER,
            "Timestamp": Kind.TEXT,
            "EventType": Kind.TEXT,
            "TeamStrength": Kind.TEXT,
            "HomeGoalieOnIce": Kind.FLAG,
            "AwayGoalieOnIce": Kind.FLAG,
            "EventStartCoordinate": Kind.TEXT,
            "EventEndCoordinate": Kind.TEXT,
            "EventPrimaryPlayerId": Kind.ID,
            "EventPrimaryPlayerName": Kind.NAME,
            "EventPrimaryTeam": Kind.TEXT,
            "EventSecondaryPlayerId": Kind.ID,
            "EventSecondaryPlayerName": Kind.NAME,
            "EventSecondaryTeam": Kind.TEXT,
            "ShotResult": Kind.TEXT,
            "PassResult": Kind.TEXT,
            "BluelineCrossingResult": Kind.TEXT,
            "BluelineCrossingDirection": Kind.TEXT,
            "DumpType": Kind.TEXT,
        },
        extras={
            "_source_path": Kind.TEXT,
            **{f"StartPlayerId{place}": Kind.ID for place in PLAYERS},
            **{f"StartPlayerName{place}": Kind.NAME for place in PLAYERS},
            **{f"StartPlayerTeam{place}": Kind.TEXT for place in PLAYERS},
            **{f"StartPlayerCoordinates{place}": Kind.TEXT for place in PLAYERS},
            **{f"StartPlayerVelocity{place}": Kind.NUMBER for place in PLAYERS},
            **{f"StartPlayerDirection{place}": Kind.TEXT for place in PLAYERS},
        },
    ),
)
_RESULTS: Final = {
    "Goal": ShotResult.GOAL,
    "Saved": ShotResult.SAVED,
    "Missed": ShotResult.MISSED,
    "Blocked": ShotResult.BLOCKED,
}
_SHOTS: Final = {
    ShotResult.GOAL: HockeyEventKind.GOAL,
    ShotResult.SAVED: HockeyEventKind.SHOT_ON_GOAL,
    ShotResult.MISSED: HockeyEventKind.MISSED_SHOT,
    ShotResult.BLOCKED: HockeyEventKind.BLOCKED_SHOT,
}

Row = Mapping[str, Any]


class Reader(HockeySource):
    """The games of this layout in a folder, one a file."""

    @cached_property
    def _games(self) -> Mapping[str, Sequence[Row]]:
        """The rows of each game, which is called like its file."""
        games: dict[str, list[Row]] = {}
        for row in self.events.rows().iter_rows(named=True):
            name = PurePosixPath(row["_source_path"] or row[FILE]).stem[:_MAX_IDENTIFIER]
            games.setdefault(name, []).append(row)
        return games

    @cached_property
    def game_ids(self) -> tuple[str, ...]:
        """Names of the files, without those that are slips of a few rows."""
        return tuple(self.without_few({game_id: len(rows) for game_id, rows in self._games.items()}))

    def read(self, game_id: str) -> Game:
        """See TableSource. Events have no identifiers: they are numbered in the order of the file."""
        rows = self._games[game_id]
        people = _people(rows)
        periods = dict.fromkeys(row["Period"] for row in rows)
        plays = [
            play
            for period in periods
            for play in _plays(period, [(n, row) for n, row in enumerate(rows, 1) if row["Period"] == period], people)
        ]
        header = hockey.header(
            "Wisehockey", game_id, _season(rows), (HOME, AWAY), coordinates=hockey.METERS, frame_rate_hertz=RATE_HERTZ
        )
        return Game(header, people.roster, plays)


def _people(rows: Sequence[Row]) -> People:
    """Everybody who is on the ice, goalies by where they stand."""
    along: dict[str, list[float]] = {}
    for row in rows:
        for player_id, _, place, _ in _constellation(row):
            along.setdefault(player_id, []).append(abs(place[0]))
    people = People()
    for row in rows:
        for player_id, index, _, _ in _constellation(row):
            goalie = float(np.median(along[player_id])) > GOALIE_METERS * STRETCH
            _add(people, player_id, row[f"StartPlayerTeam{index}"], row[f"StartPlayerName{index}"], goalie=goalie)
        for who in ("Primary", "Secondary"):
            if row[f"Event{who}Team"] in (HOME, AWAY):
                _add(people, row[f"Event{who}PlayerId"], row[f"Event{who}Team"], row[f"Event{who}PlayerName"])
    return people


def _add(people: People, player_id: str | None, team: str, written: str | None, *, goalie: bool = False) -> None:
    """Somebody, whose jersey stands before their name, as in "#22 Linus Lind"."""
    named = _NAME.fullmatch(written or "")
    jersey = int(named["jersey"]) if named is not None and named["jersey"] else None
    people.add(player_id, team, named and named["name"], hockey.GOALIE if goalie else "", jersey)


def _season(rows: Sequence[Row]) -> int | None:
    """The year in which the season began, by the first time of the game."""
    stamps = [float(row["Timestamp"]) for row in rows if _is_number(row["Timestamp"])]
    if not stamps or not 0.0 < min(stamps) < _MAX_MILLISECONDS:
        return None
    began = datetime.fromtimestamp(min(stamps) / 1000.0, UTC)
    return began.year if began.month > 6 else began.year - 1


def _constellation(row: Row) -> Iterator[tuple[str, int, tuple[float, float], tuple[float, float]]]:
    """Who is where: identifier, number of the column, place in meters, speed and direction in degrees."""
    for index in PLAYERS:
        player_id, place = row[f"StartPlayerId{index}"], _place(row[f"StartPlayerCoordinates{index}"])
        if not player_id or place is None or row[f"StartPlayerTeam{index}"] not in (HOME, AWAY):
            continue
        way = _pair(row[f"StartPlayerDirection{index}"])
        speed = row[f"StartPlayerVelocity{index}"]
        angle = math.nan if way is None else math.degrees(math.atan2(way[1], way[0]))
        yield player_id, index, place, (math.nan if speed is None else speed, angle)


def _plays(period: int | None, numbered: Sequence[tuple[int, Row]], people: People) -> Iterator[Play]:
    seconds = _seconds([row for _, row in numbered])
    frames = _film([row for _, row in numbered], seconds)
    ends = hockey.home_directions(
        (period, row["EventPrimaryTeam"] == HOME, place[0])
        for _, row in numbered
        if row["EventType"] == "Shot" and (place := _place(row["EventStartCoordinate"])) is not None
    )
    past: list[Happened] = []
    for (number, row), at in zip(numbered, seconds, strict=True):
        play_id, segment = str(number), f"period-{period}"
        if row["EventType"] == "Shot" and row["ShotResult"] in _RESULTS:
            result = _RESULTS[row["ShotResult"]]
            context = PlayContext(
                play_id=play_id,
                attacking_team_id=row["EventPrimaryTeam"] or "",
                attacking_direction=hockey.direction(ends.get(period), by_home=row["EventPrimaryTeam"] == HOME),
                situation=_shot(row, people, past, at),
                segment_id=segment,
                opens_at_frame=_frame(at),
                release_frame=_frame(at),
            )
            yield Play(context, frames, ShotOutcome(result))
        elif row["EventType"] == "Faceoff" and row["EventPrimaryTeam"] in (HOME, AWAY):
            yield _faceoff(play_id, row)
        happened = _happened(row, at)
        if happened is not None:
            past.append(happened)


def _shot(row: Row, people: People, past: Sequence[Happened], at: float) -> ShotSituation:
    home = row["EventPrimaryTeam"] == HOME
    place = _place(row["EventStartCoordinate"])
    guarded = row["AwayGoalieOnIce" if home else "HomeGoalieOnIce"]
    own, others = _strength(row["TeamStrength"], home=home)
    goalies = [
        player.player_id
        for player in people.players.values()
        if player.position == hockey.GOALIE and player.team_id != row["EventPrimaryTeam"]
    ]
    defending = [each[0] for each in _constellation(row) if each[0] in goalies] or goalies
    return ShotSituation(
        period=hockey.whole("period", row["Period"]),
        game_clock_seconds=hockey.within("game_clock_seconds", hockey.PERIOD_SECONDS - (row["MatchClock"] or 0.0)),
        shooting_skaters=own,
        defending_skaters=others,
        shooter_id=row["EventPrimaryPlayerId"] or "",
        goalie_id=defending[0] if len(defending) == 1 and guarded else "",
        net_state=None if guarded is None else NetState.GUARDED if guarded else NetState.EMPTY,
        listing=ShotListing.UNBLOCKED,
        x=None if place is None else place[0],
        y=None if place is None else place[1],
        preceding_events=hockey.preceding(past, at),
    )


def _faceoff(play_id: str, row: Row) -> Play:
    """Only the winner is named, so that none is scored: a face-off has two takers."""
    won = row["EventPrimaryTeam"] == HOME
    winner = row["EventPrimaryPlayerId"] or ""
    situation = FaceoffSituation(
        period=hockey.whole("period", row["Period"]), taker_id=winner if won else "", opponent_id="" if won else winner
    )
    nothing = np.empty((0, 0), np.float32)
    return Play(
        PlayContext(play_id, HOME, situation),
        Frames(np.empty(0, np.int32), (), nothing, nothing),
        FaceoffOutcome(FaceoffResult.WON if won else FaceoffResult.LOST),
    )


def _happened(row: Row, at: float) -> Happened | None:
    """What an event was to a later shot; None for one that says nothing."""
    team = row["EventPrimaryTeam"] if row["EventPrimaryTeam"] in (HOME, AWAY) else ""
    start, end = _place(row["EventStartCoordinate"]), _place(row["EventEndCoordinate"])
    match row["EventType"]:
        case "Shot" if row["ShotResult"] in _RESULTS:
            kind, place = _SHOTS[_RESULTS[row["ShotResult"]]], start
        case "Faceoff":
            kind, place = HockeyEventKind.FACEOFF, None
        case "Pass" if row["PassResult"] == "Successful":
            kind, place = HockeyEventKind.PASS, end
        case "BluelineCrossing" if row["BluelineCrossingDirection"] == "TowardsOpponent":
            if row["BluelineCrossingResult"] != "PossessionMaintained":
                return None
            kind, place = HockeyEventKind.ZONE_ENTRY, start
        case "Dump" if row["DumpType"] == "DumpIn":
            kind, place = HockeyEventKind.DUMP_IN, start
        case "StoppageOfPlay":
            kind, place, team = HockeyEventKind.STOPPAGE, None, ""
        case "Penalty":
            kind, place = HockeyEventKind.PENALTY, None
        case _:
            return None
    return Happened(kind, at, team, *(place or (None, None)))


def _seconds(rows: Sequence[Row]) -> list[float]:
    """When events began, seconds of real time since the first of their period; of one without a time, as before it."""
    stamps = [float(row["Timestamp"]) if _is_number(row["Timestamp"]) else None for row in rows]
    first = min((stamp for stamp in stamps if stamp is not None), default=0.0)
    seconds, last = [], 0.0
    for stamp in stamps:
        last = last if stamp is None else (stamp - first) / 1000.0
        seconds.append(last)
    return seconds


def _film(rows: Sequence[Row], seconds: Sequence[float]) -> Frames:
    """A frame for each moment at which something happened.

    Where the puck was then is no track: its way between two events is not known.
    """
    moments: dict[int, Row] = {}
    for row, at in zip(rows, seconds, strict=True):
        if row["StartPlayerCoordinates1"] or row["StartPlayerCoordinates2"]:
            moments.setdefault(_frame(at), row)
    numbers = sorted(moments)
    ids = tuple(dict.fromkeys(each[0] for number in numbers for each in _constellation(moments[number])))
    column = {player_id: place for place, player_id in enumerate(ids)}
    x, y, speed, angle = (np.full((len(numbers), len(ids)), np.nan, np.float32) for _ in range(4))
    for line, number in enumerate(numbers):
        for player_id, _, place, motion in _constellation(moments[number]):
            cell = line, column[player_id]
            x[cell], y[cell] = place
            speed[cell], angle[cell] = motion
    return Frames(np.array(numbers, np.int32), ids, x, y, speed=speed, direction_degrees=angle)


def _strength(text: str | None, *, home: bool) -> tuple[int | None, int | None]:
    """Skaters of the shooting team and of the other; the source writes those of the home team first."""
    parts = (text or "").split("v")
    if len(parts) != 2 or not all(part.isdigit() for part in parts):
        return None, None
    own, others = parts if home else reversed(parts)
    return hockey.skaters(float(own)), hockey.skaters(float(others))


def _place(text: str | None) -> tuple[float, float] | None:
    """A place in meters, stretched along the ice; None where there is none."""
    pair = _pair(text)
    return None if pair is None else (pair[0] * STRETCH, pair[1])


def _pair(text: str | None) -> tuple[float, float] | None:
    parts = (text or "").split(",")
    return (float(parts[0]), float(parts[1])) if len(parts) == 2 and all(map(_is_number, parts)) else None


def _is_number(text: str | None) -> bool:
    try:
        return math.isfinite(float(text or "nan"))
    except ValueError:
        return False


def _frame(seconds: float) -> int:
    return round(seconds * RATE_HERTZ)


LAYOUT = TableLayout("wisehockey", TABLES, Reader)
