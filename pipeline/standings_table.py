"""Ratings as a table in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from pipeline.replay import Standings
from playscore.client.words import counted
from playscore.common.v1 import common_pb2 as common

ROWS: Final = 20


@dataclass(frozen=True, slots=True)
class _Board:
    """How the ratings of a role are shown."""

    title: str
    subjects: str
    value: str
    """The arm of `Rating.value`."""
    columns: Sequence[tuple[str, str]]
    """Headings, and what they show of the value."""


_PASSER: Final = _Board(
    "Passing score",
    "passer",
    "passing",
    (
        ("rating", "{rating:.0f}"),
        ("90%", "{rating_low:.0f} to {rating_high:.0f}"),
        ("yards", "{yards_per_play:.1f}"),
        ("expected", "{expected_yards_per_play:.1f}"),
    ),
)


def _shots(title: str, subjects: str, goals: str) -> _Board:
    return _Board(
        title,
        subjects,
        "shots",
        (
            (title.partition(",")[0].lower(), "{goals_above_expected:+.2f}"),
            ("90%", "{goals_above_expected_low:+.2f} to {goals_above_expected_high:+.2f}"),
            (goals, "{goals}"),
            ("expected", "{expected_goals:.2f}"),
        ),
    )


_BOARDS: Final = {
    common.ROLE_PASSER: _PASSER,
    common.ROLE_SHOOTER: _shots("Goals above expected, shooters", "shooter", "goals"),
    common.ROLE_GOALIE: _shots("Goals saved above expected, goalies", "goalie", "conceded"),
    common.ROLE_SHOOTING_TEAM: _shots("Goals above expected, teams", "team", "goals"),
    common.ROLE_FACEOFF_TAKER: _Board(
        "Face-offs won above expected",
        "taker",
        "faceoffs",
        (
            ("above expected", "{wins_above_expected:+.1f}"),
            ("90%", "{wins_above_expected_low:+.1f} to {wins_above_expected_high:+.1f}"),
            ("won", "{wins}"),
            ("expected", "{expected_wins:.1f}"),
        ),
    ),
}


def show_standings(league: str, role: common.Role.ValueType, standings: Standings, console: Console) -> None:
    """Print the first ratings of a role in a league; nothing where there are none."""
    if not standings.ratings:
        return
    board = _BOARDS[role]
    table = Table(title=f"{board.title}, {league}", title_justify="left")
    table.add_column("rank", justify="right")
    table.add_column(board.subjects, no_wrap=True)
    table.add_column("team")
    table.add_column("plays", justify="right")
    for heading, _ in board.columns:
        table.add_column(heading, justify="right")
    ratings = sorted(standings.ratings, key=lambda rating: not rating.qualified)
    for rating in ratings[:ROWS]:
        subject, value = rating.subject, getattr(rating, board.value)
        table.add_row(
            str(rating.rank) if rating.qualified else "-",
            subject.subject_name or subject.subject_id,
            subject.team_id,
            str(rating.plays),
            *(shown.format(**_fields(value)) for _, shown in board.columns),
        )
    console.print(table)
    ranking = standings.ranking
    console.print(
        f"{ranking.qualified} of {counted(len(ratings), board.subjects)} ranked"
        f" (minimum {counted(ranking.min_plays, 'play')}); --min-plays changes it."
    )
    if len(ratings) > ROWS:
        console.print(f"and {len(ratings) - ROWS} more")


def _fields(value: Any) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in value.DESCRIPTOR.fields}
