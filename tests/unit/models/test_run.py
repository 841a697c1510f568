"""A run's folder: what starts it, what is refused, which plays are used for what, and what is released."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from models.commands import evaluate, release, train
from models.core import parallel
from models.core.progress import silent
from models.core.releasing import newest
from models.passing.contestants import BOOSTED, NETWORKS, SPLICED
from models.passing.network import Size
from models.passing.networks import Networks
from models.passing.plays import PassPlays, digest
from models.passing.release import MODEL, POPULATION_SEED
from models.passing.release import release as make_release
from models.passing.run import EVALUATION, TEST_SEED, Run
from models.passing.training import Schedule
from models.ratings.seasons import STUDY_SEED
from playscore.errors import PlayscoreError, Reason
from simulator import simulate
from simulator.bdb2019 import write

MIN_SIMULATED = 417
FOLDS = 3


def started(folder: Path, real: Path | None, *, seed: int = 4, simulated: int = MIN_SIMULATED) -> Run:
    return Run.start(folder, Schedule(seed=seed), Size(), simulated, real, silent)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in the layout of real games."""
    folder = tmp_path_factory.mktemp("real")
    write(simulate(7, 4, 20), folder)
    return folder


@pytest.fixture(scope="module")
def run(real: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return started(tmp_path_factory.mktemp("runs") / "small", real)


@pytest.fixture
def own(run: Run, tmp_path: Path) -> Run:
    """The run again, for a test that changes its folder."""
    return Run(Path(shutil.copytree(run.folder, tmp_path / "own")))


def test_the_smallest_run_has_training_plays_and_held_out_ones(run: Run, tmp_path: Path) -> None:
    training, held_out = run.simulated
    assert len(training) > len(held_out) > 0
    assert not set(training.games) & set(held_out.games)
    with pytest.raises(PlayscoreError, match=str(MIN_SIMULATED)):
        started(tmp_path / "run", None, simulated=MIN_SIMULATED - 1)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("seed", [-1, TEST_SEED])
def test_no_run_trains_on_the_seeds_it_is_tested_on(seed: int, tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match=str(TEST_SEED - 1)):
        started(tmp_path / "run", None, seed=seed)
    assert not (tmp_path / "run").exists()


def test_real_games_are_read_before_any_is_simulated(real: Path, tmp_path: Path) -> None:
    shutil.copytree(real, tmp_path / "real")
    (tmp_path / "real" / "plays.csv").unlink()
    with pytest.raises(PlayscoreError, match="PassResult"):
        Run.start(tmp_path / "run", Schedule(), Size(), MIN_SIMULATED, tmp_path / "real", never)
    assert not (tmp_path / "run").exists()


def never(_name: str, items: Iterable[Any], _total: int) -> Iterable[Any]:
    raise AssertionError("plays are simulated")


def test_a_run_continues_only_with_the_same_settings_and_real_plays(run: Run, real: Path, tmp_path: Path) -> None:
    again = Run.start(run.folder, Schedule(seed=4), Size(), MIN_SIMULATED, real, never)
    assert again.settings == run.settings
    with pytest.raises(PlayscoreError, match="schedule"):
        Run.start(run.folder, Schedule(seed=5), Size(), MIN_SIMULATED, real, never)
    write(simulate(8, 4, 20), tmp_path)
    with pytest.raises(PlayscoreError, match="real_sha256"):
        Run.start(run.folder, Schedule(seed=4), Size(), MIN_SIMULATED, tmp_path, never)
    with pytest.raises(PlayscoreError, match="real"):
        Run.start(run.folder, Schedule(seed=4), Size(), MIN_SIMULATED, None, never)


def test_other_values_types_or_shapes_have_another_digest() -> None:
    numbers = np.arange(6.0)
    same = digest(numbers, numbers.astype(str))
    assert same == digest(np.arange(6.0), numbers.astype(str))
    others = [numbers + 1, numbers.reshape(2, 3), numbers.astype(np.float32), numbers.view(np.int64)]
    assert len({same, *(digest(other, numbers.astype(str)) for other in others)}) == 1 + len(others)


def test_fine_tuning_plays_are_of_the_chosen_games(run: Run) -> None:
    plays = run.real.plays
    for chosen, held_out in run.folds(FOLDS):
        used = run.fine_tuning_plays(chosen)
        assert set(used.plays.games) == set(plays.games[chosen])
        assert not set(used.plays.games) & set(plays.games[held_out])
        assert len(used.plays) == 2 * len(chosen)
        assert (used.plays.groups[len(chosen) :, -1] == "unknown").all()
        assert used.weights.sum() == pytest.approx(run.real.weights[chosen].sum(), rel=1e-5)


def test_plays_with_and_without_targets_must_be_the_same_plays(own: Run) -> None:
    path = own.folder / "untargeted.npz"
    plays = PassPlays.load(path)
    for other in (np.arange(len(plays))[::-1], np.arange(len(plays) - 1)):
        plays.subset(other).save(path)
        with pytest.raises(PlayscoreError) as refused:
            Run(own.folder).fine_tuning_plays(np.arange(3))
        assert refused.value.reason is Reason.INTERNAL


def test_there_are_exactly_as_many_test_plays_as_requested(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = 60
    monkeypatch.setattr("models.passing.run.PASSES_PER_GAME", wanted)
    plays = run.test(wanted, silent)
    assert len(plays) == wanted
    assert sorted(set(plays.games)) == [f"SIM-{TEST_SEED}/0", f"SIM-{TEST_SEED}/1"]
    assert plays.truth.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert not set(plays.games) & set(run.simulated[0].games)
    assert len(run.test(wanted, never)) == wanted


def test_an_interrupted_save_changes_nothing(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = run.simulated[1]
    held.save(tmp_path / "plays.npz")

    def interrupted(file: Any, **_: object) -> None:
        file.write(b"PK")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(np, "savez", interrupted)
        for name in ("plays.npz", "others.npz"):
            with pytest.raises(KeyboardInterrupt):
                held.save(tmp_path / name)
    assert len(PassPlays.load(tmp_path / "plays.npz")) == len(held)
    assert not (tmp_path / "others.npz").exists()


def judged(run: Run, *contestants: str) -> dict[str, Any]:
    """An evaluation of these contestants and of the network that the run has."""
    checkpoint = Networks(run, silent).released_path()
    checkpoint.write_bytes(b"weights")
    figures: dict[str, Any] = {"figures": {name: {} for name in contestants}}
    return {
        "simulated": figures,
        "real": figures,
        "network": {"sha256": hashlib.sha256(checkpoint.read_bytes()).hexdigest()},
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "no figures of boosted, gaussian, gluonts on simulated plays"),
        ({"simulated": {"figures": dict.fromkeys([*NETWORKS, BOOSTED])}}, "on real plays"),
        ({"simulated": {}}, "boosted, gaussian, gluonts, spliced"),
    ],
)
def test_a_network_that_was_not_compared_with_the_alternatives_is_not_released(
    own: Run, change: dict[str, Any], message: str
) -> None:
    (own.folder / EVALUATION).write_text(json.dumps(judged(own, SPLICED) | change))
    assert message in refused_release(own)


def test_a_network_that_changed_after_it_was_judged_is_not_released(own: Run) -> None:
    found = judged(own, *NETWORKS, BOOSTED)
    (own.folder / EVALUATION).write_text(json.dumps(found))
    Networks(own, silent).released_path().write_bytes(b"other weights")
    assert "another network" in refused_release(own)
    Networks(own, silent).released_path().unlink()
    assert "another network" in refused_release(own)


def refused_release(run: Run) -> str:
    root = run.folder / "releases"
    with pytest.raises(PlayscoreError) as refused:
        make_release(run, 1, root, seasons=1, study_seasons=1, progress=never)
    assert f"evaluate passing --compare --run {run.folder}" in refused.value.detail
    assert not root.exists()
    return refused.value.detail


def test_seasons_of_the_reference_population_do_not_overlap_with_those_of_the_study(tmp_path: Path) -> None:
    maximum = STUDY_SEED - POPULATION_SEED
    with pytest.raises(PlayscoreError, match=f"the maximum is {maximum}"):
        make_release(Run(tmp_path), 1, tmp_path, seasons=maximum + 1, study_seasons=1, progress=never)


def test_without_releases_there_is_no_newest(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match="no release of passing") as refused:
        newest(tmp_path, MODEL)
    assert refused.value.reason is Reason.MODEL_NOT_FOUND


def test_more_gpus_than_there_are_are_refused_before_any_process_starts() -> None:
    with pytest.raises(PlayscoreError, match="--device cpu"):
        parallel.check(torch.cuda.device_count() + 1, "cuda")
    parallel.check(4, "cpu")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        (train, ("passing", "--simulated", "--epochs", "--patience", "--fine-tuning-steps", "--processes")),
        (evaluate, ("passing", "--simulated", "--test-plays")),
        (evaluate, ("ratings", "--version", "--seasons", "--games")),
        (release, ("passing", "--version", "--seasons", "--study-seasons")),
    ],
)
def test_counts_must_be_positive(command: click.Group, options: tuple[str, ...]) -> None:
    for option in options[1:]:
        done = CliRunner().invoke(command, [options[0], option, "0"])
        assert done.exit_code == 2, option
        assert f"Invalid value for '{option}'" in done.output


def test_a_mistyped_run_is_announced_before_it_is_trained(tmp_path: Path) -> None:
    typed = ["passing", "--run", tmp_path / "mistyped", "--simulated", 9, "--json", tmp_path / "new" / "out.json"]
    done = CliRunner().invoke(evaluate, list(map(str, typed)))
    assert f"no run in {tmp_path / 'mistyped'}: training one on about 9 simulated passes" in done.output
    assert isinstance(done.exception, PlayscoreError)
    assert (tmp_path / "new").is_dir()
