"""The forecasts that an evaluation compares: their names, colors and descriptions."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

SPLICED, GAUSSIAN, GLUONTS = "spliced", "gaussian", "gluonts"
NETWORKS = (SPLICED, GAUSSIAN, GLUONTS)
"""By the names of their heads."""
RELEASED, PRETRAINED = "released", "spliced_pretrained"
"""Our network fine-tuned on all real plays, and before any fine-tuning."""
BOOSTED, BASE_RATES, ORACLE = "boosted", "base_rates", "oracle"


@dataclass(frozen=True)
class Contestant:
    """How a forecast is shown in tables and pictures."""

    name: str
    color: str
    description: str
    line: Any = "-"
    """Its line style in matplotlib."""


CONTESTANTS = {
    SPLICED: Contestant(
        "spliced (ours)",
        "#0072b2",
        "The network with the spliced binned Pareto distribution. On simulated plays as pretrained on them; on real "
        "plays fine-tuned on those of other games.",
    ),
    RELEASED: Contestant(
        "released (ours, fine-tuned)",
        "#332288",
        "The same network fine-tuned on all real plays. This is what is released.",
        (0, (8, 2)),
    ),
    PRETRAINED: Contestant(
        "spliced, pretrained only", "#56b4e9", "The same network as pretrained on simulated plays, not fine-tuned."
    ),
    GAUSSIAN: Contestant("Gaussian head", "#d55e00", "The same network with a normal distribution.", (0, (5, 1.5))),
    GLUONTS: Contestant(
        "GluonTS loss",
        "#c0569a",
        "The same network trained with the loss of GluonTS's spliced binned Pareto distribution.",
        (0, (1.5, 0.8)),
    ),
    BOOSTED: Contestant(
        "boosted trees",
        "#009e73",
        "XGBoost on a table of the release: quantiles turned into a distribution.",
        (0, (3, 1, 1, 1)),
    ),
    BASE_RATES: Contestant(
        "base rates",
        "#8c8c8c",
        "One distribution for all plays: that of the simulated training plays; for real plays, that of a whole season.",
    ),
    ORACLE: Contestant(
        "oracle",
        "#111111",
        "The distribution that the outcomes were drawn from. Nothing beats it except by luck.",
    ),
}
"""In the order in which they are shown. Color-blind readers can tell the colors apart (after Okabe and Ito)."""


def ordered(contestants: Container[str]) -> list[str]:
    """These contestants in the order in which they are shown."""
    return [key for key in CONTESTANTS if key in contestants]
