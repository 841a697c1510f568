"""The study of the rating finds the skill of passers for whom it is known, and says what it is not sure of."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.passing.plays import PassPlays
from models.ratings import box_score, seasons, study, study_page
from models.ratings.population import SEASON_GAMES
from models.ratings.seasons import Passers, Passes, Results, Seasons
from playscore.errors import PlayscoreError
from playscore.passing import situation_of
from playscore.release import ReferencePopulation, Release
from simulator import simulate_game

POPULATION = ReferencePopulation(
    description="",
    subjects=128,
    min_plays=224,
    mean=0.5,
    standard_deviation=0.026,
    play_standard_deviation=0.27,
    shrinkage_plays=0.27**2 / 0.03**2,
)
DOCS = Path(__file__).resolve().parents[3] / "docs"
TEAMS, GAMES_A_TEAM, PLAYS_A_GAME = 16, 25, 24


def truth(plays: PassPlays) -> NDArray[np.float64]:
    """A model that is never wrong."""
    return np.pad(np.cumsum(plays.truth.astype(np.float64), axis=1), ((0, 0), (1, 0)))


@pytest.fixture(scope="module")
def played() -> Seasons:
    return seasons.play(truth, seasons=2, games=2, seed=5, processes=1)


def invented(passers: int = 192, seed: int = 0, *, worth: float = 0.15, shift: float = 0.0) -> Seasons:
    """Passers whose play scores average 1/2 + worth * skill; completions depend less on skill, and yards not at all."""
    rng = np.random.default_rng(seed)
    skill = rng.normal(0, 0.2, passers)
    passer = np.repeat(np.arange(passers), GAMES_A_TEAM * PLAYS_A_GAME)
    # A game of every team each week, as in the league.
    game = np.tile(np.repeat(8 * np.arange(GAMES_A_TEAM), PLAYS_A_GAME), passers)
    noise = rng.normal(0, 0.27, len(passer))
    score = 0.5 + worth * skill[passer] + noise
    complete = rng.random(len(passer)) < 0.63 + 0.1 * skill[passer]
    team, week = np.divmod(np.arange(passers * GAMES_A_TEAM), GAMES_A_TEAM)
    return Seasons(
        Passes(
            passer=passer,
            game=game,
            play_score=score + shift,
            oracle_score=score,
            average_score=np.full(len(passer), 0.5),
            gain_of_skill=np.full(len(passer), worth),
            yards=rng.exponential(11, len(passer)) * complete,
            complete=complete,
            intercepted=~complete & (rng.random(len(passer)) < 0.07),
            touchdown=complete & (rng.random(len(passer)) < 0.07),
            expected_completion=np.full(len(passer), 0.63),
        ),
        Passers(skill=skill, team=np.arange(passers)),
        Results(
            team=team,
            game=8 * week,
            points=rng.normal(21, 8, len(team)) + 20 * skill[team],
            won=(rng.random(len(team)) < 0.5 + skill[team] / 2).astype(float),
        ),
        seed,
        passers // TEAMS,
        8 * GAMES_A_TEAM,
    )


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return study.figures(invented(), POPULATION, repeats=5, resamples=200)


def test_by_the_true_distributions_the_average_passer_scores_a_half_and_skill_adds_what_the_formula_says(
    played: Seasons,
) -> None:
    passes = played.passes
    np.testing.assert_allclose(passes.average_score, 0.5, atol=1e-6)
    np.testing.assert_allclose(passes.play_score, passes.oracle_score, atol=1e-6)
    distributions = simulate_game(5, 0).distributions.values()
    cubes = [(1 - (one.probabilities**3).sum()) / 6 for one in distributions]
    np.testing.assert_allclose(passes.gain_of_skill[: len(cubes)], cubes, atol=1e-6)


def test_seasons_hold_what_was_played(played: Seasons) -> None:
    passes, passers, results = played.passes, played.passers, played.results
    for number, (season, index) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        game = simulate_game(5 + season, index)
        throws = [game.details[play] for play in game.distributions]
        home, visitors = results.team[2 * number : 2 * number + 2]
        mine = (passes.game == index) & np.isin(passers.team[passes.passer], [home, visitors])
        assert passes.yards[mine].tolist() == [throw.yards for throw in throws]
        assert passes.touchdown[mine].tolist() == [throw.points == 7 for throw in throws]
        assert results.points[2 * number : 2 * number + 2].tolist() == list(game.final_score)
        assert sorted(set(passers.skill[passes.passer[mine]])) == sorted(
            {
                game.skills[situation_of(play.context).passer_id]
                for play in game.game.plays
                if play.context.play_id in game.distributions
            }
        )
    assert results.won.reshape(-1, 2).sum(axis=1).tolist() == [1.0] * 4


def test_passer_rating_is_that_of_the_league() -> None:
    # A perfect game, a terrible one, and the league's own example: Steve Young in 1994, 112.8.
    totals = np.asarray([[10, 10, 125, 2, 0], [10, 2, 10, 0, 4], [461, 324, 3969, 35, 10]], dtype=float)
    assert box_score.passer_rating(*totals.T).round(1).tolist() == [158.3, 0.0, 112.8]


@given(st.integers(20, 500), st.floats(0.3, 0.8), st.floats(0, 0.1))
def test_no_passer_rating_leaves_its_scale(attempts: int, completed: float, picked: float) -> None:
    sums = [attempts, completed * attempts, 11 * completed * attempts, 0.05 * attempts, picked * attempts]
    rating = box_score.passer_rating(*(np.asarray([total], dtype=float) for total in sums))
    assert 0 <= rating[0] <= 158.34


def test_expected_completion_is_calibrated_on_plays_it_was_not_fitted_to() -> None:
    rng = np.random.default_rng(3)
    known = rng.normal(0, 1, (20_000, 2))
    chance = 1 / (1 + np.exp(-(0.5 - known[:, 0] + 0.3 * known[:, 1] ** 2)))
    complete = rng.random(len(chance)) < chance
    expected = box_score.expected_completion(known, complete, rng.integers(0, 2, len(chance)))
    assert np.abs(expected - chance).max() < 0.1
    assert (complete - expected).mean() == pytest.approx(0, abs=0.01)
    # A fold's own outcomes have no effect on it: reversing them changes nothing there.
    folds = np.arange(len(chance)) % 2
    turned = np.where(folds == 1, ~complete, complete)
    before, after = (box_score.expected_completion(known, outcome, folds) for outcome in (complete, turned))
    np.testing.assert_array_equal(before[folds == 1], after[folds == 1])
    assert np.abs(before[folds == 0] - after[folds == 0]).max() > 0.1


def test_more_plays_recover_more_and_what_tells_less_recovers_less(figures: dict[str, Any]) -> None:
    recovery = figures["recovery"]
    assert list(recovery) == ["20", "100", "300", "500"]
    values = [of_plays["measures"]["rating"][0] for of_plays in recovery.values()]
    assert all(fewer < more for fewer, more in pairwise(values))
    # Of means of n plays: the correlation is sqrt(tau^2 / (tau^2 + s^2 / n)).
    expected = [np.sqrt(0.03**2 / (0.03**2 + 0.27**2 / plays)) for plays in study.PLAYS]
    np.testing.assert_allclose(values, expected, atol=0.06)
    for of_plays in recovery.values():
        assert of_plays["measures"]["oracle"][0] >= of_plays["measures"]["rating"][0] - 0.02
        assert of_plays["rating_less"]["cpoe"][0] > 0
    assert recovery["500"]["rating_less"]["yards_per_attempt"][1] > 0


def test_reliability_is_that_of_the_whole_season(figures: dict[str, Any]) -> None:
    plays = SEASON_GAMES // 8 * PLAYS_A_GAME
    expected = 0.03**2 / (0.03**2 + 0.27**2 / plays)
    value, low, high = figures["reliability"]["measures"]["oracle"]
    assert low < expected < high
    assert low < value < high


def test_halves_of_games_are_as_reliable_as_halves_of_passes_if_games_have_no_luck_of_their_own(
    figures: dict[str, Any],
) -> None:
    found, by_passes = figures["reliability_by_games"], figures["reliability"]
    assert found["plays"] == SEASON_GAMES // 8 * PLAYS_A_GAME
    assert found["measures"]["oracle"][0] == pytest.approx(by_passes["measures"]["oracle"][0], abs=0.03)
    # What repeats is skill: a standard deviation of 0.2, each worth 0.15.
    _, low, high = found["deviations"]["oracle"]
    assert low < 0.03 < high


def test_the_interval_covers_what_it_says_and_one_that_is_too_narrow_is_detected(figures: dict[str, Any]) -> None:
    for rows in figures["coverage"].values():
        value, low, high = rows["covered"]
        assert low - 0.02 <= 0.9 <= high + 0.02
        assert low <= value <= high
    too_sure = POPULATION.model_copy(update={"play_standard_deviation": 0.15, "shrinkage_plays": 25.0})
    found = study.figures(invented(), too_sure, repeats=2, resamples=100)["coverage"]
    assert found["all"]["covered"][2] < 0.85


def test_shrinkage_brings_ratings_nearer_to_the_truth(figures: dict[str, Any]) -> None:
    for plays in ("20", "100", "300"):
        found = figures["coverage"][plays]
        assert found["error"][0] < found["error_without_shrinkage"][0]
    few = figures["coverage"]["20"]
    assert few["error"][2] < few["error_without_shrinkage"][1]


def test_a_model_that_scores_everyone_higher_than_its_population_is_detected() -> None:
    league = study.figures(invented(shift=0.02), POPULATION, repeats=1, resamples=100)["league"]
    assert league["rating_less_true"][1] > 3
    fair = study.figures(invented(), POPULATION, repeats=1, resamples=100)["league"]
    assert fair["rating_less_true"][1] < 0.3
    assert fair["average_passer_rating"][0] == pytest.approx(84)
    assert fair["deviation_of_ratings"][0] == pytest.approx(7, abs=1)


def test_results_follow_skill_not_the_other_way_round(figures: dict[str, Any]) -> None:
    results = figures["results"]
    for name in ("points", "won", "points_of_other_games", "won_of_other_games"):
        assert results[name]["measures"]["skill"][1] > 0
        assert results[name]["measures"]["rating"][0] < results[name]["measures"]["skill"][0] + 0.05
        assert abs(results[name]["measures"]["yards_per_attempt"][0]) < results[name]["measures"]["rating"][0]


def test_the_scale_follows_the_normal_distribution(figures: dict[str, Any]) -> None:
    scale = figures["scale"]
    # The median of the 13th of 31 draws from a normal distribution is 0.22 deviations above its mean.
    assert scale["thirteenth"]["median"] == pytest.approx(84 + 7 * 0.22, abs=0.5)
    assert scale["fifth"]["band"][0] < scale["fifth"]["median"] < scale["fifth"]["band"][1]
    for point in (scale[name] for name in study.PUBLIC):
        assert point["inside"] == (point["band"][0] <= point["public"] <= point["band"][1])
        assert point["inside"] == (2.5 <= point["percentile"] <= 97.5)


def test_ratings_that_the_scale_was_not_chosen_with_are_placed_among_as_many_passers_as_qualified(
    figures: dict[str, Any],
) -> None:
    more = figures["scale"]["more"]
    assert list(more) == ["2021 tenth", "2019 thirteenth", "2018 nineteenth"]
    # The median of the 13th of 32 draws from a normal distribution is 0.25 deviations above its mean.
    assert more["2019 thirteenth"]["median"] == pytest.approx(84 + 7 * 0.25, abs=0.5)
    assert more["2019 thirteenth"]["median"] > figures["scale"]["thirteenth"]["median"]


def test_the_page_tells_the_ratings_that_the_scale_was_not_chosen_with(figures: dict[str, Any]) -> None:
    page = study_page.page(figures, "passing 7", "command")
    assert "| 2019, thirteenth | 88 |" in page
    missed = {**figures["scale"]["more"]["2018 nineteenth"], "inside": False}
    more = {**figures["scale"]["more"], "2018 nineteenth": missed}
    page = study_page.page({**figures, "scale": {**figures["scale"], "more": more}}, "passing 7", "command")
    assert "**Outside the band of 95%: 2018, nineteenth.** So the scale is not" in page


def test_the_same_seasons_give_the_same_figures(figures: dict[str, Any]) -> None:
    assert study.figures(invented(), POPULATION, repeats=5, resamples=200) == figures


def test_seasons_too_short_to_qualify_are_refused(played: Seasons) -> None:
    with pytest.raises(PlayscoreError, match="a season has 136"):
        study.figures(played, POPULATION)


def test_the_page_has_every_figure_and_a_picture(figures: dict[str, Any]) -> None:
    page = study_page.page(figures, "passing 7", "playscore evaluate ratings")
    assert page.startswith("# What the rating is worth\n\n<!-- Written by `playscore evaluate ratings`")
    for plays in map(str, study.PLAYS):
        value, low, high = figures["recovery"][plays]["measures"]["rating"]
        assert f"| {plays} | 192 | {value:.3f} [{low:.3f}, {high:.3f}] |" in page
    for name in study.PUBLIC:
        assert f"{figures['scale'][name]['percentile']:.1f}%" in page
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert len(tables) == 8
    for table in tables:
        assert len(Counter(line.count("|") for line in table)) == 1
    picture = study_page.picture(figures)
    assert picture == study_page.picture(figures)
    assert "<svg" in picture
    assert "correlation with true skill" in picture


def test_the_page_does_not_hide_bad_results(figures: dict[str, Any]) -> None:
    good = study_page.page(figures, "passing 7", "command")
    assert "**worse**" not in good
    turned = {**figures, "recovery": {}}
    for plays, found in figures["recovery"].items():
        less = {name: [-high, -high, -low] for name, (_, low, high) in found["rating_less"].items()}
        turned["recovery"][plays] = {**found, "rating_less": less}
    turned["scale"] = {**figures["scale"], "fifth": {**figures["scale"]["fifth"], "inside": False}}
    bad = study_page.page(turned, "passing 7", "command")
    assert "the rating is **worse** after" in bad
    assert "2021, fifth" in bad.split("**Outside the band of 95%: ")[1].split("**")[0]


def test_the_study_in_the_docs_is_that_of_the_newest_release(passing_release: Release) -> None:
    """And of the real league's public tables, if it was made with them: their figures are next to it."""
    figures, beside = passing_release.figures["ratings"], DOCS / "rating_study.json"
    public = json.loads(beside.read_text()).get("public") if beside.exists() else None
    command = f"playscore evaluate ratings --seasons {figures['settings']['seasons']}" + (
        " --real DIR" if public else ""
    )
    page = study_page.page(figures, f"passing {passing_release.version}", command, public)
    assert (DOCS / "rating_study.md").read_text() == page
    assert (DOCS / study_page.PICTURE).exists()
