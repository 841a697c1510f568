"""Boosting an additive model: small trees in one factor, or in one pair of factors, one term after the other.

Each round visits every term, so that factors that say much the same share what they say, and the learning rate is low.
First come the terms of single factors, then those of pairs on top of them. Each bag learns from other games than it
stops by; the model is the mean of all bags. What a term has learned is a table over its bins at all times.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from models.shots.binning import Places

Array = NDArray[np.float64]

_TINY = 1e-12


@dataclass(frozen=True)
class BoostingSchedule:
    """How the tables are grown."""

    bags: int = 10
    held_out: float = 0.15
    """Share of the games of a bag by which it stops."""
    rate: float = 0.01
    max_rounds: int = 4_000
    patience: int = 60
    """Rounds without a better loss after which a bag stops."""
    blind_rounds: int = 100
    """The first rounds cut at random places, which makes tables smooth."""
    min_information: float = 1.0
    """Of a leaf: the sum of p (1 - p) over its rows."""
    ridge: float = 0.5
    """Information that every leaf is given at no change."""
    code_ridge: float = 5.0
    """The same for the codes of a factor without order."""
    seed: int = 0
    processes: int = 1


@dataclass(frozen=True, eq=False)
class Term:
    """What is boosted: a table over the bins of a factor, or over those of a pair."""

    cells: Places
    """(N,) of each row."""
    shape: tuple[int, ...]
    ordered: bool = True
    frozen: NDArray[np.bool_] | None = None
    """(cells,) that stay 0; None: none."""

    @property
    def size(self) -> int:
        """Cells of its table."""
        return int(np.prod(self.shape))


@dataclass(frozen=True, eq=False)
class Boosted:
    """What was learned: the logit is the offset plus the constant plus one cell of each table."""

    constant: float
    tables: tuple[Array, ...]
    """One for each term, in its shape."""
    rounds: tuple[int, ...]
    """Of each bag."""


def boost(
    terms: Sequence[Term],
    goals: NDArray[np.bool_],
    games: NDArray[np.str_],
    offset: Array,
    schedule: BoostingSchedule,
    *,
    constant: bool = True,
) -> Boosted:
    """Grow the tables of `terms` for N rows. `offset` (N,) is the logit that is known already.

    Without `constant` that of the answer is 0, and the tables have to say everything.
    """
    names, game_of = np.unique(games, return_inverse=True)
    grown = partial(_bag, terms, goals.astype(np.float64), game_of, len(names), offset, schedule, constant)
    if schedule.processes > 1:
        with ProcessPoolExecutor(schedule.processes, mp_context=get_context("fork")) as pool:
            bags = list(pool.map(grown, range(schedule.bags)))
    else:
        bags = [grown(bag) for bag in range(schedule.bags)]
    tables = [np.mean([bag.tables[place] for bag in bags], axis=0, dtype=np.float64) for place in range(len(terms))]
    return Boosted(
        constant=float(np.mean([bag.constant for bag in bags])),
        tables=tuple(table.reshape(term.shape) for table, term in zip(tables, terms, strict=True)),
        rounds=tuple(bag.rounds[0] for bag in bags),
    )


def _bag(
    terms: Sequence[Term],
    goals: Array,
    game_of: NDArray[np.intp],
    games: int,
    offset: Array,
    schedule: BoostingSchedule,
    with_constant: bool,
    bag: int,
) -> Boosted:
    rng = np.random.default_rng([schedule.seed, bag])
    held_games = rng.permutation(games) < max(1, round(schedule.held_out * games))
    held = held_games[game_of]
    order = np.concatenate([np.flatnonzero(~held), np.flatnonzero(held)])
    learning = int((~held).sum())
    mine = [replace(term, cells=term.cells[order]) for term in terms]
    truth, odds = goals[order], np.exp(offset[order])
    constant = _constant(truth[:learning], odds[:learning]) if with_constant else 0.0
    odds *= np.exp(constant)
    tables = [np.zeros(term.size) for term in terms]
    best, kept, since, rounds = _loss(truth[learning:], odds[learning:]), [table.copy() for table in tables], 0, 0
    for turn in range(schedule.max_rounds):
        blind = turn < schedule.blind_rounds
        for place in rng.permutation(len(mine)):
            term = mine[place]
            chance = odds[:learning] / (1.0 + odds[:learning])
            cells = term.cells[:learning]
            gradient = sums(cells, truth[:learning] - chance, term.size)
            information = sums(cells, chance * (1.0 - chance), term.size)
            change = _grown(term, gradient, information, schedule, rng if blind else None)
            if change is None:
                continue
            change *= schedule.rate
            tables[place] += change
            odds *= np.exp(change)[term.cells]
        loss = _loss(truth[learning:], odds[learning:])
        if loss < best - 1e-7:
            best, since, rounds = loss, 0, turn + 1
            kept = [table.copy() for table in tables]
        else:
            since += 1
            if since >= schedule.patience:
                break
    return Boosted(constant, tuple(kept), (rounds,))


def sums(cells: Places, values: Array, size: int) -> Array:
    """(size,) the sum of the values (N,) in each cell."""
    return np.bincount(cells, values, size).astype(np.float64)


def _constant(truth: Array, odds: Array) -> float:
    """The constant with which the chances add up to the goals."""
    constant = 0.0
    for _ in range(50):
        chance = odds * np.exp(constant) / (1.0 + odds * np.exp(constant))
        step = (truth.sum() - chance.sum()) / max((chance * (1.0 - chance)).sum(), _TINY)
        constant += float(np.clip(step, -1.0, 1.0))
        if abs(step) < 1e-10:
            break
    return constant


def _loss(truth: Array, odds: Array) -> float:
    return float(np.mean(np.log1p(odds) - truth * np.log(odds)))


def _grown(
    term: Term, gradient: Array, information: Array, schedule: BoostingSchedule, blind: np.random.Generator | None
) -> Array | None:
    """The values of a small tree over the cells of a term; None where nothing can be cut."""
    if term.frozen is not None:
        gradient[term.frozen] = information[term.frozen] = 0.0
    if not term.ordered:
        change: Array | None = gradient / (information + schedule.code_ridge)
    elif len(term.shape) == 1:
        change = _line(gradient, information, schedule, blind)
    else:
        change = _plane(gradient.reshape(term.shape), information.reshape(term.shape), schedule, blind)
    if change is not None and term.frozen is not None:
        change[term.frozen] = 0.0
    return change


def _line(
    gradient: Array, information: Array, schedule: BoostingSchedule, blind: np.random.Generator | None
) -> Array | None:
    """Three leaves over a line of bins."""
    size = len(gradient)
    upto_g, upto_h = np.cumsum(gradient), np.cumsum(information)
    if blind is not None:
        cuts = np.sort(blind.integers(1, size, size=2)) if size > 1 else np.empty(0, np.intp)
    else:
        first, _ = _best_cut(upto_g, upto_h, 0, size, schedule)
        if first is None:
            return None
        left, left_gain = _best_cut(upto_g, upto_h, 0, first, schedule)
        right, right_gain = _best_cut(upto_g, upto_h, first, size, schedule)
        second = left if left_gain >= right_gain else right
        cuts = np.sort([first] if second is None else [first, second])
    change = np.empty(size)
    ends = [0, *cuts, size]
    for start, stop in itertools.pairwise(ends):
        if stop > start:
            g = upto_g[stop - 1] - (upto_g[start - 1] if start else 0.0)
            h = upto_h[stop - 1] - (upto_h[start - 1] if start else 0.0)
            change[start:stop] = g / (h + schedule.ridge)
    return change


def _best_cut(
    upto_g: Array, upto_h: Array, start: int, stop: int, schedule: BoostingSchedule
) -> tuple[int | None, float]:
    """Where bins from `start` to before `stop` are best cut in two, and how much that gains."""
    if stop - start < 2:
        return None, 0.0
    before_g, before_h = (upto_g[start - 1], upto_h[start - 1]) if start else (0.0, 0.0)
    g, h = upto_g[stop - 1] - before_g, upto_h[stop - 1] - before_h
    left_g, left_h = upto_g[start : stop - 1] - before_g, upto_h[start : stop - 1] - before_h
    ridge = schedule.ridge
    gain = left_g**2 / (left_h + ridge) + (g - left_g) ** 2 / (h - left_h + ridge) - g**2 / (h + ridge)
    gain[(left_h < schedule.min_information) | (h - left_h < schedule.min_information)] = -1.0
    place = int(gain.argmax())
    return (None, 0.0) if gain[place] <= 0 else (start + place + 1, float(gain[place]))


def _plane(
    gradient: Array, information: Array, schedule: BoostingSchedule, blind: np.random.Generator | None
) -> Array | None:
    """Four leaves over a plane of bins: one cut across one of the factors, then one across the other on either side."""
    if blind is not None:
        across = bool(blind.integers(2))
        g, h = (gradient.T, information.T) if across else (gradient, information)
        if min(g.shape) < 2:
            return None
        row = int(blind.integers(1, g.shape[0]))
        above, below = blind.integers(1, g.shape[1], size=2).tolist()
        change = _quarters(g, h, row, (above, below), schedule)
        return (change.T if across else change).reshape(-1)
    gain, row, columns = best_quarters(gradient, information, schedule)
    gain_t, row_t, columns_t = best_quarters(gradient.T, information.T, schedule)
    if max(gain, gain_t) <= 0:
        return None
    if gain >= gain_t:
        return _quarters(gradient, information, row, columns, schedule).reshape(-1)
    return _quarters(gradient.T, information.T, row_t, columns_t, schedule).T.reshape(-1)


def best_quarters(
    gradient: Array, information: Array, schedule: BoostingSchedule
) -> tuple[float, int, tuple[int, int]]:
    """The gain of the best cut between rows, with the best cut between columns on either side of it, and the cuts."""
    rows, columns = gradient.shape
    if rows < 2 or columns < 2:
        return -1.0, 0, (0, 0)
    g = gradient.cumsum(0).cumsum(1)
    h = information.cumsum(0).cumsum(1)
    above, above_gain = _best_columns(g[:-1], h[:-1], schedule)
    below, below_gain = _best_columns(g[-1] - g[:-1], h[-1] - h[:-1], schedule)
    gains = above_gain + below_gain - g[-1, -1] ** 2 / (h[-1, -1] + schedule.ridge)
    row = int(gains.argmax())
    return float(gains[row]), row + 1, (int(above[row]) + 1, int(below[row]) + 1)


def _best_columns(g: Array, h: Array, schedule: BoostingSchedule) -> tuple[NDArray[np.intp], Array]:
    """For rows of cumulated sums: the best cut of each between columns, and the score of its two leaves."""
    ridge, least = schedule.ridge, schedule.min_information
    left_g, left_h = g[:, :-1], h[:, :-1]
    right_g, right_h = g[:, -1:] - left_g, h[:, -1:] - left_h
    score = left_g**2 / (left_h + ridge) + right_g**2 / (right_h + ridge)
    score[(left_h < least) | (right_h < least)] = -np.inf
    cut = score.argmax(axis=1)
    return cut, score[np.arange(len(score)), cut]


def _quarters(
    gradient: Array, information: Array, row: int, columns: tuple[int, int], schedule: BoostingSchedule
) -> Array:
    change = np.empty(gradient.shape)
    for rows, column in ((slice(None, row), columns[0]), (slice(row, None), columns[1])):
        for part in (slice(None, column), slice(column, None)):
            g, h = gradient[rows, part].sum(), information[rows, part].sum()
            change[rows, part] = g / (h + schedule.ridge)
    return change
