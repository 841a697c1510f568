"""Real shots with everybody's places, beside a vendor's expected goals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from featurizer.shots.factors import PLACE
from models.shots import tracked
from models.shots.additive import Additive, sigmoid
from models.shots.binning import Bins
from models.shots.fitting import GATE, ORDERED
from tests.unit.models.shots import COUNT, invented_shots

SHOTS = invented_shots(400)
SCREENS = PLACE["screens"]


def with_screens() -> np.ndarray:
    statics = SHOTS.statics.copy()
    statics[:, SCREENS] = np.random.default_rng(0).integers(0, 5, len(SHOTS))
    statics[:, COUNT + SCREENS] = 1
    return statics


def model_of_screens() -> Additive:
    """Nothing counts but screens."""
    bins = Bins.of(with_screens(), ORDERED)
    mains = [np.zeros(count) for count in bins.counts]
    mains[SCREENS] = np.concatenate([[0.0], np.arange(bins.counts[SCREENS] - 1.0)])
    return Additive(bins, -3.0, tuple(mains), ())


def test_film_that_the_vendor_counts_too_brings_the_ranks_nearer() -> None:
    shots = type(SHOTS)(**{**vars(SHOTS), "statics": with_screens()})
    expected = sigmoid(shots.statics[:, SCREENS].astype(float) - 2)
    found = tracked.check(model_of_screens(), shots, expected, (SCREENS, PLACE[GATE]))
    assert found["with_film"][0] == pytest.approx(1)
    assert found["shots"] == len(shots)
    assert found["auc_without_film"][0] == 0.5
    assert found["without_film"] == [0, 0, 0]
    assert found["difference"] == found["with_film"]
    value, low, high = found["with_film"]
    assert low <= value <= high
    assert list(found["factors"]) == ["screens"]
    assert found["factors"]["screens"] == {"shots": len(shots), "correlation": pytest.approx([1, 1, 1])}


def test_film_that_the_vendor_does_not_count_brings_the_ranks_no_nearer() -> None:
    shots = type(SHOTS)(**{**vars(SHOTS), "statics": with_screens()})
    expected = np.random.default_rng(1).uniform(size=len(shots))
    _, low, high = tracked.check(model_of_screens(), shots, expected, (SCREENS,))["difference"]
    assert low < 0 < high


def test_a_factor_agrees_with_the_vendor_only_in_what_the_vendor_knows_beside_events() -> None:
    """Both follow distance, and nothing else in common: they agree, but not once distance is taken away."""
    rng = np.random.default_rng(2)
    distance = rng.normal(size=2_000)
    factor, vendor = distance + rng.normal(size=2_000), distance + rng.normal(size=2_000)
    assert tracked._spearman(factor, vendor) > 0.4
    _, low, high = tracked._beside(factor, vendor, distance)["correlation"]
    assert low < 0 < high
    assert tracked._beside(factor, vendor + factor, distance)["correlation"][1] > 0.3
    assert tracked._beside(distance, vendor, distance)["correlation"] == [0, 0, 0]


def test_ranks_of_equal_values_are_their_mean() -> None:
    assert tracked._ranks(np.asarray([3.0, 1.0, 3.0, 2.0])).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_a_folder_without_such_shots_has_nothing_to_check_by(tmp_path: Path) -> None:
    assert tracked.read(tmp_path) is None


@pytest.mark.real_data
def test_the_vendor_s_expected_goals_belong_to_the_shots_that_they_are_of(real_data: Path) -> None:
    """The vendor's figures tell goals from others, which they would not if they stood with other shots."""
    read = tracked.read(real_data / "hockey")
    assert read is not None
    shots, expected = read
    assert len(shots) == 168
    scored, others = expected[shots.goals], expected[~shots.goals]
    assert np.median(scored) > 2 * np.median(others)
