"""Where plays come from: the simulator, and files of real games."""

from __future__ import annotations

import logging
import math
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.passing.columns import SPECIFICATION
from featurizer.passing.task import PASSING
from models.passing.columns import places
from models.passing.plays import GROUPS, Floats, Integers, PassPlays, joined, kinds_of, rates_of
from models.passing.support import BINS, FIRST_YARD
from playscore.errors import PlayscoreError, Reason
from playscore.game import Game, Play
from playscore.passing import PassAttributes, PassResult, outcome_of, situation_of
from playscore.sources import layouts
from simulator import SimulatedGame, simulate_game

log = logging.getLogger(__name__)

_TASKS = (PASSING,)
_ORIENTATION_MASKS = [
    place for name, place in places(SPECIFICATION.frame_columns).items() if name.endswith(".orientation_known")
]
_TARGET_MASK = places(SPECIFICATION.static_columns)["target_known"]
_RESULTS = {"C": PassResult.COMPLETE, "I": PassResult.INCOMPLETE, "IN": PassResult.INTERCEPTED}
_SCANS: dict[str, Callable[[Path], pl.LazyFrame]] = {".parquet": pl.scan_parquet, ".csv": pl.scan_csv}


def simulated(
    seed: int,
    games: Iterable[int],
    *,
    skill_spread: float = 0.2,
    hidden_targets: float = 0.0,
    processes: int | None = None,
) -> Iterator[PassPlays]:
    """The passes of these games of the simulated league, one game at a time, made in `processes` (default: all cores).

    The share `hidden_targets` of the passes has no known target, like many real ones.
    """
    make = partial(_simulated_game, seed, skill_spread, hidden_targets)
    with ProcessPoolExecutor(processes or os.cpu_count(), mp_context=get_context("spawn")) as pool:
        yield from pool.map(make, games, chunksize=4)


def of_simulated(simulated: SimulatedGame, name: str) -> PassPlays:
    """The passes of a simulated game with the distributions of a league-average passer; `name` is the game's."""
    truth = {}
    for play, distribution in simulated.distributions.items():
        truth[play] = np.zeros(BINS, np.float32)
        truth[play][distribution.support - FIRST_YARD] = distribution.probabilities
    return _of_game(name, simulated.game, truth)


def _simulated_game(seed: int, skill_spread: float, hidden_targets: float, index: int) -> PassPlays:
    simulated = simulate_game(seed, index, skill_spread=skill_spread)
    game = simulated.game
    hidden = np.random.default_rng([seed, index, 9]).random(len(game.plays)) < hidden_targets
    plays = [_without_target(play) if hide else play for play, hide in zip(game.plays, hidden, strict=True)]
    return of_simulated(replace(simulated, game=replace(game, plays=plays)), f"{game.header.league}-{seed}/{index}")


def real(folder: Path) -> tuple[PassPlays, PassPlays]:
    """The passes with a known outcome of all games with tracking in the folder, and the same without their targets.

    Raises FIELD_INVALID if no installed layout finds tracking there.
    """
    found = {name: layout for name, layout in layouts().items() if not layout.recognize(folder).missing}
    if not found:
        raise PlayscoreError(
            Reason.FIELD_INVALID, f"{folder} has no tracking in an installed layout ({', '.join(layouts())})"
        )
    targeted, untargeted = [], []
    for name, layout in found.items():
        source = layout.open(folder)
        for game_id in source.game_ids:
            game = source.game(game_id)
            targeted.append(_of_game(f"{name}/{game_id}", game, None))
            untargeted.append(_of_game(f"{name}/{game_id}", _without_targets(game), None))
    return joined(targeted), joined(untargeted)


def _without_targets(game: Game) -> Game:
    return replace(game, plays=[_without_target(play) for play in game.plays])


def _without_target(play: Play) -> Play:
    context = play.context
    return replace(play, context=replace(context, situation=replace(situation_of(context), target_id="")))


