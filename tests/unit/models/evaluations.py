"""Made-up evaluations: forecasts of plays whose distributions are known."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from featurizer.passing.columns import SPECIFICATION
from models.core.bootstrap import Array
from models.passing import comparison, evaluation
from models.passing.columns import places
from models.passing.contestants import (
    BASE_RATES,
    BOOSTED,
    GAUSSIAN,
    GLUONTS,
    ORACLE,
    PRETRAINED,
    RELEASED,
    SPLICED,
)
from models.passing.plays import GROUPS, PassPlays
from models.passing.support import BINS, GRID
from playscore.passing import PassResult

PLAYS, GAMES = 240, 24
SIMULATED = [SPLICED, RELEASED, GAUSSIAN, GLUONTS, BOOSTED, BASE_RATES]
REAL = [SPLICED, GAUSSIAN, GLUONTS, BOOSTED, PRETRAINED, BASE_RATES]


def invented(truth: bool) -> PassPlays:
    """Plays of three kinds of distributions, with outcomes drawn from them."""
    rng = np.random.default_rng(1)
    yards = np.arange(BINS) - 20.0
    expected = rng.choice([2.0, 7.0, 15.0], PLAYS)
    truths = norm.pdf(yards, expected[:, None], 5) + 0.03 * (yards == 0)
    truths /= truths.sum(axis=1, keepdims=True)
    groups = np.full((PLAYS, len(GROUPS)), "unknown", dtype="<U20")
    groups[:, GROUPS.index("down")] = rng.choice(["1", "2", "4"], PLAYS, p=[0.55, 0.4, 0.05])
    groups[:, GROUPS.index("pressure")] = rng.choice(["under pressure", "<not under>"], PLAYS)
    statics = np.zeros((PLAYS, len(SPECIFICATION.static_columns)), np.float32)
    static = places(SPECIFICATION.static_columns)
    statics[:, static["yards_to_end_zone"]] = rng.integers(1, 80, PLAYS)
    statics[:, static["yards_to_end_zone.known"]] = 1
    return PassPlays(
        frames=np.zeros((PLAYS, 1), np.float32),
        starts=np.arange(PLAYS + 1),
        statics=statics,
        yards=np.asarray([rng.choice(yards, p=one) for one in truths], np.float32),
        results=np.full(PLAYS, PassResult.COMPLETE.value),
        games=np.asarray([f"sim/{play % GAMES}" for play in range(PLAYS)]),
        passers=np.full(PLAYS, ""),
        groups=groups,
        truth=(truths if truth else truths[:, :0]).astype(np.float32),
    )


def forecasts(plays: PassPlays, names: list[str]) -> dict[str, Array]:
    """Normal distributions, each slightly wrong in its own way."""
    shift = np.random.default_rng(2).normal(0, 1, (PLAYS, 1))
    return {
        name: norm.cdf(GRID, 7 + 0.3 * place + 0.2 * place * shift, 6 + place)
        + np.zeros((PLAYS, 1)) for place, name in enumerate(names)
    }  # fmt: skip


def evaluation_of_invented_plays() -> dict[str, Any]:
    """As `comparison.evaluate` returns it."""
    plays = invented(truth=True)
    simulated = comparison.compared(plays, forecasts(plays, SIMULATED) | {ORACLE: evaluation.oracle_cdf(plays)}, None)
    plays = invented(truth=False)
    weights = np.random.default_rng(3).uniform(0.2, 2, PLAYS)
    real = comparison.compared(plays, forecasts(plays, REAL), weights)
    for part in (simulated, real):
        part["points_absolute_error"] = [7.125, 6.5, 8.25]
        part["examples"] = part["examples"][:1]
    whole = comparison.compared(plays, forecasts(plays, REAL), None)
    kept = ("plays", "games", "figures", "crps_less_ours", "touchdowns")
    real |= {"folds": 5, "complete": {name: whole[name] for name in kept}}
    return {"settings": {"simulated": 50_000, "real": True}, "simulated": simulated, "real": real}
