"""Simulated games in the layout of the Big Data Cup 2026: tracking at 30 fps, events, camera orientations."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from playscore.shots import HockeyEventKind, ShotType
from simulator.hockey.games import SimulatedHockeyGame
from simulator.hockey.rinks import OVERTIME, PUCK_RATE_HERTZ, RATE_HERTZ, Event

CLIP_HERTZ: Final = 30
PLAYER_HEIGHT: Final = 1.0
"""What the layout says of every player."""
FIRST_IMAGE: Final = 100_000

_TRACKING: Final = {
    "Image Id": pl.String, "Period": pl.String, "Game Clock": pl.String, "Player or Puck": pl.String,
    "Team": pl.String, "Player Id": pl.Float64, "Player Jersey Number": pl.String,
    "Rink Location X (Feet)": pl.Float64, "Rink Location Y (Feet)": pl.Float64, "Rink Location Z (Feet)": pl.Float64,
    "Goal Score": pl.String,
}  # fmt: skip
_EVENTS: Final = {
    "Date": pl.String, "Home_Team": pl.String, "Away_Team": pl.String, "Period": pl.Int64, "Clock": pl.String,
    "Home_Team_Skaters": pl.Int64, "Away_Team_Skaters": pl.Int64, "Home_Team_Goals": pl.Int64,
    "Away_Team_Goals": pl.Int64, "Team": pl.String, "Player_Id": pl.String, "Event": pl.String,
    "X_Coordinate": pl.Float64, "Y_Coordinate": pl.Float64, "Detail_1": pl.String, "Detail_2": pl.String,
    "Detail_3": pl.Int64, "Detail_4": pl.Int64, "Player_Id_2": pl.String, "X_Coordinate_2": pl.Float64,
    "Y_Coordinate_2": pl.Float64,
}  # fmt: skip
_NAMES: Final = {
    HockeyEventKind.FACEOFF: "Faceoff Win",
    HockeyEventKind.RECOVERY: "Puck Recovery",
    HockeyEventKind.ZONE_ENTRY: "Zone Entry",
    HockeyEventKind.DUMP_IN: "Zone Entry",
    HockeyEventKind.PASS: "Play",
    HockeyEventKind.TAKEAWAY: "Takeaway",
    HockeyEventKind.PENALTY: "Penalty Taken",
    HockeyEventKind.SHOT_ON_GOAL: "Shot",
    HockeyEventKind.MISSED_SHOT: "Shot",
    HockeyEventKind.BLOCKED_SHOT: "Shot",
    HockeyEventKind.GOAL: "Goal",
}
_SHOTS: Final = {
    ShotType.WRIST: "Wristshot",
    ShotType.SNAP: "Snapshot",
    ShotType.SLAP: "Slapshot",
    ShotType.BACKHAND: "Wristshot",
    ShotType.TIP_IN: "Deflection",
    ShotType.DEFLECTED: "Deflection",
    ShotType.WRAP_AROUND: "Wrap Around",
    ShotType.OTHER: "Bat",
}
_ENDS: Final = {"SAVED": "On Net", "GOAL": "On Net", "MISSED": "Missed", "POST": "Missed", "BLOCKED": "Blocked"}


def write(games: Iterable[SimulatedHockeyGame], folder: Path) -> None:
    """Writes `<date>.<away>.@.<home>.Tracking_P<period>.csv`, `….Events.csv` and `camera_orientations.csv`."""
    folder.mkdir(parents=True, exist_ok=True)
    cameras = []
    for simulated in games:
        stem = name_of(simulated).replace(" ", ".")
        for number in range(1, len(simulated.starts) + 1):
            part = "OT" if number >= OVERTIME else str(number)
            tracking(simulated, number).write_csv(folder / f"{stem}.Tracking_P{part}.csv", null_value="")
        events(simulated).write_csv(folder / f"{stem}.Events.csv", null_value="")
        # The home team attacks toward +x in the first period, so that the visitors' goalie stands on the right.
        cameras.append({"Game": name_of(simulated), "GoalieTeamOnRightSideOfRink1stPeriod": "Away"})
    pl.DataFrame(cameras).write_csv(folder / "camera_orientations.csv")


def name_of(simulated: SimulatedHockeyGame) -> str:
    """The game as the layout calls it: date, visitors, home team."""
    header = simulated.game.header
    return f"{_date(simulated)} {header.away_team_id} @ {header.home_team_id}"


def _date(simulated: SimulatedHockeyGame) -> str:
    return simulated.starts[0].date().isoformat()


def tracking(simulated: SimulatedHockeyGame, period: int) -> pl.DataFrame:
    """Puck and players of a period, every second sample of the puck."""
    play = next(p for p in simulated.game.plays if p.context.segment == f"period-{period}")
    film, (puck,) = play.frames, play.tracks
    step = PUCK_RATE_HERTZ // CLIP_HERTZ
    count = len(puck.x[::step])
    players = {player.player_id: player for player in simulated.game.roster}
    home = simulated.game.header.home_team_id
    images = np.arange(count)
    clocks = _clocks(simulated, period, count)
    goals = _goal_images(simulated, period)
    label = "OT" if period >= OVERTIME else str(period)
    shared = {"Period": label}
    name = name_of(simulated)

    def rows(which: Any, **columns: Any) -> pl.DataFrame:
        return pl.DataFrame(
            {
                "Image Id": [f"{name}_{FIRST_IMAGE * period + int(image)}" for image in which],
                **{key: [value] * len(which) for key, value in shared.items()},
                "Game Clock": [clocks[int(image)] for image in which],
                **{key: value if hasattr(value, "__len__") and not isinstance(value, str) else [value] * len(which)
                   for key, value in columns.items()},
                "image": which,
            }
        )  # fmt: skip

    parts = [
        rows(
            images,
            **{
                "Player or Puck": "Puck",
                "Rink Location X (Feet)": _rounded(puck.x[::step]),
                "Rink Location Y (Feet)": _rounded(puck.y[::step]),
                "Rink Location Z (Feet)": _rounded((np.zeros_like(puck.x) if puck.z is None else puck.z)[::step]),
                "Goal Score": ["G" if int(image) in goals else None for image in images],
            },
        )
    ]
    at = images / CLIP_HERTZ * RATE_HERTZ
    low = np.floor(at).astype(int)
    high = np.minimum(low + 1, len(film) - 1)
    share = at - low
    for column, player_id in enumerate(film.player_ids):
        x, y = ((1 - share) * values[low, column] + share * values[high, column] for values in (film.x, film.y))
        seen = np.flatnonzero(np.isfinite(x))
        player = players[player_id]
        parts.append(
            rows(
                seen,
                **{
                    "Player or Puck": "Player",
                    "Team": "Home" if player.team_id == home else "Away",
                    "Player Id": float(player_id),
                    "Player Jersey Number": "Go" if player.position == "G" else str(player.jersey_number),
                    "Rink Location X (Feet)": _rounded(x[seen]),
                    "Rink Location Y (Feet)": _rounded(y[seen]),
                    "Rink Location Z (Feet)": PLAYER_HEIGHT,
                },
            )
        )
    table = pl.concat(parts, how="diagonal_relaxed").sort("image", maintain_order=True)
    return table.select(pl.col(each).cast(kind) for each, kind in _TRACKING.items())


def _rounded(values: Any) -> Any:
    return np.round(np.asarray(values, float), 3)


def _clocks(simulated: SimulatedHockeyGame, period: int, images: int) -> list[str]:
    """The clock at each image: it stands from a whistle to the next face-off."""
    anchors = sorted(
        {(event.frame, event.clock) for event in simulated.played.log.events if event.period == period}
        | {(draw.frame, draw.clock) for draw in simulated.played.log.draws if draw.period == period}
    )
    frames, clocks = np.array([frame for frame, _ in anchors]), np.array([clock for _, clock in anchors])
    return [clock_text(value) for value in np.interp(np.arange(images) / 2, frames, clocks).tolist()]


def clock_text(seconds: float) -> str:
    """Minutes and seconds that are left, as a scoreboard shows them."""
    whole = max(int(np.ceil(seconds - 1e-6)), 0)
    return f"{whole // 60}:{whole % 60:02d}"


def _goal_images(simulated: SimulatedHockeyGame, period: int) -> set[int]:
    return {
        event.frame * CLIP_HERTZ // RATE_HERTZ
        for event in simulated.played.log.events
        if event.kind is HockeyEventKind.GOAL and event.period == period
    }


def events(simulated: SimulatedHockeyGame) -> pl.DataFrame:
    """The events of a game, those that the layout has."""
    header = simulated.game.header
    rosters = _rosters(simulated)
    rows = []
    for event in simulated.played.log.events:
        if event.kind not in _NAMES or event.team < 0:
            continue
        numbers = rosters[event.team]
        details = _details(simulated, event)
        second = event.kind in (HockeyEventKind.FACEOFF, HockeyEventKind.PASS) and event.other >= 0
        others = rosters[1 - event.team] if event.kind is HockeyEventKind.FACEOFF else numbers
        rows.append(
            {
                "Date": _date(simulated),
                "Home_Team": header.home_team_id,
                "Away_Team": header.away_team_id,
                "Period": event.period,
                "Clock": clock_text(event.clock).rjust(5, "0"),
                "Home_Team_Skaters": event.skaters[0],
                "Away_Team_Skaters": event.skaters[1],
                "Home_Team_Goals": event.score[0],
                "Away_Team_Goals": event.score[1],
                "Team": (header.home_team_id, header.away_team_id)[event.team],
                "Player_Id": numbers[event.player],
                "Event": _NAMES[event.kind],
                "X_Coordinate": _half(event.x),
                "Y_Coordinate": _half(event.y),
                "Detail_1": details[0],
                "Detail_2": details[1],
                "Detail_3": details[2],
                "Detail_4": details[3],
                "Player_Id_2": f"{others[event.other]}.0" if second else None,
                "X_Coordinate_2": _half(event.to[0]) if event.to else None,
                "Y_Coordinate_2": _half(event.to[1]) if event.to else None,
            }
        )
    return pl.DataFrame(rows, schema=_EVENTS)


def _rosters(simulated: SimulatedHockeyGame) -> tuple[list[str], list[str]]:
    header, roster = simulated.game.header, simulated.game.roster
    home, away = (
        [str(player.jersey_number) for player in roster if player.team_id == team]
        for team in (header.home_team_id, header.away_team_id)
    )
    return home, away


def _half(value: float) -> float:
    return round(value * 2) / 2


def _details(simulated: SimulatedHockeyGame, event: Event) -> tuple[str | None, str | None, int, int]:
    """Of a shot: how, where it ended, whether there was traffic, whether it was a one-timer."""
    if event.shot >= 0:
        attempt = simulated.played.log.attempts[event.shot]
        at = attempt.situation
        return _SHOTS[attempt.kind], _ENDS[event.detail], int(at["screens"] > 0), int(at["one_timer"] > 0)
    words = {
        HockeyEventKind.FACEOFF: "Backhand",
        HockeyEventKind.ZONE_ENTRY: event.detail,
        HockeyEventKind.DUMP_IN: "Dumped",
        HockeyEventKind.PASS: "Direct",
        HockeyEventKind.PENALTY: "Tripping",
    }
    return words.get(event.kind), None, 0, 0
