"""From shots to an additive model: terms of single factors, then of the pairs that explain most of what they leave."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from featurizer.shots.factors import FACTORS, PLACE
from models.shots.additive import Additive, Pair, joint, pure_interaction, purified, sigmoid
from models.shots.binning import UNKNOWN, Bins, Floats, Places
from models.shots.boosting import BoostingSchedule, Term, best_quarters, boost, sums

Array = NDArray[np.float64]

GATE = "shooter_distance_feet"
"""Known in every shot that is filmed: what factors of events mean beside film depends on it."""
RARELY = 0.005
"""Share of the shots: what is unknown in fewer is not learned of when it is."""
ORDERED = tuple(factor.ordered for factor in FACTORS)
"""Of each factor, whether its values have an order."""


@dataclass(frozen=True)
class FitSchedule:
    """How a model is fitted."""

    pairs: int = 60
    boosting: BoostingSchedule = field(default_factory=BoostingSchedule)


def known_factors(statics: Floats, least: float = 0.0) -> tuple[int, ...]:
    """The factors that are known in more than this share of the rows, and do not have one value in all of them."""
    factors = len(FACTORS)
    flags = statics[:, factors:] > 0
    return tuple(
        place
        for place in range(factors)
        if flags[:, place].mean() > least and not (flags[:, place].all() and np.ptp(statics[:, place]) == 0)
    )


def fit(
    statics: Floats,
    goals: NDArray[np.bool_],
    games: NDArray[np.str_],
    schedule: FitSchedule,
    *,
    bins: Bins | None = None,
    used: Sequence[int] | None = None,
) -> Additive:
    """An additive model of shots with statics (N, 2F), from the factors `used` or from all that are known.

    What is hardly ever unknown is not learned of when it is, for some source may not know it at all: then its term is 0
    before means are moved, and shots without it teach nothing. If they did, other terms would tell them apart instead.
    """
    bins = bins or Bins.of(statics, ORDERED)
    used = known_factors(statics) if used is None else used
    places = bins.places(statics)
    rare = {place for place in used if (places[place] == UNKNOWN).mean() < RARELY}
    kept = (places[sorted(rare)] != UNKNOWN).all(axis=0)
    places, goals, games = places[:, kept], goals[kept], games[kept]
    coarse = bins.coarse_places(places)
    nothing = np.zeros(len(goals))
    singles = boost(
        [_single_term(bins, places, place, rare) for place in used],
        goals,
        games,
        nothing,
        schedule.boosting,
    )
    mains = [np.zeros(count) for count in bins.counts]
    for place, table in zip(used, singles.tables, strict=True):
        mains[place] = table
    alone = singles.constant + sum((mains[place][places[place]] for place in used), nothing)
    ranks = _ranks(bins, coarse, goals)
    ranked = _ranked(ranks, coarse)
    chosen = _chosen(itertools.combinations(used, 2), ranked, bins, goals, alone, schedule, rare)
    together = boost([_pair_term(bins, ranked, pair, rare) for pair in chosen], goals, games, alone, schedule.boosting)
    tables = {pair: _unranked(ranks, pair, table) for pair, table in zip(chosen, together.tables, strict=True)}
    return purified(bins, singles.constant + together.constant, mains, tables, places)


def fit_beside(
    base: Additive,
    statics: Floats,
    goals: NDArray[np.bool_],
    games: NDArray[np.str_],
    schedule: FitSchedule,
    added: Collection[int],
) -> Additive:
    """What factors `added` say beside a model that does not know them; 0 where none of them is known.

    The factors of `base` get terms, too, for what they mean once the others are known: these hold where GATE is known.
    """
    bins = base.bins
    places = bins.places(statics)
    coarse = bins.coarse_places(places)
    offset = base.logits(statics)
    known = known_factors(statics)
    mine = [place for place in known if place in added]
    theirs = [place for place in known if place not in added]
    singles = boost(
        [
            _single_term(bins, places, place, added)
            if place in added
            else Term(coarse[place], (bins.coarse_counts[place],), ORDERED[place])
            for place in known
        ],
        goals,
        games,
        offset,
        schedule.boosting,
        constant=False,
    )
    learned = dict(zip(known, singles.tables, strict=True))
    alone = offset + sum(
        (table[(places if place in added else coarse)[place]] for place, table in learned.items()),
        np.zeros(len(goals)),
    )
    pairs = (pair for pair in itertools.combinations(known, 2) if set(pair) & set(mine))
    ranks = _ranks(bins, coarse, goals)
    ranked = _ranked(ranks, coarse)
    chosen = _chosen(pairs, ranked, bins, goals, alone, schedule, added)
    together = boost(
        [_pair_term(bins, ranked, pair, added) for pair in chosen],
        goals,
        games,
        alone,
        schedule.boosting,
        constant=False,
    )
    always = [place not in added or bool((places[place] != UNKNOWN).all()) for place in range(len(FACTORS))]
    made = []
    for (first, second), table in zip(chosen, together.tables, strict=True):
        free = _free_cells(bins, (first, second), added)
        pure, rows, columns = pure_interaction(
            _unranked(ranks, (first, second), table),
            joint(bins, coarse, first, second) * free,
            rows=always[second],
            columns=always[first],
        )
        made.append(Pair.shared(first, second, np.where(free, pure, 0.0)))
        for place, moved in ((first, rows), (second, columns)):
            if place in added:
                moved[UNKNOWN] = 0.0
                learned[place] = learned[place] + moved[bins.coarse[place]]
            else:
                learned[place] = learned[place] + moved
    mains = [np.zeros(count) for count in bins.counts]
    for place, table in _centered({place: learned[place] for place in mine}, places).items():
        mains[place] = table
    nothing = tuple(np.zeros(count) for count in bins.counts)
    gated = Additive(bins, 0.0, nothing, tuple(_gated(bins, place, learned[place]) for place in theirs))
    return Additive(bins, 0.0, tuple(mains), tuple(made)).plus(gated)


def _chosen(
    pairs: Iterable[tuple[int, int]],
    ranked: Places,
    bins: Bins,
    goals: NDArray[np.bool_],
    logits: Array,
    schedule: FitSchedule,
    frozen_unknown: Collection[int],
) -> list[tuple[int, int]]:
    """The pairs of factors whose best small tree explains most of what logits (N,) leave in the cells it may fill."""
    chance = sigmoid(logits)
    rest, information = goals - chance, chance * (1.0 - chance)
    gains = {}
    for first, second in pairs:
        free = _free_cells(bins, (first, second), frozen_unknown)
        cells = ranked[first] * free.shape[1] + ranked[second]
        g, h = (sums(cells, each, free.size).reshape(free.shape) * free for each in (rest, information))
        ways = (best_quarters(*each, schedule.boosting)[0] for each in ((g, h), (g.T, h.T)))
        gains[first, second] = max(ways)
    best = sorted(gains, key=lambda pair: (-gains[pair], pair))
    return [pair for pair in best[: schedule.pairs] if gains[pair] > 0]


def _pair_term(bins: Bins, ranked: Places, pair: tuple[int, int], frozen_unknown: Collection[int]) -> Term:
    first, second = pair
    shape = bins.coarse_counts[first], bins.coarse_counts[second]
    frozen = None
    if set(pair) & set(frozen_unknown):
        frozen = ~_free_cells(bins, pair, frozen_unknown).reshape(-1)
    return Term(ranked[first] * shape[1] + ranked[second], shape, frozen=frozen)


def _free_cells(bins: Bins, pair: tuple[int, int], added: Collection[int]) -> NDArray[np.bool_]:
    """(B, C) which cells a term may fill: those where none of the factors that are added is unknown."""
    free = np.ones(tuple(bins.coarse_counts[place] for place in pair), np.bool_)
    if pair[0] in added:
        free[UNKNOWN] = False
    if pair[1] in added:
        free[:, UNKNOWN] = False
    return free


def _single_term(bins: Bins, places: Places, place: int, frozen_unknown: Collection[int]) -> Term:
    frozen = np.arange(bins.counts[place]) == UNKNOWN if place in frozen_unknown else None
    return Term(places[place], (bins.counts[place],), ORDERED[place], frozen)


def _ranks(bins: Bins, coarse: Places, goals: NDArray[np.bool_]) -> tuple[Places, ...]:
    """Of each factor, in which order its coarse bins stand in a plane: codes by their share of goals."""
    found = []
    for place, count in enumerate(bins.coarse_counts):
        rank = np.arange(count)
        if not ORDERED[place]:
            shots = np.bincount(coarse[place], minlength=count)[1:]
            share = (sums(coarse[place], goals.astype(float), count)[1:] + 1.0) / (shots + 1.0 / goals.mean())
            rank[1 + np.argsort(share, kind="stable")] = np.arange(1, count)
        found.append(rank)
    return tuple(found)


def _ranked(ranks: Sequence[Places], coarse: Places) -> Places:
    return np.stack([rank[mine] for rank, mine in zip(ranks, coarse, strict=True)])


def _unranked(ranks: Sequence[Places], pair: tuple[int, int], table: Array) -> Array:
    """A table over ranks as one over coarse bins."""
    unranked: Array = table[np.ix_(ranks[pair[0]], ranks[pair[1]])]
    return unranked


def _gated(bins: Bins, place: int, table: Array) -> Pair:
    """A table over the coarse bins of a factor that holds where GATE is known, and is the factor's alone."""
    gate = PLACE[GATE]
    spread = np.repeat(table[:, None], bins.coarse_counts[gate], axis=1)
    spread[:, UNKNOWN] = 0.0
    nothing = np.zeros_like(spread)
    if place < gate:
        return Pair(place, gate, spread, nothing)
    return Pair(gate, place, nothing.T, spread.T)


def _centered(tables: Mapping[int, Array], places: Places) -> dict[int, Array]:
    """The same sum, where each table has its share of the mean of all: in proportion to how much it varies.

    An odds ratio of 1 on average needs a mean logit below 0 that grows with the variance; so a factor that is known
    alone shifts the chances of all shots little.
    """
    known = {place: places[place] != UNKNOWN for place in tables}
    rates = {place: float(known[place].mean()) for place in tables}
    means = {place: float(table[places[place]][known[place]].mean()) for place, table in tables.items()}
    total = sum(means[place] * rates[place] for place in tables)
    spreads = {place: float(table[places[place]][known[place]].var()) * rates[place] for place, table in tables.items()}
    whole = sum(spreads.values())
    found = {}
    for place, table in tables.items():
        share = total * spreads[place] / whole if whole else total / len(tables)
        found[place] = table + share / rates[place] - means[place]
        found[place][UNKNOWN] = 0.0
    return found
