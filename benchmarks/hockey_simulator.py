"""The hockey simulator beside real games: how fast it is, its marginals, and whether outcomes follow their chances.

OMP_NUM_THREADS=1 python -m benchmarks.hockey_simulator --games 400

Both kinds of game go through one piece of code: simulated ones in the layout of hockeyR's play-by-play. Shot types are
of shots on goal; positions are those of Wisehockey's events.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import binom

from playscore import rink
from playscore.shots import ShotResult
from simulator.hockey import simulate_shots
from simulator.hockey.games import LANES
from simulator.hockey.play_by_play import table
from simulator.hockey.rinks import Attempt

DISTANCES = (0, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 70, 200)
ANGLES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 180)
UNBLOCKED = ("SHOT", "GOAL", "MISSED_SHOT")
SHOOTOUT = 5
FEET_PER_METER = 1 / 0.3048
WISEHOCKEY_NET_X = 26.0
"""Where the nets of its coordinates stand, in meters."""
Rates = dict[str, tuple[float, float]]


def share(came: Any) -> tuple[float, float]:
    values = np.asarray(came, float)
    mean = float(values.mean()) if len(values) else float("nan")
    return mean, float(np.sqrt(mean * (1 - mean) / max(len(values), 1)))


def a_game(rows: pl.DataFrame, games: int) -> tuple[float, float]:
    counts = rows.group_by("game_id").len()["len"].to_numpy()
    counts = np.concatenate((counts, np.zeros(games - len(counts))))
    return float(counts.mean()), float(counts.std() / np.sqrt(games))


def marginals(events: pl.DataFrame) -> Rates:
    """Every figure of a play-by-play, and its standard error."""
    events = events.filter(pl.col("period") < SHOOTOUT)
    games = events["game_id"].n_unique()
    found: Rates = {}
    for name, kinds in {
        "attempts": (*UNBLOCKED, "BLOCKED_SHOT"),
        "unblocked attempts": UNBLOCKED,
        "shots on goal": ("SHOT", "GOAL"),
        "goals": ("GOAL",),
        "face-offs": ("FACEOFF",),
        "penalties": ("PENALTY",),
        "hits": ("HIT",),
        "giveaways and takeaways": ("GIVEAWAY", "TAKEAWAY"),
    }.items():
        found[f"{name} a game"] = a_game(events.filter(pl.col("event_type").is_in(kinds)), games)
    attempts = events.filter(pl.col("event_type").is_in((*UNBLOCKED, "BLOCKED_SHOT")))
    for kind in ("BLOCKED_SHOT", "MISSED_SHOT", "SHOT", "GOAL"):
        found[f"of the attempts: {kind}"] = share(attempts["event_type"] == kind)
    return found | _chances(events)


def _chances(events: pl.DataFrame) -> Rates:
    side = pl.when(pl.col("event_team_type") == "home").then(1).otherwise(-1)
    shots = (
        _with_history(events)
        .filter(pl.col("event_type").is_in(UNBLOCKED) & pl.col("x_fixed").is_not_null())
        .with_columns(
            x=pl.col("x_fixed") * side,
            y=pl.col("y_fixed") * side,
            goal=pl.col("event_type") == "GOAL",
            open=pl.when(pl.col("event_team_type") == "home")
            .then(pl.col("away_goalie"))
            .otherwise(pl.col("home_goalie"))
            .is_null(),
        )
        .with_columns(
            distance=((rink.GOAL_LINE_X_FEET - pl.col("x")) ** 2 + pl.col("y") ** 2).sqrt(),
            angle=pl.arctan2(pl.col("y").abs(), rink.GOAL_LINE_X_FEET - pl.col("x")).degrees(),
        )
    )
    guarded = shots.filter(~pl.col("open"))
    # Rows of which the source knows nobody on the ice do not show an empty net.
    stated = shots.filter(pl.col("strength_state") != "0v0")
    found: Rates = {
        "goals of the unblocked": share(shots["goal"]),
        "goals of the unblocked, goalie in net": share(guarded["goal"]),
        "empty nets of the unblocked": share(stated["open"]),
        "empty-net goals of the goals": share(stated.filter("goal")["open"]),
        "rebounds": share(guarded["rebound"]),
        "goals of the rebounds": share(guarded.filter("rebound")["goal"]),
        "after an event farther back": share(guarded["rush"]),
        "goals after an event farther back": share(guarded.filter("rush")["goal"]),
    }
    for state in ("5v5", "5v4", "4v5", "6v5", "5v6", "4v4", "3v3", "5v3"):
        found[f"at {state}"] = share(shots["strength_state"] == state)
    for column, edges, unit in (("distance", DISTANCES, "ft"), ("angle", ANGLES, "deg")):
        for low, high in pairwise(edges):
            here = (guarded[column] >= low) & (guarded[column] < high)
            found[f"{column} {low} to {high} {unit}"] = share(here)
            found[f"goals, {column} {low} to {high} {unit}"] = share(guarded.filter(here)["goal"])
    return found


def _with_history(events: pl.DataFrame) -> pl.DataFrame:
    """Whether a shot came at most 3 s after one of the same team, or at most 4 s after an event outside the zone."""
    last = {name: pl.col(name).shift(1).over("game_id", "period") for name in
            ("event_type", "event_team", "game_seconds", "x_fixed")}  # fmt: skip
    side = pl.when(pl.col("event_team_type") == "home").then(1).otherwise(-1)
    since = pl.col("game_seconds") - last["game_seconds"]
    same = last["event_team"] == pl.col("event_team")
    return events.with_columns(
        rebound=(last["event_type"].is_in(["SHOT", "MISSED_SHOT"]) & same & (since <= 3)).fill_null(value=False),
        rush=(
            (last["event_type"] != "STOP") & (since <= 4) & (last["x_fixed"] * side < rink.BLUE_LINE_X_FEET)
        ).fill_null(value=False),
    )


TYPES = ("wrist", "snap", "slap", "backhand", "tip-in", "deflected", "wrap-around")
_SIMULATED_TYPES = ("Wrist Shot", "Snap Shot", "Slap Shot", "Backhand", "Tip-In", "Deflected", "Wrap-around")


def types(kinds: pl.Series, goals: pl.Series, names: Sequence[str]) -> Rates:
    found: Rates = {}
    for name, theirs in zip(TYPES, names, strict=True):
        found[f"on goal: {name}"] = share(kinds == theirs)
        found[f"goals of those on goal: {name}"] = share(goals.filter(kinds == theirs))
    return found


@dataclass(frozen=True)
class Positions:
    """Where people stood at N unblocked shots, in feet; NaN where not known."""

    goalie_depth: np.ndarray
    goalie_off_line: np.ndarray
    nearest_defender: np.ndarray

    def quantiles(self) -> dict[str, np.ndarray]:
        return {name: np.nanpercentile(values, (10, 25, 50, 75, 90)) for name, values in vars(self).items()}


def simulated_positions(unblocked: Sequence[Attempt]) -> Positions:
    rows = [each.situation for each in unblocked if each.goalie >= 0]
    return Positions(*(np.array([row[name] for row in rows]) for name in
                       ("goalie_depth", "goalie_off_line", "nearest_defender")))  # fmt: skip


def real_positions(data: Path) -> Positions:
    events = pl.read_parquet(data / "hockey" / "wisehockey_events.parquet")
    shots = events.filter((pl.col("EventType") == "Shot") & (pl.col("ShotResult") != "Blocked"))
    rows = [row for each in shots.to_dicts() if (row := _constellation(each)) is not None]
    return Positions(*np.array(rows).T)


def _place(cell: str | None) -> np.ndarray | None:
    parts = (cell or "").split(",")
    try:
        return np.array([float(parts[0]), float(parts[1])])
    except (ValueError, IndexError):
        return None


def _constellation(shot: Mapping[str, Any]) -> tuple[float, float, float] | None:
    puck = _place(shot["EventStartCoordinate"])
    if puck is None:
        return None
    net = np.array([WISEHOCKEY_NET_X * np.sign(puck[0]), 0.0])
    people = []
    for number in range(1, 13):
        place = _place(shot[f"StartPlayerCoordinates{number}"])
        if place is not None:
            people.append((place, shot[f"StartPlayerTeam{number}"], shot[f"StartPlayerId{number}"]))
    others = [place for place, team, _ in people if team != shot["EventPrimaryTeam"]]
    shooter = [place for place, _, who in people if who == shot["EventPrimaryPlayerId"]]
    if len(others) < 4 or not shooter:
        return None
    from_net = [float(np.linalg.norm(place - net)) for place in others]
    keeper = others.pop(int(np.argmin(from_net)))
    line = (net - puck) / np.linalg.norm(net - puck)
    off = keeper - puck
    depth = abs(net[0]) - abs(keeper[0])
    feet = np.array([depth, abs(off[0] * line[1] - off[1] * line[0]),
                     min(float(np.linalg.norm(place - shooter[0])) for place in others)]) * FEET_PER_METER  # fmt: skip
    return float(feet[0]), float(feet[1]), float(feet[2])


def calibration(chances: np.ndarray, goals: np.ndarray) -> list[tuple[int, float, float, int, float, float]]:
    """By decile of the chance: shots, mean chance, goals wanted, goals, and the interval that 99% of seasons are in."""
    order = np.argsort(chances)
    rows = []
    for part in np.array_split(order, 10):
        mean = float(chances[part].mean())
        low, high = binom.interval(0.99, len(part), mean)
        rows.append((len(part), mean, float(chances[part].sum()), int(goals[part].sum()), float(low), float(high)))
    return rows


def auc(scores: np.ndarray, goals: np.ndarray) -> float:
    """Of the true chances themselves: as well as a perfect model can tell goals apart."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    positives = int(goals.sum())
    return float((ranks[goals].sum() - positives * (positives + 1) / 2) / (positives * (len(goals) - positives)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()

    tables, attempts, filmed = [], list[Attempt](), 0
    started = time.process_time()
    for simulated in simulate_shots(options.seed, options.games):
        filmed += sum(len(play.frames) > 0 for play in simulated.game.plays)
        attempts += simulated.played.log.attempts
        tables.append(table(simulated))
    seconds = time.process_time() - started
    unblocked = [each for each in attempts if each.result is not ShotResult.BLOCKED]
    print(f"{options.games} games, {LANES} at once; {filmed} attempts with film, {len(unblocked)} unblocked;")
    print(
        f"{seconds:.0f} s of one core: {100_000 * seconds / len(unblocked) / 60:.1f} min for 100,000 unblocked shots\n"
    )

    listed = pl.concat(tables)
    found = marginals(listed)
    on_goal = listed.filter(pl.col("event_type").is_in(["SHOT", "GOAL"]))
    found |= types(on_goal["secondary_type"], on_goal["event_type"] == "GOAL", _SIMULATED_TYPES)
    league: Rates = {}
    if options.data.exists():
        league = marginals(pl.read_parquet(options.data / "hockey" / "nhl_pbp_hockeyR.parquet"))
        real = pl.read_parquet(options.data / "hockey" / "nhl_sog_2024_26.parquet").filter(pl.col("period") < SHOOTOUT)
        league |= types(real["shotType"], real["isGoal"], TYPES)
    print(f"{'':48}{'simulated':>10}{'real':>9}{'apart':>8}")
    for name, (value, error) in found.items():
        there, theirs = league.get(name, (float("nan"), float("nan")))
        print(f"{name:48}{value:10.4f}{there:9.4f}{(value - there) / np.hypot(error, theirs):+8.1f}")

    print("\nquantiles (10, 25, 50, 75, 90%) at unblocked shots, simulated and Wisehockey, ft")
    theirs_at = real_positions(options.data).quantiles() if options.data.exists() else {}
    for name, values in simulated_positions(unblocked).quantiles().items():
        print(f"{name:20}{np.round(values, 1)}  {np.round(theirs_at.get(name, np.empty(0)), 1)}")

    chances = np.array([each.chance for each in unblocked])
    goals = np.array([each.result is ShotResult.GOAL for each in unblocked])
    print("\nby decile of the chance: shots, mean chance, goals expected, goals, 99% interval")
    for count, mean, wanted, came, low, high in calibration(chances, goals):
        print(f"{count:8}{mean:8.4f}{wanted:9.1f}{came:7}   {low:.0f} to {high:.0f}")
    guarded = np.array([each.goalie >= 0 for each in unblocked])
    print(f"\nAUC of the true chances, goalie in net: {auc(chances[guarded], goals[guarded]):.3f}")


if __name__ == "__main__":
    main()
