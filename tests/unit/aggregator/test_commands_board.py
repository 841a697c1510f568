"""The table that a watcher keeps."""

from __future__ import annotations

import io
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from aggregator.commands.board import Board, Move, Tick
from aggregator.commands.board_view import BoardView, arrow
from aggregator.commands.cells import RatingRows
from aggregator.commands.question import Question
from aggregator.commands.roles import VIEWS
from playscore.aggregator.v1 import aggregator_pb2 as messages
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


def response(
    *ratings: messages.Rating,
    restarted: bool = False,
    gone: Sequence[str] = (),
    at: messages.WatchCheckpoint | None = None,
    coalesced_ticks: int = 0,
) -> messages.WatchRatingsResponse:
    return messages.WatchRatingsResponse(
        restarted=restarted, ratings=ratings, left=map(left, gone), checkpoint=at, coalesced_ticks=coalesced_ticks
    )


def board() -> Board:
    return Board(PASSER, RatingRows(PASSER, (), {}))


def tick_of(watched: Board, brought: messages.WatchRatingsResponse) -> Tick:
    tick = watched.take(brought)
    assert tick is not None
    return tick


def shown(of: Board) -> list[tuple[str, int, Move]]:
    return [(each.subject.subject_id, each.rank, move) for each, move in of.rows()]


def test_the_table_is_whole_at_a_checkpoint_and_not_before() -> None:
    watched = board()
    assert watched.take(response(rating("a", rank=1), restarted=True)) is None
    assert watched.rows() == []
    tick = watched.take(response(rating("b", 70.0, rank=2), at=checkpoint()))
    assert tick is not None and tick.restarted
    assert [each.subject.subject_id for each in tick.ratings] == ["a", "b"]
    assert shown(watched) == [("a", 1, Move()), ("b", 2, Move())]
    assert watched.ranking.min_plays == 14


def test_what_moved_up_and_down_and_came_new_is_told() -> None:
    watched = board()
    watched.take(response(rating("a", 80, 1), rating("b", 70, 2), rating("c", 60), restarted=True, at=checkpoint()))
    watched.take(response(rating("b", 85, 1), rating("a", 80, 2), rating("d", 65, 3), at=checkpoint(2)))
    assert shown(watched) == [
        ("b", 1, Move(places=1, points=15)),
        ("a", 2, Move(places=-1, points=0)),
        ("d", 3, Move(new=True)),
        ("c", 0, Move()),
    ]
    assert [str(arrow(move)) for _, _, move in shown(watched)] == ["▲1", "▼1", "new", ""]


def test_a_checkpoint_without_changes_leaves_what_moved() -> None:
    watched = board()
    watched.take(response(rating("a", 80, 1), restarted=True, at=checkpoint()))
    watched.take(response(rating("a", 81, 1), at=checkpoint(2)))
    tick = watched.take(response(at=checkpoint(3)))
    assert tick is not None and not tick.changed
    assert shown(watched) == [("a", 1, Move(points=1))]


def test_what_came_after_the_last_checkpoint_is_forgotten_when_the_watch_breaks_off() -> None:
    watched = board()
    watched.take(response(rating("a", 80, 1), restarted=True, at=checkpoint()))
    watched.take(response(rating("b", 90, 1)))
    watched.interrupted()
    tick = watched.take(response(rating("c", 70, 2), at=checkpoint(2)))
    assert tick is not None
    assert [each.subject.subject_id for each in tick.ratings] == ["c"]
    assert [subject for subject, _, _ in shown(watched)] == ["a", "c"]


CHANGES = st.dictionaries(st.sampled_from("abcde"), st.none() | st.floats(50, 99), max_size=4)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), CHANGES, st.integers(1, 3)), max_size=8))
def test_the_board_is_the_table_that_the_contract_describes(
    ticks: list[tuple[bool, dict[str, float | None], int]],
) -> None:
    """Whatever a tick is cut into: clear at `restarted`, put what came, drop what left."""
    watched, table = board(), dict[str, float]()
    for number, (restarted, changes, parts) in enumerate(ticks):
        if restarted:
            table.clear()
        items = list(changes.items())
        for part in range(parts):
            some = items[part::parts]
            last = part == parts - 1
            watched.take(
                response(
                    *(rating(subject, value) for subject, value in some if value is not None),
                    gone=[subject for subject, value in some if value is None],
                    restarted=restarted and part == 0,
                    at=checkpoint(number) if last else None,
                )
            )
        table |= {subject: value for subject, value in changes.items() if value is not None}
        for subject, value in changes.items():
            if value is None:
                table.pop(subject, None)
        assert {each.subject.subject_id: each.passing.rating for each, _ in watched.rows()} == table


def drawn(view: BoardView, columns: int, height: int = 24) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=columns, height=height).print(view)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def view_of(watched: Board, group_by: Sequence[str] = ()) -> BoardView:
    return BoardView(Question("NFL", PASSER, "under_pressure"), group_by, watched)


def test_the_board_fits_into_80_columns_and_24_lines() -> None:
    watched, names = board(), [f"{number:02}" for number in range(60)]
    long = "Maximilian Featherstonehaugh-Wolfeschlegelsteinhausen"
    ratings = [rating(name, 90 - place / 10, place + 1, name=f"{long} {name}") for place, name in enumerate(names)]
    view = view_of(watched)
    view.heard(tick_of(watched, response(*ratings, restarted=True, at=checkpoint())))
    lines = drawn(view, 80)
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24
    assert lines[0] == "NFL passers · under_pressure · passing 4"
    assert lines[1].startswith("● live · changed 0 s ago")
    assert lines[3].split()[0] == "1" and "90.0" in lines[3] and "82.0 to 98.0" in lines[3]
    assert "more below" in lines[-1]


def test_a_broken_watch_says_so_above_what_was_last_known() -> None:
    watched = board()
    view = view_of(watched)
    view.heard(tick_of(watched, response(rating("a", 80, 1), restarted=True, at=checkpoint())))
    view.interrupted("the service is draining")
    lines = drawn(view, 80)
    assert lines[1].startswith("○ the service is draining; reconnecting")
    assert any("A" in line for line in lines[3:])


def test_a_name_cannot_style_or_garble_the_board() -> None:
    watched = board()
    view = view_of(watched)
    view.heard(tick_of(watched, response(rating("a", 80, 1, name="[red]x\x1b[2J"), restarted=True, at=checkpoint())))
    assert any("[red]x�[2J" in line for line in drawn(view, 80))


def test_ticks_that_were_passed_over_are_told() -> None:
    watched = board()
    tick = tick_of(watched, response(rating("a"), restarted=True, at=checkpoint(), coalesced_ticks=3))
    assert tick.coalesced_ticks == 3
    view = view_of(watched)
    view.heard(tick)
    assert "3 ticks in one" in drawn(view, 80)[1]
