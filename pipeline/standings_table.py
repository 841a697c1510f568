"""Ratings as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.replay import Standings
from playscore.client.words import ROLES, counted
from playscore.common.v1 import common_pb2 as common
from playscore.terminal_text import printable

ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class _Board:
    """How the ratings of a role are shown."""

    title: str
    form: str
    """The format of what ratings are ranked by."""
    columns: Sequence[tuple[str, str]]
    """Other headings, and what they show of the value."""


_PASSER: Final = _Board(
    "Passing score",
    ".0f",
    (
        ("yards", "{yards_per_play:.1f}"),
        ("expected", "{expected_yards_per_play:.1f}"),
    ),
)


def _shots(title: str, goals: str) -> _Board:
    return _Board(
        title,
        "+z.2f",
        (
            (goals, "{goals}"),
            ("expected", "{expected_goals:.2f}"),
        ),
    )


_BOARDS: Final = {
    common.ROLE_PASSER: _PASSER,
    common.ROLE_SHOOTER: _shots("Goals above expected, shooters", "goals"),
    common.ROLE_GOALIE: _shots("Goals saved above expected, goalies", "conceded"),
    common.ROLE_SHOOTING_TEAM: _shots("Goals above expected, teams", "goals"),
    common.ROLE_FACEOFF_TAKER: _Board(
        "Face-offs won above expected",
        "+z.1f",
        (
            ("won", "{wins}"),
            ("expected", "{expected_wins:.1f}"),
        ),
    ),
}


def show_standings(league: str, role: common.Role.ValueType, standings: Standings, console: Console) -> None:
    """Print the first ratings of a role in a league; nothing where there are none."""
    if not standings.ratings:
        return
    board, words = _BOARDS[role], ROLES[role]
    table = Table(
        title=Text(printable(f"{board.title}, {league}")),
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    table.add_column("rank", justify="right", no_wrap=True)
    table.add_column(words.subject)  # the one that gets narrower: names are cut, numbers are not
    has_team = role != common.ROLE_SHOOTING_TEAM
    if has_team:
        table.add_column("team", no_wrap=True)
    for heading in (
        "plays",
        words.measure.removeprefix("saved ").replace(" ", "\n"),
        "90% interval",
        *(heading for heading, _ in board.columns),
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    ratings = sorted(standings.ratings, key=lambda rating: not rating.qualified)
    for rating in ratings[:ROWS]:
        subject, value, interval = rating.subject, getattr(rating, words.value), words.interval(rating)
        table.add_row(
            str(rating.rank) if rating.qualified else "-",
            _cut(subject.subject_name or subject.subject_id),
            *([_cut(subject.team_id)] if has_team else []),
            str(rating.plays),
            format(interval.value, board.form),
            words.interval_text(interval, board.form),
            *(shown.format(**_fields(value)) for _, shown in board.columns),
        )
    console.print(table)
    ranking = standings.ranking
    console.print(
        f"{ranking.qualified} of {counted(len(ratings), words.subject)} ranked"
        f" (minimum {counted(ranking.min_plays, 'play')}); --min-plays changes it."
    )
    if len(ratings) > ROWS:
        console.print(f"and {len(ratings) - ROWS} more")


def _cut(text: str) -> Text:
    """Text as it is, without markup, in one line."""
    return Text(printable(text), no_wrap=True, overflow="ellipsis")


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in value.DESCRIPTOR.fields}
