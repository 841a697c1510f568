"""Training: a seed determines the network, an interruption loses nothing, and training stops when it does not help."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from models.core import parallel
from models.passing import sources, training
from models.passing.network import Size
from models.passing.plays import PassPlays, joined
from models.passing.training import FINE_TUNED, HISTORY, PRETRAINED, RealPlays, Schedule, Trainer

SMALL = Size(channels=8, dilations=(1, 2), player=8, hidden=16, dropout=0.0)
SCHEDULE = Schedule(epochs=3, batch=64, fine_tuning_steps=4)


@pytest.fixture(scope="module")
def plays() -> PassPlays:
    return joined(list(sources.simulated(5, range(8), hidden_targets=0.1, processes=1)))


def trainer(plays: PassPlays, folder: Path, schedule: Schedule = SCHEDULE, size: Size = SMALL) -> Trainer:
    folder.mkdir(parents=True, exist_ok=True)
    few = np.arange(len(plays))
    return Trainer(plays.subset(few[60:]), plays.subset(few[:60]), schedule, folder, size=size)


def pretrained(plays: PassPlays, folder: Path, schedule: Schedule = SCHEDULE) -> dict[str, torch.Tensor]:
    for _ in trainer(plays, folder, schedule).pretrain(lambda history: None):
        pass
    return training.load(folder / PRETRAINED).state_dict()


def test_an_interrupted_training_continues_to_the_same_network(plays: PassPlays, tmp_path: Path) -> None:
    whole = pretrained(plays, tmp_path / "whole")
    steps = trainer(plays, tmp_path / "cut").pretraining_steps
    for _ in islice(trainer(plays, tmp_path / "cut").pretrain(lambda history: None), steps * 2 // 3):
        pass
    assert len(json.loads((tmp_path / "cut" / HISTORY).read_text())) == 1
    again = pretrained(plays, tmp_path / "cut")
    for name, weights in whole.items():
        assert torch.equal(again[name], weights), name
    histories = [json.loads((tmp_path / folder / HISTORY).read_text()) for folder in ("whole", "cut")]
    assert [e["validation"] for e in histories[0]] == [e["validation"] for e in histories[1]]


def test_pretraining_again_changes_nothing(plays: PassPlays, tmp_path: Path) -> None:
    pretrained(plays, tmp_path)
    before = (tmp_path / PRETRAINED).read_bytes()
    pretrained(plays, tmp_path)
    assert (tmp_path / PRETRAINED).read_bytes() == before


def test_pretraining_stops_when_it_does_not_improve(plays: PassPlays, tmp_path: Path) -> None:
    useless = Schedule(epochs=20, batch=64, patience=2, learning_rate=1e-30, weight_decay=0.0)
    pretrained(plays, tmp_path, useless)
    history = json.loads((tmp_path / HISTORY).read_text())
    assert [epoch["kept"] for epoch in history] == [True, False, False]


def test_the_best_epoch_is_kept(plays: PassPlays, tmp_path: Path) -> None:
    pretrained(plays, tmp_path, Schedule(epochs=4, batch=64, learning_rate=0.3))
    history = json.loads((tmp_path / HISTORY).read_text())
    network = training.load(tmp_path / PRETRAINED)
    kept = training.log_scores(network, plays.subset(np.arange(60))).mean()
    assert kept == pytest.approx(min(epoch["validation"] for epoch in history), rel=1e-5)


def test_fine_tuning_does_not_change_the_pretrained_network(plays: PassPlays, tmp_path: Path) -> None:
    before = pretrained(plays, tmp_path)
    real = RealPlays(plays.subset(np.arange(30)), np.ones(30, np.float32))
    made = trainer(plays, tmp_path, size=replace(SMALL, dropout=0.1))
    for name in (FINE_TUNED, "again.pt"):
        torch.rand(7)
        assert sum(1 for _ in made.fine_tune(real, name)) == SCHEDULE.fine_tuning_steps
    after = training.load(tmp_path / PRETRAINED).state_dict()
    assert all(torch.equal(after[name], weights) for name, weights in before.items())
    fine_tuned, again = (training.load(tmp_path / name).state_dict() for name in (FINE_TUNED, "again.pt"))
    assert any(not torch.equal(fine_tuned[name], weights) for name, weights in before.items())
    assert all(torch.equal(fine_tuned[name], weights) for name, weights in again.items())


def test_a_play_of_weight_zero_has_no_effect(plays: PassPlays, tmp_path: Path) -> None:
    pretrained(plays, tmp_path)
    weights = np.concatenate([np.ones(20, np.float32), np.zeros(10, np.float32)])
    few = plays.subset(np.arange(30))
    other = PassPlays(**{**vars(few), "yards": np.where(weights > 0, few.yards, 99).astype(np.float32)})
    fine_tuned = []
    for name, real in (("one.pt", few), ("other.pt", other)):
        for _ in trainer(plays, tmp_path).fine_tune(RealPlays(real, weights), name):
            pass
        fine_tuned.append(training.load(tmp_path / name).state_dict())
    assert all(torch.equal(fine_tuned[0][name], weights) for name, weights in fine_tuned[1].items())


def _train(plays: PassPlays, folder: Path, device: str) -> None:
    assert device == "cpu"
    schedule = Schedule(epochs=1, batch=64, fine_tuning_steps=3)
    pretrained(plays, folder, schedule)
    real = RealPlays(plays.subset(np.arange(40)), np.ones(40, np.float32))
    for _ in trainer(plays, folder, schedule).fine_tune(real):
        pass


def test_two_processes_train_the_same_network_as_one(plays: PassPlays, tmp_path: Path) -> None:
    few = plays.subset(np.arange(230))
    parallel.launch(partial(_train, few, tmp_path / "one"), 1, "cpu")
    parallel.launch(partial(_train, few, tmp_path / "two"), 2, "cpu")
    for kept in (PRETRAINED, FINE_TUNED):
        one, two = (training.load(tmp_path / folder / kept).state_dict() for folder in ("one", "two"))
        for name, weights in one.items():
            torch.testing.assert_close(two[name], weights, atol=2e-4, rtol=2e-3, msg=f"{kept} {name}")
