"""Plays to train on: where they come from, and how they are split and weighted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from featurizer.core.outcomes import Tensor
from featurizer.core.whole_plays import featurize
from featurizer.passing.columns import SPECIFICATION
from featurizer.passing.task import PASSING
from models.passing import plays as passes
from models.passing import sources
from models.passing.columns import orientation, roles
from models.passing.plays import PassPlays
from models.passing.support import FIRST_YARD
from playscore.passing import PassResult
from simulator import simulate_game


@pytest.fixture(scope="module")
def simulated() -> PassPlays:
    return passes.joined(list(sources.simulated(3, range(20), processes=1)))


def test_simulated_plays_have_their_true_distribution(simulated: PassPlays) -> None:
    assert len(simulated) > 750
    np.testing.assert_allclose(simulated.truth.sum(axis=1), 1, atol=1e-5)
    drawn = simulated.truth[np.arange(len(simulated)), (simulated.yards - FIRST_YARD).astype(int)]
    assert (drawn > 0).all()
    assert (simulated.frames.shape[0], len(simulated.statics)) == (simulated.starts[-1], len(simulated))


def test_a_mirrored_play_has_the_mirrored_tensor() -> None:
    game = simulate_game(3, 0).game
    roster = {player.player_id: player for player in game.roster}
    sign = np.ones(len(SPECIFICATION.frame_columns), np.float32)
    sign[list(roles(SPECIFICATION).mirrored)] = -1
    angles = [place for group in roles(SPECIFICATION).angles for place in group]
    compared = 0
    for play in game.plays:
        frames = play.frames
        assert frames.direction_degrees is not None
        assert frames.orientation_degrees is not None
        mirrored = replace(
            frames,
            y=np.float32(160 / 3) - frames.y,
            direction_degrees=(180 - frames.direction_degrees) % 360,
            orientation_degrees=(180 - frames.orientation_degrees) % 360,
        )
        tensors = [featurize([PASSING], game.header, roster, play.context, [film]) for film in (frames, mirrored)]
        if isinstance(tensors[0], Tensor) and isinstance(tensors[1], Tensor):
            difference = tensors[1].frames - tensors[0].frames * sign
            difference[:, angles] = (difference[:, angles] + np.pi) % (2 * np.pi) - np.pi
            np.testing.assert_allclose(difference, 0, atol=2e-3)
            compared += 1
    assert compared > 40


def test_padding_is_on_the_right_and_masked(simulated: PassPlays) -> None:
    chosen = np.asarray([5, 0])
    frames, mask, statics = simulated.padded(chosen, 64)
    assert frames.shape[:2] == mask.shape == (2, 64)
    for row, play in enumerate(chosen):
        length = simulated.lengths[play]
        start = simulated.starts[play]
        np.testing.assert_array_equal(frames[row, :length], simulated.frames[start : start + length])
        assert not frames[row, length:].any()
        assert mask[row].tolist() == [1.0] * length + [0.0] * (64 - length)
    np.testing.assert_array_equal(statics, simulated.statics[chosen])


def test_plays_survive_the_disk(simulated: PassPlays, tmp_path: Path) -> None:
    few = simulated.subset(np.asarray([3, 1, 2]))
    few.save(tmp_path / "few.npz")
    again = PassPlays.load(tmp_path / "few.npz")
    assert again.games.tolist() == few.games.tolist()
    np.testing.assert_array_equal(again.padded(np.arange(3))[0], simulated.padded(np.asarray([3, 1, 2]))[0])


def test_no_game_is_in_two_parts_of_a_split(simulated: PassPlays) -> None:
    parts = passes.split_by_game(simulated, (0.6, 0.15, 0.25), seed=4)
    games = [set(simulated.games[part].tolist()) for part in parts]
    assert sum(map(len, games)) == len(set().union(*games)) == 20
    assert sum(map(len, parts)) == len(simulated)
    assert [len(part) for part in games] == [12, 3, 5]


def test_weights_restore_the_base_rates(simulated: PassPlays) -> None:
    complete = np.flatnonzero(simulated.results == PassResult.COMPLETE.value)
    others = np.flatnonzero(simulated.results != PassResult.COMPLETE.value)
    biased = simulated.subset(np.concatenate([complete, others[::3]]))
    weights = passes.weights(biased.kinds, passes.rates_of(simulated.kinds))
    for result in PassResult:
        share = (simulated.results == result.value).mean()
        assert np.average(biased.results == result.value, weights=weights) == pytest.approx(share, abs=1e-6)


def test_weights_restore_how_often_a_pass_reaches_the_end_zone(simulated: PassPlays) -> None:
    """Bands of yards do not see the goal line: a touchdown of 8 yards is another kind than a gain of 8."""
    scored = touchdowns(simulated)
    highlights = np.concatenate([np.flatnonzero(scored), np.flatnonzero(~scored)[::4]])
    selected = simulated.subset(highlights)
    assert touchdowns(selected).mean() > 2 * scored.mean()
    weights = passes.weights(selected.kinds, passes.rates_of(simulated.kinds))
    assert np.average(touchdowns(selected), weights=weights) == pytest.approx(scored.mean(), abs=1e-6)


def test_kinds_tell_touchdowns_from_gains_of_the_same_yards() -> None:
    complete, incomplete = PassResult.COMPLETE.value, PassResult.INCOMPLETE.value
    results = np.asarray([complete, complete, complete, complete, incomplete])
    yards = np.asarray([8.0, 8.0, 8.0, 0.0, 0.0], np.float32)
    end_zone = np.asarray([8.0, 8.4, np.nan, 0.0, 0.0], np.float32)
    reached, rounded, unknown, short, missed = passes.kinds_of(results, yards, end_zone)
    assert reached == rounded
    assert reached != unknown
    assert missed == 0
    assert short == passes.kinds_of(results[:1], np.zeros(1, np.float32), np.full(1, np.nan, np.float32))[0]


def touchdowns(plays: PassPlays) -> NDArray[np.bool_]:
    complete = plays.results == PassResult.COMPLETE.value
    reached: NDArray[np.bool_] = complete & (plays.yards >= plays.end_zone)
    return reached


def test_hiding_orientation_changes_nothing_else(simulated: PassPlays) -> None:
    few = simulated.subset(np.arange(6))
    marked = np.asarray([True, False, True, False, False, True])
    blind = few.without_orientation(marked)
    gone = list(orientation(SPECIFICATION))
    names = {SPECIFICATION.frame_columns[place].name.partition(".")[2] for place in gone}
    assert names == {"orientation", "orientation_known"}
    for play in range(6):
        before, after = (each.frames[each.starts[play] : each.starts[play + 1]] for each in (few, blind))
        assert before[:, gone].any()
        assert after[:, gone].any() == (not marked[play])
        np.testing.assert_array_equal(np.delete(before, gone, axis=1), np.delete(after, gone, axis=1))
