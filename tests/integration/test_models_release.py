"""From a small training run to a release that services load and Triton serves, by the commands that people type."""

from __future__ import annotations

import json
import re
import time
from functools import partial
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner, Result

from deploy.local.ports import reserve
from deploy.local.triton import triton_server
from deploy.triton.repository import Device, Target, build_repository
from featurizer.passing.columns import SPECIFICATION
from models.commands import evaluate, release, train
from models.core import graph
from models.core.progress import silent
from models.core.releasing import population_of
from models.passing import comparison, sources
from models.passing.boosted import BoostedSchedule
from models.passing.evaluation import graph_cdf
from models.passing.networks import Networks
from models.passing.plays import PassPlays, weights
from models.passing.run import Run
from models.passing.support import GRID, OUTPUTS, SUPPORT, distribution_of
from playscore.distributions import Censored
from playscore.passing import PassResult
from playscore.release import Release, load_release
from scorer.core.inference import Batch
from scorer.triton import TritonInference

TEST_PLAYS = 400


def typed(command: click.Command, *arguments: object) -> Result:
    return CliRunner().invoke(command, ["passing", *map(str, arguments)], catch_exceptions=False)


def trained(folder: Path) -> Path:
    made = typed(train, "--simulated", 600, "--epochs", 1, "--seed", 5, "--out", folder)
    assert made.exit_code == 0, made.output
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compared with a few trees."""
    folder = trained(tmp_path_factory.mktemp("runs") / "small")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.passing.comparison.BoostedSchedule", partial(BoostedSchedule, trees=20))
        judged = typed(
            evaluate, "--run", folder, "--compare", "--test-plays", TEST_PLAYS, "--json", folder / "out.json"
        )
    assert judged.exit_code == 0, judged.output
    return folder


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run, not evaluated."""
    return trained(tmp_path_factory.mktemp("runs") / "again")


