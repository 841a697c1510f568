"""From shots to a release: a run keeps what it made, an evaluation compares, a release says what it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from featurizer.shots.factors import FACTORS, NAMES, PLACE, SPECIFICATION
from models.commands import evaluate as evaluate_command
from models.commands import release as release_command
from models.core import graph
from models.core.chances import GameResamples
from models.core.progress import silent
from models.shots import comparison, competitors, page, tables
from models.shots.boosting import BoostingSchedule
from models.shots.card import card
from models.shots.competitors import Chances
from models.shots.contestants import BASE, EXPLAINABLE, LOGISTIC, ORACLE, OURS, POOLED, TUNED, UNTUNED
from models.shots.fitting import GATE, FitSchedule
from models.shots.release import previous, release
from models.shots.rows import ON_GOAL, UNBLOCKED, Shots
from models.shots.run import EVALUATION, PAGE, Run
from playscore.errors import PlayscoreError
from playscore.release import GRAPH, Release, load_release
from tests.unit.models.shots import COUNT, KNOWN, invented_shots

QUICK = FitSchedule(pairs=4, boosting=BoostingSchedule(bags=1, rate=0.1, patience=10, blind_rounds=5, max_rounds=60))
FILMED = "screens"


def filmed(shots: Shots) -> Shots:
    """The same shots, all of one listing, with film: where the shooter was, and how many screens."""
    rng = np.random.default_rng(len(shots))
    statics = shots.statics.copy()
    for name, values in ((GATE, statics[:, 0] + 2), (FILMED, rng.integers(0, 4, len(shots)))):
        statics[:, PLACE[name]], statics[:, COUNT + PLACE[name]] = values, 1
    statics[:, PLACE["listed_on_goal"]] = 0
    groups = shots.groups.copy()
    groups[:, 3] = UNBLOCKED
    return Shots(**{**vars(shots), "statics": statics, "groups": groups})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    real = invented_shots(4_000)
    folder = tmp_path_factory.mktemp("run") / "shots"
    return Run.of_shots(
        folder, QUICK, filmed(invented_shots(4_000, seed=2)), filmed(invented_shots(2_000, seed=3)), real, test_games=1
    )


QUICK_ALTERNATIVES = {
    LOGISTIC: competitors.logistic,
    UNTUNED: competitors.untuned_trees,
    TUNED: competitors.untuned_trees,
    EXPLAINABLE: competitors.logistic,
}
"""Four that are fitted in a moment; the real ones have a test of their own."""


@pytest.fixture(scope="module")
def found(run: Run) -> dict[str, Any]:
    return comparison.evaluate(run, compare=True, progress=silent, alternatives=QUICK_ALTERNATIVES)


def test_every_alternative_learns_what_goals_depend_on() -> None:
    shots, unseen = invented_shots(4_000), invented_shots(4_000, seed=1)
    made = {
        LOGISTIC: competitors.logistic(shots, 1, 0),
        UNTUNED: competitors.untuned_trees(shots, 1, 0),
        TUNED: competitors.tuned_trees(shots, 1, 0, [{"max_depth": 2}, {"max_depth": 3}]),
        EXPLAINABLE: competitors.explainable(shots, 1, 0, bags=1),
    }
    assert set(made) == set(comparison.ALTERNATIVES)
    resamples = GameResamples(unseen.games, resamples=1)
    for chances in made.values():
        assert resamples.auc(chances(unseen), unseen.goals)[0] > 0.55


@pytest.fixture(scope="module")
def root(run: Run, found: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Releases, with that of the run."""
    (run.folder / EVALUATION).write_text(json.dumps(found))
    root = tmp_path_factory.mktemp("releases")
    release(run, 1, root)
    return root


@pytest.fixture(scope="module")
def released(root: Path) -> Release:
    return load_release(root / "shots" / "1")


def test_everybody_is_judged_by_the_same_shots(found: dict[str, Any]) -> None:
    others = {LOGISTIC, UNTUNED, TUNED, EXPLAINABLE}
    for name in (UNBLOCKED, ON_GOAL):
        assert set(found["universes"][name]["figures"]) == {OURS, POOLED, BASE, *others}
    assert set(found["universes"]["simulated"]["figures"]) == {OURS, ORACLE, BASE, *others}
    assert set(found["universes"]["simulated"]["regret"]) == {OURS, BASE, *others}
    for universe in found["universes"].values():
        assert set(universe["less_ours"]) == set(universe["figures"]) - {OURS}
        assert universe["figures"][OURS]["auc"][0] > universe["figures"][BASE]["auc"][0] == 0.5
        assert sum(tenth["shots"] for tenth in universe["reliability"]) == universe["shots"]


def test_nobody_knows_the_season_they_are_judged_by(found: dict[str, Any]) -> None:
    for name in (UNBLOCKED, ON_GOAL):
        universe = found["universes"][name]
        assert max(universe["trained_on"]["seasons"]) < min(universe["tested_on"])


def test_the_truth_has_no_regret_and_everybody_else_has(found: dict[str, Any]) -> None:
    regret = found["universes"]["simulated"]["regret"]
    assert all(value > 0 for value, _, _ in regret.values())
    assert regret[BASE][0] > regret[OURS][0]


def test_the_best_tenth_of_the_reference_shots_are_high_chances(run: Run, found: dict[str, Any]) -> None:
    chances = run.of_seasons(last=True).chances(run.reference.statics)
    medium, high = found["thresholds"]["values"]
    assert (chances >= high).mean() == pytest.approx(0.1, abs=0.02)
    assert ((chances >= medium) & (chances < high)).mean() == pytest.approx(0.3, abs=0.03)


