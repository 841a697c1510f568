"""Tables hold the store's state, whatever happened on the way to it."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.core.batches import batch_of
from aggregator.core.columns import Column
from aggregator.core.filter import EVERYTHING, parse_filter
from aggregator.core.records import Score, Unscored
from aggregator.core.revision import Revision
from aggregator.core.segment import Names
from aggregator.core.snapshot import Covered, Snapshot
from aggregator.core.store import Changes
from aggregator.core.table import Merge, PlayPlace, Table
from aggregator.core.tallies import BY_SUBJECT, GroupValues
from aggregator.core.task import Extent
from aggregator.passing.fields import SCHEMA
from playscore.passing import PASSER
from playscore.shots import GOALIE
from playscore.subjects import Subject
from tests.unit.aggregator.scores import (
    LEAGUE,
    MODEL,
    OTHER_MODEL,
    PASSING,
    TASKS,
    graded_table,
    league_of,
    score,
    snapshot_of,
    table_of,
    tables_of,
    unscored,
)


def numbers(table: Table, text: str = "") -> list[int]:
    """Numbers of the scores in a split."""
    selection = table.select(parse_filter(text, SCHEMA))
    return sorted(number for segment, rows in selection for number in segment.numbers[rows].tolist())


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
            "time_to_throw_seconds": st.floats(0, 8),
            "team_id": st.sampled_from(["KC", "BUF"]),
            "depth": st.sampled_from(SCHEMA.fields["depth"].values),
            "result": st.sampled_from(["PASS_RESULT_COMPLETE", "PASS_RESULT_INTERCEPTED"]),
        },
    ),
)
UNGRADED = SCORES.map(lambda graded: replace(graded, measures=None, outcome={}))
BOOLEANS: st.SearchStrategy[bool] = st.booleans()
STEPS = st.lists(st.tuples(st.integers(0, 8), SCORES | UNGRADED | st.none()), max_size=40)


def test_plays_are_grouped_by_fields_of_many_values_where_few_groups_are_asked_for() -> None:
    table = table_of(
        *(
            score(n, game=f"g{n}", subject=f"p{n}", team_id=f"t{n}", opponent_id=f"o{n}", target_id=f"x{n}")
            for n in range(6000)
        )
    )
    fields = ("game_id", "subject_id", "team_id", "opponent_id", "target_id")
    grouped = table.grouped(parse_filter("game_id = g7", SCHEMA), fields)
    assert list(grouped.groups) == [("g7", "p7", "t7", "o7", "x7")]
    assert grouped.totals.plays.tolist() == [1]


def test_a_name_that_is_forgotten_while_segments_are_merged_stays_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aggregator.core.table.MAX_RECENT", 1)
    monkeypatch.setattr("aggregator.core.table.MAX_MERGED_AT_ONCE", 0)
    snapshot = snapshot_of(score(1, subject="ann", name="Ann"), score(2, subject="bob", name="Bob"))
    new = [(3, score(3, subject="ann", name="Ann")), (4, score(4, subject="bob", name="Bob"))]
    snapshot.apply(Changes(Revision(4), True, new))
    merge = snapshot.merge()
    assert merge is not None
    merged = merge.run()
    snapshot.apply(Changes(Revision(5), True, withdrawn=[0, 3], erased_players=1))
    merge.finish(merged)
    while (following := snapshot.merge()) is not None:
        following.finish(following.run())
    table = graded_table(snapshot)
    values = {value for segment in table.segments() for column in segment.columns.values() for value in valued(column)}
    assert "Bob" in values and not {"ann", "Ann"} & values
    assert "ann" not in table.names.subjects.texts


def valued(column: Column) -> list[object]:
    return list(column.coded().values)


def test_the_latest_name_is_found_however_far_back_it_is() -> None:
    named = [score(play, game=f"g{play}", name=f"name {play}", down=1 + (play > 9)) for play in range(60)]
    for table in tables_of(*named):
        assert table.grouped(parse_filter("down = 1", SCHEMA)).names[1] == "name 9"
        assert table.grouped(parse_filter("down = 2 OR play_id = 3", SCHEMA)).names[1] == "name 59"


@given(STEPS)
def test_it_holds_what_was_put_and_not_taken_out(steps: list[tuple[int, Score | None]]) -> None:
    snapshot, expected = Snapshot(TASKS), dict[int, Score]()
    for seq, (item, put) in enumerate(steps, 1):
        if put is None:
            expected.pop(item, None)
            snapshot.apply(Changes(Revision(seq), True, (), [item]))
        else:
            expected[item] = put
            snapshot.apply(Changes(Revision(seq), True, [(item, put)]))
    if snapshot.leagues:
        tables = league_of(snapshot).scores(PASSING, PASSER, MODEL)
        for graded, table in ((True, tables.graded), (False, tables.ungraded)):
            theirs = {item: each for item, each in expected.items() if each.graded is graded}
            assert numbers(table) == sorted(theirs)
            assert len(table) == len(theirs)
            assert_extent(table, list(theirs.values()))


def assert_extent(table: Table, scores: list[Score]) -> None:
    """How much was played, counted anew."""
    games = {(each.attributes.get("team_id"), each.attributes.get("season"), each.play.game_id) for each in scores}
    by_team = Counter(team for team, _, _ in games)
    of_nobody = by_team.pop(None, 0)
    extent = table.grouped(EVERYTHING).extent
    assert extent == Extent(len(scores), len(scores), max(by_team.values(), default=of_nobody))


@settings(max_examples=30)
@given(st.lists(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 3)), max_size=60), max_size=8), st.data())
def test_what_was_tallied_before_is_moved_on_with_what_is_written(
    writes: list[list[tuple[int, int]]], data: st.DataObject
) -> None:
    """Scores come, are replaced and go, segments are merged, and questions are asked again and again in between."""
    table, expected = Table(Names(LEAGUE), PASSING, PASSER, MODEL), dict[int, Score]()
    started: list[Merge] = []
    for write in writes:
        putting = {
            item: score(item, item / 400, subject=f"p{item % 3}", down=1 + kind, season=2017 + item % 2, name=f"{kind}")
            for item, kind in write
            if kind < 3
        }
        going = [item for item, kind in write if kind == 3]
        table.remove(going)
        table.put(putting.items())
        expected = {item: each for item, each in expected.items() if item not in going} | putting
        if data.draw(BOOLEANS) and len(putting) > 5:
            table.put({1000 + item: each for item, each in putting.items()}.items())
            table.load(batch_of(SCHEMA, [(2000 + len(expected), score("x"))], graded=True))
            table.remove([*(1000 + item for item in putting), 2000 + len(expected)])
        if (due := table.merge()) is not None:
            started.append(due)
        if data.draw(BOOLEANS) and started:
            begun = started.pop()
            begun.finish(begun.run())
        anew = Table(Names(LEAGUE), PASSING, PASSER, MODEL)
        anew.put(enumerate(expected.values()))
        for fields in (BY_SUBJECT, ("season",), ("subject_id", "season"), ("down",), ("down", "subject_id")):
            for text in ("", "down <= 2", "down = 2 AND season = 2017"):
                assert described(table, text, fields) == described(anew, text, fields)


def described(table: Table, text: str, fields: tuple[str, ...]) -> dict[GroupValues, tuple[object, ...]]:
    """All that is said of the groups that have plays."""
    grouped = table.grouped(parse_filter(text, SCHEMA), fields)
    plays, sums = grouped.totals.plays.tolist(), grouped.totals.sums
    return {
        values: (plays[group], grouped.names[group], *(float(each[group]) for each in sums.values()), grouped.extent)
        for group, values in enumerate(grouped.groups)
        if plays[group]
    }


def test_scores_that_no_task_rates_are_left_out() -> None:
    goalie = replace(score(1), subject=Subject(GOALIE, "p1", "", ""))
    snapshot = snapshot_of(goalie)
    assert snapshot.leagues == []
    assert league_of(snapshot_of(goalie, score(2))).games == ["g1"]


@given(st.lists(SCORES, min_size=1, max_size=30))
def test_totals_are_those_that_sql_finds(scores: list[Score]) -> None:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE plays (subject, measures, attributes)")
        database.executemany(
            "INSERT INTO plays VALUES (?, ?, ?)",
            [(each.subject.subject_id, json.dumps(each.measures), json.dumps(each.attributes)) for each in scores],
        )
        found = database.execute(
            "SELECT subject, attributes ->> 'team_id', attributes ->> 'season',"
            " count(*), sum(measures ->> 'play_score')"
            " FROM plays WHERE attributes ->> 'down' >= 3 AND attributes ->> 'depth' <> 'PASS_DEPTH_DEEP'"
            " GROUP BY 1, 2, 3"
        ).fetchall()
    for table in tables_of(*scores):
        mine = totals(table, "down >= 3 AND NOT depth = PASS_DEPTH_DEEP", ("subject_id", "team_id", "season"))
        assert mine.keys() == {tuple(group) for *group, _, _ in found}
        for *group, count, total in found:
            plays, play_scores = mine[tuple(group)]
            assert plays == count
            assert play_scores == pytest.approx(total, abs=count * 2**-30)


@given(st.data(), st.lists(SCORES, min_size=1, max_size=30))
def test_totals_are_the_same_to_the_last_bit_whatever_came_first(data: st.DataObject, scores: list[Score]) -> None:
    wanted = totals(table_of(*scores))
    for table in tables_of(*data.draw(st.permutations(scores))):
        assert totals(table) == wanted


def totals(table: Table, text: str = "", fields: tuple[str, ...] = BY_SUBJECT) -> dict[GroupValues, tuple[int, float]]:
    """Plays and sums of play scores of the groups that have plays."""
    grouped = table.grouped(parse_filter(text, SCHEMA), fields)
    return {
        grouped.groups[group]: (int(grouped.totals.plays[group]), float(grouped.totals.sums["play_score"][group]))
        for group in np.flatnonzero(grouped.totals.plays).tolist()
    }


@given(
    st.lists(SCORES, min_size=1, max_size=30, unique_by=lambda each: (each.play, each.subject.subject_id)),
    st.sampled_from([BY_SUBJECT, ("subject_id", "season"), ("team_id", "subject_id")]),
)
def test_the_latest_name_is_the_known_one_of_the_last_play(scores: list[Score], fields: tuple[str, ...]) -> None:
    def order(each: Score) -> tuple[int, int, int, int]:
        season, week = each.attributes.get("season", 0), each.attributes.get("week", 0)
        return int(season), int(week), int(each.play.game_id[1:]), int(each.play.play_id)

    def group_of(each: Score) -> GroupValues:
        return tuple(each.subject.subject_id if name == "subject_id" else each.attributes.get(name) for name in fields)

    for table in tables_of(*scores):
        grouped = table.grouped(EVERYTHING, fields)
        for values, name in zip(grouped.groups, grouped.names, strict=True):
            known = [each for each in scores if group_of(each) == values and each.subject.subject_name]
            assert name == (max(known, key=order).subject.subject_name if known else "")


@given(
    st.lists(SCORES, min_size=1, max_size=40, unique_by=lambda each: (each.play, each.subject.subject_id)),
    st.integers(1, 7),
)
def test_pages_end_to_end_are_all_plays_in_order(scores: list[Score], size: int) -> None:
    for table in tables_of(*scores):
        everything = table.select(EVERYTHING)
        paged: list[tuple[PlayPlace, int]] = []
        while page := table.page(everything, size, paged[-1][0] if paged else None):
            assert len(page) == size or len(paged) + len(page) == len(scores)
            paged += page
        assert sorted(number for _, number in paged) == list(range(len(scores)))
        assert paged == table.page(everything, len(scores), None)


def listed(table: Table) -> list[tuple[str, str]]:
    """Games and plays in order."""
    return [(game, play) for (_, game, play, _), _ in table.page(table.select(EVERYTHING), 99, None)]


def test_plays_are_in_the_order_in_which_people_count() -> None:
    plays = [
        score(10),
        score(9),
        score(1, game="g10"),
        score(2, game="g9"),
        score(5, season=2017),
        score(6, season=2016),
    ]
    in_order = [("g1", "9"), ("g1", "10"), ("g9", "2"), ("g10", "1"), ("g1", "6"), ("g1", "5")]
    assert listed(table_of(*plays)) == in_order


def test_the_order_follows_what_is_written_later() -> None:
    snapshot = snapshot_of(score(1, game="g2"), score(2, game="g2"))
    table = graded_table(snapshot)
    assert listed(table) == [("g2", "1"), ("g2", "2")]
    snapshot.apply(Changes(Revision(4), True, [(7, score(3, game="g2")), (8, score(4, game="g1"))], [0]))
    assert listed(table) == [("g1", "4"), ("g2", "2"), ("g2", "3")]


def test_the_best_that_is_recorded_of_a_play_counts_once() -> None:
    plays: list[Score | Unscored] = [
        score(1),
        score(1, subject="p2"),
        score(1, None, subject="p3"),
        score(1, game="g2"),
        score(4, None),
        score(4, None, subject="p2"),
        *(unscored(1), unscored(2), unscored(3, game="g2"), unscored(4)),
    ]
    league = league_of(snapshot_of(*plays))
    scores = league.scores(PASSING, PASSER, MODEL)
    assert league.coverage(PASSING, scores, "") == Covered(2, 1, [unscored(2), unscored(3, game="g2")])
    assert league.coverage(PASSING, scores, "g1") == Covered(1, 1, [unscored(2)])
    assert league.coverage(PASSING, scores, "g3") == Covered(0, 0, [])
    later, of_another = unscored(2, task=0, revision=2), unscored(9, task=2)
    league.put_unscored(later)
    league.put_unscored(of_another)
    league.put_unscored(unscored(3, game="g2", task=0))
    assert league.coverage(PASSING, scores, "").unscored == [later, unscored(3, game="g2")]
    others = league.scores(PASSING, PASSER, OTHER_MODEL)
    assert league.coverage(PASSING, others, "g1") == Covered(0, 0, [unscored(1), later, unscored(4)])


def test_a_subject_is_known_while_a_score_of_theirs_stands_in_any_table() -> None:
    snapshot = snapshot_of(
        score(1, subject="p1"), score(2, subject="p2", model=OTHER_MODEL), score(3, None, subject="p4")
    )
    league = league_of(snapshot)
    assert league.subject("p1") != league.subject("p2") is not None
    assert league.subject("p4") is not None
    assert league.subject("p3") is None
    snapshot.apply(Changes(Revision(9), True, (), [1]))
    assert league.subject("p2") is None


# --- How much was played ---


def extent(table: Table, text: str) -> tuple[int, int, int]:
    found = table.grouped(parse_filter(text, SCHEMA)).extent
    return found.plays, found.season_plays, found.team_games


def test_seasons_touched_by_a_split_count_whole() -> None:
    table = table_of(*(score(play, season=2017 + play % 2, down=1 + play % 4) for play in range(100)), score(200))
    for text, plays in [("season = 2017", 50), ("down = 1", 50), ("down:*", 100), ("", 101), ("play_id = 200", 1)]:
        assert extent(table, text)[1] == plays
    assert extent(table, "season = 1920") == (0, 0, 0)


def test_games_are_those_of_the_team_that_has_played_most() -> None:
    games = {"g1": ("KC", "BUF"), "g2": ("KC", "MIA"), "g3": ("KC", "BUF"), "g4": ("BUF", "MIA")}
    plays = [
        score(f"{play}{team}", game=game, team_id=team, season=2017 if game == "g1" else 2018)
        for game, teams in games.items()
        for team in teams
        for play in range(3)
    ]
    table = table_of(*plays)
    assert extent(table, "") == (24, 24, 3)
    assert extent(table, "season = 2018 AND team_id = MIA") == (6, 18, 2)
    assert extent(table, "season = 2017") == (6, 6, 1)


def test_games_of_teams_that_are_not_known_count_where_no_other_does() -> None:
    anonymous = [score(1, game=f"g{game}") for game in range(5)]
    assert extent(table_of(*anonymous), "") == (5, 5, 5)
    assert extent(table_of(*anonymous, score(2, team_id="KC")), "") == (6, 6, 1)
