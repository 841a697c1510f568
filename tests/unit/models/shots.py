"""Shots and models made for tests."""

from __future__ import annotations

import numpy as np

from featurizer.shots.factors import FACTORS, PLACE
from models.shots.additive import Additive, Pair
from models.shots.binning import Bins, Floats
from models.shots.fitting import ORDERED
from models.shots.rows import GROUPS, ON_GOAL, UNBLOCKED, Shots

COUNT = len(FACTORS)
KNOWN = tuple(
    PLACE[name]
    for name in (
        "puck_distance_feet",
        "puck_angle_degrees",
        "lateral_offset_feet",
        "seconds_since_faceoff",
        "event_distance_feet",
        "score_difference",
        "game_clock_seconds",
        "listed_on_goal",
        "event_kind",
    )
)
"""The factors that are known of some invented shots."""


def random_statics(shots: int, seed: int = 0, known: float = 0.7) -> Floats:
    """(N, 2F) values of every size, the share `known` of them known; those that are not known are 0."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (shots, COUNT)) * np.resize([0.1, 1, 10, 100], COUNT)
    for place, ordered in enumerate(ORDERED):
        if not ordered:
            values[:, place] = rng.integers(-5, 6, shots)
    flags = rng.uniform(size=(shots, COUNT)) < known
    return np.concatenate([np.where(flags, values, 0), flags], axis=1).astype(np.float32)


def random_model(statics: Floats, seed: int = 0, pairs: int = 12) -> Additive:
    """A model with tables of noise over the bins of these rows."""
    rng = np.random.default_rng(seed)
    bins = Bins.of(statics, ORDERED)
    chosen = {tuple(sorted(rng.choice(COUNT, 2, replace=False).tolist())) for _ in range(pairs)}
    return Additive(
        bins,
        float(rng.normal()),
        tuple(rng.normal(0, 0.3, count) for count in bins.counts),
        tuple(
            Pair(
                first,
                second,
                rng.normal(0, 0.2, (bins.coarse_counts[first], bins.coarse_counts[second])),
                rng.normal(0, 0.2, (bins.coarse_counts[first], bins.coarse_counts[second])),
            )
            for first, second in sorted(chosen)
        ),
    )


def invented_shots(shots: int = 6_000, games: int = 60, seed: int = 0) -> Shots:
    """Shots of two seasons and both listings whose goals depend on distance, on nets and on both together."""
    rng = np.random.default_rng(seed)
    statics = random_statics(shots, seed)
    statics[:, [place for place in range(2 * COUNT) if place % COUNT not in KNOWN]] = 0
    distance, angle = np.abs(rng.normal(30, 18, shots)), np.abs(rng.normal(30, 20, shots))
    statics[:, 0], statics[:, 1] = distance, angle
    statics[:, COUNT : COUNT + 2] = 1
    on_goal = rng.uniform(size=shots) < 0.4
    statics[:, COUNT - 1], statics[:, 2 * COUNT - 1] = on_goal, 1
    logit = -1.2 - 0.05 * distance - 0.02 * angle + 0.0005 * distance * angle + 0.4 * on_goal
    game = np.sort(rng.integers(0, games, shots))
    season = np.where(game < 0.7 * games, "2022", "2023")
    fixed = {
        "source": "invented",
        "league": "NHL",
        "net": "guarded",
        "strength": "even",
        "shot type": "unknown",
        "rebound": "no rebound",
        "rush": "no rush",
    }
    columns = [
        season if name == "season" else np.where(on_goal, ON_GOAL, UNBLOCKED) if name == "listing" else
        np.full(shots, fixed[name])
        for name in GROUPS
    ]  # fmt: skip
    chance = 1 / (1 + np.exp(-logit))
    return Shots(
        statics=statics,
        goals=rng.uniform(size=shots) < chance,
        games=np.asarray([f"invented/{each}" for each in game]),
        groups=np.stack(columns, axis=1),
        truth=chance,
        drawn=chance,
    )
