"""Where plays come from: the simulator, and folders of real games."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from featurizer.core.columns import PASSING
from featurizer.core.play import Tensor, featurize
from models.passing.plays import BINS, FIRST_YARD, GROUPS, Floats, Integers, PassPlays, joined
from pipeline import layouts
from pipeline.layouts.tables import column_names, data_files
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game, PassResult, Play
from simulator import SimulatedGame, simulate_game

log = logging.getLogger(__name__)

_FRAME = {column.name: place for place, column in enumerate(PASSING.frame_columns)}
_STATIC = {column.name: place for place, column in enumerate(PASSING.static_columns)}
_ORIENTATION_MASKS = [place for name, place in _FRAME.items() if name.endswith(".orientation_known")]


def simulated(
    seed: int,
    games: Iterable[int],
    *,
    skill_spread: float = 0.2,
    hidden_targets: float = 0.0,
    processes: int | None = None,
) -> Iterator[PassPlays]:
    """The passes of these games of the simulated league, a game at a time, made by all cores.

    Of the share `hidden_targets` of the passes nobody says whom they were meant for, as of many real ones.
    """
    make = partial(_simulated_game, seed, skill_spread, hidden_targets)
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, games, chunksize=4)


def of_simulated(simulated: SimulatedGame, name: str) -> PassPlays:
    """The passes of a simulated game, with the laws their outcomes were drawn about."""
    truth = {}
    for play, law in simulated.laws.items():
        truth[play] = np.zeros(BINS, np.float32)
        truth[play][law.support - FIRST_YARD] = law.probabilities
    return _of_game(name, simulated.game, truth)


def _simulated_game(seed: int, skill_spread: float, hidden_targets: float, index: int) -> PassPlays:
    simulated = simulate_game(seed, index, skill_spread=skill_spread)
    game = simulated.game
    hidden = np.random.default_rng([seed, index, 9]).random(len(game.plays)) < hidden_targets
    plays = [_without_target(play) if hide else play for play, hide in zip(game.plays, hidden, strict=True)]
    return of_simulated(replace(simulated, game=replace(game, plays=plays)), f"{game.header.league}-{seed}/{index}")


def real(folder: Path) -> tuple[PassPlays, PassPlays]:
    """The passes with a known outcome of every layout with tracking in the folder; the same without their targets."""
    found = layouts.detect(folder)
    if not found:
        raise PlayscoreError(Reason.FIELD_INVALID, f"{folder} holds no tracking of a known layout")
    told, untold = [], []
    for layout in found:
        for game in layouts.read(folder, layout):
            name = f"{layout}/{game.header.game_id}"
            told.append(_of_game(name, game, None))
            untold.append(_of_game(name, _without_targets(game), None))
    return joined(told), joined(untold)


def _without_targets(game: Game) -> Game:
    return replace(game, plays=[_without_target(play) for play in game.plays])


def _without_target(play: Play) -> Play:
    context = play.context
    return replace(play, context=replace(context, football=replace(context.football, target_id="")))


def _of_game(name: str, game: Game, truth: dict[str, Floats] | None) -> PassPlays:
    roster = {player.player_id: player for player in game.roster}
    kept: list[tuple[Tensor, float, int]] = []
    left: Counter[str] = Counter()
    for play in game.plays:
        tensor = featurize(game.header, roster, play.context, [play.frames])
        if not isinstance(tensor, Tensor):
            left[tensor.reason.name] += 1
        elif play.outcome is None or play.outcome.yards_gained is None or play.outcome.result is None:
            left["OUTCOME_UNKNOWN"] += 1
        elif play.outcome.result in {PassResult.SACK, PassResult.SCRAMBLE}:
            left[play.outcome.result.name] += 1
        else:
            kept.append((tensor, play.outcome.yards_gained, play.outcome.result.value))
    log.debug("%s: %d passes; left out %s", name, len(kept), dict(left))
    columns, statics = len(PASSING.frame_columns), len(PASSING.static_columns)
    return PassPlays(
        frames=np.concatenate([np.empty((0, columns), np.float32), *(tensor.frames for tensor, _, _ in kept)]),
        starts=np.cumsum([0, *(len(tensor.frames) for tensor, _, _ in kept)]).astype(np.int64),
        statics=np.asarray([tensor.statics for tensor, _, _ in kept], np.float32).reshape(-1, statics),
        yards=np.asarray([yards for _, yards, _ in kept], np.float32),
        results=np.asarray([result for _, _, result in kept], np.int64),
        games=np.full(len(kept), name),
        passers=np.asarray([tensor.subject_id for tensor, _, _ in kept], np.str_),
        groups=np.asarray([_groups(name, tensor) for tensor, _, _ in kept], np.str_).reshape(-1, len(GROUPS)),
        truth=np.asarray([truth[tensor.play_id] for tensor, _, _ in kept], np.float32).reshape(-1, BINS)
        if truth is not None
        else np.empty((len(kept), 0), np.float32),
    )


def _groups(name: str, tensor: Tensor) -> tuple[str, ...]:
    of = tensor.attributes

    def said(value: object | None) -> str:
        return "unknown" if value is None else str(value)

    return (
        said(of.season),
        said(of.quarter),
        said(of.down),
        said(of.depth and of.depth.name.lower().replace("_", " ")),
        "under pressure" if of.under_pressure else "not under pressure",
        said(None if of.home is None else "home" if of.home else "away"),
        name.split("/", maxsplit=1)[0],
        "known" if tensor.frames[-1, _ORIENTATION_MASKS].any() else "unknown",
        "known" if tensor.statics[_STATIC["target_known"]] else "unknown",
    )


@dataclass(frozen=True, eq=False)
class LeagueOutcomes:
    """How the passes of an unselected play table ended: N values of PassResult, and yards."""

    results: Integers
    yards: Floats


def league_outcomes(folder: Path) -> LeagueOutcomes:
    """The outcomes of all passes in the play table of the folder (Big Data Bowl 2019): nobody selected them."""
    wanted = {"PassResult", "PlayResult"}
    table = next((file for file in data_files(folder) if wanted <= set(column_names(file))), None)
    if table is None:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{folder} holds no table with the columns {', '.join(sorted(wanted))}, which the base rates come from",
        )
    scan = pl.scan_parquet if table.suffix == ".parquet" else pl.scan_csv
    names = {"C": PassResult.COMPLETE, "I": PassResult.INCOMPLETE, "IN": PassResult.INTERCEPTED}
    plays = scan(table).select(*sorted(wanted)).filter(pl.col("PassResult").is_in(list(names))).drop_nulls().collect()
    yards = plays["PlayResult"].cast(pl.Float32).to_numpy()
    results = np.asarray([names[name].value for name in plays["PassResult"]])
    # Yards of an incompletion are a penalty's, not the pass's.
    return LeagueOutcomes(results, np.where(results == PassResult.INCOMPLETE.value, np.float32(0), yards))
