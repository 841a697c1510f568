"""Rows of small hockey games, made up here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import polars as pl

from playscore.faceoffs import FaceoffSituation
from playscore.game import Game, Play
from playscore.shots import ShotSituation, situation_of
from playscore.sources import Source, layouts

Row = dict[str, Any]
SKATERS: Final = {
    "home": ("Ann.Ames", "Bea.Bohr", "Cat.Cole", "Dee.Dunn", "Eve.Ende"),
    "away": ("Flo.Fink", "Gwen.Gray", "Hope.Hahn", "Ida.Ives", "Joy.Jung"),
}
GOALIES: Final = {"home": "Kim.Kern", "away": "Lea.Lind"}
TEAMS: Final = {"home": "EVR", "away": "LUM"}
IDS: Final = {
    name: str(1000 + number)
    for number, name in enumerate((*SKATERS["home"], GOALIES["home"], *SKATERS["away"], GOALIES["away"]))
}
PARTS: Final = {
    "FACEOFF": ("Winner", "Loser"),
    "SHOT": ("Shooter", "Goalie"),
    "GOAL": ("Scorer", "Goalie"),
    "MISSED_SHOT": ("Shooter", "Unknown"),
    "BLOCKED_SHOT": ("Shooter", "Blocker"),
    "HIT": ("Hitter", "Hittee"),
}
"""Of both people in an event of the play-by-play."""


def other(side: str) -> str:
    return "away" if side == "home" else "home"


def hockeyr(
    event: str, seconds: float, side: str | None = None, *, index: int, x: float | None = None, y: float | None = None,
    player: int = 0, against: int = 0, period: int = 1, pulled: str = "", listed: bool = True, **more: Any
) -> Row:  # fmt: skip
    """A row of the NHL's play-by-play. `pulled` is the side that has six skaters and no goalie."""
    row: Row = {
        "game_id": 2030020001, "season": 20302031, "season_type": "R", "game_date": "2030-10-08",
        "event_idx": str(index), "event_type": event, "secondary_type": None, "description": event,
        "event_team_type": side, "period": period, "period_type": "REGULAR", "period_seconds": seconds,
        "period_seconds_remaining": 1200.0 - seconds, "x_fixed": x, "y_fixed": y,
        "home_abbreviation": TEAMS["home"], "away_abbreviation": TEAMS["away"],
    }  # fmt: skip
    for part in (1, 2):
        row |= {f"event_player_{part}_{what}": None for what in ("id", "name", "type")}
    row |= {"event_goalie_id": None, "event_goalie_name": None}
    for each in ("home", "away"):
        on = [*SKATERS[each], "Max.Extra"] if each == pulled else list(SKATERS[each])
        row[f"{each}_skaters"] = float(len(on)) if listed else 0.0
        row[f"{each}_goalie"] = GOALIES[each] if listed and each != pulled else None
        row |= {f"{each}_on_{place}": on[place - 1] if listed and place <= len(on) else None for place in range(1, 8)}
    if side is not None and event in PARTS:
        first = SKATERS[side][player]
        second = GOALIES[other(side)] if event in ("SHOT", "GOAL", "MISSED_SHOT") else SKATERS[other(side)][against]
        has_second = second not in GOALIES.values() or other(side) != pulled
        row |= {
            "event_player_1_name": first, "event_player_1_id": IDS[first], "event_player_1_type": PARTS[event][0],
            "event_player_2_name": second if has_second else None,
            "event_player_2_id": IDS[second] if has_second else None,
            "event_player_2_type": PARTS[event][1] if has_second else None,
        }  # fmt: skip
        if event in ("SHOT", "GOAL") and has_second:
            row |= {"event_goalie_name": second, "event_goalie_id": IDS[second]}
    return row | more


def source_of(folder: Path, layout: str, rows: Iterable[Row] | Mapping[str, Iterable[Row]]) -> Source:
    """The games of tables, written into the folder."""
    tables = rows if isinstance(rows, Mapping) else {"events": rows}
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        pl.DataFrame(list(table), infer_schema_length=None).write_parquet(folder / f"{name}.parquet")
    recognition = layouts()[layout].recognize(folder)
    assert not recognition.missing, recognition.missing
    return layouts()[layout].open(folder)


def only_game(folder: Path, layout: str, rows: Iterable[Row] | Mapping[str, Iterable[Row]]) -> Game:
    source = source_of(folder, layout, rows)
    (game_id,) = source.game_ids
    return source.game(game_id)


def shots_of(game: Game) -> dict[str, Play]:
    return {play.context.play_id: play for play in game.plays if isinstance(play.context.situation, ShotSituation)}


def faceoffs_of(game: Game) -> dict[str, Play]:
    return {play.context.play_id: play for play in game.plays if isinstance(play.context.situation, FaceoffSituation)}


def situation(game: Game, play_id: str) -> ShotSituation:
    return situation_of(shots_of(game)[play_id].context)
