"""The comparison with the alternatives: the same training plays and the same test plays for all, in one run.

1. Every contestant trains on the same simulated plays and is judged on simulated plays of other seeds, for which the
   true distribution is known.
2. Each is then fine-tuned on real plays with the same weights, in folds by game. Every real play is judged by what was
   not fine-tuned on its game.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.core.bootstrap import Array, Bootstrap, Interval, Reweighting
from models.core.progress import Progress
from models.core.releasing import sha256
from models.passing import evaluation, training
from models.passing.boosted import Boosted, BoostedSchedule
from models.passing.contestants import BASE_RATES, BOOSTED, NETWORKS, ORACLE, PRETRAINED, RELEASED, SPLICED
from models.passing.evaluation import Judged
from models.passing.figures import FIGURES
from models.passing.networks import Networks
from models.passing.plays import GROUPS, PassPlays, joined, weights, yard_rates
from models.passing.run import Run
from models.passing.support import GRID

FOLDS = 5
FINE_TUNING_TREES = 30
"""Added to the others; grown on a mixture of simulated and real plays."""
FINE_TUNING_PLAYS = 12_000
"""Simulated plays in that mixture."""
COMPLETE_GAME = 20
"""Passes: a game with fewer is a selection of its plays."""
EXAMPLES = (0.02, 0.25, 0.5, 0.75, 0.98)
"""Quantiles of the expected yards of the plays that are shown as examples."""


def evaluate(run: Run, test_plays: int, *, compare: bool, progress: Progress, device: str = "cpu") -> dict[str, Any]:
    """All figures of a run, as `evaluation.json` keeps them; with the alternatives if `compare` is set."""
    networks, heads = Networks(run, progress, device=device), NETWORKS if compare else (SPLICED,)
    found = {
        "settings": run.settings,
        "simulated": on_simulated(run, run.test(test_plays, progress), networks, heads, trees=compare),
    }
    if run.has_real:
        found["real"] = on_real(run, networks, heads, trees=compare)
    return {**found, "network": {"sha256": sha256(networks.released_path())}}


def on_simulated(
    run: Run, plays: PassPlays, networks: Networks, heads: Iterable[str], *, trees: bool
) -> dict[str, Any]:
    """Judge on simulated test plays. `released` is our network after fine-tuning on all real plays."""
    cdf = {head: training.cdf(networks.pretrained(head), plays) for head in heads}
    if run.has_real:
        cdf[RELEASED] = training.cdf(networks.released(), plays)
    if trees:
        boosted = _pretrained_trees(run)
        cdf[BOOSTED] = boosted.cdf(plays)
    cdf[BASE_RATES] = evaluation.base_rate_cdf(yard_rates(run.simulated[0].yards), plays)
    cdf[ORACLE] = evaluation.oracle_cdf(plays)
    return compared(plays, cdf, None, boosted.points(plays) if trees else None)


def on_real(run: Run, networks: Networks, heads: Iterable[str], *, trees: bool) -> dict[str, Any]:
    """Judge on real plays, weighted to the league's base rates, each by what was not fine-tuned on its game."""
    plays = run.real.plays
    kinds, rates = plays.kinds, run.league.rates

    def weighted(counts: Array) -> Array:
        return weights(kinds, rates, counts).astype(np.float64)

    names = [*heads, *([BOOSTED] if trees else [])]
    cdf = {name: np.empty((len(plays), len(GRID))) for name in names}
    points = np.empty(len(plays))
    for fold, (training_plays, held_out) in enumerate(run.folds(FOLDS), start=1):
        unseen = plays.subset(held_out)
        for head in heads:
            cdf[head][held_out] = training.cdf(networks.fine_tuned(head, training_plays, f"fold-{fold}.pt"), unseen)
        if trees:
            boosted = _fine_tuned_trees(run, training_plays, f"fold-{fold}")
            cdf[BOOSTED][held_out], points[held_out] = boosted.cdf(unseen), boosted.points(unseen)
    cdf[PRETRAINED] = training.cdf(networks.pretrained(SPLICED), plays)
    # Those of the whole league, tracked or not.
    cdf[BASE_RATES] = evaluation.base_rate_cdf(yard_rates(run.league.yards), plays)
    found = {**compared(plays, cdf, weighted, points if trees else None), "folds": FOLDS}
    complete = of_complete_games(plays)
    if len(complete):
        forecasts = {name: forecast[complete] for name, forecast in cdf.items()}
        found["complete"] = _on_complete_games(plays.subset(complete), forecasts)
    return found


def of_complete_games(plays: PassPlays) -> NDArray[np.int64]:
    """The plays of games of which all passes are there: no one has selected these by how they ended."""
    _, game_of, passes = np.unique(plays.games, return_inverse=True, return_counts=True)
    return np.flatnonzero(passes[game_of] >= COMPLETE_GAME)


