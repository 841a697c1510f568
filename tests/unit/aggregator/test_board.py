"""What readers are told about a split."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.board import ORDERS, Board, Page, Paging, Rating, Split
from aggregator.core.records import ModelVersion, Role, Score, Subject, Unscored
from aggregator.core.snapshot import Snapshot
from aggregator.core.store import Changes
from aggregator.core.tokens import read_revision_token, revision_token
from playscore.errors import PlayscoreError, Reason
from tests.unit.aggregator.scores import LEAGUE, MODEL, POPULATION, score, unscored

ALL = Split(LEAGUE, Role.PASSER)
SECOND = ModelVersion("passing", 2)
UNRELEASED = ModelVersion("passing", 3)


def board(*items: Score | Unscored, model_version: int = 1) -> Board:
    snapshot = Snapshot()
    scores = [(number, item) for number, item in enumerate(items) if isinstance(item, Score)]
    snapshot.apply(Changes(len(items), True, scores, (), [item for item in items if isinstance(item, Unscored)]))
    return Board(snapshot, {MODEL: POPULATION, SECOND: POPULATION}, model_version)


def plays_of(subject: str, count: int, play_score: float, **known: str | int | bool) -> list[Score]:
    return [score(f"{subject}-{play}", play_score, subject=subject, **known) for play in range(count)]  # type: ignore[arg-type]


THREE = [*plays_of("good", 40, 0.6), *plays_of("fair", 30, 0.5), *plays_of("poor", 10, 0.1)]


def refused(reason: Reason, call: object, *arguments: object) -> PlayscoreError:
    with pytest.raises(PlayscoreError) as raised:
        call(*arguments)  # type: ignore[operator]
    assert raised.value.reason is reason
    return raised.value


def test_a_rating_says_what_it_is_made_of() -> None:
    scores = [score(1, 0.9, yards=20, name="P. One", team_id="KC"), score(2, 0.7, yards=10, name="", team_id="KC")]
    rating = board(*scores, *plays_of("p2", 5, 0.4)).rating(Split(LEAGUE, Role.PASSER, min_plays=2), "p1")
    assert rating == Rating(
        subject=Subject(Role.PASSER, "p1", "P. One", "KC"),
        model=MODEL,
        plays=2,
        rating=pytest.approx(84 + 7 * (51.6 / 102 - 0.5) / 0.02),
        rating_low=pytest.approx(84 + 7 * (51.6 / 102 - 0.5 - 1.6448536 * 0.3 / 102**0.5) / 0.02),
        rating_high=99.0,
        mean_play_score=pytest.approx(0.8),
        yards_per_play=15.0,
        expected_yards_per_play=6.0,
        qualified=True,
        rank=1,
        qualified_peers=2,
    )


def test_the_side_is_the_one_last_played_for_in_the_split() -> None:
    moved = board(score(1, season=2017, team_id="KC"), score(1, game="g0", season=2018, team_id="BUF"))
    assert moved.rating(ALL, "p1").subject.team_id == "BUF"
    assert moved.rating(Split(LEAGUE, Role.PASSER, "season = 2017"), "p1").subject.team_id == "KC"


def test_without_a_play_in_the_split_a_known_subject_is_anybody() -> None:
    rating = board(*THREE).rating(Split(LEAGUE, Role.PASSER, "down = 3"), "good")
    assert (rating.plays, rating.rating, rating.qualified, rating.rank) == (0, 84.0, False, 0)
    assert rating.mean_play_score is rating.yards_per_play is rating.expected_yards_per_play is None


def test_nothing_recorded_is_not_found() -> None:
    refused(Reason.SUBJECT_NOT_FOUND, board(*THREE).rating, ALL, "nobody")
    refused(Reason.SUBJECT_NOT_FOUND, board(*THREE).rating, Split("NHL", Role.PASSER), "good")
    assert board().ratings(ALL, "", Paging()) == board().plays(ALL, "", Paging()) == Page([], "", 0)
    assert board().min_plays(ALL) == 200


def test_who_qualifies_is_asked_for_or_the_releases_rule() -> None:
    def qualified(split: Split) -> list[str]:
        page = board(*THREE).ratings(split, "", Paging(), qualified_only=True)
        return [rating.subject.subject_id for rating in page.items]

    assert board(*THREE).min_plays(ALL) == 200
    assert board(*THREE).min_plays(Split(LEAGUE, Role.PASSER, min_plays=30)) == 30
    assert board(*THREE).min_plays(Split(LEAGUE, Role.PASSER, "subject_id = poor")) == 25
    assert qualified(ALL) == []  # 200 plays qualify in a season
    assert qualified(Split(LEAGUE, Role.PASSER, min_plays=30)) == ["good", "fair"]
    # 10 of 80 plays: an eighth of the season's 200.
    assert qualified(Split(LEAGUE, Role.PASSER, "subject_id = poor")) == []
    few = board(*plays_of("one", 1, 0.9, down=4), *plays_of("one-b", 399, 0.5, down=1))
    assert few.rating(Split(LEAGUE, Role.PASSER, "down = 4"), "one").qualified


def test_it_rates_by_the_version_it_is_set_to_whatever_is_recorded() -> None:
    items = score(1, 0.2), score(1, 0.9, model=SECOND)
    assert board(*items).rating(ALL, "p1").model == MODEL
    assert board(*items, model_version=2).rating(ALL, "p1").model == SECOND
    assert board(*items).rating(Split(LEAGUE, Role.PASSER, model_version=2), "p1").model == SECOND
    # Before the set version has scored anything, who is known is rated like anybody.
    upgraded = board(score(1), model_version=2)
    assert (upgraded.rating(ALL, "p1").plays, upgraded.rating(ALL, "p1").rating) == (0, 84.0)
    assert upgraded.coverage(LEAGUE, Role.PASSER, "", 0).scored == 0
    assert upgraded.ratings(ALL, "", Paging()).items == []


def test_what_a_version_without_a_release_left_behind_is_not_answered() -> None:
    left = board(score(1, model=UNRELEASED), score(2))
    unreleased = Split(LEAGUE, Role.PASSER, model_version=3)
    assert "passing 3" in refused(Reason.MODEL_NOT_FOUND, left.rating, unreleased, "p1").detail
    refused(Reason.MODEL_NOT_FOUND, left.plays, unreleased, "", Paging())
    assert left.plays(ALL, "", Paging()).items == [score(2)]


def test_what_is_wrong_with_a_question() -> None:
    asked = board(*THREE)
    refused(Reason.FIELD_INVALID, asked.rating, ALL, "")
    refused(Reason.FIELD_INVALID, asked.rating, Split("", Role.PASSER), "good")
    refused(Reason.FIELD_INVALID, asked.rating, Split("N F L", Role.PASSER), "good")
    refused(Reason.FIELD_INVALID, asked.rating, Split(LEAGUE, Role.PASSER, min_plays=-1), "good")
    refused(Reason.FIELD_INVALID, asked.rating, Split(LEAGUE, Role.PASSER, model_version=-1), "good")
    refused(Reason.FILTER_INVALID, asked.rating, Split(LEAGUE, Role.PASSER, "down ="), "good")
    refused(Reason.FIELD_INVALID, asked.ratings, ALL, "", Paging(-1))
    refused(Reason.FIELD_INVALID, asked.ratings, ALL, "", Paging(1001))
    refused(Reason.FIELD_INVALID, asked.ratings, ALL, "touchdowns", Paging())
    refused(Reason.FIELD_INVALID, asked.ratings, ALL, "rating down", Paging())
    refused(Reason.FIELD_INVALID, asked.ratings, ALL, "rating asc", Paging())
    refused(Reason.FIELD_INVALID, asked.ratings, ALL, "rating, rating desc", Paging())


# --- Order and pages ---

SUBJECTS = st.dictionaries(
    st.text(alphabet="abc", min_size=1, max_size=3),
    st.tuples(st.integers(1, 4), st.sampled_from([0.0, 0.4, 0.6]), st.sampled_from(["", "Q", "R"])),
    min_size=1,
    max_size=12,
)
ORDER_BYS = st.lists(
    st.tuples(st.sampled_from(ORDERS), st.sampled_from(["", " desc"])),
    max_size=3,
    unique_by=lambda each: each[0],
).map(lambda parts: ", ".join(name + direction for name, direction in parts))


def value(rating: Rating, name: str) -> Any:
    return rating.subject.name if name == "subject_name" else getattr(rating, name)


@settings(deadline=None)
@given(SUBJECTS, ORDER_BYS, st.integers(1, 5))
def test_pages_end_to_end_are_everybody_in_the_order_asked(
    subjects: dict[str, tuple[int, float, str]], order_by: str, size: int
) -> None:
    asked = board(
        *(
            score(f"{subject}{play}", play_score, subject=subject, name=name)
            for subject, (count, play_score, name) in subjects.items()
            for play in range(count)
        )
    )
    listed: list[Rating] = []
    token = ""
    while True:
        page = asked.ratings(ALL, order_by, Paging(size, token))
        assert page.total_size == len(subjects)
        listed += page.items
        token = page.next_page_token
        if not token:
            break
    expected = sorted(listed, key=lambda rating: rating.subject.subject_id)
    for part in reversed((order_by or "rating desc").split(",")):
        name, *direction = part.split()
        expected.sort(key=partial(value, name=name), reverse=direction == ["desc"])
    assert listed == expected
    assert {rating.subject.subject_id for rating in listed} == set(subjects)


def test_a_page_goes_on_after_its_last_whatever_was_written_meanwhile() -> None:
    snapshot = Snapshot()
    snapshot.apply(Changes(1, True, list(enumerate(THREE)), (), ()))
    asked = Board(snapshot, {MODEL: POPULATION}, MODEL.version)
    first = asked.ratings(ALL, "plays desc", Paging(1))
    assert [rating.subject.subject_id for rating in first.items] == ["good"]
    more = list(enumerate(plays_of("new", 35, 0.5), 1000))
    snapshot.apply(Changes(2, True, more, range(40), ()))  # "good" is gone altogether
    second = asked.ratings(ALL, "plays desc", Paging(1, first.next_page_token))
    assert [rating.subject.subject_id for rating in second.items] == ["new"]


def test_a_page_token_is_bound_to_its_call() -> None:
    asked = board(*THREE)
    token = asked.ratings(ALL, "", Paging(1)).next_page_token
    assert asked.ratings(ALL, "", Paging(2, token)).total_size == 3
    refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, ALL, "plays", Paging(1, token))
    refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, Split(LEAGUE, Role.PASSER, "home"), "", Paging(1, token))
    refused(Reason.PAGE_TOKEN_INVALID, asked.plays, ALL, "", Paging(1, token))
    for nonsense in ("x", "é", "bm9uc2Vuc2U", token[:-3], "W1siYSJdXQ"):
        refused(Reason.PAGE_TOKEN_INVALID, asked.ratings, ALL, "", Paging(1, nonsense))


def test_plays_are_listed_as_they_were_recorded() -> None:
    scores = [
        score(1, 0.25, revision=4, name="P", yards=-3.0, down=2, home=False, depth="deep", time_to_throw=2.5),
        score(2, subject="p2"),
    ]
    asked = board(*scores)
    assert asked.plays(ALL, "", Paging()).items == scores
    assert asked.plays(ALL, "p2", Paging()).items == scores[1:]
    assert asked.plays(Split(LEAGUE, Role.PASSER, "NOT home"), "", Paging()).items == scores[:1]
    first = asked.plays(ALL, "", Paging(1))
    assert (first.items, first.total_size) == (scores[:1], 2)
    assert asked.plays(ALL, "", Paging(1, first.next_page_token)) == Page(scores[1:], "", 2)


def test_coverage_counts_each_play_once_and_names_reasons_most_first() -> None:
    asked = board(
        score(1),
        score(1, model=SECOND),
        unscored(1),
        unscored(2, reason=Reason.TOO_SHORT),
        unscored(3),
        unscored(4),
        score(5),
    )
    second = asked.coverage(LEAGUE, Role.PASSER, "", 2)
    assert (second.scored, second.unscored) == (1, [(Reason.NO_RELEASE.value, 2), (Reason.TOO_SHORT.value, 1)])
    assert asked.coverage(LEAGUE, Role.PASSER, "g1", 0).scored == 2
    assert asked.coverage(LEAGUE, Role.PASSER, "g2", 0).scored == 0
    refused(Reason.MODEL_NOT_FOUND, asked.coverage, LEAGUE, Role.PASSER, "", 9)
    refused(Reason.FIELD_INVALID, asked.coverage, "", Role.PASSER, "", 0)


def test_a_revision_token_is_of_its_store() -> None:
    assert read_revision_token(revision_token("store", 7), "store") == 7
    assert read_revision_token("", "store") == 0
    for nonsense in (revision_token("other", 7), revision_token("store", -1), "abc", "é", "W10"):
        refused(Reason.REVISION_TOKEN_INVALID, read_revision_token, nonsense, "store")
