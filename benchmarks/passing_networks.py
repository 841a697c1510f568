"""Variants of the passing network, trained and judged on the same plays.

    python -m benchmarks.passing_networks --run runs/passing

The CRPS regret is how much higher the expected CRPS is than that of the distribution that the outcomes were drawn from.
The test plays have their own seed, so the plays of `playscore evaluate passing` choose nothing. Every network is then
fine-tuned on the run's real plays in folds by game, and its CRPS on those of other games is weighted as there.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from featurizer.passing.columns import SPECIFICATION
from models.core.bootstrap import Array, Bootstrap
from models.passing import evaluation, sources, training
from models.passing.columns import roles
from models.passing.comparison import FOLDS, of_complete_games
from models.passing.contestants import SPLICED
from models.passing.heads import Outputs
from models.passing.network import Design, PassingNetwork, Size
from models.passing.plays import PassPlays, joined, weights
from models.passing.run import Run
from models.passing.support import BINS, GRID, distribution_of
from playscore.distributions import Censored
from playscore.features import FeatureSpecification

RELEASED = Size()


class ColumnsAlone(PassingNetwork):
    """As published: only the columns in their order, without a set encoder of the release."""

    def __init__(self, features: FeatureSpecification, design: Design) -> None:
        super().__init__(features, design)
        size = design.size
        norm = self.trunk[0]
        assert isinstance(norm, nn.LayerNorm)
        joined = norm.normalized_shape[0] - 4 * size.player
        self.trunk[0], self.trunk[1] = nn.LayerNorm(joined), nn.Linear(joined, size.hidden)
        del self.release

    def at_release(self, players: Tensor) -> Tensor:
        return players.new_zeros(len(players), 0)


class ReleaseAlone(PassingNetwork):
    """Only the release, without convolutions."""

    def __init__(self, features: FeatureSpecification, design: Design) -> None:
        super().__init__(features, design)
        self.channels = design.size.channels
        del self.embed, self.blocks

    def since_snap(self, players: Tensor, others: Tensor, mask: Tensor) -> Tensor:
        return players.new_zeros(len(players), self.channels, players.shape[1])


class SetEachFrame(PassingNetwork):
    """Players pooled in every frame before the convolutions, so that the order of the slots never matters."""

    def __init__(self, features: FeatureSpecification, design: Design) -> None:
        super().__init__(features, design)
        others = self.inputs.width - self.inputs.players * self.inputs.features
        self.embed = nn.Conv1d(4 * design.size.player + others, design.size.channels, 1)

    def since_snap(self, players: Tensor, others: Tensor, mask: Tensor) -> Tensor:
        pooled = self.release(players.flatten(0, 1)).unflatten(0, players.shape[:2])
        rows = torch.cat([pooled, others], dim=-1) * mask[:, :, None]
        state: Tensor = self.blocks(self.embed(rows.transpose(1, 2)))
        return state


@dataclass(frozen=True)
class Variant:
    """How a variant differs from the released recipe."""

    network: str = Design.network
    size: Size = RELEASED
    mirrored: bool = True
    base_rates: bool = True
    teachers: int = 0
    """Networks of other seeds; their mean distribution is the target instead of the yards."""
    truth: bool = False
    """Train on the true distribution, which no real data has: the ceiling."""


VARIANTS_SEED = 1_000_002
"""Of the test plays."""
BASE = "released: columns, and a set encoder of the release"
VARIANTS = {
    BASE: Variant(),
    "columns in their order alone (published)": Variant("benchmarks.passing_networks:ColumnsAlone"),
    "release alone, no convolutions": Variant("benchmarks.passing_networks:ReleaseAlone"),
    "set in every frame": Variant("benchmarks.passing_networks:SetEachFrame"),
    "no mirrored plays": Variant(mirrored=False),
    "head not started from base rates": Variant(base_rates=False),
    "twice the channels in the convolutions": Variant(size=Size(channels=64)),
    "twice as wide throughout": Variant(size=Size(channels=64, player=128, hidden=256)),
    "half as wide throughout": Variant(size=Size(channels=16, player=32, hidden=64)),
    "no dropout": Variant(size=Size(dropout=0.0)),
    "distilled from 3 others": Variant(teachers=3),
    "trained on the true distribution (a ceiling)": Variant(truth=True),
}


def train(
    plays: PassPlays, variant: Variant, epochs: int, seed: int, targets: NDArray[np.float32] | None
) -> PassingNetwork:
    """The variant's network; the targets (N, K), if any, are distributions to train on instead of the yards."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    made = replace(training.design(plays, variant.size, SPLICED), network=variant.network)
    if not variant.base_rates:
        made = replace(made, base_rates=[1 / BINS] * BINS)
    network, chosen = made.build(SPECIFICATION), training.Schedule()
    sign = torch.ones(len(SPECIFICATION.frame_columns))
    sign[list(roles(SPECIFICATION).mirrored)] = -1
    optimizer = torch.optim.AdamW(network.parameters(), chosen.learning_rate, weight_decay=chosen.weight_decay)
    steps = epochs * math.ceil(len(plays) / chosen.batch)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, chosen.learning_rate, steps, pct_start=0.15)
    for _ in range(epochs):
        network.train()
        for batch in training.batches(plays, chosen.batch, rng):
            frames, mask, statics = (torch.from_numpy(array) for array in plays.padded(batch))
            if variant.mirrored:
                turned = torch.from_numpy(rng.random(len(batch)) < 0.5)
                frames = frames * torch.where(turned[:, None], sign, 1.0)[:, None, :]
            outputs: Outputs = network(frames, mask, statics)
            yards, ceiling = (torch.from_numpy(array) for array in plays.outcomes(batch))
            if targets is None:
                loss = network.head.log_score(outputs, yards, ceiling).mean()
            else:
                dist = Censored(distribution_of(*outputs), ceiling)
                cdf = dist.cdf(torch.tensor(GRID, dtype=torch.float32)[:, None]).T
                mass = (cdf[:, 1:] - cdf[:, :-1]).clamp_min(0)
                loss = -(torch.from_numpy(targets[batch]) * torch.log(mass + 1e-6)).sum(1).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            scheduler.step()
    return network


