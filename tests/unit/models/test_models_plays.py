"""Plays to learn from, and the figures drawn from them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from featurizer.core.columns import PASSING
from featurizer.core.play import Tensor, featurize
from models.passing import evaluation
from models.passing import plays as passes
from models.passing.columns import roles
from models.passing.plays import BINS, FIRST_YARD, PassPlays
from models.passing.population import reference_population, spread
from playscore.game import PassResult
from simulator import simulate_game


@pytest.fixture(scope="module")
def simulated() -> PassPlays:
    return passes.joined(list(passes.simulated(3, range(40), processes=1)))


def test_simulated_plays_carry_their_truth(simulated: PassPlays) -> None:
    assert len(simulated) > 1500
    np.testing.assert_allclose(simulated.truth.sum(axis=1), 1, atol=1e-5)
    drawn = simulated.truth[np.arange(len(simulated)), (simulated.yards - FIRST_YARD).astype(int)]
    assert (drawn > 0).all()
    assert (simulated.frames.shape[0], len(simulated.statics)) == (simulated.starts[-1], len(simulated))


def test_a_mirrored_play_has_the_mirrored_tensor() -> None:
    game = simulate_game(3, 0).game
    roster = {player.player_id: player for player in game.roster}
    sign = np.ones(len(PASSING.frame_columns), np.float32)
    sign[list(roles(PASSING).mirrored)] = -1
    angles = [place for group in roles(PASSING).angles for place in group]
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
        tensors = [featurize(game.header, roster, play.context, [film]) for film in (frames, mirrored)]
        if isinstance(tensors[0], Tensor) and isinstance(tensors[1], Tensor):
            difference = tensors[1].frames - tensors[0].frames * sign
            difference[:, angles] = (difference[:, angles] + np.pi) % (2 * np.pi) - np.pi
            np.testing.assert_allclose(difference, 0, atol=2e-3)
            compared += 1
    assert compared > 40


def test_padding_stands_on_the_right_and_is_masked(simulated: PassPlays) -> None:
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


def test_no_game_is_on_two_sides_of_a_split(simulated: PassPlays) -> None:
    parts = passes.split_by_game(simulated, (0.6, 0.15, 0.25), seed=4)
    games = [set(simulated.games[part].tolist()) for part in parts]
    assert sum(map(len, games)) == len(set().union(*games)) == 40
    assert sum(map(len, parts)) == len(simulated)
    assert [len(part) for part in games] == [24, 6, 10]


def test_weights_restore_the_base_rates(simulated: PassPlays) -> None:
    complete = np.flatnonzero(simulated.results == PassResult.COMPLETE.value)
    others = np.flatnonzero(simulated.results != PassResult.COMPLETE.value)
    biased = simulated.subset(np.concatenate([complete, others[::3]]))
    kinds = passes._kinds(simulated.results, simulated.yards)
    rates = np.bincount(kinds, minlength=passes._KINDS) / len(simulated)
    weights = passes.weights(biased, rates)
    restored = np.bincount(passes._kinds(biased.results, biased.yards), weights, minlength=passes._KINDS)
    np.testing.assert_allclose(restored / len(biased), rates, atol=1e-6)


def test_the_oracle_is_calibrated_and_beats_the_base_rates(simulated: PassPlays) -> None:
    oracle = evaluation.figures(evaluation.oracle_ranks(simulated), simulated)
    rates = np.bincount((simulated.yards - FIRST_YARD).astype(int), minlength=BINS) / len(simulated)
    base = evaluation.figures(evaluation.base_rate_ranks(rates, simulated), simulated)
    assert oracle["pit_ks"][0] < 1.63 / np.sqrt(len(simulated))
    assert oracle["coverage_80"][1] <= 0.8 <= oracle["coverage_80"][2]
    for name in ("crps", "log_score"):
        assert oracle[name][2] < base[name][0]
        assert oracle[name][1] <= oracle[name][0] <= oracle[name][2]


def test_a_wrong_law_is_found_out(simulated: PassPlays) -> None:
    never_complete = np.zeros(BINS)
    never_complete[-FIRST_YARD] = 1.0
    found = evaluation.figures(evaluation.base_rate_ranks(never_complete, simulated), simulated)
    assert found["pit_ks"][0] > 0.3
    assert found["median_absolute_error"][0] == pytest.approx(np.abs(simulated.yards).mean())


def test_the_population_tells_skill_from_luck() -> None:
    rng = np.random.default_rng(0)
    skills = rng.normal(0.48, 0.02, 400)
    scores = (skills[:, None] + rng.normal(0, 0.25, (400, 300))).ravel()
    passers = np.repeat([f"passer {number}" for number in range(400)], 300)
    found = reference_population(scores, passers, seasons=1, description="{passers} in {seasons}")
    assert found.passers == 400
    assert found.mean == pytest.approx(0.48, abs=0.003)
    assert found.play_standard_deviation == pytest.approx(0.25, rel=0.01)
    assert found.shrinkage_plays == pytest.approx(0.25**2 / 0.02**2, rel=0.25)
    assert found.standard_deviation < 0.02


def test_a_population_without_skill_is_all_shrinkage() -> None:
    found = spread(np.full(10, 0.5), np.full(10, 0.06), np.full(10, 300))
    assert found.shrinkage_plays >= 300
