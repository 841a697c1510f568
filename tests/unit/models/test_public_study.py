"""What public measures are worth in an invented league in which it is known."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.ratings import public_page, public_study, study, study_page
from models.ratings.public import PublicSeasons, Starts
from playscore.errors import PlayscoreError
from tests.unit.models.test_study import POPULATION, invented

WEEKS, ATTEMPTS = 16, 30
YARDS_APART, YARDS_OF_LUCK = 0.6, 9.0


def starts(**columns: Any) -> Starts:
    """Starts with these columns; in the others everyone is the same."""
    number = len(columns["passer"])
    attempts = np.asarray(columns.get("attempts", np.full(number, 30.0)))
    same: dict[str, NDArray[Any]] = {
        "season": np.full(number, 2020),
        "week": np.arange(number) + 1,
        "team": np.full(number, "AAA"),
        "points": np.full(number, 20.0),
        "won": np.full(number, 0.5),
        "playoffs": np.zeros(number, bool),
        "attempts": attempts,
        "completions": 0.6 * attempts,
        "yards": 7 * attempts,
        "touchdowns": 0.04 * attempts,
        "interceptions": 0.02 * attempts,
        "epa": np.zeros(number),
        "expected_attempts": attempts,
        "over_expected": np.zeros(number),
        "plays": attempts,
        "qbr": 50 * attempts,
        "play_epa": np.zeros(number),
    }
    return Starts(**{name: np.asarray(values) for name, values in (same | columns).items()})


def league(of: Starts, games: int = WEEKS, qbr_seasons: tuple[int, int] = (2020, 2021)) -> PublicSeasons:
    joined = dict.fromkeys(
        [
            "starters_who_threw_no_pass",
            "starts_without_a_passer",
            "other_lines",
            "attempts_in_other_lines",
            "without_next_gen_stats",
            "next_gen_stats_of_no_start",
            "without_qbr",
            "qbr_of_no_start",
        ],
        0,
    )
    joined |= {"games": len(of) // 2, "starts": len(of), "attempts": 1, "starts_in_seasons_with_qbr": len(of)}
    return PublicSeasons(of, {int(season): games for season in np.unique(of.season)}, qbr_seasons, joined)


def many(passers: int = 120, seed: int = 0, **columns: Any) -> Starts:
    """Two seasons of passers who differ in yards, in what they add to every game, and in nothing else."""
    rng = np.random.default_rng(seed)
    seasons = 2 * passers
    row = np.repeat(np.arange(seasons), WEEKS)
    skill = rng.normal(0, 1, seasons)[row]
    luck = rng.normal(0, 1, (4, len(row)))
    yards = ATTEMPTS * (7 + YARDS_APART * skill) + np.sqrt(ATTEMPTS) * YARDS_OF_LUCK * luck[0]
    given: dict[str, Any] = {
        "passer": np.char.add("p", (row % passers).astype(str)),
        "season": 2020 + row // passers,
        "week": np.tile(np.arange(WEEKS) + 1, seasons),
        "team": np.char.add("t", (row % passers).astype(str)),
        "yards": yards,
        "completions": 18 + 2 * luck[1],
        "epa": 4 * skill + 6 * luck[2],
        "over_expected": luck[1],
        "qbr": ATTEMPTS * (50 + 10 * skill + 20 * luck[2]),
        "play_epa": 4 * skill + 6 * luck[2],
        "points": 21 + 4 * skill + 6 * luck[3],
        "won": (skill + 2 * luck[3] > 0).astype(float),
        "playoffs": skill > 0.5,
    }
    return starts(**(given | columns))


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    return public_study.figures(league(many()), repeats=5, resamples=200, season=2021)


@pytest.fixture(scope="module")
def simulated() -> dict[str, Any]:
    return study.figures(invented(), POPULATION, repeats=2, resamples=100)


def test_measures_are_sums_over_games_not_means_of_games() -> None:
    games = starts(
        passer=["a"] * 8,
        attempts=[10.0, 90.0] * 4,
        yards=[100.0, 450.0] * 4,
        epa=[10.0, 0.0] * 4,
        over_expected=[1.0, 0.0] * 4,
        qbr=[10 * 100.0, 90 * 50.0] * 4,
        play_epa=[0.0, 20.0] * 4,
    )
    found = public_study.qualified(league(games)).measures(np.ones(8, bool))
    assert found["yards_per_attempt"] == pytest.approx([5.5])
    assert found["epa_per_attempt"] == pytest.approx([0.1])
    assert found["cpoe"] == pytest.approx([1.0])
    assert found["qbr"] == pytest.approx([55.0])
    assert found["epa_per_play"] == pytest.approx([0.2])


def test_a_start_that_next_gen_stats_lack_counts_in_the_other_measures_only() -> None:
    games = starts(
        passer=["a"] * 8, attempts=np.full(8, 50.0), expected_attempts=[0.0] + [50.0] * 7, over_expected=[0] + [2] * 7
    )
    found = public_study.qualified(league(games)).measures(np.ones(8, bool))
    assert found["cpoe"] == pytest.approx([4.0])
    assert found["yards_per_attempt"] == pytest.approx([7.0])


def test_a_season_qualifies_with_fourteen_attempts_for_each_game_of_the_team() -> None:
    games = starts(
        passer=["a"] * 8 + ["b"] * 8 + ["a"] * 8,
        season=[2020] * 16 + [2021] * 8,
        attempts=[28.0] * 8 + [27.9] * 8 + [28.0] * 8,
    )
    found = public_study.qualified(PublicSeasons(games, {2020: 16, 2021: 17}, (2020, 2021), {}))
    assert list(zip(found.passer, found.season, strict=True)) == [("a", 2020)]
    assert len(found.starts) == 8


def test_passers_who_changed_teams_have_one_season_with_the_team_they_started_more_games_for() -> None:
    rows = [("a", "old", 3), ("a", "new", 5), ("b", "old", 8), ("c", "new", 8)]
    games = starts(
        passer=[passer for passer, _, number in rows for _ in range(number)],
        playoffs=[team == "new" for _, team, number in rows for _ in range(number)],
    )
    found = public_study.qualified(league(games))
    assert found.passer.tolist() == ["a", "b", "c"]
    assert public_study.made_playoffs(found).tolist() == [1, 0, 1]


def test_reliability_is_that_of_the_whole_season_and_deviations_are_those_of_skill(figures: dict[str, Any]) -> None:
    luck = YARDS_OF_LUCK**2 / (WEEKS * ATTEMPTS)
    expected = YARDS_APART**2 / (YARDS_APART**2 + luck)
    reliability = figures["all"]["reliability"]
    _, low, high = reliability["measures"]["yards_per_attempt"]
    assert low < expected < high
    _, low, high = reliability["deviations"]["yards_per_attempt"]
    assert low < YARDS_APART < high
    assert reliability["measures"]["cpoe"][0] < 0.3
    assert reliability["passer_rating_less"]["cpoe"][1] > 0


def test_other_games_are_the_weeks_between() -> None:
    """Each passer's yards in even weeks are as their results in odd weeks, and the reverse."""
    rng = np.random.default_rng(1)
    rows = np.repeat(np.arange(60), WEEKS)
    even = np.tile((np.arange(WEEKS) + 1) % 2 == 0, 60)
    in_even, in_odd = rng.normal(0, 1, (2, 60))[:, rows]
    games = many(
        30, yards=ATTEMPTS * (7 + np.where(even, in_even, in_odd)), points=20 + np.where(even, in_odd, in_even)
    )
    results = public_study.figures(league(games), repeats=1, resamples=50)["all"]["results"]
    other, same = (results[key]["measures"]["yards_per_attempt"][0] for key in ("points_of_other_games", "points"))
    assert other == pytest.approx(1)
    # Over all weeks both are the same sum.
    assert same == pytest.approx(1)
    in_the_week = many(
        30, yards=ATTEMPTS * (7 + np.where(even, in_even, in_odd)), points=20 + np.where(even, in_even, in_odd)
    )
    results = public_study.figures(league(in_the_week), repeats=1, resamples=50)["all"]["results"]
    assert abs(results["points_of_other_games"]["measures"]["yards_per_attempt"][0]) < 0.4


