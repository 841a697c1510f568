"""From a small training run to a release that services can load, by the commands that people type."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner

from featurizer.core.columns import PASSING
from models.commands import release, train
from models.passing import plays as passes
from models.passing.run import Run
from playscore.release import load_release


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "small"
    arguments = ["passing", "--simulated", "600", "--epochs", "1", "--seed", "5", "--out", str(folder)]
    trained = CliRunner().invoke(train, arguments, catch_exceptions=False)
    assert trained.exit_code == 0, trained.output
    return folder


def released(run: Path, root: Path) -> Path:
    arguments = ["passing", "--run", str(run), "--version", "1", "--releases", str(root)]
    CliRunner().invoke(release, [*arguments, "--test-games", "4", "--seasons", "1"], catch_exceptions=False)
    return root / "passing" / "1"


def test_a_run_becomes_a_release_that_never_changes(run: Path, tmp_path: Path) -> None:
    folder = released(run, tmp_path)
    made = load_release(folder)
    assert made.features.id == PASSING.id
    assert len(made.law.edges) == 121
    assert made.reference_population.passers > 10
    assert "SIMULATED" in made.reference_population.description
    assert made.figures["parity"] <= 1e-5
    assert sum(file.stat().st_size for file in folder.iterdir()) < 2_000_000
    card = (folder / "card.md").read_text()
    assert f"{made.figures['simulated']['model']['crps'][0]:.3f}" in card

    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    again = CliRunner().invoke(release, ["passing", "--run", str(run), "--version", "1", "--releases", str(tmp_path)])
    assert again.exception is not None
    assert "never change" in str(again.exception)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before

    graph = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    plays = Run(run).simulated()
    laws = []
    for length in made.bucket_lengths[1:]:
        frames, mask, static = plays.padded(np.arange(3), length)
        laws.append(graph.run(["logits", "tails"], {"frames": frames, "mask": mask, "static": static}))
    for short, long in zip(*laws, strict=True):
        np.testing.assert_allclose(short, long, atol=1e-6)
    assert (laws[0][1][:, [1, 3]] > 0).all()


def test_the_same_seed_trains_the_same_network(run: Path, tmp_path: Path) -> None:
    arguments = ["passing", "--simulated", "600", "--epochs", "1", "--seed", "5", "--out", str(tmp_path / "again")]
    CliRunner().invoke(train, arguments, catch_exceptions=False)
    histories = [json.loads((folder / "history.json").read_text()) for folder in (run, tmp_path / "again")]
    assert histories[0][0]["simulated_log_score"] == pytest.approx(histories[1][0]["simulated_log_score"], rel=1e-5)


@pytest.mark.real_data
def test_real_plays_are_weighted_to_the_base_rates(real_data: Path) -> None:
    nfl = real_data / "nfl"
    real, rates = passes.real(nfl), passes.base_rates(nfl)
    assert len(real) >= 560
    weights = passes.weights(real, rates)
    incomplete = weights[real.yards == 0].sum() / len(real)
    assert incomplete == pytest.approx(rates[:2].sum(), abs=0.12)
    assert weights.max() / weights.min() > 5