def _of_game(name: str, game: Game, truth: dict[str, Floats] | None) -> PassPlays:
    """The passes of a game whose outcome is known. `truth`: their distributions by play id, if simulated."""
    roster = {player.player_id: player for player in game.roster}
    kept: list[tuple[Tensor, float, int]] = []
    left_out: Counter[str] = Counter()
    for play in game.plays:
        tensor = featurize(_TASKS, game.header, roster, play.context, [play.frames], play.tracks)
        outcome = outcome_of(play)
        if not isinstance(tensor, Tensor):
            left_out[tensor.reason.name] += 1
        elif outcome is None or outcome.yards_gained is None or outcome.result is None:
            left_out["OUTCOME_UNKNOWN"] += 1
        elif outcome.result in {PassResult.SACK, PassResult.SCRAMBLE}:
            left_out[outcome.result.name] += 1
        else:
            kept.append((tensor, outcome.yards_gained, outcome.result.value))
    log.debug("%s: %d passes; left out %s", name, len(kept), dict(left_out))
    columns, statics = len(SPECIFICATION.frame_columns), len(SPECIFICATION.static_columns)
    return PassPlays(
        frames=np.concatenate([np.empty((0, columns), np.float32), *(tensor.frames for tensor, _, _ in kept)]),
        starts=np.cumsum([0, *(len(tensor.frames) for tensor, _, _ in kept)]).astype(np.int64),
        statics=np.asarray([tensor.statics for tensor, _, _ in kept], np.float32).reshape(-1, statics),
        yards=np.asarray([yards for _, yards, _ in kept], np.float32),
        results=np.asarray([result for _, _, result in kept], np.int64),
        games=np.full(len(kept), name),
        passers=np.asarray([tensor.subjects[0].subject_id for tensor, _, _ in kept], np.str_),
        groups=np.asarray([_groups(name, tensor) for tensor, _, _ in kept], np.str_).reshape(-1, len(GROUPS)),
        truth=np.asarray([truth[tensor.play_id] for tensor, _, _ in kept], np.float32).reshape(-1, BINS)
        if truth is not None
        else np.empty((len(kept), 0), np.float32),
    )


def _groups(name: str, tensor: Tensor) -> tuple[str, ...]:
    """The play's group of each kind in GROUPS."""
    of = tensor.attributes
    assert isinstance(of, PassAttributes)

    def written(value: object | None) -> str:
        return "unknown" if value is None else str(value)

    return (
        written(of.season),
        written(of.quarter),
        written(of.down),
        written(of.depth and of.depth.name.lower().replace("_", " ")),
        "under pressure" if of.under_pressure else "not under pressure",
        written(None if of.home is None else "home" if of.home else "away"),
        name.split("/", maxsplit=1)[0],
        "known" if tensor.frames[-1, _ORIENTATION_MASKS].any() else "unknown",
        "known" if tensor.statics[_TARGET_MASK] else "unknown",
    )


@dataclass(frozen=True, eq=False)
class LeagueOutcomes:
    """How the N passes of an unselected season ended. Arrays (N,)."""

    results: Integers
    """Values of PassResult."""
    yards: Floats
    end_zone: Floats
    """Yards to it from the line of scrimmage; NaN where not known."""

    @property
    def rates(self) -> NDArray[np.float64]:
        """Shares of the kinds of results; see `plays.kinds_of`."""
        return rates_of(kinds_of(self.results, self.yards, self.end_zone))


def league_outcomes(folder: Path) -> LeagueOutcomes:
    """The outcomes of all passes in the folder's play table of the Big Data Bowl 2019: a whole season, unselected.

    Raises FIELD_INVALID if the folder has no such table.
    """
    tables = (_SCANS[file.suffix](file) for file in sorted(folder.iterdir()) if file.suffix in _SCANS)
    wanted = ("PassResult", "PlayResult", "possessionTeam", "yardlineSide", "yardlineNumber")
    table = next((table for table in tables if set(wanted) <= set(table.collect_schema().names())), None)
    if table is None:
        raise PlayscoreError(
            Reason.FIELD_INVALID,
            f"{folder} has no table with the columns {', '.join(wanted)}, from which the base rates are taken",
        )
    passes = table.select(*wanted).filter(pl.col("PassResult").is_in(list(_RESULTS)))
    number = pl.col("yardlineNumber").cast(pl.Float32, strict=False)
    own_half = pl.col("yardlineSide") == pl.col("possessionTeam")
    # At midfield the table leaves the side open, or side and number.
    midfield = pl.col("yardlineSide").is_null() & (number.is_null() | (number == 50))
    end_zone = pl.when(midfield).then(50).when(own_half).then(100 - number).otherwise(number)
    read = passes.drop_nulls("PlayResult").with_columns(end_zone=end_zone.cast(pl.Float32)).collect()
    results = np.asarray([_RESULTS[name].value for name in read["PassResult"]])
    yards = read["PlayResult"].cast(pl.Float32).to_numpy()
    return LeagueOutcomes(
        results,
        # The yards of an incompletion belong to a penalty, not to the pass.
        np.where(results == PassResult.INCOMPLETE.value, np.float32(0), yards),
        read["end_zone"].fill_null(math.nan).to_numpy(),
    )
