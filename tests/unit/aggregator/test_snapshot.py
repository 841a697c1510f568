"""The snapshot is the store's state, whatever happened on the way to it."""

from __future__ import annotations

import contextlib
import json
import sqlite3

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.fields import PASSING
from aggregator.core.filter import EVERYTHING, parse_filter
from aggregator.core.records import ModelVersion, Role, Score
from aggregator.core.snapshot import Snapshot, Table
from aggregator.core.store import Changes
from tests.unit.aggregator.scores import LEAGUE, MODEL, score, unscored

OTHER = ModelVersion("passing", 2)


def snapshot_of(*scores: Score) -> Snapshot:
    snapshot = Snapshot()
    snapshot.apply(Changes(len(scores), True, list(enumerate(scores)), (), ()))
    return snapshot


def table_of(*scores: Score) -> Table:
    return snapshot_of(*scores).league(LEAGUE).tables[Role.PASSER, MODEL]


def rows(table: Table) -> list[Score]:
    return [table.score(row) for row in range(len(table))]


SCORES = st.builds(
    lambda play, game, subject, play_score, name, outcome_revision, attributes: score(
        play, play_score, game=game, subject=subject, name=name, outcome_revision=outcome_revision, **attributes
    ),
    st.integers(1, 30),
    st.sampled_from(["g1", "g2", "g10"]),
    st.sampled_from(["p1", "p2", "p3"]),
    st.floats(0, 1),
    st.sampled_from(["", "A", "B"]),
    st.integers(0, 3),
    st.fixed_dictionaries(
        {},
        optional={
            "season": st.integers(2017, 2019),
            "week": st.integers(1, 17),
            "down": st.integers(1, 4),
            "home": st.booleans(),
            "time_to_throw": st.floats(0, 8),
            "team_id": st.sampled_from(["KC", "BUF"]),
            "depth": st.sampled_from(PASSING.fields["depth"].values),
        },
    ),
)
STEPS = st.lists(st.tuples(st.integers(0, 8), SCORES | st.none()), max_size=40)


@settings(deadline=None)
@given(STEPS)
def test_it_holds_what_was_put_and_not_taken_out(steps: list[tuple[int, Score | None]]) -> None:
    snapshot, expected = Snapshot(), dict[int, Score]()
    for seq, (item, put) in enumerate(steps):
        if put is None:
            expected.pop(item, None)
            snapshot.apply(Changes(seq, True, (), [item], ()))
        else:
            expected[item] = put
            snapshot.apply(Changes(seq, True, [(item, put)], (), ()))
    for table in snapshot.league(LEAGUE).tables.values():
        assert len(table) == len(expected)
        assert all(each in rows(table) for each in expected.values())
        assert all(each in expected.values() for each in rows(table))


def test_it_grows_past_its_first_capacity() -> None:
    scores = [score(play, play % 7 / 7) for play in range(5000)]
    assert rows(table_of(*scores)) == scores


@settings(deadline=None)
@given(st.lists(SCORES, min_size=1, max_size=30))
def test_totals_are_those_that_sql_finds(scores: list[Score]) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE plays (subject, measures, attributes)")
        database.executemany(
            "INSERT INTO plays VALUES (?, ?, ?)",
            [(each.subject.subject_id, json.dumps(each.measures), json.dumps(each.attributes)) for each in scores],
        )
        found = database.execute(
            "SELECT subject, count(*), sum(measures ->> 'play_score') FROM plays"
            " WHERE attributes ->> 'down' >= 3 AND attributes ->> 'depth' <> 'deep' GROUP BY 1"
        ).fetchall()
    table = table_of(*scores)
    counts, sums = table.totals(table.select(parse_filter("down >= 3 AND NOT depth = deep", PASSING)))
    texts = table.subject.dictionary.texts
    mine = {texts[code]: (int(counts[code]), float(sums["play_score"][code])) for code in np.flatnonzero(counts)}
    assert mine == {subject: (count, pytest.approx(total, abs=count * 2**-30)) for subject, count, total in found}


@settings(deadline=None)
@given(st.data(), st.lists(SCORES, min_size=1, max_size=30))
def test_totals_are_the_same_to_the_last_bit_whatever_came_first(data: st.DataObject, scores: list[Score]) -> None:
    def totals(scores: list[Score]) -> dict[str, tuple[int, float]]:
        table = table_of(*scores)
        counts, sums = table.totals(table.select(EVERYTHING))
        texts = table.subject.dictionary.texts
        return {texts[code]: (int(counts[code]), float(sums["play_score"][code])) for code in np.flatnonzero(counts)}

    assert totals(data.draw(st.permutations(scores))) == totals(scores)


