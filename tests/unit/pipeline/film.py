"""Games in the layouts of the Big Data Bowls, as rows that a test may spoil before they are written. Made up here."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import polars as pl

from playscore.game import Game, Play
from playscore.passing import FootballSituation, situation_of
from playscore.sources import Source, open_source

Row = dict[str, Any]
Tables = dict[str, list[Row]]
"""The rows of files, by their names without the ending."""

GAME = 2022091100
PLAY = 54
HOME, AWAY = "LV", "DEN"
PEOPLE = {
    101: ("Paul Able", HOME, "QB"),
    102: ("Ben Baker", HOME, "WR"),
    103: ("Dan Drake", HOME, "RB"),
    201: ("Carl Cook", AWAY, "CB"),
}
BALL = None
FRAMES = 6
SNAP = 2
PASS = "(12:34) (Shotgun) P.Able pass short left to B.Baker to LV 34 for 9 yards (C.Cook)."


def bdb2019(*plays: int, game: int = GAME) -> Tables:
    tracking = [
        _only(sample, "x y s dis dir event nflId displayName jerseyNumber gameId playId")
        | {"team": _side(sample), "frame.id": sample["frameId"], "time": sample["time"][:19] + "Z"}
        for sample in _samples(plays, game)
    ]
    listed = [
        _only(play, "gameId playId quarter down yardsToGo possessionTeam yardlineSide yardlineNumber playDescription")
        | {
            "GameClock": "12:34:00", "HomeScoreBeforePlay": 3, "VisitorScoreBeforePlay": 0, "isPenalty": "FALSE",
            "isSTPlay": "FALSE", "PassLength": 5, "PassResult": "C", "PlayResult": 9,
        }
        for play in _plays(plays, game)
    ]  # fmt: skip
    games = [row | {"HomeScore": 20, "VisitorScore": 17} for row in _games(game)]
    return {f"tracking_gameId_{game}": tracking, "plays": listed, "games": games}


def bdb2022(*plays: int, game: int = GAME) -> Tables:
    tracking = [
        _only(sample, "time x y s a dis o dir event nflId displayName jerseyNumber frameId gameId playId playDirection")
        | {"team": "football" if sample["nflId"] is BALL else _side(sample), "position": sample["position"]}
        for sample in _samples(plays, game)
    ]
    listed = [
        {name: value for name, value in play.items() if name != "defensiveTeam"}
        | {
            "specialTeamsPlayType": "Punt", "specialTeamsResult": "Return", "passResult": None, "playResult": 40,
            "playDescription": "(12:34) P.Able punts 45 yards to DEN 20, Center-B.Baker. C.Cook to DEN 25 for 5 yards.",
        }
        for play in _plays(plays, game)
    ]  # fmt: skip
    return {"tracking2020": tracking, "plays": listed, "games": _games(game)}


def bdb2023(*plays: int, game: int = GAME) -> Tables:
    tracking = [
        _only(sample, "gameId playId nflId frameId time jerseyNumber playDirection x y s a dis o dir event")
        | {"team": sample["club"]}
        for sample in _samples(plays, game)
    ]
    listed = [play | {"passResult": "C", "prePenaltyPlayResult": 9} for play in _plays(plays, game)]
    players = [
        {"nflId": player, "officialPosition": position, "displayName": name}
        for player, (name, _, position) in PEOPLE.items()
    ]
    return {"week1": tracking, "plays": listed, "players": players, "games": _games(game)}


def bdb2025(*plays: int, game: int = GAME) -> Tables:
    tracking = [
        {name: value for name, value in sample.items() if name != "position"} for sample in _samples(plays, game)
    ]
    listed = [
        play
        | {
            "playNullifiedByPenalty": "N", "passResult": "C", "passLength": 5, "qbSpike": "FALSE", "qbKneel": 0,
            "prePenaltyYardsGained": 9, "yardsGained": 24,
        }
        for play in _plays(plays, game)
    ]  # fmt: skip
    deeds = [
        {
            "gameId": game, "playId": play, "nflId": player, "teamAbbr": team, "hadDropback": int(player == 101),
            "passingYards": 9 if player == 101 else 0, "wasTargettedReceiver": int(player == 102),
        }
        for play in plays or (PLAY,)
        for player, (_, team, _) in PEOPLE.items()
    ]  # fmt: skip
    players = [
        {"nflId": player, "position": position, "displayName": name} for player, (name, _, position) in PEOPLE.items()
    ]
    return {
        "tracking_week_1": tracking, "plays": listed, "player_play": deeds, "games": _games(game), "players": players,
    }  # fmt: skip


def write(folder: Path, tables: Tables, file_format: str = "csv") -> Path:
    for name, rows in tables.items():
        columns = dict.fromkeys(column for row in rows for column in row)
        if file_format == "parquet":
            pl.DataFrame(rows, infer_schema_length=None, strict=False).write_parquet(folder / f"{name}.parquet")
            continue
        with (folder / f"{name}.csv").open("w", newline="") as target:
            lines = csv.DictWriter(target, columns, lineterminator="\n")
            lines.writeheader()
            lines.writerows({key: "NA" if value is None else value for key, value in row.items()} for row in rows)
    return folder


def opened(folder: Path, tables: Tables, file_format: str = "csv") -> Source:
    return open_source(write(folder, tables, file_format))


def plays_of(source: Source) -> dict[str, Play]:
    """All plays of all games."""
    return {play.context.play_id: play for game in source.game_ids for play in source.game(game).plays}


def only_game(folder: Path, tables: Tables, file_format: str = "csv") -> Game:
    source = opened(folder, tables, file_format)
    (game_id,) = source.game_ids
    return source.game(game_id)


def only_play(folder: Path, tables: Tables, file_format: str = "csv") -> Play:
    (play,) = only_game(folder, tables, file_format).plays
    return play


def only_situation(folder: Path, tables: Tables, file_format: str = "csv") -> FootballSituation:
    return situation_of(only_play(folder, tables, file_format).context)


def reasons(source: Source) -> dict[str, int]:
    """What was left out of the games that were read: how much, by reason."""
    return {loss.reason: loss.count for loss in source.losses()}


def _samples(plays: Iterable[int], game: int) -> list[Row]:
    who = [*PEOPLE.items(), (BALL, ("football", "football", None))]
    return [
        {
            "gameId": game, "playId": play, "nflId": player, "displayName": name, "frameId": frame,
            "frameType": "BEFORE_SNAP" if frame < SNAP else "SNAP" if frame == SNAP else "AFTER_SNAP",
            "time": f"2022-09-11T17:05:00.{frame}00", "jerseyNumber": player and player % 100, "club": club,
            "playDirection": "right", "x": 40.0 + place, "y": 20.0 + frame / 10, "s": 1.0, "a": 0.5, "dis": 0.1,
            "o": player and 90.0, "dir": player and 0.0, "event": "ball_snap" if frame == SNAP else None,
            "position": position,
        }
        for play in plays or (PLAY,)
        for place, (player, (name, club, position)) in enumerate(who)
        for frame in range(1, FRAMES + 1)
    ]  # fmt: skip


def _plays(plays: Iterable[int], game: int) -> list[Row]:
    return [
        {
            "gameId": game, "playId": play, "playDescription": PASS, "quarter": 1, "down": 2, "yardsToGo": 8,
            "possessionTeam": HOME, "defensiveTeam": AWAY, "yardlineSide": HOME, "yardlineNumber": 25,
            "gameClock": "12:34", "preSnapHomeScore": 3, "preSnapVisitorScore": 0,
        }
        for play in plays or (PLAY,)
    ]  # fmt: skip


def _games(game: int) -> list[Row]:
    return [{"gameId": game, "season": 2022, "week": 1, "homeTeamAbbr": HOME, "visitorTeamAbbr": AWAY}]


def _only(row: Row, columns: str) -> Row:
    return {name: row[name] for name in columns.split()}


def _side(sample: Row) -> str:
    return {HOME: "home", AWAY: "away"}.get(sample["club"], "ball")
