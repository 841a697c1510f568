"""The proof against the alternatives: the same plays to learn from, the same plays to be judged on, in one run.

1. Every contestant learns from the same simulated plays, and is judged on simulated plays of other seeds, where the
   true law is known.
2. From there each is tuned on real plays, with the same weights, in folds by game; every real play is judged by what
   was not tuned on its game.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.passing import evaluation, training
from models.passing.boosted import Boosted, BoostedSchedule
from models.passing.contestants import BASE_RATES, BOOSTED, NETWORKS, ORACLE, RELEASED, UNTUNED, Networks
from models.passing.evaluation import Array, Bootstrap, Interval, Reweighting
from models.passing.plays import GROUPS, PassPlays, joined, league_rates, weights, yard_rates
from models.passing.run import SPLICED, Progress, Run

FOLDS = 5
TUNING_TREES = 30
"""Grown on a mixture of simulated and real plays, after the others."""
TUNING_PLAYS = 12_000
"""Simulated plays in that mixture."""
EXAMPLES = (0.02, 0.25, 0.5, 0.75, 0.98)
"""Quantiles of the expected yards at which a play is shown as an example."""


def evaluate(run: Run, test_plays: int, *, compare: bool, progress: Progress, device: str = "cpu") -> dict[str, Any]:
    """All figures of a run, as `evaluation.json` keeps them; with the alternatives where `compare` is set."""
    networks, heads = Networks(run, progress, device=device), NETWORKS if compare else (SPLICED,)
    found = {
        "settings": run.settings,
        "simulated": on_simulated(run, run.test(test_plays, progress), networks, heads, trees=compare),
    }
    if run.has_real:
        found["real"] = on_real(run, networks, heads, trees=compare)
    judged = networks.released_path().read_bytes()
    return {**found, "network": {"sha256": hashlib.sha256(judged).hexdigest()}}


def on_simulated(
    run: Run, plays: PassPlays, networks: Networks, heads: Iterable[str], *, trees: bool
) -> dict[str, Any]:
    """Judged on simulated plays that nobody learnt from; `released` is our network after tuning on real plays."""
    cdf = {head: training.cdf(networks.taught(head), plays) for head in heads}
    if run.has_real:
        cdf[RELEASED] = training.cdf(networks.released(), plays)
    if trees:
        boosted = _taught_trees(run)
        cdf[BOOSTED] = boosted.cdf(plays)
    cdf[BASE_RATES] = evaluation.base_rate_cdf(yard_rates(run.simulated[0].yards), plays)
    cdf[ORACLE] = evaluation.oracle_cdf(plays)
    return compared(plays, cdf, None, boosted.points(plays) if trees else None)


def on_real(run: Run, networks: Networks, heads: Iterable[str], *, trees: bool) -> dict[str, Any]:
    """Judged on real plays, each by what was not tuned on its game; weighted to the league's base rates."""
    plays = run.real.plays
    rates = league_rates(run.league.results, run.league.yards)

    def weighted(counts: Array) -> Array:
        return weights(plays, rates, counts).astype(np.float64)

    names = [*heads, *([BOOSTED] if trees else [])]
    cdf = {name: np.empty((len(plays), len(evaluation.GRID))) for name in names}
    points = np.empty(len(plays))
    for fold, (learnt, held) in enumerate(run.folds(FOLDS), start=1):
        unseen = plays.subset(held)
        for head in heads:
            cdf[head][held] = training.cdf(networks.tuned(head, learnt, f"fold-{fold}.pt"), unseen)
        if trees:
            boosted = _tuned_trees(run, learnt, f"fold-{fold}")
            cdf[BOOSTED][held], points[held] = boosted.cdf(unseen), boosted.points(unseen)
    cdf[UNTUNED] = training.cdf(networks.taught(SPLICED), plays)
    # Of the whole league, tracked or not.
    cdf[BASE_RATES] = evaluation.base_rate_cdf(yard_rates(run.league.yards), plays)
    found = compared(plays, cdf, weighted, points if trees else None)
    unweighted = Bootstrap(plays.games)
    return {
        **found,
        "folds": FOLDS,
        "unweighted": {
            name: evaluation.figures(evaluation.judge(each, plays.yards), unweighted) for name, each in cdf.items()
        },
    }


def _taught_trees(run: Run) -> Boosted:
    folder = run.contestant(BOOSTED) / "taught"
    if not folder.exists():
        Boosted.fit(run.simulated[0], None, BoostedSchedule()).save(folder)
    return Boosted.load(folder)