@pytest.fixture(scope="module")
def released(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made with short seasons of three games per team, for which every starter qualifies by a quarter of the plays."""
    root = tmp_path_factory.mktemp("releases")
    with pytest.MonkeyPatch.context() as patched:
        for games in ("SEASON_GAMES", "STUDY_GAMES"):
            patched.setattr(f"models.passing.release.{games}", 24)
        patched.setattr("models.ratings.population.MIN_PLAYS", 56)
        made = typed(release, "--run", run, "--version", 1, "--releases", root, "--seasons", 1, "--study-seasons", 1)
    assert made.exit_code == 0, made.output
    return root / "passing" / "1"


def test_a_comparison_judges_everyone_on_the_same_plays(run: Path) -> None:
    found = json.loads((run / "out.json").read_text())["simulated"]
    assert found["plays"] == TEST_PLAYS
    assert set(found["figures"]) == {"spliced", "gaussian", "gluonts", "boosted", "base_rates", "oracle"}
    assert found["crps_regret"]["oracle"] == [0, 0, 0]
    for name, (regret, low, high) in found["crps_regret"].items():
        assert low <= regret <= high, name
        assert regret > 0 or name == "oracle"
    difference, low, high = found["crps_less_ours"]["base_rates"]
    ours, theirs = (found["figures"][name]["crps"][0] for name in ("spliced", "base_rates"))
    assert difference == pytest.approx(theirs - ours)
    assert low < difference < high
    page = (run / "evaluation.html").read_text()
    assert f"{found['figures']['boosted']['crps'][0]:.3f}" in page


def test_nothing_is_trained_twice(run: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.pt")}
    again = typed(evaluate, "--run", run, "--compare", "--test-plays", TEST_PLAYS)
    assert again.exit_code == 0, again.output
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*.pt")} == before
    assert "oracle" in again.output


def test_a_run_does_not_continue_with_other_settings(run: Path) -> None:
    other = CliRunner().invoke(train, ["passing", "--simulated", "700", "--epochs", "1", "--out", str(run)])
    assert "other settings" in str(other.exception)


def test_a_run_becomes_a_release_that_never_changes(run: Path, released: Path) -> None:
    made = load_release(released)
    assert (made.format, made.task, made.features.id) == (4, "passing", SPECIFICATION.id)
    assert {tensor.name: tensor.shape for tensor in made.outputs} == OUTPUTS
    assert made.support == SUPPORT
    assert population_of(made).subjects > 10
    assert "SIMULATED" in population_of(made).description
    assert made.figures["parity"] <= 1e-5
    assert sum(file.stat().st_size for file in released.iterdir()) < 2_000_000
    card = (released / "card.md").read_text()
    assert f"{made.figures['simulated']['figures']['spliced']['crps'][0]:.3f}" in card
    assert "must not be used" in card
    for kind in ("season", "quarter", "down", "depth", "pressure", "side", "source", "orientation"):
        assert f"| {kind}: " in card

    before = {file.name: file.read_bytes() for file in released.iterdir()}
    again = CliRunner().invoke(
        release, ["passing", "--run", str(run), "--version", "1", "--releases", str(released.parents[1])]
    )
    assert "never change" in str(again.exception)
    assert {file.name: file.read_bytes() for file in released.iterdir()} == before


def test_a_run_that_was_not_evaluated_is_not_released(again: Path, tmp_path: Path) -> None:
    made = CliRunner().invoke(release, ["passing", "--run", str(again), "--version", "1", "--releases", str(tmp_path)])
    assert "evaluate passing" in str(made.exception)
    assert not (tmp_path / "passing").exists()


def test_the_same_play_has_the_same_distribution_in_every_bucket(run: Path, released: Path) -> None:
    made, session = load_release(released), graph.session(released / "model.onnx")
    plays = short_plays(run, made)
    shortest = graph_cdf(session, plays)
    for length in made.bucket_lengths[1:]:
        frames, mask, static = plays.padded(np.arange(len(plays)), length)
        outputs = session.run(list(OUTPUTS), {"frames": frames, "mask": mask, "static": static})
        latent = distribution_of(*(output.astype(np.float64) for output in outputs))
        cdf = Censored(latent, plays.ceiling).cdf(GRID[:, None]).T
        np.testing.assert_allclose(cdf, shortest, atol=1e-6)


@pytest.mark.triton
async def test_torch_onnxruntime_and_triton_agree(run: Path, released: Path, tmp_path: Path) -> None:
    made = load_release(released)
    plays = short_plays(run, made)
    inputs = plays.padded(np.arange(len(plays)), made.bucket_lengths[0])
    network = Networks(Run(run), silent).released()
    with torch.inference_mode():
        expected = [output.numpy() for output in network(*map(torch.from_numpy, inputs))]
    session = graph.session(released / "model.onnx")
    in_process = session.run(list(OUTPUTS), dict(zip(graph.INPUTS, inputs, strict=True)))
    repository = build_repository(released.parents[1], tmp_path / "models", Target.PYTHON)
    with reserve(0, 0, 0) as (port, http_port, metrics_port):
        server = triton_server(repository, port, http_port, metrics_port, tmp_path / "triton.log")
        await server.start()
        try:
            await server.wait_ready(60)
            inference = TritonInference(f"127.0.0.1:{port}", attempt_seconds=30)
            await inference.open()
            served = await inference.infer(made.key, Batch(*inputs), time.monotonic() + 30)
            await inference.close()
        finally:
            await server.kill()
    for answers in (in_process, [served[name] for name in OUTPUTS]):
        for answer, ours in zip(answers, expected, strict=True):
            np.testing.assert_allclose(answer, ours, atol=1e-5, rtol=1e-5)


def test_both_targets_serve_the_release_alike(released: Path, tmp_path: Path) -> None:
    """The configurations differ only in the backend that runs the graph, and where."""
    made = load_release(released)
    configurations = {
        target: (build_repository(released.parents[1], tmp_path / target.value, target) / "passing/config.pbtxt")
        for target in Target
    }
    python, onnxruntime = (configurations[target].read_text() for target in (Target.PYTHON, Target.ONNXRUNTIME))
    assert onnxruntime == python.replace('backend: "python"', 'backend: "onnxruntime"') != python
    on_gpus = build_repository(released.parents[1], tmp_path / "gpu", Target.ONNXRUNTIME, Device.GPU)
    before_warmup = (on_gpus / "passing/config.pbtxt").read_text().split("\nparameters", 1)[0]
    assert before_warmup == onnxruntime.replace("KIND_CPU", "KIND_GPU").split("\nparameters", 1)[0]

    tensors = dict(re.findall(r'name: "(\w+)" data_type: TYPE_FP32 dims: \[ (.+?) \]', onnxruntime))
    assert tensors == {
        "frames": f"-1, {len(made.features.frame_columns)}",
        "mask": "-1",
        "static": f"{len(made.features.static_columns)}",
        **{tensor.name: ", ".join(map(str, tensor.shape)) for tensor in made.outputs},
    }
    assert f"max_batch_size: {made.max_batch_size}\n" in onnxruntime
    warmed = re.findall(r'name: "bucket (\d+), batch (\d+)"', onnxruntime)
    assert warmed == [(str(length), str(batch)) for length in made.bucket_lengths for batch in (1, made.max_batch_size)]

    session = graph.session(tmp_path / "onnxruntime/passing/1/model.onnx")
    for tensor in (*session.get_inputs(), *session.get_outputs()):
        _, *sizes = tensor.shape
        assert ", ".join(str(size) if isinstance(size, int) else "-1" for size in sizes) == tensors[tensor.name]
        assert tensor.type == "tensor(float)"


def short_plays(run: Path, made: Release) -> PassPlays:
    plays = Run(run).simulated[0]
    return plays.subset(np.flatnonzero(plays.lengths <= made.bucket_lengths[0])[:32])


def test_the_same_seed_trains_the_same_network(run: Path, again: Path) -> None:
    histories = [json.loads((folder / "spliced" / "history.json").read_text()) for folder in (run, again)]
    assert histories[0][0]["validation"] == pytest.approx(histories[1][0]["validation"], rel=1e-5)


@pytest.mark.real_data
def test_real_plays_are_weighted_to_the_base_rates_and_no_game_is_on_both_sides(
    real_data: Path, tmp_path: Path
) -> None:
    """Without the games of one source, of which most have a single play: reading them takes longer than training."""
    games = tmp_path / "nfl"
    games.mkdir()
    for file in (real_data / "nfl").iterdir():
        if not file.name.startswith("ngs_highlights"):
            (games / file.name).symlink_to(file)
    run = tmp_path / "run"
    made = typed(
        train,
        "--simulated",
        450,
        "--epochs",
        1,
        "--fine-tuning-steps",
        2,
        "--real",
        games,
        "--out",
        run,
    )
    assert made.exit_code == 0, made.output
    real = Run(run).real
    rates = sources.league_outcomes(games).rates
    assert len(real.plays) >= 230
    np.testing.assert_array_equal(real.weights, weights(real.plays.kinds, rates))
    scored = (real.plays.results == PassResult.COMPLETE.value) & (real.plays.yards >= real.plays.end_zone)
    assert np.average(scored, weights=real.weights) == pytest.approx(0.044, abs=0.002)
    incomplete = np.average(real.plays.yards == 0, weights=real.weights)
    assert incomplete == pytest.approx(rates[:2].sum(), abs=0.12)

    judged = []
    for chosen, held_out in Run(run).folds(comparison.FOLDS):
        assert not set(Run(run).fine_tuning_plays(chosen).plays.games) & set(real.plays.games[held_out])
        judged += held_out.tolist()
    assert sorted(judged) == list(range(len(real.plays)))
