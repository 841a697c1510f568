"""The face-off model: both takers are alike, its graph answers the same, a release says how good it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray

from featurizer.faceoffs.columns import COLUMNS, SPECIFICATION
from models.commands import evaluate as evaluate_command
from models.commands import release as release_command
from models.core import graph
from models.faceoffs import rows, run
from models.faceoffs.model import FaceoffModel, named_weights, record_difference
from models.faceoffs.release import release
from models.faceoffs.rows import Faceoffs
from models.faceoffs.run import BASE, OURS, TAKERS
from playscore.errors import PlayscoreError
from playscore.game import Floats
from playscore.release import GRAPH, load_release
from simulator.hockey import simulate_shots
from simulator.hockey.play_by_play import write

PLACE = {column.name: place for place, column in enumerate(COLUMNS)}
COUNT = len(COLUMNS)
PAIRS = [("taker_record", "opponent_record"), ("taker_experience", "opponent_experience")]


def invented(faceoffs: int = 20_000, seed: int = 0) -> Faceoffs:
    """Face-offs whose winners depend on both records and on who has more skaters."""
    rng = np.random.default_rng(seed)
    statics = np.zeros((faceoffs, 2 * COUNT), np.float32)
    statics[:, :2] = rng.normal(0.5, 0.06, (faceoffs, 2))
    statics[:, 2:4] = np.log1p(rng.integers(0, 300, (faceoffs, 2)))
    statics[:, PLACE["zone"]] = rng.integers(-1, 2, faceoffs)
    statics[:, PLACE["skater_advantage"]] = rng.choice([-1, 0, 0, 0, 1], faceoffs)
    statics[:, PLACE["home"]] = 1
    statics[:, COUNT : COUNT + 8] = 1
    logit = 4 * (statics[:, 0] - statics[:, 1]) + 0.2 * statics[:, PLACE["skater_advantage"]] + 0.1
    game = rng.integers(0, 100, faceoffs)
    return Faceoffs(
        statics,
        rng.uniform(size=faceoffs) < 1 / (1 + np.exp(-logit)),
        np.asarray([f"invented/{each}" for each in game]),
        np.full(faceoffs, "NHL"),
        np.where(game < 70, 2022, 2023).astype(np.int64),
    )


def seen_from_the_other(statics: Floats) -> Floats:
    """The same face-offs as seen from their opponents."""
    turned = statics.copy()
    for mine, theirs in (*PAIRS, ("taker_forehand", "opponent_forehand")):
        for offset in (0, COUNT):
            one, two = PLACE[mine] + offset, PLACE[theirs] + offset
            turned[:, [one, two]] = statics[:, [two, one]]
    for name in ("zone", "skater_advantage", "home", "score_difference"):
        turned[:, PLACE[name]] = -statics[:, PLACE[name]]
    return turned


def masked(statics: Floats, seed: int = 1) -> Floats:
    """Some of it not known."""
    hidden = np.random.default_rng(seed).uniform(size=(len(statics), COUNT)) < 0.3
    found = statics.copy()
    found[:, :COUNT][hidden] = 0
    found[:, COUNT:][hidden] = 0
    return found


MODEL = FaceoffModel.fit(invented())


@pytest.mark.parametrize("statics", [invented(500, 2).statics, masked(invented(500, 3).statics)])
def test_the_chances_of_both_takers_add_up_to_one(statics: NDArray[np.float32]) -> None:
    np.testing.assert_allclose(MODEL.chances(statics) + MODEL.chances(seen_from_the_other(statics)), 1, atol=1e-12)


def test_takers_of_whom_nothing_is_known_are_even() -> None:
    assert MODEL.chances(np.zeros((1, 2 * COUNT), np.float32)).tolist() == [0.5]


def test_it_finds_what_winners_depend_on() -> None:
    weights = named_weights(MODEL)
    assert weights["taker_record"] == pytest.approx(4, abs=0.6)
    assert weights["skater_advantage"] == pytest.approx(0.2, abs=0.06)
    assert weights["home"] == pytest.approx(0.1, abs=0.05)
    assert weights["taker_forehand"] == 0
    assert abs(weights["zone"]) < 0.06


def test_the_graph_answers_the_logit(tmp_path: Path) -> None:
    MODEL.export(tmp_path / GRAPH)
    statics = masked(invented(300, 4).statics)
    (logits,) = graph.session(tmp_path / GRAPH).run(["logit"], {"static": statics})
    assert logits.shape == (300, 1)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits[:, 0].astype(float))), MODEL.chances(statics), atol=1e-6)


def test_even_records_say_nothing_of_either_taker() -> None:
    statics = invented(50).statics
    statics[:, :2] = 0.5
    assert not record_difference(statics).any()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the play-by-play of simulated games of two seasons."""
    real = tmp_path_factory.mktemp("real")
    for season in (2030, 2031):
        (real / str(season)).mkdir()
        write(simulate_shots(5, 24, season=season, period_seconds=12), real / str(season))
        (real / str(season) / "play_by_play.csv").rename(real / f"{season}.csv")
        (real / str(season)).rmdir()
    folder = tmp_path_factory.mktemp("run")
    run.start(folder, real)
    return folder


def test_face_offs_of_the_last_season_judge_the_others_beside_takers_averages(folder: Path) -> None:
    found = run.evaluation(folder)
    assert found["judged_by"] == {"seasons": [2031], "trained_on": [2030]}
    assert set(found["figures"]) == {OURS, TAKERS, BASE}
    assert set(found["less_ours"]) == {TAKERS, BASE}
    assert sum(tenth["faceoffs"] for tenth in found["reliability"]) == found["faceoffs"]


def test_a_release_has_the_graph_that_was_judged_and_its_figures(folder: Path, tmp_path: Path) -> None:
    made = release(folder, 1, tmp_path)
    released = load_release(made)
    assert released.features.id == SPECIFICATION.id
    assert [(tensor.name, tensor.shape) for tensor in released.outputs] == [("logit", (1,))]
    assert released.figures["figures"] == run.evaluation(folder)["figures"]
    card = (made / "card.md").read_text()
    assert "takers' averages alone" in card
    assert "{" not in card
    with pytest.raises(PlayscoreError, match="released files never change"):
        release(folder, 1, tmp_path)


def test_another_graph_is_not_released(folder: Path, tmp_path: Path) -> None:
    kept = (folder / GRAPH).read_bytes()
    try:
        MODEL.export(folder / GRAPH)
        with pytest.raises(PlayscoreError, match="not the graph that the run made"):
            release(folder, 1, tmp_path)
    finally:
        (folder / GRAPH).write_bytes(kept)


def test_the_commands_show_and_release_a_run(folder: Path, tmp_path: Path) -> None:
    shown = CliRunner().invoke(evaluate_command, ["faceoffs", "--run", str(folder)], catch_exceptions=False)
    assert "takers_average" in shown.output
    arguments = ["faceoffs", "--run", str(folder), "--version", "3", "--releases", str(tmp_path)]
    done = CliRunner().invoke(release_command, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert load_release(tmp_path / "faceoffs" / "3").version == 3


def test_a_folder_without_face_offs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PlayscoreError, match="has no face-offs in any of the layouts"):
        rows.real(tmp_path)
    with pytest.raises(PlayscoreError, match="no run in"):
        run.evaluation(tmp_path)
