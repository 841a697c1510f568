"""The simulator: how fast it is, how similar to the real game, and whether its distribution can be learned.

python -m benchmarks.simulator [--games N] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from scipy.stats import kstest

from models.passing.sources import league_outcomes
from playscore.game import Play
from playscore.passing import PassResult, outcome_of, situation_of
from simulator import SimulatedGame, YardsDistribution, simulate

NOT_THROWN = (PassResult.SACK, PassResult.SCRAMBLE)


def throws(games: Sequence[SimulatedGame]) -> list[tuple[Play, YardsDistribution, dict[str, float]]]:
    return [
        (play, simulated.distributions[play.context.play_id], simulated.situations[play.context.play_id])
        for simulated in games
        for play in simulated.game.plays
        if play.context.play_id in simulated.distributions
    ]


def yards_of(play: Play) -> float:
    outcome = outcome_of(play)
    assert outcome is not None
    assert outcome.yards_gained is not None
    return outcome.yards_gained


@dataclass(frozen=True)
class Passes:
    """N passes of one league. Arrays (N,)."""

    complete: NDArray[np.bool_]
    intercepted: NDArray[np.bool_]
    yards: NDArray[np.float64]
    air_yards: NDArray[np.float64]
    """As charted; NaN where not."""
    end_zone: NDArray[np.float64]
    """Yards to it; NaN where not known."""

    def rates(self) -> dict[str, tuple[float, float]]:
        """Every figure, and its standard error."""
        touchdown = self.complete & (self.yards >= self.end_zone)
        after = self.yards - self.air_yards
        found = {
            "completion": _share(self.complete),
            "interceptions": _share(self.intercepted),
            "touchdowns": _share(touchdown),
            "yards an attempt": _mean(self.yards),
            "air yards": _mean(self.air_yards[np.isfinite(self.air_yards)]),
        }
        for low, high in ((1, 5), (6, 10), (11, 15), (16, 20), (21, 50), (51, 99)):
            here = (self.end_zone >= low) & (self.end_zone <= high)
            where = f"{low} to {high} yards out"
            found[f"passes, {where}"] = _share(here)
            found[f"completion, {where}"] = _share(self.complete[here])
            found[f"touchdowns, {where}"] = _share(touchdown[here])
        for low, high in ((-20, -1), (0, 3), (4, 9), (10, 19), (20, 29), (30, 45)):
            thrown = (self.air_yards >= low) & (self.air_yards <= high)
            caught, where = thrown & self.complete, f"air yards {low} to {high}"
            found[f"passes, {where}"] = _share(thrown[np.isfinite(self.air_yards)])
            found[f"completion, {where}"] = _share(self.complete[thrown])
            found[f"none after the catch, {where}"] = _share(after[caught] <= 0)
            found[f"10 or more after the catch, {where}"] = _share(after[caught] >= 10)
            found[f"20 or more after the catch, {where}"] = _share(after[caught] >= 20)
        for gain in (1, 10, 20, 40, 60):
            found[f"gains of {gain} or more"] = _share(self.complete & (self.yards >= gain))
        return found


def _share(came: NDArray[np.bool_]) -> tuple[float, float]:
    share = float(came.mean())
    return share, float(np.sqrt(share * (1 - share) / len(came)))


def _mean(values: NDArray[np.float64]) -> tuple[float, float]:
    return float(values.mean()), float(values.std() / np.sqrt(len(values)))


def simulated_passes(games: Sequence[SimulatedGame]) -> Passes:
    plays = [play for play, _, _ in throws(games)]
    results = [outcome.result for outcome in map(outcome_of, plays) if outcome is not None]
    situations = [situation_of(play.context) for play in plays]
    return Passes(
        np.asarray([result is PassResult.COMPLETE for result in results]),
        np.asarray([result is PassResult.INTERCEPTED for result in results]),
        np.asarray([yards_of(play) for play in plays]),
        np.asarray([situation.charted_air_yards for situation in situations], float),
        np.asarray([situation.yards_to_end_zone for situation in situations], float),
    )


def simulated_dropbacks(games: Sequence[SimulatedGame]) -> dict[str, float]:
    outcomes = [outcome_of(play) for simulated in games for play in simulated.game.plays]
    results = [outcome.result for outcome in outcomes if outcome is not None]
    return {result.name.lower(): results.count(result) / len(results) for result in NOT_THROWN}


def real_plays(data: Path) -> tuple[Passes, dict[str, float]]:
    """The passes of 2017, and the shares of the dropbacks without a throw."""
    plays = pl.read_parquet(data / "nfl" / "bdb2019_plays.parquet").filter(
        ~pl.col("playDescription").str.contains("(?i)no play|two-point")
    )
    dropbacks = plays.filter(pl.col("PassResult").is_in(["C", "I", "IN", "S", "R"]))
    thrown = dropbacks.filter(pl.col("PassResult").is_in(["C", "I", "IN"]))
    league = league_outcomes(data / "nfl")
    assert len(league.results) == len(thrown)
    shares = {result.name.lower(): len(dropbacks.filter(pl.col("PassResult") == letter)) / len(dropbacks)
              for result, letter in zip(NOT_THROWN, "SR", strict=True)}  # fmt: skip
    complete = league.results == PassResult.COMPLETE.value
    return Passes(
        complete,
        league.results == PassResult.INTERCEPTED.value,
        np.where(complete, league.yards, 0.0),
        thrown["PassLength"].cast(pl.Float64).fill_null(np.nan).to_numpy(),
        league.end_zone.astype(np.float64),
    ), shares


def uniformity(games: Sequence[SimulatedGame], rng: np.random.Generator) -> float:
    """p of the Kolmogorov-Smirnov test that outcomes are uniform in their own distributions."""
    ranks = []
    for play, distribution, _ in throws(games):
        below, upto = distribution.cdf(yards_of(play) - 1), distribution.cdf(yards_of(play))
        ranks.append(float(below + rng.random() * (upto - below)))
    return float(kstest(ranks, "uniform").pvalue)


def learnability(games: Sequence[SimulatedGame]) -> tuple[float, float]:
    """R² of the mean on held-out games, from the situation at the release: linear, and a small network."""
    names = sorted(throws(games[:1])[0][2])
    half = len(games) * 3 // 4
    tables = []
    for part in (games[:half], games[half:]):
        rows = throws(part)
        tables.append(
            (
                np.array([[at[name] for name in names] for _, _, at in rows]),
                np.array([distribution.mean() for _, distribution, _ in rows]),
            )
        )
    (inputs, targets), (held_inputs, held_targets) = tables
    center, scale = inputs.mean(0), inputs.std(0)
    x, held_x = (torch.tensor((values - center) / scale, dtype=torch.float32) for values in (inputs, held_inputs))
    y = torch.tensor(targets, dtype=torch.float32)[:, None]

    def explained(predicted: np.ndarray) -> float:
        return float(1 - ((predicted - held_targets) ** 2).sum() / ((held_targets - held_targets.mean()) ** 2).sum())

    ones = np.ones((len(x), 1))
    weights = np.linalg.lstsq(np.hstack((x.numpy(), ones)), targets, rcond=None)[0]
    linear = explained(np.hstack((held_x.numpy(), np.ones((len(held_x), 1)))) @ weights)

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Linear(len(names), 64),
        torch.nn.SiLU(),
        torch.nn.Linear(64, 64),
        torch.nn.SiLU(),
        torch.nn.Linear(64, 1),
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    steps = 3000
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batch = torch.randint(len(x), (512,))
        loss = torch.nn.functional.mse_loss(network(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return linear, explained(network(held_x).numpy()[:, 0].astype(float))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--games", type=int, default=200)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[2] / "shared" / "data")
    options = parser.parse_args()

    started = time.process_time()
    games = list(simulate(1, options.games, skill_spread=0))
    seconds = time.process_time() - started
    plays = sum(len(simulated.game.plays) for simulated in games)
    print(f"{plays} plays in {seconds:.1f} s of one core: {plays / seconds:.0f} a second\n")

    found = simulated_passes(games).rates()
    real, dropbacks = real_plays(options.data) if options.data.exists() else (None, {})
    league = real.rates() if real else {}
    print(f"{'':46}{'simulated':>10}{'2017':>8}{'apart':>8}")
    for name, (value, error) in found.items():
        there, theirs = league.get(name, (np.nan, np.nan))
        print(f"{name:46}{value:10.3f}{there:8.3f}{(value - there) / np.hypot(error, theirs):+8.1f}")
    for name, share in simulated_dropbacks(games).items():
        print(f"{name + ' a dropback':46}{share:10.3f}{dropbacks.get(name, np.nan):8.3f}")
    held = np.array([play.frames.speed is not None and release_seconds(play) for play, _, _ in throws(games)])
    print(f"\ntime to throw {held.mean():.2f} s, sd {held.std():.2f}")
    rushed = np.mean([pressed(play) for play, _, _ in throws(games)])
    print(f"a defender within 2 yards of the passer in the 0.2 s from the release: {rushed:.1%}\n")

    rng = np.random.default_rng(0)
    print(f"uniform in their distributions: p = {uniformity(games, rng):.3f} (seed 1)", end="")
    for seed in (2, 3, 4):
        fresh = list(simulate(seed, max(options.games // 8, 1), skill_spread=0))
        print(f", {uniformity(fresh, rng):.3f} (seed {seed})", end="")
    linear, network = learnability(games)
    print(f"\nmean from the situation at release, held-out R²: linear {linear:.3f}, network {network:.3f}")


def pressed(play: Play) -> bool:
    frames = play.frames
    assert frames.speed is not None
    assert frames.direction_degrees is not None
    row = next(event.frame_number for event in frames.events if event.name == "pass_forward") - 1
    radians = np.radians(frames.direction_degrees[row, 11:])
    velocity = frames.speed[row, 11:] * np.stack((np.sin(radians), np.cos(radians)))
    apart = np.stack((frames.x[row, 11:] - frames.x[row, 0], frames.y[row, 11:] - frames.y[row, 0]))
    seconds = np.linspace(0, 0.2, 9)[:, None, None]
    return bool((np.linalg.norm(apart + velocity * seconds, axis=1) <= 2).any())


def release_seconds(play: Play) -> float:
    frame = {event.name: event.frame_number for event in play.frames.events}
    return (frame["pass_forward"] - frame["ball_snap"]) / 10


if __name__ == "__main__":
    main()
