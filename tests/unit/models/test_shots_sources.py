"""Shots of sources: which are kept, and that no feature knows how they ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.shots.factors import FACTORS
from featurizer.shots.task import SHOTS
from models.shots import sources
from models.shots.rows import GROUPS, Shots, joined
from playscore.game import Game
from playscore.shots import ShotResult, ShotSituation, outcome_of
from playscore.sources import open_source
from simulator.hockey import SimulatedHockeyGame, simulate_shots
from simulator.hockey.play_by_play import table, write

COUNT = len(FACTORS)


@pytest.fixture(scope="module")
def games() -> Sequence[SimulatedHockeyGame]:
    """Short games, those with most plays first."""
    return sorted(simulate_shots(3, 16, period_seconds=45), key=lambda each: -len(each.game.plays))


def statics_of(game: Game) -> dict[str, bytes]:
    """By play id, the statics of the shots that are scored."""
    roster = {player.player_id: player for player in game.roster}
    found = {}
    for play in game.plays:
        if isinstance(play.context.situation, ShotSituation):
            made = featurize((SHOTS,), game.header, roster, play.context, [play.frames], play.tracks)
            if isinstance(made, Tensor):
                found[play.context.play_id] = made.statics.tobytes()
    return found


def read(rows: pl.DataFrame, folder: Path) -> Game:
    folder.mkdir()
    rows.write_csv(folder / "play_by_play.csv", null_value="NA")
    source = open_source(folder, "hockeyr")
    return source.game(source.game_ids[0])


AS_GOAL: dict[str, Any] = {"event_type": "GOAL", "event": "Goal", "secondary_type": "Wrist Shot", "empty_net": "False"}
AS_SAVE: dict[str, Any] = {"event_type": "SHOT", "event": "Shot", "secondary_type": "Wrist Shot", "empty_net": None}
AS_MISS: dict[str, Any] = {
    "event_type": "MISSED_SHOT",
    "event": "Missed Shot",
    "secondary_type": None,
    "empty_net": None,
}


def ending(rows: pl.DataFrame, place: int, change: dict[str, Any]) -> pl.DataFrame:
    """The rows, the one at this place ending otherwise; a goal is counted in its own row, as the league does."""
    mine = pl.int_range(pl.len()) == place
    score = 1.0 if change is AS_GOAL else 0.0
    side = f"{rows['event_team_type'][place]}_score"
    before = rows[side][max(place - 1, 0)]
    values = {**change, side: float(before) + score}
    return rows.with_columns(
        pl.when(mine).then(pl.lit(value, rows.schema[name])).otherwise(pl.col(name)).alias(name)
        for name, value in values.items()
    )


def test_no_feature_of_a_shot_knows_how_it_ended(games: Sequence[SimulatedHockeyGame], tmp_path: Path) -> None:
    rows = table(games[0])
    shots = [
        place
        for place, (kind, period) in enumerate(rows.select("event_type", "period").iter_rows())
        if kind in {"SHOT", "MISSED_SHOT", "GOAL"} and period < 4
    ]
    assert len(shots) >= 3
    for place in shots[:6]:
        play_id = str(rows["event_idx"][place])
        told = {
            number: statics_of(read(ending(rows, place, change), tmp_path / f"{place}-{number}"))[play_id]
            for number, change in enumerate((AS_GOAL, AS_SAVE, AS_MISS))
        }
        assert len(set(told.values())) == 1


def test_every_unblocked_shot_is_kept_with_its_result_and_the_truth(games: Sequence[SimulatedHockeyGame]) -> None:
    for each in games[:3]:
        shots = sources.of_game("simulated/x", each.game, each.truths)
        plays = [play for play in each.game.plays if isinstance(play.context.situation, ShotSituation)]
        results = [outcome.result for outcome in map(outcome_of, plays) if outcome]
        unblocked = [result for result in results if result is not ShotResult.BLOCKED]
        assert len(shots) == len(unblocked)
        assert shots.goals.sum() == unblocked.count(ShotResult.GOAL)
        assert np.isfinite(shots.truth).all()
        assert shots.statics.shape == (len(shots), 2 * COUNT)
        assert shots.groups.shape == (len(shots), len(GROUPS))


def test_real_shots_are_read_from_the_layouts_that_a_folder_has(
    games: Sequence[SimulatedHockeyGame], tmp_path: Path
) -> None:
    write(games[:2], tmp_path)
    shots = sources.real(tmp_path)
    assert set(shots.of("source")) == {"hockeyr"}
    assert np.isnan(shots.truth).all()
    assert len(set(shots.games)) == 2


def test_shots_are_read_as_they_were_written(games: Sequence[SimulatedHockeyGame], tmp_path: Path) -> None:
    shots = joined([sources.of_game(f"simulated/{place}", each.game, each.truths) for place, each in enumerate(games)])
    shots.save(tmp_path / "shots.npz")
    again = Shots.load(tmp_path / "shots.npz")
    assert again.digest == shots.digest
    np.testing.assert_array_equal(again.groups, shots.groups)
    np.testing.assert_array_equal(again.truth, shots.truth)
