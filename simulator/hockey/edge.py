"""Goals of simulated games in the layout of NHL EDGE's replays: one JSON a goal, 10 Hz, inches from a corner."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from playscore import rink
from playscore.game import Play
from playscore.shots import ShotResult, outcome_of
from simulator.hockey.games import SimulatedHockeyGame
from simulator.hockey.league import TEAMS
from simulator.hockey.rinks import PUCK_RATE_HERTZ, RATE_HERTZ

EDGE_HERTZ: Final = 10
INCHES: Final = 12.0
BEFORE_SECONDS: Final = 9.0
AFTER_SECONDS: Final = 2.0
PUCK_ID: Final = 1
_TEAM_NUMBER: Final = {team.team_id: number for number, team in enumerate(TEAMS, start=1)}


def write(games: Iterable[SimulatedHockeyGame], folder: Path) -> None:
    """Writes `<game>/ev<play>.json` of every goal into the folder, making it if need be."""
    for simulated in games:
        place = folder / simulated.game.header.game_id
        place.mkdir(parents=True, exist_ok=True)
        for play, frames in replays(simulated):
            (place / f"ev{play.context.play_id}.json").write_text(json.dumps(frames), encoding="utf-8")


def replays(simulated: SimulatedHockeyGame) -> Iterator[tuple[Play, list[dict[str, Any]]]]:
    """Every goal and the frames of its replay. The game must have been filmed whole."""
    for play in simulated.game.plays:
        outcome = outcome_of(play)
        if outcome is not None and outcome.result is ShotResult.GOAL:
            yield play, _replay(simulated, play)


def _replay(simulated: SimulatedHockeyGame, play: Play) -> list[dict[str, Any]]:
    film, (puck,) = play.frames, play.tracks
    assert play.context.release_frame is not None
    assert film.times_unix_micros is not None
    start = film.times_unix_micros[0] / 1e6
    release = play.context.release_frame / RATE_HERTZ
    first = np.ceil((start + max(release - BEFORE_SECONDS, 0.0)) * EDGE_HERTZ)
    last = np.floor((start + min(release + AFTER_SECONDS, (len(film) - 1) / RATE_HERTZ)) * EDGE_HERTZ)
    stamps = np.arange(first, last + 1).astype(np.int64)
    seconds = stamps / EDGE_HERTZ - start
    x, y = (_between(column, seconds * RATE_HERTZ) for column in (film.x, film.y))
    puck_x, puck_y = (_between(column[:, None], seconds * PUCK_RATE_HERTZ)[:, 0] for column in (puck.x, puck.y))
    players = {player.player_id: player for player in simulated.game.roster}
    entries = []
    for row, stamp in enumerate(stamps.tolist()):
        on_ice = {}
        for column, player_id in enumerate(film.player_ids):
            if not np.isfinite(x[row, column]):
                continue
            player = players[player_id]
            team = _TEAM_NUMBER[player.team_id]
            assert player.jersey_number is not None
            number = 1000 * team + player.jersey_number
            on_ice[str(number)] = {
                "id": number,
                "playerId": int(player_id),
                **_inches(x[row, column], y[row, column]),
                "sweaterNumber": player.jersey_number,
                "teamId": team,
                "teamAbbrev": player.team_id,
            }
        on_ice[str(PUCK_ID)] = {
            "id": PUCK_ID,
            "playerId": "",
            **_inches(puck_x[row], puck_y[row]),
            "sweaterNumber": "",
            "teamId": "",
            "teamAbbrev": "",
        }
        entries.append({"timeStamp": stamp, "onIce": on_ice})
    return entries


def _between(values: Any, places: Any) -> Any:
    """(n, E) values at fractional rows; NaN beside a row in which somebody was not seen."""
    low = np.clip(np.floor(places).astype(int), 0, len(values) - 1)
    high = np.minimum(low + 1, len(values) - 1)
    share = (places - low)[:, None]
    return np.where(share < 1e-6, values[low], (1 - share) * values[low] + share * values[high])


def _inches(x: float, y: float) -> dict[str, float]:
    return {
        "x": round(float(x + rink.HALF_LENGTH_FEET) * INCHES, 2),
        "y": round(float(y + rink.HALF_WIDTH_FEET) * INCHES, 2),
    }