@settings(deadline=None)
@given(st.lists(SCORES, min_size=1, max_size=30, unique_by=lambda each: (each.play, each.subject.subject_id)))
def test_the_latest_name_is_the_known_one_of_the_last_play(scores: list[Score]) -> None:
    def order(each: Score) -> tuple[int, int, int, int]:
        season, week = each.attributes.get("season", 0), each.attributes.get("week", 0)
        return int(season), int(week), int(each.play.game_id[1:]), int(each.play.play_id)

    table = table_of(*scores)
    (names,) = table.latest(table.select(EVERYTHING), [table.subject_name])
    for code, subject in enumerate(table.subject.dictionary.texts):
        known = [each for each in scores if each.subject.subject_id == subject and each.subject.name]
        assert names[code] == (max(known, key=order).subject.name if known else "")


@settings(deadline=None)
@given(
    st.lists(SCORES, min_size=1, max_size=40, unique_by=lambda each: (each.play, each.subject.subject_id)),
    st.integers(1, 7),
)
def test_pages_end_to_end_are_all_plays_in_order(scores: list[Score], size: int) -> None:
    table = table_of(*scores)
    everything = table.select(EVERYTHING)
    paged: list[int] = []
    while page := table.page(everything, size, table.place(paged[-1]) if paged else None):
        assert len(page) == size or len(paged) + len(page) == len(scores)
        paged += page
    assert sorted(paged) == list(range(len(scores)))
    assert paged == table.page(everything, len(scores), None)


def test_plays_are_in_the_order_in_which_people_count() -> None:
    plays = [
        score(10),
        score(9),
        score(1, game="g10"),
        score(2, game="g9"),
        score(5, season=2017),
        score(6, season=2016),
    ]
    table = table_of(*plays)
    listed = [table.score(row).play for row in table.page(table.select(EVERYTHING), 10, None)]
    assert [(play.game_id, play.play_id) for play in listed] == [
        ("g1", "9"),
        ("g1", "10"),
        ("g9", "2"),
        ("g10", "1"),
        ("g1", "6"),
        ("g1", "5"),
    ]


def test_the_order_follows_what_is_written_later() -> None:
    snapshot = snapshot_of(score(1, game="g2"), score(2, game="g2"))
    table = snapshot.league(LEAGUE).tables[Role.PASSER, MODEL]
    everything = table.select(EVERYTHING)
    assert [table.score(row).play.play_id for row in table.page(everything, 9, None)] == ["1", "2"]
    snapshot.apply(Changes(3, True, [(7, score(3, game="g2")), (8, score(4, game="g1"))], [0], ()))
    listed = [table.score(row).play.play_id for row in table.page(table.select(EVERYTHING), 9, None)]
    assert listed == ["4", "2", "3"]


def test_a_play_that_is_scored_and_unscored_counts_once() -> None:
    snapshot = snapshot_of(score(1), score(1, subject="p2"), score(1, game="g2"))
    snapshot.apply(Changes(9, True, (), (), [unscored(1), unscored(2), unscored(3, game="g2")]))
    league = snapshot.league(LEAGUE)
    table = league.tables[Role.PASSER, MODEL]
    assert league.coverage(table, "") == (2, [unscored(2), unscored(3, game="g2")])
    assert league.coverage(table, "g1") == (1, [unscored(2)])
    assert league.coverage(table, "g3") == (0, [])
    assert league.coverage(league.table(Role.PASSER, OTHER), "g1") == (0, [unscored(1), unscored(2)])


def test_a_subject_is_known_while_a_score_of_his_stands_in_any_table() -> None:
    snapshot = snapshot_of(score(1, subject="p1"), score(2, subject="p2", model=OTHER))
    league = snapshot.league(LEAGUE)
    assert league.subject("p1") != league.subject("p2") is not None
    assert league.subject("p3") is None
    snapshot.apply(Changes(9, True, (), [1], ()))
    assert league.subject("p2") is None


def test_seasons_touched_by_a_split_count_whole() -> None:
    table = table_of(*(score(play, season=2017 + play % 2, down=1 + play % 4) for play in range(100)), score(200))
    for text, plays in [("season = 2017", 50), ("down = 1", 50), ("down:*", 100), ("", 101), ("play_id = 200", 1)]:
        assert table.plays_in_seasons_of(table.select(parse_filter(text, PASSING))) == plays
    assert table.plays_in_seasons_of(table.select(parse_filter("season = 1920", PASSING))) == 0
