"""The simulator: how fast it is, how similar to the real game, and whether its distribution can be learned.

python -m benchmarks.simulator [--games N] [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import torch
from scipy.stats import kstest

from playscore.game import Play
from playscore.passing import PassResult, outcome_of, situation_of
from simulator import SimulatedGame, YardsDistribution, simulate

THROWN = (PassResult.COMPLETE, PassResult.INCOMPLETE, PassResult.INTERCEPTED)


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


def is_complete(play: Play) -> bool:
    outcome = outcome_of(play)
    return outcome is not None and outcome.result is PassResult.COMPLETE


def simulated_rates(games: Sequence[SimulatedGame]) -> dict[str, float]:
    outcomes = [outcome_of(play) for simulated in games for play in simulated.game.plays]
    results = [outcome.result for outcome in outcomes if outcome is not None]
    thrown = throws(games)
    yards = np.array([yards_of(play) for play, _, _ in thrown])
    caught = np.array([is_complete(play) for play, _, _ in thrown])
    goal = np.array([situation_of(play.context).yards_to_end_zone or 0 for play, _, _ in thrown])
    air = np.array([at["air_yards"] for _, _, at in thrown])
    return rates(yards, caught, results.count(PassResult.INTERCEPTED) / len(thrown), air, caught & (yards >= goal)) | {
        "sacks a dropback": results.count(PassResult.SACK) / len(results),
        "scrambles a dropback": results.count(PassResult.SCRAMBLE) / len(results),
    }


def real_rates(data: Path) -> dict[str, float]:
    plays = pl.read_parquet(data / "nfl" / "bdb2019_plays.parquet").filter(
        ~pl.col("playDescription").str.contains("(?i)no play|two-point")
    )
    dropbacks = plays.filter(pl.col("PassResult").is_in(["C", "I", "IN", "S", "R"]))
    thrown = dropbacks.filter(pl.col("PassResult").is_in(["C", "I", "IN"]))
    caught = (thrown["PassResult"] == "C").to_numpy()
    scored = caught & thrown["playDescription"].str.contains("TOUCHDOWN").to_numpy()
    yards = np.where(caught, thrown["PlayResult"].to_numpy(), 0)
    interceptions = float((thrown["PassResult"] == "IN").mean())  # type: ignore[arg-type]
    air = thrown["PassLength"].to_numpy()
    return rates(yards, caught, interceptions, air, scored) | {
        "sacks a dropback": len(dropbacks.filter(pl.col("PassResult") == "S")) / len(dropbacks),
        "scrambles a dropback": len(dropbacks.filter(pl.col("PassResult") == "R")) / len(dropbacks),
    }


def rates(
    yards: np.ndarray, caught: np.ndarray, intercepted: float, air: np.ndarray, scored: np.ndarray
) -> dict[str, float]:
    known = np.isfinite(air)
    by_depth = {
        f"completion, air yards {low} to {high}": float(caught[known & (air >= low) & (air < high)].mean())
        for low, high in ((-10, 0), (0, 5), (5, 10), (10, 15), (15, 20), (20, 30), (30, 60))
    }
    quantiles = {
        f"yards a completion, {q:.0%}": float(np.quantile(yards[caught], q))
        for q in (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
    }
    return {
        "completion": float(caught.mean()),
        "interceptions": intercepted,
        "touchdowns": float(scored.mean()),
        "yards an attempt": float(yards.mean()),
        "yards an attempt, sd": float(yards.std()),
        "air yards": float(air[known].mean()),
        "air yards, sd": float(air[known].std()),
        **by_depth,
        **quantiles,
    }


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

    real = real_rates(options.data) if options.data.exists() else {}
    print(f"{'':36}{'simulated':>10}{'2017':>10}")
    for name, value in simulated_rates(games).items():
        print(f"{name:36}{value:10.3f}{real.get(name, float('nan')):10.3f}")
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