def test_a_better_season_of_the_whole_league_changes_nothing(figures: dict[str, Any]) -> None:
    before = many()
    after = many(yards=before.yards + 3 * before.attempts * (before.season == 2021))
    found = public_study.figures(league(after), repeats=5, resamples=200, season=2021)
    for key in ("reliability", "results"):
        part = found["all"][key] if key == "reliability" else found["all"][key]["won"]
        was = figures["all"][key] if key == "reliability" else figures["all"][key]["won"]
        assert part["measures"]["yards_per_attempt"] == pytest.approx(was["measures"]["yards_per_attempt"])


def test_the_seasons_of_one_passer_are_drawn_together() -> None:
    """If every passer plays one season ten times, ten times the seasons make no interval narrower."""
    once = many(40)
    again = [once.subset(once.season == 2020)] * 6
    copies = starts(
        **{
            name: np.concatenate([getattr(part, name) for part in again])
            for name in once.__dataclass_fields__
            if name != "season"
        },
        season=np.repeat(2016 + np.arange(6), len(again[0])),
    )
    single = public_study.figures(league(again[0], qbr_seasons=(2020, 2020)), repeats=2, resamples=400)["all"]
    sixfold = public_study.figures(league(copies, qbr_seasons=(2016, 2021)), repeats=2, resamples=400)["all"]
    assert (single["passer_seasons"], sixfold["passer_seasons"], sixfold["passers"]) == (40, 240, 40)
    widths = [found["results"]["won"]["measures"]["epa_per_attempt"] for found in (single, sixfold)]
    one, six = (high - low for _, low, high in widths)
    assert six == pytest.approx(one, rel=0.2)


