"""The league's public tables are joined start by start, and say what they cannot be joined for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.ratings import public, public_study
from models.ratings.public import NEXT_GEN_STATS, QBR, SCHEDULES, WEEKLY, PublicSeasons
from playscore.errors import PlayscoreError

Row = dict[str, Any]
Tables = dict[str, list[Row]]

AYE, BEA, CAL, DEE = "00-01", "00-02", "00-03", "00-04"
NAMES = {AYE: "A.J. Aye", BEA: "Bo Bea Jr.", CAL: "Cal O'Cal", DEE: "Dee Dee"}


def game(week: int, home: str, away: str, score: tuple[int, int], passers: tuple[str, str], **other: Any) -> Row:
    return {
        "season": 2020,
        "week": week,
        "game_type": "REG",
        "espn": 400 + week,
        "home_team": home,
        "away_team": away,
        "home_score": score[0],
        "away_score": score[1],
        "home_qb_id": passers[0],
        "away_qb_id": passers[1],
        **other,
    }


def line(week: int, team: str, passer: str, attempts: int, yards: int = 0, **other: Any) -> Row:
    return {
        "season": 2020,
        "week": week,
        "season_type": "REG",
        "player_id": passer,
        "player_display_name": NAMES[passer],
        "recent_team": team,
        "attempts": attempts,
        "completions": attempts // 2,
        "passing_yards": yards,
        "passing_tds": 1,
        "interceptions": 0,
        "passing_epa": 2.5,
        **other,
    }


def tracked(week: int, passer: str, attempts: int, cpoe: float | None, season_type: str = "REG") -> Row:
    return {
        "season": 2020,
        "week": week,
        "season_type": season_type,
        "player_gsis_id": passer,
        "attempts": attempts,
        "completion_percentage_above_expectation": cpoe,
    }


def graded(number: int, name: str, qbr: float, plays: int = 40, **other: Any) -> Row:
    return {
        "season": 2020,
        "season_type": "Regular",
        "game_id": number,
        "name_display": name,
        "qb_plays": plays,
        "qbr_total": qbr,
        "epa_total": 3.0,
        **other,
    }


def league() -> Tables:
    """Two weeks of Oakland against Denver: Aye wins and ties, Bea starts once, and Cal once although not listed."""
    return {
        SCHEDULES: [
            game(1, "OAK", "DEN", (20, 10), (AYE, BEA)),
            game(2, "DEN", "OAK", (13, 13), (BEA, AYE)),
            game(3, "DEN", "OAK", (7, 30), (CAL, BEA), game_type="WC"),
            game(4, "DEN", "SEA", (0, 0), (CAL, BEA), home_score=None, away_score=None),
        ],
        WEEKLY: [
            line(1, "LV", AYE, 30, 240),
            line(1, "LV", CAL, 1, 40),
            line(1, "DEN", BEA, 20, 90),
            line(2, "LV", AYE, 25, 150),
            line(2, "DEN", CAL, 28, 210),
            line(2, "DEN", DEE, 4, 10),
            line(3, "LV", AYE, 33, 300, season_type="POST"),
        ],
        NEXT_GEN_STATS: [
            tracked(0, AYE, 55, 1.0),
            tracked(1, AYE, 30, 4.0),
            tracked(1, BEA, 20, -5.0),
            tracked(2, DEE, 4, 9.0),
            tracked(2, CAL, 28, None),
            tracked(3, AYE, 33, 8.0, "POST"),
        ],
        QBR: [
            graded(401, "AJ Aye", 80.0),
            graded(401, "Bo Bea", 40.0),
            graded(402, "Anton Aye", 60.0, 30),
            graded(403, "AJ Aye", 90.0, season_type="Playoffs"),
        ],
    }


def written(folder: Path, tables: Tables) -> Path:
    for name, rows in tables.items():
        pl.DataFrame(rows, infer_schema_length=None).write_parquet(folder / name)
    return folder


@pytest.fixture
def read(tmp_path: Path) -> PublicSeasons:
    return public.read(written(tmp_path, league()))


def start(found: PublicSeasons, week: int, team: str) -> int:
    starts = found.starts
    (place,) = np.flatnonzero((starts.week == week) & (starts.team == team))
    return int(place)


def test_a_start_has_the_line_of_its_passer_joined_by_id_and_week(read: PublicSeasons) -> None:
    starts = read.starts
    place = start(read, 1, "OAK")
    assert starts.passer[place] == AYE
    assert (starts.attempts[place], starts.yards[place], starts.epa[place]) == (30, 240, 2.5)
    assert (starts.expected_attempts[place], starts.over_expected[place]) == (30, pytest.approx(1.2))
    assert len(starts) == 4


def test_qbr_is_joined_by_game_and_name_however_the_name_is_written(read: PublicSeasons) -> None:
    starts = read.starts
    plays = {(week, team): starts.plays[start(read, week, team)] for week in (1, 2) for team in ("OAK", "DEN")}
    assert plays == {(1, "OAK"): 40, (1, "DEN"): 40, (2, "OAK"): 30, (2, "DEN"): 0}
    assert starts.qbr[start(read, 2, "OAK")] == 30 * 60.0
    assert read.qbr_seasons == (2020, 2020)


def test_a_tie_counts_half_a_win_for_both(read: PublicSeasons) -> None:
    starts = read.starts
    won = {(week, team): starts.won[start(read, week, team)] for week in (1, 2) for team in ("OAK", "DEN")}
    assert won == {(1, "OAK"): 1, (1, "DEN"): 0, (2, "OAK"): 0.5, (2, "DEN"): 0.5}
    assert starts.points[start(read, 2, "DEN")] == 13


def test_teams_with_a_game_after_the_regular_season_made_the_playoffs(tmp_path: Path) -> None:
    tables = league()
    tables[SCHEDULES][2]["home_team"] = "SEA"
    starts = public.read(written(tmp_path, tables)).starts
    assert set(starts.team[starts.playoffs]) == {"OAK"}
    assert set(starts.week) == {1, 2}


def test_the_start_of_who_threw_no_pass_belongs_to_the_teammate_who_threw_most(read: PublicSeasons) -> None:
    assert read.starts.passer[start(read, 2, "DEN")] == CAL
    assert read.joined["starters_who_threw_no_pass"] == 1


def test_teams_that_moved_have_their_passers_too(tmp_path: Path) -> None:
    tables = league()
    tables[SCHEDULES][0]["home_qb_id"] = DEE
    found = public.read(written(tmp_path, tables))
    assert found.starts.passer[start(found, 1, "OAK")] == AYE


def test_what_does_not_join_is_counted(read: PublicSeasons) -> None:
    assert read.joined == {
        "games": 2,
        "starts": 4,
        "starters_who_threw_no_pass": 1,
        "starts_without_a_passer": 0,
        "other_lines": 2,
        "attempts": 108,
        "attempts_in_other_lines": 5,
        "without_next_gen_stats": 2,
        "next_gen_stats_of_no_start": 1,
        "starts_in_seasons_with_qbr": 4,
        "without_qbr": 1,
        "qbr_of_no_start": 0,
    }
    assert read.team_games == {2020: 2}


def test_two_passers_of_a_game_who_look_alike_to_espn_have_no_qbr(tmp_path: Path) -> None:
    tables = league()
    tables[QBR].append(graded(401, "Adam Aye", 10.0))
    found = public.read(written(tmp_path, tables))
    assert found.starts.plays[start(found, 1, "OAK")] == 0
    assert found.joined["qbr_of_no_start"] == 2


def without(name: str, column: str) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        for row in tables[name]:
            del row[column]

    return change


def given(name: str, **values: Any) -> Callable[[Tables], None]:
    return lambda tables: tables[name][0].update(values)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without(WEEKLY, "passing_epa"), f"{WEEKLY} has no column passing_epa"),
        (without(QBR, "qb_plays"), f"{QBR} has no column qb_plays"),
        (lambda tables: tables.pop(SCHEDULES), f"{SCHEDULES} does not exist"),
        (lambda tables: [row.update(week="one") for row in tables[NEXT_GEN_STATS]], f"{NEXT_GEN_STATS}: column week"),
        (given(WEEKLY, player_id=None), f"{WEEKLY}: column player_id has 1 null"),
        (given(WEEKLY, passing_epa=None), f"{WEEKLY}: column passing_epa is null in the lines of 1 start"),
        (lambda tables: tables[WEEKLY].append(tables[WEEKLY][0]), f"{WEEKLY}: 2 rows are not the only one"),
        (lambda tables: [row.update(game_id=1 + n) for n, row in enumerate(tables[QBR])], f"{QBR}: column game_id"),
    ],
)
def test_a_table_that_is_not_what_it_should_be_is_refused_by_file_and_column(
    tmp_path: Path, change: Callable[[Tables], object], words: str
) -> None:
    tables = league()
    change(tables)
    with pytest.raises(PlayscoreError) as refused:
        public.read(written(tmp_path, tables))
    assert words in str(refused.value)


@pytest.mark.real_data
def test_sums_over_the_real_starts_are_the_seasons_that_the_league_published(real_data: Path) -> None:
    folder = real_data / "nfl"
    found = public.read(folder)
    among = public_study.qualified(found)
    assert (among.season == 2021).sum() == 31
    assert found.joined["starts_without_a_passer"] == 0
    assert found.joined["without_next_gen_stats"] < 0.03 * found.joined["starts"]
    assert found.joined["without_qbr"] < 0.03 * found.joined["starts_in_seasons_with_qbr"]
    for season, teams in ((2019, 12), (2020, 14)):
        played_on = found.starts.playoffs & (found.starts.season == season)
        assert len(set(found.starts.team[played_on])) == teams
    assert found.starts.won.mean() == 0.5

    seasons = pl.read_parquet(folder / NEXT_GEN_STATS).filter(pl.col("week") == 0)
    names = ("season", "player_gsis_id", "attempts", "passer_rating", "completion_percentage_above_expectation")
    published = {(row[0], row[1]): row[2:] for row in seasons.select(names).iter_rows()}
    everything = np.ones(len(among.starts), bool)
    measures, attempts = among.measures(everything), among.total(among.starts.attempts, everything)
    compared = [
        (measures["passer_rating"][row], rating, measures["cpoe"][row], cpoe)
        for row, key in enumerate(zip(among.season.tolist(), among.passer.tolist(), strict=True))
        for thrown, rating, cpoe in [published[key]]
        if thrown == attempts[row]
    ]
    ours, theirs, our_cpoe, their_cpoe = np.asarray(compared).T
    assert len(compared) > 200
    # The tables disagree about a touchdown here and there.
    np.testing.assert_allclose(ours, theirs, atol=1.1)
    assert (np.abs(ours - theirs) < 0.1).mean() > 0.9
    assert np.abs(our_cpoe - their_cpoe).mean() < 0.1
