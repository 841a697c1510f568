"""What a law costs: log_prob + cdf + median of 1, 64 and 4,096 laws of 100 bins, against GluonTS's on the same numbers.

python -m benchmarks.law [--gluonts DIR]

GluonTS is no dependency of the project. `pip install --target DIR gluonts` puts it, and what it needs, into a folder of
its own. Both libraries take turns in one process, each turn the median of many calls, and what counts is the ratio.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import time
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from playscore.distributions import SplicedBinnedPareto

BATCHES = {1: 400, 64: 300, 4096: 12}
"""Laws at once: calls a turn."""
TURNS = 7
BINS, LOW, HIGH = 100, -20.0, 80.0
Call = Callable[[], Any]


def ours(module: Any, numbers: list[np.ndarray]) -> Call:
    edges = module.asarray(np.linspace(LOW, HIGH, BINS + 1))
    x, logits, shape, scale = (module.asarray(number) for number in numbers)

    def call() -> Any:
        law = SplicedBinnedPareto(edges, logits, shape, scale, shape, scale)
        return law.log_prob(x), law.cdf(x), law.median()

    return call


def gluonts(folder: Path, numbers: list[np.ndarray]) -> Call:
    sys.path.append(str(folder))
    # The package's __init__ wants lightning; its distributions do not.
    if "gluonts.torch" not in sys.modules:
        package = types.ModuleType("gluonts.torch")
        package.__path__ = [str(folder / "gluonts" / "torch")]
        sys.modules["gluonts.torch"] = package
    distributions = importlib.import_module("gluonts.torch.distributions")
    x, logits, shape, scale = (torch.asarray(number) for number in numbers)
    shape, scale = shape[:, None], scale[:, None]

    def call() -> Any:
        law = distributions.SplicedBinnedPareto(LOW, HIGH, logits, shape, scale, shape, scale, numb_bins=BINS)
        return law.log_prob(x), law.cdf(x), law.median

    return call


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gluonts", type=Path, metavar="DIR")
    folder = parser.parse_args().gluonts
    warnings.filterwarnings("ignore")
    rng = np.random.default_rng(0)
    print("microseconds a call, and GluonTS's in multiples of it")
    for batch, calls in BATCHES.items():
        numbers = [
            rng.normal(20, 30, batch),
            rng.normal(size=(batch, BINS)),
            rng.uniform(0.05, 0.5, batch),
            rng.uniform(0.5, 5, batch),
        ]
        contenders = {"numpy": ours(np, numbers), "torch": ours(torch, numbers)}
        if folder:
            contenders["gluonts"] = gluonts(folder, numbers)
        spent: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(TURNS):
            for name, call in contenders.items():
                turns = calls if name != "gluonts" else max(3, calls // 10)
                spent[name].append(statistics.median(seconds(call) for _ in range(turns)))
        least = {name: min(turns) * 1e6 for name, turns in spent.items()}
        against = least.get("gluonts")
        ratios = "".join(
            f"   {name} {figure:9.0f}" + (f" ({against / figure:5.1f}x)" if against else "")
            for name, figure in least.items()
        )
        print(f"{batch:5} laws{ratios}")


def seconds(call: Call) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
