"""Seasons of the simulated league, pass by pass, with what is not known in a real one: how good each passer is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from models.core.progress import Progress, silent
from models.passing import sources
from models.passing.plays import PassPlays
from models.passing.support import FIRST_YARD
from models.ratings import box_score
from models.ratings.population import SKILL_SPREAD
from playscore.passing import PassResult
from simulator import simulate_game

Array = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

Forecast = Callable[[PassPlays], Array]
"""A model: from N plays to the distribution functions of their yards at the edges of the bins, (N, K + 1)."""

STUDY_GAMES = 208
"""Of each season that is studied. 136 make the season; with the rest every starter has 500 passes."""
STUDY_SEED = 1_000_200
"""Of the first season; the next ones follow. No model is trained on them, and no population is made of them."""


@dataclass(frozen=True, eq=False)
class Passes:
    """N passes of P passers. Arrays (N,)."""

    passer: Integers
    """Row of the passer in `Passers`."""
    game: Integers
    """Index in its season, from 0."""
    play_score: Array
    """By the model."""
    oracle_score: Array
    """By the true distribution of a league-average passer."""
    average_score: Array
    """The expected score by the model if a league-average passer throws this pass."""
    gain_of_skill: Array
    """How much a unit of skill increases that."""
    yards: Array
    complete: Flags
    intercepted: Flags
    touchdown: Flags
    expected_completion: Array
    """By a regression that was fitted to other seasons."""


@dataclass(frozen=True, eq=False)
class Passers:
    """P passers, each of one season. Arrays (P,)."""

    skill: Array
    """The simulator's: outcomes are drawn from the distribution tilted by it."""
    team: Integers
    """As in `Results`."""


@dataclass(frozen=True, eq=False)
class Results:
    """How games ended, once for each team. Arrays (G,)."""

    team: Integers
    """Index of the team and season."""
    game: Integers
    """Index in its season, from 0."""
    points: Array
    won: Array
    """1, 1/2 or 0"""


@dataclass(frozen=True, eq=False)
class Seasons:
    """What a study of ratings needs to know about seasons."""

    passes: Passes
    passers: Passers
    results: Results
    seed: int
    seasons: int
    games: int
    """Of each season."""


@dataclass(frozen=True, eq=False)
class _Played:
    """A game from the process that simulated it. Names of passers and teams start with their season."""

    index: int
    plays: PassPlays
    passers: NDArray[np.str_]
    """(n,) who threw."""
    skills: dict[str, float]
    team_of: dict[str, str]
    sides: tuple[tuple[str, float, float], tuple[str, float, float]]
    """Team, points, and 1, 1/2 or 0 for a win, a tie or a loss."""


def play(
    forecast: Forecast,
    *,
    seasons: int,
    games: int,
    seed: int = STUDY_SEED,
    processes: int | None = None,
    progress: Progress = silent,
) -> Seasons:
    """Play seasons of this many games each, in `processes` (default: all cores), and score the passes."""
    numbers: list[Array] = []
    situations: list[Array] = []
    threw: list[NDArray[np.str_]] = []
    sides: list[tuple[str, int, float, float]] = []
    skills: dict[str, float] = {}
    team_of: dict[str, str] = {}
    for game in progress("playing seasons", _games(seed, seasons, games, processes), seasons * games):
        made = game.plays
        scored = box_score.touchdowns(made)
        columns = (np.full(len(made), game.index), made.yards, made.results, scored, _scores(forecast, made))
        numbers.append(np.column_stack(columns))
        situations.append(box_score.situations(made))
        threw.append(game.passers)
        sides += [(team, game.index, points, won) for team, points, won in game.sides]
        skills |= game.skills
        team_of |= game.team_of
    names, teams = sorted(skills), sorted(set(team_of.values()))
    passer = np.searchsorted(names, np.concatenate(threw))
    season = np.asarray([int(name.split("/")[0]) for name in names])[passer]
    index, yards, results, touchdown, *scores = np.concatenate(numbers).T
    complete = results == PassResult.COMPLETE.value
    return Seasons(
        Passes(
            passer=passer,
            game=index.astype(np.int64),
            play_score=scores[0],
            oracle_score=scores[1],
            average_score=scores[2],
            gain_of_skill=scores[3],
            yards=yards,
            complete=complete,
            intercepted=results == PassResult.INTERCEPTED.value,
            touchdown=touchdown.astype(bool),
            expected_completion=box_score.expected_completion(np.concatenate(situations), complete, season),
        ),
        Passers(
            skill=np.asarray([skills[name] for name in names]),
            team=np.searchsorted(teams, [team_of[name] for name in names]),
        ),
        Results(
            team=np.searchsorted(teams, [team for team, _, _, _ in sides]),
            game=np.asarray([game for _, game, _, _ in sides]),
            points=np.asarray([points for _, _, points, _ in sides]),
            won=np.asarray([won for _, _, _, won in sides]),
        ),
        seed,
        seasons,
        games,
    )


def _games(seed: int, seasons: int, games: int, processes: int | None) -> Iterator[_Played]:
    wanted = list(product([seed], range(seasons), range(games)))
    if processes == 1:
        yield from map(_game, wanted)
        return
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(_game, wanted, chunksize=4)


def _game(wanted: tuple[int, int, int]) -> _Played:
    seed, season, index = wanted
    simulated = simulate_game(seed + season, index, skill_spread=SKILL_SPREAD)
    header, own = simulated.game.header, f"{season}/"
    home, visitors = simulated.final_score
    won = (1 + np.sign(home - visitors)) / 2
    made = sources.of_simulated(simulated, f"{header.league}-{seed + season}/{index}")
    return _Played(
        index=index,
        plays=made,
        passers=np.char.add(own, made.passers),
        skills={own + passer: skill for passer, skill in simulated.skills.items()},
        team_of={
            own + player.player_id: own + player.team_id
            for player in simulated.game.roster
            if player.player_id in simulated.skills
        },
        sides=((own + header.home_team_id, home, won), (own + header.away_team_id, visitors, 1 - won)),
    )


def _scores(forecast: Forecast, plays: PassPlays) -> Array:
    """(N, 4): the model's score, the oracle's, the model's expected score at skill 0, and its increase per skill.

    A passer of skill s draws from p(y) (1 + s (2 m(y) - 1)), where m(y) is the mid-rank in the distribution p
    (docs/simulator.md). So the expected score r(y) is the sum of p r plus s times the sum of p (2 m - 1) r.
    """
    truth = plays.truth.astype(np.float64)
    truth /= truth.sum(axis=1, keepdims=True)
    own = np.cumsum(truth, axis=1) - truth / 2
    cdf = forecast(plays)
    ranks = (cdf[:, :-1] + cdf[:, 1:]) / 2
    gained = np.arange(len(plays)), (plays.yards - FIRST_YARD).astype(int)
    average = (truth * ranks).sum(axis=1)
    gain = (truth * (2 * own - 1) * ranks).sum(axis=1)
    return np.stack([ranks[gained], own[gained], average, gain], axis=1)
