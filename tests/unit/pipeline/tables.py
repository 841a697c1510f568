"""Tiny games in each layout, made up here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

PLAYERS = {101: ("Paul Able", "home", "QB"), 102: ("Ben Baker", "home", "WR"), 201: ("Carl Cook", "away", "CB")}


def write(folder: Path, name: str, rows: list[dict[str, Any]], file_format: str = "parquet") -> None:
    table = pl.DataFrame(rows, infer_schema_length=None)
    if file_format == "csv":
        table.write_csv(folder / f"{name}.csv", null_value="NA")
    else:
        table.write_parquet(folder / f"{name}.parquet")


def bdb2019(folder: Path, file_format: str = "parquet", **play: Any) -> None:
    """One pass play of game 2017090700, KC at home."""
    tracking = [
        {
            "time": f"2017-09-08T00:00:0{frame // 10}Z", "x": 50.0 + place + frame / 10, "y": 20.0 + place, "s": 1.0,
            "dis": 0.1, "dir": None if team == "ball" else 90.0, "event": "ball_snap" if frame == 1 else None,
            "nflId": player, "displayName": name, "jerseyNumber": player and player % 100, "team": team,
            "frame.id": frame, "gameId": 2017090700, "playId": 75,
        }
        for place, (player, name, team) in enumerate(
            [*((player, name, team) for player, (name, team, _) in PLAYERS.items()), (None, "ball", "ball")]
        )
        for frame in (1, 2, 3)
    ]  # fmt: skip
    described = {
        "gameId": 2017090700, "playId": 75, "quarter": 1, "GameClock": "12:05:00", "down": 1, "yardsToGo": 10,
        "possessionTeam": "KC", "yardlineSide": "KC", "yardlineNumber": 25, "HomeScoreBeforePlay": 3,
        "VisitorScoreBeforePlay": 0, "isPenalty": False, "isSTPlay": False, "PassLength": 7, "PassResult": "C",
        "PlayResult": 9, "playDescription": "(12:05) P.Able pass short left to B.Baker to KC 34 for 9 yards.",
    } | play  # fmt: skip
    game = {
        "season": 2017, "week": 1, "gameId": 2017090700, "homeTeamAbbr": "KC", "visitorTeamAbbr": "NE",
        "HomeScore": 42, "VisitorScore": 27,
    }  # fmt: skip
    players = [
        {"nflId": player, "FirstName": name.split()[0], "LastName": name.split()[1], "PositionAbbr": position}
        for player, (name, _, position) in PLAYERS.items()
    ]
    write(folder, "tracking_gameId_2017090700", tracking, file_format)
    write(folder, "plays", [described], file_format)
    write(folder, "games", [game], file_format)
    write(folder, "players", players, file_format)


def bdb2023(folder: Path, *, games: bool = True, anonymous: bool = False, frames: int = 2, **told: Any) -> None:
    """One pass play of game 2021091300, LV against BAL."""
    sides = {"home": "LV", "away": "BAL"}
    tracking = [
        {
            "gameId": 2021091300, "playId": 54, "nflId": float(player) if player else None, "frameId": frame,
            "time": f"2021-09-14T03:54:{17 + frame // 10}.{frame % 10}00", "jerseyNumber": 1.0,
            "team": sides.get(team, "football"), "playDirection": "left", "x": 50.0, "y": 20.0, "s": 1.0, "a": 0.5,
            "dis": 0.1, "o": 10.0, "dir": 90.0,
            "event": "ball_snap" if frame == 1 else None,
        }
        for player, (_, team, _) in [*PLAYERS.items(), (None, ("", "ball", ""))]
        for frame in range(1, frames + 1)
    ]  # fmt: skip
    play = {
        "gameId": 2021091300, "playId": 54, "quarter": 5, "down": 2, "yardsToGo": 14, "possessionTeam": "LV",
        "defensiveTeam": "BAL", "yardlineSide": "BAL", "yardlineNumber": 31, "gameClock": "03:44",
        "preSnapHomeScore": 0, "preSnapVisitorScore": 0, "passResult": "C", "prePenaltyPlayResult": 31,
        "playDescription": "(3:44) (Shotgun) P.Able pass deep right to B.Baker for 31 yards, TOUCHDOWN.",
    } | told  # fmt: skip
    players = [
        {"nflId": player, "officialPosition": position, "displayName": "anon" if anonymous else name}
        for player, (name, _, position) in PLAYERS.items()
    ]
    write(folder, "week1", tracking)
    write(folder, "plays", [play])
    write(folder, "players", players)
    if games:
        game = {"gameId": 2021091300, "season": 2021, "week": 1, "homeTeamAbbr": "LV", "visitorTeamAbbr": "BAL"}
        write(folder, "games", [game])


def hackathon2015(
    folder: Path, statistics: list[dict[str, Any]], *, tenths: Sequence[int] = (0, 1, 4), **play: Any
) -> None:
    """One play of game 1, BAR at home, offense by default."""
    tracking = [
        {
            "gameId": 1, "ngsPlayId": 5, "gsisPlayId": 36, "trackingSide": f"{team}TrackingData", "nflId": player,
            "time": f"2015-11-29T18:02:29.{tenth}00", "x": 50.0, "y": 20.0, "s": 1.0, "dis": 0.1,
            "event": "snap" if tenth == 0 else None,
        }
        for player, (_, team, _) in PLAYERS.items()
        for tenth in tenths
    ]  # fmt: skip
    described = {
        "gameId": 1, "ngsPlayId": 5, "gsisPlayId": 36, "playType": "play_type_pass", "yardlineSide": "BAR",
        "yardlineNumber": 30.0, "playDescription": "Paul Able pass", "quarter": 2, "down": 3, "yardsToGo": 8,
        "possessionTeamId": "2", "gameClock": ":59", "playStats": json.dumps(statistics), "schedule_season": 2015,
        "schedule_week": 12, "schedule_homeTeamId": 2, "schedule_visitorTeamId": 1, "schedule_homeTeamAbbr": "BAR",
        "schedule_visitorTeamAbbr": "AMS",
    } | play  # fmt: skip
    write(folder, "samples", tracking)
    write(folder, "plays", [described])


def ngs_highlights(
    folder: Path, credited: dict[str, list[dict[str, Any]]] | None, *, frames: int = 2, **play: Any
) -> None:
    """One play of game 2018011401, MIN at home, offense by default; filed twice, once under each team."""
    described = {
        "playType": "play_type_pass", "season": 2017, "week": 19, "preSnapHomeScore": 23, "preSnapVisitorScore": 24,
        "playDirection": "right", "quarter": 4, "gameClock": "00:10", "down": 3, "yardsToGo": 10,
        "yardlineSide": "MIN", "yardlineNumber": 39,
        "playDescription": "(:10) P.Able pass deep right to B.Baker for 61 yards, TOUCHDOWN.",
    } | play  # fmt: skip
    tracking = [
        {
            "gameId": 2018011401, "playId": 4497, **described, "displayName": name or "ball", "nflId": player,
            "gsisId": player and f"00-{player}", "jerseyNumber": player and 7, "position": position or None,
            "teamAbbr": {"home": "MIN", "away": "NO"}.get(team), "homeTeamFlag": {"home": 1, "away": 0}.get(team),
            "possessionFlag": {"home": 1, "away": 0}.get(team), "frame": tenth,
            "time": f"2018-01-15 01:06:38.{tenth}00", "x": 50.0, "y": 20.0, "s": 1.0, "o": 5.0, "dir": 9.0,
            "event": "ball_snap" if tenth == 0 else None,
        }
        for _ in ("MIN", "NO")
        for player, (name, team, position) in [*PLAYERS.items(), (None, ("", "", ""))]
        for tenth in range(frames)
    ]  # fmt: skip
    write(folder, "highlights", tracking)
    other = {"gameId": 2018011401, "playId": 1, "players": "{}", "desc": ""}
    known = {"gameId": 2018011401, "playId": 4497, "players": json.dumps(credited), "desc": ""}
    write(folder, "gsis", [other] if credited is None else [known])
