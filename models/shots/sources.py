"""Where shots come from: sources of real games, and the simulator."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.shots.factors import SPECIFICATION
from featurizer.shots.task import SHOTS
from models.shots.rows import EMPTY, GROUPS, GUARDED, ON_GOAL, UNBLOCKED, UNKNOWN, Shots, joined
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game
from playscore.shots import NetState, ShotAttributes, ShotListing, ShotResult, ShotSituation, outcome_of
from playscore.sources import layouts
from simulator.hockey import ShotTruth, simulate_shots

log = logging.getLogger(__name__)

REAL = ("hockeyr", "nhl_sog", "nhl_sog_angles", "pwhl")
"""Layouts that are trained on and judged by. A game that several have is taken from the first."""
_GAMES_AT_ONCE = 192
"""Played side by side: more are faster, and need more memory."""


def real(folder: Path, names: Sequence[str] = REAL) -> Shots:
    """The unblocked shots in play with known results of all games in the folder, in these layouts.

    Raises FIELD_INVALID if the folder has none of them.
    """
    found = {name: layouts()[name] for name in names if not layouts()[name].recognize(folder).missing}
    if not found:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{folder} has no shots in any of the layouts {', '.join(names)}")
    parts, seen = [], set[tuple[str, str]]()
    for name, layout in found.items():
        source = layout.open(folder)
        for game_id in source.game_ids:
            game = source.game(game_id)
            if (game.header.league, game_id) not in seen:
                seen.add((game.header.league, game_id))
                parts.append(of_game(f"{name}/{game_id}", game))
    return joined(parts)


def simulated(seed: int, games: Sequence[int], *, processes: int | None = None) -> Iterator[Shots]:
    """The unblocked shots of these games of the simulated league, many games at a time."""
    parts = [games[start : start + _GAMES_AT_ONCE] for start in range(0, len(games), _GAMES_AT_ONCE)]
    make = partial(_simulated, seed)
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, parts)


def parts_of(games: int) -> int:
    """In how many parts `simulated` yields so many games."""
    return -(-games // _GAMES_AT_ONCE)


def _simulated(seed: int, games: Sequence[int]) -> Shots:
    made = simulate_shots(seed, games, lanes=len(games))
    return joined([of_game(f"simulated/{seed}-{each.game.header.game_id}", each.game, each.truths) for each in made])


def of_game(name: str, game: Game, truths: Mapping[str, ShotTruth] | None = None) -> Shots:
    """The unblocked shots of a game whose results are known. `truths`: of simulated ones, by play id."""
    roster = {player.player_id: player for player in game.roster}
    kept: list[tuple[Tensor, bool]] = []
    left_out: Counter[str] = Counter()
    for play in game.plays:
        situation, outcome = play.context.situation, outcome_of(play)
        if not isinstance(situation, ShotSituation):
            continue
        if outcome is None or outcome.result is None:
            left_out["OUTCOME_UNKNOWN"] += 1
            continue
        if outcome.result is ShotResult.BLOCKED:
            left_out["SHOT_BLOCKED"] += 1
            continue
        tensor = featurize((SHOTS,), game.header, roster, play.context, [play.frames], play.tracks)
        if isinstance(tensor, Tensor):
            kept.append((tensor, outcome.result is ShotResult.GOAL))
        else:
            left_out[tensor.reason.name] += 1
    log.debug("%s: %d shots; left out %s", name, len(kept), dict(left_out))
    known = truths or {}
    chances = [known.get(tensor.play_id) for tensor, _ in kept]
    attributes = [tensor.attributes for tensor, _ in kept if isinstance(tensor.attributes, ShotAttributes)]
    goalies = any(each.goalie_id for each in attributes)
    return Shots(
        statics=np.asarray([tensor.statics for tensor, _ in kept], np.float32).reshape(
            -1, len(SPECIFICATION.static_columns)
        ),
        goals=np.asarray([goal for _, goal in kept], np.bool_),
        games=np.full(len(kept), name),
        groups=np.asarray(
            [_groups(name, game.header.league, each, goalies=goalies) for each in attributes], np.str_
        ).reshape(-1, len(GROUPS)),
        truth=np.asarray([np.nan if truth is None else truth.average_chance for truth in chances], np.float64),
        drawn=np.asarray([np.nan if truth is None else truth.chance for truth in chances], np.float64),
    )


def _groups(name: str, league: str, of: ShotAttributes, *, goalies: bool) -> tuple[str, ...]:
    """The shot's group of each kind in GROUPS. `goalies`: whether its source names goalies."""

    def flag(value: bool | None, yes: str, no: str) -> str:
        return UNKNOWN if value is None else yes if value else no

    return (
        name.split("/", maxsplit=1)[0],
        league or UNKNOWN,
        str(of.season or UNKNOWN),
        ON_GOAL if of.listing is ShotListing.ON_GOAL else UNBLOCKED,
        _net(of, goalies=goalies),
        UNKNOWN if of.strength is None else of.strength.name.lower().replace("_", " "),
        UNKNOWN if of.shot_type is None else of.shot_type.name.lower().replace("_", " "),
        flag(of.rebound, "rebound", "no rebound"),
        flag(of.rush, "rush", "no rush"),
    )


def _net(of: ShotAttributes, *, goalies: bool) -> str:
    """Who defended the net. A list of shots on goal that names goalies, but none for a shot, had nobody in it."""
    if of.net_state is not None:
        return EMPTY if of.net_state is NetState.EMPTY else GUARDED
    if of.listing is ShotListing.ON_GOAL and goalies:
        return GUARDED if of.goalie_id else EMPTY
    return UNKNOWN
