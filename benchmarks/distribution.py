"""The cost of 1, 64 and 4,096 distributions of 100 bins, beside GluonTS on the same numbers where it has the method.

OMP_NUM_THREADS=1 python -m benchmarks.distribution

The contenders take turns in one process, and a turn is the median of many calls. Judge by the ratios.
"""

from __future__ import annotations

import importlib
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from playscore.distributions import SplicedBinnedPareto

BATCHES = {1: 400, 64: 300, 4096: 12}
"""Distributions in a batch: calls per turn."""
TURNS = 7
BINS, LOW, HIGH = 100, -20.0, 80.0
LIKELIHOOD = "build + log_prob + cdf + median"
Call = Callable[[], Any]


def numbers(batch: int) -> list[np.ndarray]:
    """Points, logits, shapes and scales."""
    rng = np.random.default_rng(0)
    return [
        rng.normal(20, 30, batch),
        rng.normal(size=(batch, BINS)),
        rng.uniform(0.05, 0.5, batch),
        rng.uniform(0.5, 5, batch),
    ]


def ours(module: Any, batch: int) -> dict[str, Call]:
    edges = module.asarray(np.linspace(LOW, HIGH, BINS + 1))
    x, logits, shape, scale = (module.asarray(number) for number in numbers(batch))
    levels = module.asarray(np.linspace(0.02, 0.98, 7)[:, None])

    def build() -> SplicedBinnedPareto:
        return SplicedBinnedPareto(edges, logits, shape, scale, shape, scale)

    def likelihood() -> Any:
        dist = build()
        return dist.log_prob(x), dist.cdf(x), dist.median()

    built = build()
    return {
        LIKELIHOOD: likelihood,
        "7 quantiles": lambda: built.icdf(levels),
        "mean on the field": lambda: built.mean(LOW, HIGH),
        "crps": lambda: built.crps(x),
        "entropy": built.entropy,
        "prob of one yard": lambda: built.prob(x - 0.5, x + 0.5),
        "var on the field": lambda: built.var(LOW, HIGH),
    }


def gluonts(batch: int) -> dict[str, Call]:
    distributions = importlib.import_module("gluonts.torch.distributions")  # After the warnings are off.
    x, logits, shape, scale = (torch.asarray(number) for number in numbers(batch))
    shape, scale = shape[:, None], scale[:, None]

    def likelihood() -> Any:
        dist = distributions.SplicedBinnedPareto(LOW, HIGH, logits, shape, scale, shape, scale, numb_bins=BINS)
        return dist.log_prob(x), dist.cdf(x), dist.median

    return {LIKELIHOOD: likelihood}


def main() -> None:
    warnings.filterwarnings("ignore")
    print(f"{'microseconds per call':45} {'numpy':>9} {'torch':>9} {'GluonTS':>9}   GluonTS in multiples of ours")
    for batch, calls in BATCHES.items():
        contenders = [ours(np, batch), ours(torch, batch), gluonts(batch)]
        for name in contenders[0]:
            raced = [(contender[name], calls) for contender in contenders if name in contender]
            raced[2:] = [(call, max(3, calls // 10)) for call, _ in raced[2:]]
            turns = [[middle(call, count) for call, count in raced] for _ in range(TURNS)]
            least = [min(turn) for turn in zip(*turns, strict=True)]
            ratios = "".join(f"{least[2] / figure:8.1f}" for figure in least[:2]) if len(least) > 2 else ""
            figures = " ".join(f"{figure:9.0f}" for figure in least)
            print(f"{batch:5} at once, {name:30} {figures}  {ratios}".rstrip())


def middle(call: Call, count: int) -> float:
    return statistics.median(microseconds(call) for _ in range(count))


def microseconds(call: Call) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e6


if __name__ == "__main__":
    main()
