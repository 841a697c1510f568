"""What browsers get: everything, once, whether they follow closely, fall behind, or reconnect."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from board.live.events import RecentEvents, event
from board.live.leaderboard import MAX_ROWS, Leaderboard
from board.live.question import Question
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import RatingsUpdate
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason


def numbers(content: bytes | None) -> list[int] | None:
    if content is None:
        return None
    return [json.loads(line[6:])["n"] for line in content.decode().split("\n") if line.startswith("data: ")]


@given(st.integers(0, 12), st.integers(0, 12))
def test_a_browser_gets_the_events_that_it_has_not_seen_or_the_whole_state(seen: int, more: int) -> None:
    recent = RecentEvents(keep=5)
    for number in range(seen):
        recent.add("tick", {"n": number})
    place = recent.place
    for number in range(seen, seen + more):
        recent.add("tick", {"n": number})
    expected = list(range(seen, seen + more)) if more <= 5 else None
    assert numbers(recent.after(place)) == expected


@pytest.mark.parametrize(
    "place", ["", "x", "-", "-1", "0-0", "é-1", "{epoch}-", "{epoch}-x", "{epoch}-99", "{epoch}--1"]
)
def test_an_invalid_place_restarts(place: str) -> None:
    recent = RecentEvents()
    recent.add("tick", {"n": 1})
    epoch = recent.place.partition("-")[0]
    assert recent.after(place.replace("{epoch}", epoch)) is None
    assert recent.after(RecentEvents().place) is None


@given(st.text())
def test_no_data_can_end_an_event(text: str) -> None:
    sent = event("tick", {"n": text}, "p").decode()
    assert sent.count("\n\n") == 1
    assert sent.endswith("\n\n")
    (data,) = [line for line in sent.splitlines() if line.startswith("data: ")]
    assert json.loads(data[6:]) == {"n": text}


def rating(subject: int, value: float, rank: int) -> aggregator.Rating:
    return aggregator.Rating(
        subject=common.Subject(role=common.ROLE_PASSER, subject_id=str(subject)),
        plays=9,
        passing=aggregator.PassingRating(rating=value, rating_low=value - 1, rating_high=value + 1),
        qualified=rank > 0,
        rank=rank,
    )


def update(*changed: aggregator.Rating, left: tuple[int, ...] = (), restarted: bool = False) -> RatingsUpdate:
    gone = [aggregator.RatingKey(subject=common.Subject(subject_id=str(each))) for each in left]
    return RatingsUpdate(restarted, changed, gone, 0, aggregator.WatchCheckpoint())


UPDATES = st.lists(
    st.tuples(
        st.booleans(), st.dictionaries(st.integers(0, 5), st.integers(50, 99), max_size=4), st.sets(st.integers(0, 5))
    ),
    max_size=8,
)


@given(UPDATES)
def test_a_browser_that_applies_all_changes_has_the_table(updates: list[tuple[bool, dict[int, int], set[int]]]) -> None:
    board, copy, truth = Leaderboard({}), dict[str, dict[str, Any]](), dict[int, int]()
    for restarted, values, left in updates:
        gone = () if restarted else tuple(left - values.keys())
        truth = {} if restarted else {key: value for key, value in truth.items() if key not in gone}
        truth.update(values)
        changed, removed = board.update(
            update(*(rating(key, value, 1) for key, value in values.items()), left=gone, restarted=restarted)
        )
        for key in removed:
            del copy[key]
        copy.update({row["key"]: row for row in changed})
        assert copy == board.shown
        assert {int(row["id"]): int(row["text"]) for row in copy.values()} == truth
        assert board.update(update()) == ([], [])


def test_of_a_long_table_the_best_are_shown() -> None:
    board = Leaderboard({})
    everybody = (rating(subject, 60, subject) for subject in range(2 * MAX_ROWS))
    changed, _ = board.update(update(*everybody))
    assert [row["rank"] for row in changed] == list(range(1, MAX_ROWS + 1))
    changed, gone = board.update(update(left=(1,)))
    assert ([row["rank"] for row in changed], gone) == ([MAX_ROWS + 1], ['["1"]'])


def test_an_address_is_a_question() -> None:
    asked = Question.of(
        {
            "league": "NFL",
            "role": "passer",
            "filter": " home OR down = 3 ",
            "group_by": "season, week,",
            "min_plays": "5",
            "qualified": "1",
            "game": 'g"1',
        }
    )
    request = asked.request()
    assert request.split.filter == '(home OR down = 3) AND (game_id = "g\\"1")'
    assert (list(request.group_by), request.min_plays, request.qualified_only) == (["season", "week"], 5, True)
    assert Question.of({"league": "NFL"}) == Question.of(
        {"league": "NFL", "role": "passer", "min_plays": "", "filter": ""}
    )


@pytest.mark.parametrize(
    ("wrong", "at"),
    [
        ({"league": ""}, "split.league"),
        ({"league": "N F L"}, "split.league"),
        ({"league": "NFL", "role": "kicker"}, "role"),
        ({"league": "NFL", "min_plays": "-1"}, "min_plays"),
        ({"league": "NFL", "min_plays": "٣"}, "min_plays"),
        ({"league": "NFL", "min_plays": "9" * 40}, "min_plays"),
        ({"league": "NFL", "filter": "a" * 2049}, "split.filter"),
        ({"league": "NFL", "group_by": "a,b,c,d,e,f,g,h,i"}, "group_by"),
        ({"league": "NFL", "sort": "name"}, "sort"),
    ],
)
def test_an_address_that_is_no_question_says_why(wrong: dict[str, str], at: str) -> None:
    with pytest.raises(PlayscoreError) as refused:
        Question.of(wrong)
    assert refused.value.reason is Reason.FIELD_INVALID
    assert [violation.field for violation in refused.value.fields] == [at]
