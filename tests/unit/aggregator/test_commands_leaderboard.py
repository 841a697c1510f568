"""The live leaderboard: how ratings move on it, and how it fits into a terminal."""

from __future__ import annotations

import io
from collections.abc import Sequence

from rich.console import Console

from aggregator.commands.leaderboard import Leaderboard, Move
from aggregator.commands.leaderboard_view import LeaderboardView, arrow
from aggregator.commands.question import Question
from aggregator.commands.roles import VIEWS
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client import RatingsUpdate, rating_key
from playscore.client.watch import Key
from playscore.common.v1 import common_pb2 as common

PASSER = VIEWS["passer"]


def rating(subject: str, value: float = 80.0, rank: int = 0, plays: int = 20, name: str = "") -> messages.Rating:
    return messages.Rating(
        subject=common.Subject(role=common.ROLE_PASSER, subject_id=subject, subject_name=name or subject.upper()),
        plays=plays,
        passing=messages.PassingRating(rating=value, rating_low=value - 8, rating_high=value + 8),
        qualified=rank > 0,
        rank=rank,
    )


def left(subject: str) -> messages.RatingKey:
    return messages.RatingKey(
        subject=common.Subject(role=common.ROLE_PASSER, subject_id=subject, subject_name=subject.upper())
    )


def checkpoint(number: int = 1) -> messages.WatchCheckpoint:
    return messages.WatchCheckpoint(
        revision=common.RevisionToken(value=str(number)),
        resume_token=messages.WatchToken(value=f"after {number}"),
        ranking=messages.Ranking(model=common.ModelVersion(name="passing", version=4), min_plays=14, qualified=2),
    )


def update(
    *changed: messages.Rating,
    restarted: bool = False,
    gone: Sequence[str] = (),
    number: int = 1,
    coalesced_ticks: int = 0,
) -> RatingsUpdate:
    return RatingsUpdate(restarted, changed, list(map(left, gone)), coalesced_ticks, checkpoint(number))


def leaderboard(*updates: RatingsUpdate) -> Leaderboard:
    """The leaderboard after updates of a watch, whose table is kept here as the contract has it."""
    watched, table = Leaderboard(PASSER), dict[Key, messages.Rating]()
    for each in updates:
        if each.restarted:
            table.clear()
        for key in each.left:
            table.pop(rating_key(key), None)
        table |= {rating_key(rating): rating for rating in each.changed}
        watched.take(each, table)
    return watched


def shown(of: Leaderboard) -> list[tuple[str, int, Move]]:
    return [(each.subject.subject_id, each.rank, move) for each, move in of.rows()]


def test_the_ranked_come_first_and_nothing_has_moved_at_the_beginning() -> None:
    watched = leaderboard(update(rating("c", 95), rating("b", 70, 2), rating("a", 80, 1), restarted=True))
    assert shown(watched) == [("a", 1, Move()), ("b", 2, Move()), ("c", 0, Move())]
    assert watched.ranking.min_plays == 14


def test_subjects_that_moved_up_or_down_or_are_new_are_marked() -> None:
    watched = leaderboard(
        update(rating("a", 80, 1), rating("b", 70, 2), rating("c", 60), restarted=True),
        update(rating("b", 85, 1), rating("a", 80, 2), rating("d", 65, 3), number=2),
    )
    assert shown(watched) == [
        ("b", 1, Move(places=1, points=15)),
        ("a", 2, Move(places=-1, points=0)),
        ("d", 3, Move(new=True)),
        ("c", 0, Move()),
    ]
    assert [str(arrow(move)) for _, _, move in shown(watched)] == ["▲1", "▼1", "new", ""]


def test_a_subject_that_leaves_is_removed() -> None:
    watched = leaderboard(update(rating("a", 80, 1), rating("b", 70, 2), restarted=True), update(gone=["a"]))
    assert shown(watched) == [("b", 2, Move())]


def test_a_checkpoint_without_changes_leaves_what_moved() -> None:
    watched = leaderboard(update(rating("a", 80, 1), restarted=True), update(rating("a", 81, 1)), update(number=3))
    assert shown(watched) == [("a", 1, Move(points=1))]


def test_a_watch_that_restarts_shows_what_changed_meanwhile() -> None:
    watched = leaderboard(
        update(rating("a", 80, 1), rating("b", 70, 2), restarted=True),
        update(rating("b", 90, 1), restarted=True),
    )
    assert shown(watched) == [("b", 1, Move(places=1, points=20))]


def drawn(view: LeaderboardView, columns: int, height: int = 24) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=columns, height=height).print(view)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def view_of(first: RatingsUpdate) -> LeaderboardView:
    view = LeaderboardView(Question("NFL", PASSER, "under_pressure"), (), leaderboard(first))
    view.heard(first)
    return view


def test_the_leaderboard_fits_into_80_columns_and_24_lines() -> None:
    names = [f"{number:02}" for number in range(60)]
    long = "Maximilian Featherstonehaugh-Wolfeschlegelsteinhausen"
    ratings = [rating(name, 90 - place / 10, place + 1, name=f"{long} {name}") for place, name in enumerate(names)]
    view = view_of(update(*ratings, restarted=True))
    lines = drawn(view, 80)
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert lines[0] == "NFL passers · under_pressure · passing:4"
    assert lines[1].startswith("● live · changed 0 s ago")
    assert lines[3].split()[0] == "1" and "90.0" in lines[3] and "82.0 to 98.0" in lines[3]
    assert "more below" in lines[-1]


def test_the_leaderboard_fits_into_40_columns_with_whole_numbers() -> None:
    view = view_of(update(rating("a", 80, 1, name="Gus McNorthbourne"), restarted=True))
    lines = drawn(view, 40)
    assert max(map(len, lines)) <= 40
    (row,) = [line for line in lines if line.endswith("72.0 to 88.0")]
    assert row.split()[0] == "1" and "80.0" in row and "Gus Mc" in row


def test_a_leaderboard_without_ratings_says_so_instead_of_a_table() -> None:
    first = update(restarted=True)
    view = LeaderboardView(Question("NFLX", PASSER), (), leaderboard(first), "nothing is recorded of league 'NFLX'")
    view.heard(first)
    assert drawn(view, 80)[2:] == ["nothing is recorded of league 'NFLX'"]


def test_an_interrupted_watch_says_so_above_the_last_table() -> None:
    view = view_of(update(rating("a", 80, 1), restarted=True))
    view.interrupted("the service is draining")
    lines = drawn(view, 80)
    assert lines[1].startswith("○ the service is draining; reconnecting")
    assert any("A" in line for line in lines[3:])


def test_a_name_cannot_style_or_garble_the_leaderboard() -> None:
    view = view_of(update(rating("a", 80, 1, name="[red]x\x1b[2J"), restarted=True))
    assert any("[red]x�[2J" in line for line in drawn(view, 80))


def test_coalesced_ticks_are_counted() -> None:
    assert "3 ticks coalesced" in drawn(view_of(update(rating("a"), restarted=True, coalesced_ticks=3)), 80)[1]