def test_qbr_is_compared_in_the_seasons_that_have_it() -> None:
    games = many()
    ended = many(plays=games.plays * (games.season == 2020), qbr=games.qbr * (games.season == 2020))
    found = public_study.figures(league(ended, qbr_seasons=(2020, 2020)), repeats=2, resamples=50)
    assert found["all"]["passer_seasons"] == 240
    assert found["with_qbr"]["passer_seasons"] == 120
    assert "qbr" in found["with_qbr"]["results"]["won"]["measures"]
    assert "qbr" not in found["all"]["results"]["won"]["measures"]
    assert found["with_qbr"]["results"]["won"]["measures"]["qbr"][1] > 0


def test_passers_without_a_measure_in_a_half_are_left_out_and_counted() -> None:
    games = many()
    lacking = games.passer == "p7"
    found = public_study.figures(league(many(plays=games.plays * ~lacking)), repeats=2, resamples=50)
    assert (found["all"]["left_out"], found["with_qbr"]["left_out"]) == (0, 2)
    assert found["with_qbr"]["passer_seasons"] == 238


def test_the_first_passers_in_the_playoffs_are_counted(figures: dict[str, Any]) -> None:
    first = figures["first"]
    assert (first["season"], first["places"], first["qualified"]) == (2021, 15, 120)
    by_chance = 15 * first["in_playoffs"] / 120
    assert first["measures"]["epa_per_attempt"] > by_chance + 3
    assert abs(first["measures"]["cpoe"] - by_chance) < 5


def test_what_follows_skill_goes_with_results_of_other_games(figures: dict[str, Any]) -> None:
    results = figures["all"]["results"]
    assert list(results) == ["points", "points_of_other_games", "won", "won_of_other_games", "playoffs"]
    for found in results.values():
        assert found["measures"]["epa_per_attempt"][1] > 0.2
        assert found["measures"]["cpoe"][1] < 0.1
        assert found["passer_rating_less"]["epa_per_attempt"][0] == pytest.approx(
            found["measures"]["passer_rating"][0] - found["measures"]["epa_per_attempt"][0]
        )


def test_the_same_tables_give_the_same_figures(figures: dict[str, Any]) -> None:
    assert public_study.figures(league(many()), repeats=5, resamples=200, season=2021) == figures


def test_tables_in_which_nobody_qualifies_are_refused() -> None:
    with pytest.raises(PlayscoreError, match="224 attempts"):
        public_study.figures(league(starts(passer=["a", "b", "c"])))


def test_the_page_has_the_section_if_there_are_figures_and_every_figure_in_it(
    figures: dict[str, Any], simulated: dict[str, Any]
) -> None:
    without = study_page.page(simulated, "passing 7", "command")
    page = study_page.page(simulated, "passing 7", "command", figures)
    assert "real league's public measures" not in without
    assert page.startswith(without)
    section = page[len(without) :]
    for part in (figures["all"], figures["with_qbr"]):
        for found in (part["reliability"], *part["results"].values()):
            for name, (value, low, high) in found["measures"].items():
                assert f"{value:.2f} [{low:.2f}, {high:.2f}]" in section, name
    tables = [block.splitlines() for block in section.split("\n\n") if block.startswith("|")]
    assert len(tables) == 8
    for table in tables:
        assert len(Counter(line.count("|") for line in table)) == 1
    assert not re.search(r"[{}]", section)


def test_the_page_says_how_the_simulated_spread_differs(figures: dict[str, Any], simulated: dict[str, Any]) -> None:
    def words(times: float) -> str:
        """What the page says if what repeats is this many times as wide in the real league."""
        reliability = figures["all"]["reliability"]
        theirs = simulated["reliability_by_games"]["deviations"]
        known = {name: [value, 0.99 * value, 1.01 * value] for name, (value, _, _) in theirs.items()}
        known["yards_per_attempt"] = [1.0, 0.99, 1.01]
        ours = {name: [times * value for value in found] for name, found in known.items()}
        real = {**figures, "all": {**figures["all"], "reliability": {**reliability, "deviations": ours}}}
        league = {**simulated, "reliability_by_games": {**simulated["reliability_by_games"], "deviations": known}}
        return public_page.section(real, league)

    assert "differ **less** than the simulated ones in passer rating, yards per attempt and CPOE" in words(0.5)
    assert "a spread of 0.10 to 0.10 instead of 0.2" in words(0.5)
    assert "differ **more** than the simulated ones" in words(2)
    assert "All intervals contain 1." in words(1)