def _on_complete_games(plays: PassPlays, cdf: dict[str, Array]) -> dict[str, Any]:
    """Figures of equal weights. A few games cannot be resampled, so the intervals take plays as independent."""
    bootstrap = Bootstrap(np.char.add("/", np.arange(len(plays)).astype(str)))
    judged = {name: evaluation.judge(forecast, plays.yards) for name, forecast in cdf.items()}
    return {
        "plays": len(plays),
        "games": len(set(plays.games.tolist())),
        "figures": {name: evaluation.figures(each, bootstrap) for name, each in judged.items()},
        "crps_less_ours": _less_ours(judged, bootstrap),
        "touchdowns": evaluation.touchdowns(cdf, plays, bootstrap.weights),
    }


def _less_ours(judged: dict[str, Judged], bootstrap: Bootstrap) -> dict[str, Interval]:
    return {name: bootstrap.mean(each.crps - judged[SPLICED].crps) for name, each in judged.items() if name != SPLICED}


def _pretrained_trees(run: Run) -> Boosted:
    folder = run.contestant(BOOSTED) / "pretrained"
    if not folder.exists():
        Boosted.fit(run.simulated[0], None, BoostedSchedule()).save(folder)
    return Boosted.load(folder)


def _fine_tuned_trees(run: Run, chosen: NDArray[np.int64], name: str) -> Boosted:
    """The trees plus some grown on a mixture of simulated and these real plays, weighted as for the networks."""
    folder = run.contestant(BOOSTED) / name
    if not folder.exists():
        simulated, real, share = run.simulated[0], run.fine_tuning_plays(chosen), run.schedule.real_share
        drawn = np.random.default_rng(run.schedule.seed).permutation(len(simulated))[:FINE_TUNING_PLAYS]
        counted = [
            np.full(len(drawn), (1 - share) / len(drawn)),
            share * real.weights / real.weights.sum(dtype=np.float64),
        ]
        blind = np.arange(len(drawn)) < run.schedule.fine_tuning_blind * len(drawn)
        mixture = joined([simulated.subset(drawn).without_orientation(blind), real.plays])
        weights = (len(mixture) * np.concatenate(counted)).astype(np.float32)
        schedule = replace(BoostedSchedule(), trees=FINE_TUNING_TREES)
        Boosted.fit(mixture, weights, schedule, after=_pretrained_trees(run)).save(folder)
    return Boosted.load(folder)


def compared(
    plays: PassPlays,
    cdf: dict[str, Array],
    weighted: Reweighting | NDArray[np.floating] | None,
    points: Array | None = None,
) -> dict[str, Any]:
    """All figures of forecasts of the same plays, and of points (N,) that were predicted without a distribution.

    The CRPS of the others is compared with ours, which was trained on the same plays as they were. Reliability and the
    figures by group are those of the released network if it is among the forecasts.
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
        "crps_less_ours": _less_ours(judged, bootstrap),
        "touchdowns": evaluation.touchdowns(cdf, plays, bootstrap.weights),
        "long_gains": evaluation.long_gains(cdf, plays),
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
        found["crps_regret_realized"] = {
            name: bootstrap.ratio(each.crps, judged[ORACLE].crps) for name, each in judged.items()
        }
    if points is not None:
        found["points_absolute_error"] = bootstrap.mean(np.abs(points - plays.yards))
    return found


def _regret(cdf: Array, truth: Array, bootstrap: Bootstrap) -> Interval:
    """How much higher the expected CRPS of a forecast F is than that of the truth G, as a share of the latter.

    For outcomes drawn from G, CRPS(F) - CRPS(G) has the mean sum (F - G)^2, and CRPS(G) the mean sum G (1 - G). So no
    luck of the draw is left in it.
    """
    of_truth = (truth * (1 - truth)).sum(axis=1)
    return bootstrap.ratio(((cdf - truth) ** 2).sum(axis=1) + of_truth, of_truth)


def _examples(plays: PassPlays, cdf: dict[str, Array]) -> list[dict[str, Any]]:
    """Plays from the least to the most promising, with all forecasts of them."""
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
    """The main figures in a few lines."""
    lines = []
    for part in ("simulated", "real"):
        if part not in found:
            continue
        judged = found[part]
        lines.append(f"{part}: {judged['plays']:,} plays of {judged['games']:,} games, 95% intervals by bootstrap")
        for name, figures in judged["figures"].items():
            cells = [f"{FIGURES[key].title} {_interval(figures[key])}" for key in _SUMMARIZED]
            if name in judged.get("crps_regret", {}) and name != ORACLE:
                cells.append("regret {:.2%} [{:.2%}, {:.2%}]".format(*judged["crps_regret"][name]))
            lines.append(f"  {name:16} " + "   ".join(cells))
    return lines


_SUMMARIZED = ("crps", "median_absolute_error", "pit_ks")


def _interval(figure: Interval) -> str:
    return "{:.3f} [{:.3f}, {:.3f}]".format(*figure)