def test_film_that_is_not_known_changes_no_chance_of_a_real_shot(run: Run) -> None:
    statics = run.men.statics
    np.testing.assert_allclose(run.shipped().chances(statics), run.of_seasons(last=True).chances(statics), rtol=1e-12)


def test_a_release_answers_what_the_run_s_model_says(run: Run, root: Path, released: Release) -> None:
    session = graph.session(root / "shots" / "1" / GRAPH)
    (answered,) = session.run(["contributions"], {"static": run.test.statics[:50]})
    assert released.intercept_logit is not None
    for row, chance in zip(answered.tolist(), run.shipped().chances(run.test.statics[:50]), strict=True):
        assert 1 / (1 + math.exp(-released.intercept_logit - math.fsum(row))) == pytest.approx(chance, abs=1e-5)


def test_a_release_says_of_each_factor_where_it_was_learned(released: Release) -> None:
    assert [factor.name for factor in released.factors] == list(NAMES)
    learned = {factor.name: factor.learned_from for factor in released.factors}
    assert learned["puck_distance_feet"] == learned["listed_on_goal"] == "real_shots"
    assert learned[FILMED] == learned[GATE] == "simulation"
    assert released.features.id == SPECIFICATION.id
    assert released.bucket_lengths == (0,)


def test_quantiles_are_those_of_the_shots_that_know_a_factor_and_codes_have_none(run: Run, released: Release) -> None:
    for factor, described in zip(released.factors, FACTORS, strict=True):
        if not described.ordered:
            assert factor.quantiles == ()
    distances = run.reference.statics[:, 0]
    quantiles = released.factors[0].quantiles
    assert quantiles[0] == distances.min()
    assert quantiles[100] == distances.max()
    assert quantiles[50] == pytest.approx(np.median(distances), rel=1e-5)


def test_the_card_has_every_factor_and_every_figure_of_its_tables(root: Path, released: Release) -> None:
    text = (root / "shots" / "1" / "card.md").read_text()
    assert text == card(released)
    for factor in released.factors:
        assert f"| {factor.name} | {factor.learned_from.replace('_', ' ')} |" in text
    for name, universe in released.figures["universes"].items():
        assert tables.TITLES[name] in text
        assert tables.markdown(tables.figures(universe)) in text
    assert "{" not in text


def test_the_card_names_the_leak_of_shots_without_a_type_where_real_shots_were_seen(released: Release) -> None:
    assert released.figures["training"]["real"]
    text = card(released)
    (leak,) = (" ".join(limit.split()) for limit in text.split("\n- ") if "A leak that is not closed" in limit)
    assert "every shot without a type is a goal" in leak
    assert "read as shots of type OTHER" in leak
    assert "too high" in leak
    training = {**released.figures["training"], "real": None}
    simulated = released.model_copy(update={"figures": {**released.figures, "training": training}})
    assert "leak" not in card(simulated)


def test_the_page_shows_every_universe(found: dict[str, Any], tmp_path: Path) -> None:
    page.write_page(found, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    for title in (tables.TITLES[name] for name in found["universes"]):
        assert text.count(title) >= 3
    assert text.count("<svg") > len(found["universes"])
    assert "$" not in text


def test_a_version_that_exists_is_not_released_again(run: Run, root: Path) -> None:
    with pytest.raises(PlayscoreError, match="released files never change"):
        release(run, 1, root)


def test_what_was_not_compared_is_not_released(run: Run, found: dict[str, Any], root: Path, tmp_path: Path) -> None:
    evaluation = run.folder / EVALUATION
    kept = evaluation.read_text()
    try:
        bare = json.loads(kept)
        del bare["universes"][UNBLOCKED]["figures"][TUNED]
        evaluation.write_text(json.dumps(bare))
        with pytest.raises(PlayscoreError, match=f"no figures of {TUNED} on {UNBLOCKED} shots"):
            release(run, 2, root)
        evaluation.write_text(json.dumps({**found, "model": {"sha256": "other"}}))
        with pytest.raises(PlayscoreError, match="of another model"):
            release(run, 2, root)
        evaluation.unlink()
        with pytest.raises(PlayscoreError, match="was not evaluated"):
            release(run, 2, root)
    finally:
        evaluation.write_text(kept)


def test_the_previous_release_takes_part(run: Run, root: Path, tmp_path: Path) -> None:
    before: Chances | None = previous(root)
    assert before is not None
    np.testing.assert_allclose(before(run.test), run.shipped().chances(run.test.statics), atol=1e-5)
    assert previous(tmp_path) is None


def test_the_commands_evaluate_and_release_a_run(run: Run, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "figures.json"
    evaluated = CliRunner().invoke(
        evaluate_command, ["shots", "--run", str(run.folder), "--json", str(out)], catch_exceptions=False
    )
    assert evaluated.exit_code == 0
    assert json.loads(out.read_text())["universes"].keys() == {UNBLOCKED, ON_GOAL, "simulated"}
    assert (run.folder / PAGE).exists()
    arguments = ["shots", "--run", str(run.folder), "--version", "2", "--releases", str(root)]
    refused = CliRunner().invoke(release_command, arguments)
    assert isinstance(refused.exception, PlayscoreError)
    assert "--compare" in str(refused.exception)


def test_a_run_of_other_settings_is_not_continued(run: Run) -> None:
    assert run.settings["schedule"]["pairs"] == 4
    assert run.of_events == tuple(sorted(KNOWN))
    with pytest.raises(PlayscoreError, match="no run in"):
        _ = Run(run.folder / "nowhere").settings