def on_real(run: Run, variant: Variant, pretrained: PassingNetwork, seed: int) -> Array:
    """The network's forecast of all real plays, each after fine-tuning on those of other games."""
    plays, schedule = run.real.plays, replace(training.Schedule(), seed=seed)
    cdf = np.empty((len(plays), len(GRID)))
    with tempfile.TemporaryDirectory() as folder:
        simulated = run.simulated[0]
        trainer = training.Trainer(
            simulated, simulated, schedule, Path(folder), size=variant.size, network=variant.network
        )
        trainer.adopt(pretrained)
        for chosen, held_out in run.folds(FOLDS):
            for _ in trainer.fine_tune(run.fine_tuning_plays(chosen)):
                pass
            cdf[held_out] = training.cdf(training.load(Path(folder) / training.FINE_TUNED), plays.subset(held_out))
    return cdf


def regret(cdf: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    return float(((cdf - truth) ** 2).sum() / (truth * (1 - truth)).sum())


def distance(cdf: NDArray[np.float64], plays: PassPlays) -> float:
    pit = evaluation.judge(cdf, plays.yards).pit
    return Bootstrap(plays.games).distances_from_uniform(pit, evaluation.PIT_PARTS)["pit_ks"][0]


def parameters_of(network: PassingNetwork) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@dataclass
class Real:
    """What the variants forecast for the real plays; they are the same in all runs."""

    run: Run
    crps: dict[str, Array] = field(default_factory=dict)
    """(N,) by variant, over its seeds."""

    def add(self, name: str, forecasts: Sequence[Array]) -> list[str]:
        """Keep a variant's forecasts, one for each seed, and write their CRPS: weighted, and on complete games."""
        plays = self.run.real.plays
        judged = [evaluation.judge(cdf, plays.yards).crps for cdf in forecasts]
        self.crps[name] = np.mean(judged, axis=0)
        complete = of_complete_games(plays)
        return [
            ", ".join(f"{np.average(each, weights=self.run.real.weights):.3f}" for each in judged),
            ", ".join(f"{each[complete].mean():.3f}" for each in judged),
        ]

    def differences(self) -> list[str]:
        """How much higher the CRPS of each variant is than that of the first; and of the one that real plays choose.

        The choice is nested: for the plays of a fold, the variant that is best on the plays of all others.
        """
        plays, weight = self.run.real.plays, self.run.real.weights
        kinds, rates = plays.kinds, self.run.league.rates
        weighted = Bootstrap(plays.games, lambda counts: weights(kinds, rates, counts).astype(np.float64))
        chosen, names = np.empty(len(plays)), []
        for others, mine in self.run.folds(FOLDS):
            best = min(self.crps, key=lambda name: float(np.average(self.crps[name][others], weights=weight[others])))
            names.append(best)
            chosen[mine] = self.crps[best][mine]
        first, *rest = self.crps
        told = []
        for name, crps in [
            *((name, self.crps[name]) for name in rest),
            (f"nested choice ({'; '.join(names)})", chosen),
        ]:
            value, low, high = weighted.mean(crps - self.crps[first])
            told.append(f"{name}: {value:+.3f} [{low:+.3f}, {high:+.3f}] yd")
        return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--run",
        type=Path,
        required=True,
        nargs="+",
        help="folders of runs whose simulated plays are used; several compare the simulators that made them",
    )
    parser.add_argument("--plays", type=int, default=25_000)
    parser.add_argument("--test-games", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3, help="networks of each variant")
    parser.add_argument("--simulated-only", action="store_true", help="do not fine-tune on real plays")
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS), metavar="VARIANT")
    chosen = parser.parse_args()

    runs = [Run(folder) for folder in chosen.run]
    test = joined(list(sources.simulated(VARIANTS_SEED, range(chosen.test_games), skill_spread=0.0)))
    truth = evaluation.oracle_cdf(test)
    real = Real(runs[0])
    print(f"| {chosen.plays:,} plays, {chosen.epochs} epochs | parameters | regret | KS | real CRPS | complete games |")
    print("|---|---|---|---|---|---|")

    def show(name: str, forecasts: Sequence[Array], parameters: int, others: Sequence[str]) -> None:
        cells = [
            name,
            f"{parameters:,}",
            ", ".join(f"{regret(cdf, truth):.2%}" for cdf in forecasts),
            ", ".join(f"{distance(cdf, test):.4f}" for cdf in forecasts),
            *others,
        ]
        print("| " + " | ".join(cells) + " |", flush=True)

    seeds = range(1, 1 + chosen.seeds)
    for run, name in product(runs, chosen.only):
        made, variant, targets = run.simulated[0], VARIANTS[name], None
        plays = made.subset(np.arange(min(chosen.plays, len(made))))
        if variant.teachers:
            teaching = range(10, 10 + variant.teachers)
            teachers = [train(plays, VARIANTS[BASE], chosen.epochs, seed, None) for seed in teaching]
            mean = np.mean([training.cdf(teacher, test) for teacher in teachers], axis=0)
            show(f"mean of {len(teachers)} networks", [mean], sum(map(parameters_of, teachers)), ["", ""])
            targets = np.mean([np.diff(training.cdf(teacher, plays), axis=1) for teacher in teachers], axis=0)
        elif variant.truth:
            targets = plays.truth
        wanted = None if targets is None else targets.astype(np.float32)
        networks = [train(plays, variant, chosen.epochs, seed, wanted) for seed in seeds]
        label = name if len(runs) == 1 else f"{name}, {run.folder.name}"
        cdfs, others = [training.cdf(network, test) for network in networks], ["", ""]
        if not chosen.simulated_only:
            tuned = [on_real(run, variant, network, seed) for network, seed in zip(networks, seeds, strict=True)]
            others = real.add(label, tuned)
        show(label, cdfs, parameters_of(networks[0]), others)
    if real.crps:
        print("\nReal CRPS less that of the first:", *real.differences(), sep="\n- ")


if __name__ == "__main__":
    main()
