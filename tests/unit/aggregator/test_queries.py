"""What readers are told about a split."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.core.paging import FIRST_PAGE, Page, Paging
from aggregator.core.queries import Coverage, ListedSubject, RatingQueries, Split
from aggregator.core.records import Score, Unscored
from aggregator.core.revision import Revision
from aggregator.core.snapshot import Snapshot
from aggregator.core.standings import Ranking, Rating, percentile, rank
from aggregator.core.store import Changes
from aggregator.core.task import Tasks
from aggregator.passing.task import PassingTask
from playscore.errors import PlayscoreError, Reason
from playscore.passing import PASSER
from playscore.release import ModelVersion
from playscore.shots import GOALIE
from playscore.subjects import Subject
from tests.unit.aggregator.scores import (
    LEAGUE,
    MODEL,
    OTHER_MODEL,
    POPULATION,
    TASKS,
    score,
    snapshot_of,
    unscored,
)

ALL = Split(LEAGUE, PASSER)
UNRELEASED = ModelVersion("passing", 3)
ORDERS = ("rating", "mean_play_score", "yards_per_play", "plays", "subject_name")


def queries(*records: Score | Unscored, tasks: Tasks = TASKS) -> RatingQueries:
    return RatingQueries(snapshot_of(*records, tasks=tasks))


def page_of(size: int, token: str = "") -> Paging:
    return replace(FIRST_PAGE, size=size, token=token)


def split(text: str) -> Split:
    return Split(LEAGUE, PASSER, text)


def plays_of(subject: str, count: int, play_score: float, **known: Any) -> list[Score]:
    return [score(f"{subject}-{play}", play_score, subject=subject, **known) for play in range(count)]


THREE = [*plays_of("good", 40, 0.6), *plays_of("fair", 30, 0.5), *plays_of("poor", 10, 0.1)]


def refused(reason: Reason, call: Any, *arguments: Any, **more: Any) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as raised:
        call(*arguments, **more)
    assert raised.value.reason is reason
    return raised.value


def subjects(page: Page[Rating]) -> list[str]:
    return [rating.subject.subject_id for rating in page.items]


def test_a_rating_says_what_it_is_made_of() -> None:
    scores = [score(1, 0.9, yards=20, name="P. One", team_id="KC"), score(2, 0.7, yards=10, name="", team_id="KC")]
    rating, ranking = queries(*scores, *plays_of("p2", 5, 0.4)).rating(ALL, "p1", min_plays=2)
    assert rating.subject == Subject(PASSER, "p1", "P. One", "KC")
    assert (rating.group, rating.plays, rating.qualified, rating.rank) == ((), 2, True, 1)
    assert rating.value == {
        "rating": pytest.approx(84 + 7 * (51.6 / 102 - 0.5) / 0.02),
        "rating_low": pytest.approx(84 + 7 * (51.6 / 102 - 0.5 - 1.6448536 * 0.3 / 102**0.5) / 0.02),
        "rating_high": 99.0,
        "mean_play_score": pytest.approx(0.8),
        "yards_per_play": 15.0,
        "expected_yards_per_play": 6.0,
    }
    assert ranking == Ranking(MODEL, min_plays=2, qualified=2)


def test_the_team_is_the_one_last_played_for_in_the_split() -> None:
    moved = queries(score(1, season=2017, team_id="KC"), score(1, game="g0", season=2018, team_id="BUF"))
    assert moved.rating(ALL, "p1")[0].subject.team_id == "BUF"
    assert moved.rating(split("season = 2017"), "p1")[0].subject.team_id == "KC"


def test_without_a_play_in_the_split_a_known_subject_is_anybody() -> None:
    for asked in (queries(*THREE), queries(*THREE, score(1, None, subject="new", down=3))):
        rating, _ = asked.rating(split("down = 3"), "good", min_plays=0)
        assert (rating.plays, rating.value["rating"], rating.qualified, rating.rank) == (0, 84.0, False, 0)
        assert {rating.value[name] for name in ("mean_play_score", "yards_per_play")} == {None}


def test_an_ungraded_score_is_in_no_rating() -> None:
    asked = queries(score(1, 0.9), score(2, None, name="Q", team_id="KC"), score(3, None, subject="p2"))
    rating, ranking = asked.rating(ALL, "p1", min_plays=1)
    assert (rating.plays, rating.subject.subject_name) == (1, "")
    assert rating.value["mean_play_score"] == pytest.approx(0.9)
    assert (subjects(asked.ratings(ALL, min_plays=1)), ranking.qualified) == (["p1"], 1)
    assert asked.rating(ALL, "p2")[0].plays == 0
    assert [listed.subject.subject_id for listed in asked.subjects(LEAGUE, PASSER).items] == ["p1"]


def test_a_subject_of_whom_nothing_is_recorded_is_not_found() -> None:
    refused(Reason.SUBJECT_NOT_FOUND, queries(*THREE).rating, ALL, "nobody")


# --- Leagues and games ---


def test_a_league_of_which_nothing_is_recorded_is_not_found_with_those_there_are() -> None:
    leagues = [score(1, league=name) for name in ("NFL", "NHL", "XFL", "CFL-2021", *(f"L{n}" for n in range(30)))]
    asked = queries(*leagues)
    nowhere = Split("nfl", PASSER)
    for error in (
        refused(Reason.LEAGUE_NOT_FOUND, asked.ratings, nowhere),
        refused(Reason.LEAGUE_NOT_FOUND, asked.rating, nowhere, "p1"),
        refused(Reason.LEAGUE_NOT_FOUND, asked.plays, nowhere),
        refused(Reason.LEAGUE_NOT_FOUND, asked.coverage, "nfl", PASSER),
        refused(Reason.LEAGUE_NOT_FOUND, asked.subjects, "nfl", PASSER),
    ):
        _, named = error.detail.split("there are: ")
        assert named.split(", ")[0] == "NFL"
        assert named.endswith("and 14 more")
        assert named.count(",") == 20
    assert "there are no leagues yet" in refused(Reason.LEAGUE_NOT_FOUND, queries().ratings, ALL).detail


def test_leagues_and_games_with_unscored_plays_alone_are_there() -> None:
    asked = queries(unscored(1, game="g7"))
    assert asked.coverage(LEAGUE, PASSER, game_id="g7").unscored == [(Reason.NO_RELEASE.value, 1)]
    page = asked.ratings(split("game_id = g7"))
    assert (page.items, page.next_page_token, page.total_size) == ([], "", 0)
    assert page.ranking == Ranking(MODEL, 1, 0)
    assert asked.plays(ALL) == Page([], "", 0)
    assert asked.subjects(LEAGUE, PASSER) == Page([], "", 0)


def test_a_game_of_which_nothing_is_recorded_is_not_found_where_a_question_cannot_do_without_it() -> None:
    asked = queries(score(1, game="2021090900"), score(1, game="2021091200"))
    for error in (
        refused(Reason.GAME_NOT_FOUND, asked.ratings, split("down = 3 AND game_id = 2021091201")),
        refused(Reason.GAME_NOT_FOUND, asked.rating, split("game_id = 2021091201"), "p1"),
        refused(Reason.GAME_NOT_FOUND, asked.plays, split("game_id = 2021091201")),
        refused(Reason.GAME_NOT_FOUND, asked.coverage, LEAGUE, PASSER, game_id="2021091201"),
    ):
        assert error.detail.endswith("of SIM; there are: 2021091200, 2021090900")
    for text in ("game_id = x OR down = 3", "NOT game_id = x", "game_id = 'x*'", "play_id = x"):
        assert asked.ratings(split(text)).items is not None
    assert subjects(asked.ratings(split("game_id = 2021090900"))) == ["p1"]


# --- Who qualifies ---


def test_who_qualifies_is_asked_for_or_the_tasks_rule() -> None:
    whole = [score(f"{game}", 0.5, game=f"g{game}", subject="other", team_id="KC") for game in range(17)]
    asked = queries(*THREE, *whole)

    def qualified(text: str, min_plays: int | None = None) -> tuple[int, list[str]]:
        page = asked.ratings(split(text), min_plays=min_plays, qualified_only=True)
        assert page.ranking.qualified == page.total_size == len(page.items)
        return page.ranking.min_plays, subjects(page)

    assert qualified("") == (200, [])  # in a season
    assert qualified("", 30) == (30, ["good", "fair"])
    assert qualified("", 0) == (0, ["good", "fair", "other", "poor"])
    # 10 of 97 plays.
    assert qualified("subject_id = poor") == (21, [])
    few = queries(*plays_of("one", 1, 0.9, down=4), *plays_of("one-b", 399, 0.5, down=1))
    assert few.rating(split("down = 4"), "one")[0].qualified


def test_after_one_game_a_games_share_of_a_season_qualifies() -> None:
    page = queries(*THREE).ratings(ALL)
    assert page.ranking == Ranking(MODEL, min_plays=12, qualified=2)  # 200 / 17
    assert [rating.rank for rating in page.items] == [1, 2, 0]
    assert [rating.percentile for rating in page.items] == [100.0, 0.0, None]


@given(st.lists(st.tuples(st.sampled_from([50.0, 80.5, 99.0]) | st.floats(50, 99), st.booleans()), min_size=1))
def test_a_rank_is_one_more_than_the_qualified_with_a_higher_value(peers: list[tuple[float, bool]]) -> None:
    values, qualified = np.array([value for value, _ in peers]), np.array([good for _, good in peers])
    expected = [1 + sum(q and v > value for v, q in peers) if good else 0 for value, good in peers]
    assert rank(values, qualified).tolist() == expected


@given(st.lists(st.tuples(st.sampled_from([50.0, 80.5, 99.0]), st.booleans()), min_size=1))
def test_a_percentile_is_the_share_of_the_other_qualified_that_are_lower(peers: list[tuple[float, bool]]) -> None:
    values, qualified = np.array([value for value, _ in peers]), np.array([good for _, good in peers])
    for place, found in enumerate(percentile(values, qualified).tolist()):
        others = [value for other, (value, good) in enumerate(peers) if good and other != place]
        if not qualified[place] or not others:
            assert np.isnan(found)
        else:
            lower = sum(1.0 if value < values[place] else 0.5 if value == values[place] else 0.0 for value in others)
            assert found == pytest.approx(100 * lower / len(others))


# --- Models ---


def test_it_rates_by_the_model_it_is_set_to_whatever_is_recorded() -> None:
    records = score(1, 0.2), score(1, 0.9, model=OTHER_MODEL)
    by_other = Tasks([PassingTask({MODEL: POPULATION, OTHER_MODEL: POPULATION}, OTHER_MODEL)])
    assert queries(*records).rating(ALL, "p1")[1].model == MODEL
    assert queries(*records, tasks=by_other).rating(ALL, "p1")[1].model == OTHER_MODEL
    assert queries(*records).rating(Split(LEAGUE, PASSER, model=OTHER_MODEL), "p1")[1].model == OTHER_MODEL
    # Before the set model has scored anything, who is known is rated like anybody.
    upgraded = queries(score(1), tasks=by_other)
    rating, _ = upgraded.rating(ALL, "p1")
    assert (rating.plays, rating.value["rating"]) == (0, 84.0)
    assert upgraded.coverage(LEAGUE, PASSER).graded == 0
    assert upgraded.ratings(ALL).items == []


def test_what_a_model_without_a_release_left_behind_is_not_answered() -> None:
    left = queries(score(1, model=UNRELEASED), score(2))
    unreleased = Split(LEAGUE, PASSER, model=UNRELEASED)
    assert "passing:3" in refused(Reason.MODEL_NOT_FOUND, left.rating, unreleased, "p1").detail
    refused(Reason.MODEL_NOT_FOUND, left.plays, unreleased)
    refused(Reason.MODEL_NOT_FOUND, left.coverage, LEAGUE, PASSER, UNRELEASED)
    refused(Reason.MODEL_NOT_FOUND, left.subjects, LEAGUE, PASSER, ModelVersion("shots", 1))
    assert len(left.plays(ALL).items) == 1


def test_what_is_wrong_with_a_question() -> None:
    asked = queries(*THREE)
    refused(Reason.ROLE_UNSUPPORTED, asked.rating, Split(LEAGUE, GOALIE), "good")
    assert refused(Reason.FILTER_INVALID, asked.rating, split("down ="), "good").fields[0].field == "split.filter"
    for wrong in ("touchdowns", "rating down", "rating asc", "rating, rating desc", "rating_low"):
        assert refused(Reason.FIELD_INVALID, asked.ratings, ALL, order_by=wrong).fields[0].field == "order_by"
    for groups in (["subject_id", "yards_to_go"], ["team_id", "team_id"], ["season", "quarterback"]):
        error = refused(Reason.FIELD_INVALID, asked.ratings, ALL, group_by=groups)
        assert error.fields[0].field == "group_by[1]"


# --- Groups ---

MOVED = [
    *plays_of("p1", 3, 0.9, season=2020, team_id="KC", name="One"),
    *(score(f"later {play}", 0.3, game="g2", season=2021, team_id="BUF", name="O. One") for play in range(2)),
    *plays_of("p2", 4, 0.5, season=2021, team_id="KC", name="Two"),
    *plays_of("p3", 1, 0.6, name="Three"),
]


def grouped(*group_by: str, order_by: str = "") -> list[tuple[object, ...]]:
    """What each rating is of, whose it is, and how many plays it has."""
    page = queries(*MOVED).ratings(ALL, group_by=group_by, order_by=order_by, min_plays=1)
    assert page.total_size == page.ranking.qualified == len(page.items)
    assert all([name for name, _ in rating.group] == list(group_by) for rating in page.items)
    return [
        (*(value for _, value in rating.group), rating.subject.subject_name, rating.subject.team_id, rating.plays)
        for rating in page.items
    ]


def test_ratings_of_teams_and_of_seasons() -> None:
    assert grouped("team_id") == [("KC", "", "KC", 7), (None, "", "", 1), ("BUF", "", "BUF", 2)]
    assert grouped("season") == [(2020, "", "", 3), (None, "", "", 1), (2021, "", "", 6)]


def test_ratings_of_a_subject_season_by_season() -> None:
    assert grouped("subject_id", "season") == [
        ("p1", 2020, "One", "KC", 3),
        ("p3", None, "Three", "", 1),
        ("p2", 2021, "Two", "KC", 4),
        ("p1", 2021, "O. One", "BUF", 2),
    ]
    assert grouped("season", "team_id", "subject_id", order_by="plays desc")[0] == (2021, "KC", "p2", "Two", "KC", 4)


def test_where_a_rating_is_no_subjects_the_order_of_names_is_that_of_what_it_is_of() -> None:
    assert [row[0] for row in grouped("team_id", order_by="subject_name")] == [None, "BUF", "KC"]
    assert [row[:2] for row in grouped("season", "team_id", order_by="subject_name desc")] == [
        (None, None),
        (2020, "KC"),
        (2021, "BUF"),
        (2021, "KC"),
    ]


def test_ranks_are_among_the_groups() -> None:
    page = queries(*MOVED).ratings(ALL, group_by=["subject_id", "season"], min_plays=2)
    assert [(rating.plays, rating.rank) for rating in page.items] == [(3, 1), (1, 0), (4, 2), (2, 3)]


def test_grouping_by_the_subject_is_no_grouping() -> None:
    asked = queries(*MOVED)
    assert asked.ratings(ALL, group_by=["subject_id"]) == asked.ratings(ALL)


# --- Order and pages ---

SUBJECTS = st.dictionaries(
    st.text(alphabet="abc", min_size=1, max_size=3),
    st.tuples(
        st.integers(1, 4),
        st.sampled_from([0.0, 0.4, 0.6]),
        st.sampled_from(["", "Q", "R"]),
        st.sampled_from(["", "KC", "BUF"]),
        st.sampled_from([2020, 2021]),
    ),
    min_size=1,
    max_size=12,
)
GROUPS = st.sampled_from([(), ("subject_id",), ("team_id",), ("season", "team_id"), ("team_id", "subject_id")])
ORDER_BYS = st.lists(
    st.tuples(st.sampled_from(ORDERS), st.sampled_from(["", " desc"])),
    max_size=3,
    unique_by=lambda each: each[0],
).map(lambda parts: ", ".join(name + direction for name, direction in parts))


def value(rating: Rating, name: str) -> Any:
    match name:
        case "subject_name":
            return rating.subject.subject_name
        case "plays":
            return rating.plays
        case _:
            return rating.value[name]


def known(**attributes: Any) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value}


def tie(rating: Rating) -> list[tuple[bool, Any]]:
    return [(common is not None, common) for _, common in rating.group] or [(True, rating.subject.subject_id)]


@given(SUBJECTS, GROUPS, ORDER_BYS, st.integers(1, 5))
def test_pages_end_to_end_are_all_ratings_in_the_order_asked(
    subjects: dict[str, tuple[int, float, str, str, int]], group_by: tuple[str, ...], order_by: str, size: int
) -> None:
    asked = queries(
        *(
            score(
                f"{subject}{play}",
                play_score,
                subject=subject,
                name=name,
                **known(season=season, team_id=team),
            )
            for subject, (count, play_score, name, team, season) in subjects.items()
            for play in range(count)
        )
    )
    listed: list[Rating] = []
    token = ""
    while True:
        page = asked.ratings(ALL, page_of(size, token), order_by=order_by, group_by=group_by)
        assert len(page.items) == size or not page.next_page_token
        listed += page.items
        token = page.next_page_token
        if not token:
            break
    expected = sorted(listed, key=tie)
    for part in reversed((order_by or "rating desc").split(",")):
        name, *direction = part.split()
        expected.sort(key=partial(value, name=name), reverse=direction == ["desc"])
    assert listed == expected
    assert len({tuple(map(str, tie(rating))) for rating in listed}) == len(listed) == page.total_size
    assert sum(rating.plays for rating in listed) == sum(count for count, *_ in subjects.values())


def test_a_page_goes_on_after_its_last_whatever_was_written_meanwhile() -> None:
    snapshot = Snapshot(TASKS)
    snapshot.apply(Changes(Revision(2), True, list(enumerate(THREE))))
    asked = RatingQueries(snapshot)
    first = asked.ratings(ALL, page_of(1), order_by="plays desc")
    assert subjects(first) == ["good"]
    more = list(enumerate(plays_of("new", 35, 0.5), 1000))
    snapshot.apply(Changes(Revision(3), True, more, range(40)))  # "good" is gone altogether
    second = asked.ratings(ALL, page_of(1, first.next_page_token), order_by="plays desc")
    assert subjects(second) == ["new"]


def test_a_page_token_is_bound_to_its_call() -> None:
    asked = queries(*THREE)
    token = asked.ratings(ALL, page_of(1)).next_page_token
    assert asked.ratings(ALL, page_of(2, token)).total_size == 3
    going_on = page_of(1, token)
    refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, ALL, going_on, order_by="plays")
    refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, ALL, going_on, group_by=["team_id"])
    refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, ALL, going_on, min_plays=0)
    refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, split("home"), going_on)
    refused(Reason.PAGE_TOKEN_INVALID, asked.plays, ALL, going_on)
    refused(Reason.PAGE_TOKEN_INVALID, asked.subjects, LEAGUE, PASSER, None, going_on)
    for nonsense in ("x", "é", "bm9uc2Vuc2U", token[:-3], "W1siYSJdXQ"):
        refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, ALL, page_of(1, nonsense))
        refused(Reason.PAGE_TOKEN_INVALID, asked.fields, PASSER, page_of(1, nonsense))


def test_a_page_above_the_limit_is_cut_to_it() -> None:
    asked = queries(*(score(play, subject=f"p{play}") for play in range(1200)))
    for page in (
        asked.ratings(ALL, page_of(5000)),
        asked.plays(ALL, page_of(5000)),
        asked.subjects(LEAGUE, PASSER, None, page_of(5000)),
    ):
        assert (len(page.items), page.total_size) == (1000, 1200)
        assert page.next_page_token
    assert len(asked.ratings(ALL).items) == 50


# --- Plays ---


def test_plays_are_listed_by_split_and_subject_page_by_page() -> None:
    scores = [
        score(1, 0.25, revision=4, name="P", yards=-3.0, down=2, home=False, time_to_throw_seconds=2.5),
        score(2, subject="p2", depth="PASS_DEPTH_DEEP"),
    ]
    asked = queries(*scores)

    assert asked.plays(ALL).items == [0, 1]
    assert asked.plays(ALL, subject_id="p2").items == [1]
    assert asked.plays(ALL, subject_id="nobody").items == []
    assert asked.plays(split("NOT home")).items == [0]
    first = asked.plays(ALL, page_of(1))
    assert (first.items, first.total_size) == ([0], 2)
    second = asked.plays(ALL, page_of(1, first.next_page_token))
    assert (second.items, second.next_page_token, second.total_size) == ([1], "", 2)


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 7))
def test_ungraded_plays_are_listed_among_the_others_where_they_are_asked_for(graded: list[bool], size: int) -> None:
    scores = [score(place, 0.5 if is_graded else None) for place, is_graded in enumerate(graded)]
    asked = queries(unscored("so that there is a league"), *scores)
    for include_ungraded in (False, True):
        listed: list[int] = []
        token = ""
        while True:
            page = asked.plays(ALL, page_of(size, token), include_ungraded=include_ungraded)
            listed += page.items
            token = page.next_page_token
            if not token:
                break
        assert listed == [place for place, each in enumerate(scores, 1) if each.graded or include_ungraded]
        assert page.total_size == len(listed)


# --- Coverage and subjects ---


def test_coverage_counts_each_play_once_and_names_reasons_most_first() -> None:
    asked = queries(
        score(1),
        score(1, model=OTHER_MODEL),
        unscored(1),
        unscored(2, reason=Reason.TOO_SHORT),
        unscored(3),
        unscored(4),
        score(5),
        score(6, None),
        score(1, game="g2"),
    )
    reasons = [(Reason.NO_RELEASE.value, 2), (Reason.TOO_SHORT.value, 1)]
    assert asked.coverage(LEAGUE, PASSER, OTHER_MODEL) == Coverage(1, 0, reasons)
    assert asked.coverage(LEAGUE, PASSER) == Coverage(3, 1, reasons)
    assert asked.coverage(LEAGUE, PASSER, game_id="g1") == Coverage(2, 1, reasons)
    assert asked.coverage(LEAGUE, PASSER, game_id="g2") == Coverage(1, 0, [])


def test_subjects_are_found_by_part_of_their_name_whatever_its_case_and_accents() -> None:
    names = {"p1": "Müller, José", "p2": "muller", "p3": "Adams", "p4": "Adams", "p5": "MÜLLER-Smith", "p6": ""}
    asked = queries(
        *(score(play, subject=subject, name=name) for subject, name in names.items() for play in range(2)),
        score(9, subject="p3", name="Old Name", game="g0"),
        score(9, subject="p4", name="Adams", team_id="KC", game="g9"),
    )

    def found(part: str) -> list[str]:
        return [listed.subject.subject_id for listed in asked.subjects(LEAGUE, PASSER, name_contains=part).items]

    assert found("muller") == found("MÜLLER") == ["p5", "p1", "p2"]
    assert found("jose") == ["p1"]
    assert found("Old Name") == []
    assert found("ada") == ["p3", "p4"]
    assert found("") == ["p6", "p3", "p4", "p5", "p1", "p2"]
    assert asked.subjects(LEAGUE, PASSER, name_contains="ada").items == [
        ListedSubject(Subject(PASSER, "p3", "Adams", ""), 3),
        ListedSubject(Subject(PASSER, "p4", "Adams", "KC"), 3),
    ]
    paged: list[str] = []
    token = ""
    while True:
        page = asked.subjects(LEAGUE, PASSER, None, page_of(2, token), name_contains="l")
        paged += [listed.subject.subject_id for listed in page.items]
        assert page.total_size == 3
        token = page.next_page_token
        if not token:
            break
    assert paged == found("l")
