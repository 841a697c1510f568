"""The forecasts that an evaluation compares: their names, colors and descriptions."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass

OURS, POOLED = "ours", "pooled"
LOGISTIC, UNTUNED, TUNED, EXPLAINABLE = "logistic", "xgboost", "xgboost_tuned", "ebm"
PREVIOUS, BASE, ORACLE = "previous", "base_rate", "oracle"


@dataclass(frozen=True)
class Contestant:
    """How a forecast is shown in tables and pictures."""

    name: str
    color: str
    description: str


CONTESTANTS = {
    OURS: Contestant(
        "additive (ours)",
        "#0072b2",
        "Tables of factors and of pairs of factors, boosted, averaged over bags and purified. Of real shots one set of "
        "tables for each listing, in one graph; of simulated shots one with all factors.",
    ),
    POOLED: Contestant(
        "ours, pooled",
        "#56b4e9",
        "One set of tables for both listings, which are told apart by a factor like any other.",
    ),
    LOGISTIC: Contestant(
        "logistic regression", "#8c564b", "Values, their squares, and whether they are known; codes as columns."
    ),
    UNTUNED: Contestant("XGBoost, untuned", "#e69f00", "100 trees of XGBoost as it comes."),
    TUNED: Contestant(
        "XGBoost, tuned",
        "#009e73",
        "Depth, leaf weight and number of trees chosen in folds by game, learning rate 0.03.",
    ),
    EXPLAINABLE: Contestant("EBM", "#cc79a7", "InterpretML's explainable boosting machine as it comes."),
    PREVIOUS: Contestant(
        "previous release", "#332288", "The release before this one. It may know the shots it is judged by."
    ),
    BASE: Contestant("base rate", "#8c8c8c", "The share of goals among the training shots."),
    ORACLE: Contestant("oracle", "#111111", "The chances of an average shooter against an average goalie: the truth."),
}
"""In the order in which they are shown. Color-blind readers can tell the colors apart (after Okabe and Ito)."""


def ordered(contestants: Container[str]) -> list[str]:
    """These contestants in the order in which they are shown."""
    return [key for key in CONTESTANTS if key in contestants]