def _tuned_trees(run: Run, learnt: NDArray[np.int64], name: str) -> Boosted:
    """Further trees, grown on a mixture of simulated plays with these real ones, which count as for the networks."""
    folder = run.contestant(BOOSTED) / name
    if not folder.exists():
        simulated, real, share = run.simulated[0], run.real_to_learn(learnt), run.schedule.real_share
        drawn = np.random.default_rng(run.schedule.seed).permutation(len(simulated))[:TUNING_PLAYS]
        counted = [
            np.full(len(drawn), (1 - share) / len(drawn)),
            share * real.weights / real.weights.sum(dtype=np.float64),
        ]
        blind = np.arange(len(drawn)) < run.schedule.tuning_blind * len(drawn)
        mixture = joined([simulated.subset(drawn).without_orientation(blind), real.plays])
        weights = (len(mixture) * np.concatenate(counted)).astype(np.float32)
        schedule = replace(BoostedSchedule(), trees=TUNING_TREES)
        Boosted.fit(mixture, weights, schedule, after=_taught_trees(run)).save(folder)
    return Boosted.load(folder)


def compared(
    plays: PassPlays,
    cdf: dict[str, Array],
    weighted: Reweighting | NDArray[np.floating] | None,
    points: Array | None = None,
) -> dict[str, Any]:
    """All that is said of forecasts of the same plays, and of points (N,) that were predicted without a law.

    Ours, as taught by the same plays as all others, is what the others' CRPS is held against; calibration by group and
    reliability are those of the released network where it is among them.
    """
    bootstrap = Bootstrap(plays.games, weighted)
    judged = {name: evaluation.judge(forecast, plays.yards) for name, forecast in cdf.items()}
    shown = RELEASED if RELEASED in cdf else SPLICED
    weights = None if bootstrap.equal else bootstrap.weights
    found: dict[str, Any] = {
        "plays": len(plays),
        "games": bootstrap.games,
        "effective_games": bootstrap.effective_games,
        "pit_ks_by_chance": bootstrap.distance_by_chance(judged[shown].pit),
        "figures": {name: evaluation.figures(each, bootstrap) for name, each in judged.items()},
        "crps_less_ours": {
            name: bootstrap.mean(each.crps - judged[SPLICED].crps) for name, each in judged.items() if name != SPLICED
        },
        "pit": {name: evaluation.pit_histogram(each, bootstrap) for name, each in judged.items()},
        "shown": shown,
        "reliability": evaluation.reliability(cdf[shown], plays.yards, bootstrap),
        "groups": {
            kind: evaluation.by_group(judged[shown], plays, column, weights) for column, kind in enumerate(GROUPS)
        },
        "examples": _examples(plays, cdf),
    }
    if ORACLE in judged:
        found["crps_regret"] = {name: _regret(forecast, cdf[ORACLE], bootstrap) for name, forecast in cdf.items()}
        found["crps_regret_realised"] = {
            name: bootstrap.ratio(each.crps, judged[ORACLE].crps) for name, each in judged.items()
        }
    if points is not None:
        found["points_absolute_error"] = bootstrap.mean(np.abs(points - plays.yards))
    return found


def _regret(cdf: Array, truth: Array, bootstrap: Bootstrap) -> Interval:
    """By how much more CRPS is to be expected of a forecast F than of the truth G, as a share of the latter.

    Over outcomes drawn from G, CRPS(F) - CRPS(G) has the mean sum (F - G)^2, and CRPS(G) the mean sum G (1 - G): no
    luck of the draw is left in it.
    """
    of_truth = (truth * (1 - truth)).sum(axis=1)
    return bootstrap.ratio(((cdf - truth) ** 2).sum(axis=1) + of_truth, of_truth)


def _examples(plays: PassPlays, cdf: dict[str, Array]) -> list[dict[str, Any]]:
    """Plays from the least to the most promising, with every forecast of them."""
    expected = -cdf[SPLICED].sum(axis=1)
    order = np.argsort(expected, kind="stable")
    chosen = [int(order[round(at * (len(order) - 1))]) for at in EXAMPLES]
    return [
        {
            "yards": float(plays.yards[play]),
            "groups": dict(zip(GROUPS, plays.groups[play].tolist(), strict=True)),
            "cdf": {name: np.round(forecast[play], 6).tolist() for name, forecast in cdf.items()},
        }
        for play in chosen
    ]


def summary(found: dict[str, Any]) -> list[str]:
    """The verdicts in a few lines."""
    lines = []
    for part in ("simulated", "real"):
        if part not in found:
            continue
        judged = found[part]
        lines.append(f"{part}: {judged['plays']:,} plays of {judged['games']:,} games, 95% intervals by bootstrap")
        for name, figures in judged["figures"].items():
            cells = [f"{title} {_interval(figures[key])}" for key, title in _SHOWN.items()]
            if name in judged.get("crps_regret", {}) and name != ORACLE:
                cells.append("regret {:.2%} [{:.2%}, {:.2%}]".format(*judged["crps_regret"][name]))
            lines.append(f"  {name:16} " + "   ".join(cells))
    return lines


_SHOWN = {"crps": "CRPS", "median_absolute_error": "MAE", "pit_ks": "PIT KS"}


def _interval(figure: Interval) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*figure)
