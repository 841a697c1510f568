"""Real games, defects included: how many of their passes become tensors, and what becomes of the rest."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from featurizer.core.outcomes import Rejection, Tensor
from featurizer.core.whole_plays import featurize
from featurizer.passing.columns import DERIVED_AT, ORIENTED_AT, PRESENT_AT
from featurizer.passing.task import PASSING
from playscore.errors import Reason
from playscore.game import GameHeader, Play
from playscore.passing import PassAttributes, PassResult, outcome_of
from playscore.sources import open_source

Outcomes = list[tuple[GameHeader, Play, Tensor | Rejection]]

pytestmark = pytest.mark.real_data

CONTRADICTIONS = {
    Reason.MOTION_CONTRADICTED,
    Reason.SAMPLES_CONTRADICTED,
    Reason.TIMES_CONTRADICTED,
    Reason.PLAYER_JUMPED,
    Reason.POSITION_OFF_FIELD,
    Reason.SITUATION_CONTRADICTED,
}
"""What no game of these sources is."""


def outcomes(folder: Path, layout: str, every: int = 1) -> Outcomes:
    """Of every n-th game of a layout."""
    source = open_source(folder, layout)
    made: Outcomes = []
    for game_id in source.game_ids[::every]:
        game = source.game(game_id)
        roster = {player.player_id: player for player in game.roster}
        made += [
            (game.header, play, featurize((PASSING,), game.header, roster, play.context, [play.frames]))
            for play in game.plays
        ]
    return made


def result_of(play: Play) -> PassResult | None:
    outcome = outcome_of(play)
    return None if outcome is None else outcome.result


def tensors(made: Outcomes) -> list[Tensor]:
    return [outcome for _, _, outcome in made if isinstance(outcome, Tensor)]


def reasons(made: Outcomes) -> Counter[Reason]:
    return Counter(outcome.reason for _, _, outcome in made if isinstance(outcome, Rejection))


def check_plausible(made: Outcomes) -> None:
    """What physics and the rules of the game say of every tensor."""
    for tensor in tensors(made):
        assert np.isfinite(tensor.frames).all()
        known = tensor.attributes
        assert isinstance(known, PassAttributes)
        assert known.time_to_throw_seconds is not None
        assert known.passer_depth_yards is not None
        assert 0.3 <= known.time_to_throw_seconds <= 12.7
        assert -5.0 <= known.passer_depth_yards <= 30.0
        slots = tensor.frames[:, : 22 * 8].reshape(len(tensor.frames), 22, 8)
        assert np.hypot(slots[:, :, 2], slots[:, :, 3]).max() < 16.0
        # At the snap the offense is behind the line, the defense beyond it.
        assert np.median(slots[0, :11, 0]) < np.median(slots[0, 11:, 0])


def test_hackathon2015(real_data: Path) -> None:
    made = outcomes(real_data / "nfl", "hackathon2015")
    thrown = (PassResult.COMPLETE, PassResult.INCOMPLETE, PassResult.INTERCEPTED)
    windows = [outcome for _, play, outcome in made if result_of(play) in thrown]
    assert sum(isinstance(outcome, Tensor) for outcome in windows) >= 227
    assert all(
        outcome.reason is Reason.NO_RELEASE
        for _, play, outcome in made
        if isinstance(outcome, Rejection) and result_of(play) is PassResult.SACK
    )
    assert not CONTRADICTIONS & set(reasons(made))
    check_plausible(made)


def test_ngs_highlights(real_data: Path) -> None:
    made = outcomes(real_data / "nfl", "ngs_highlights", every=4)  # a replay of all of them is another test's
    assert len(tensors(made)) >= 80
    assert set(reasons(made)) <= {
        Reason.NO_RELEASE,
        Reason.PASSER_UNKNOWN,
        Reason.NOT_A_PASS,
        Reason.CONVERSION_TRY,
    }
    assert not any(tensor.interpolated_frames for tensor in tensors(made))
    check_plausible(made)


def test_bdb2023(real_data: Path) -> None:
    made = outcomes(real_data / "nfl", "bdb2023")
    assert len(tensors(made)) == 6
    assert set(reasons(made)) == {Reason.NO_RELEASE}
    check_plausible(made)
    for tensor in tensors(made):
        present, oriented = tensor.frames[:, PRESENT_AT:ORIENTED_AT], tensor.frames[:, ORIENTED_AT:DERIVED_AT]
        assert np.array_equal(present, oriented)
