"""The hockey leaderboards of the page: who is rated, by what, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common

ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class Board:
    """Ratings of one role, best first. `min_plays` is what a rank takes."""

    role: common.Role.ValueType
    min_plays: int
    ratings: tuple[aggregator.Rating, ...]


_NAMES: Final = {
    common.ROLE_SHOOTER: ("Shooters", "Shooter", "Goals above what the chances were worth."),
    common.ROLE_GOALIE: ("Goalies", "Goalie", "Goals saved: what the chances were worth, less the goals."),
    common.ROLE_SHOOTING_TEAM: ("Teams", "Team", "Goals above what the chances were worth."),
    common.ROLE_FACEOFF_TAKER: ("Face-offs", "Taker", "Face-offs won above what was to be expected."),
}


def board_data(board: Board) -> dict[str, Any]:
    """A leaderboard as `hockey.js` reads it."""
    name, subjects, description = _NAMES[board.role]
    columns, cells = _columns(board.role)
    return {
        "name": name,
        "subjects": subjects,
        "description": description,
        "min_plays": f"{board.min_plays} play{'' if board.min_plays == 1 else 's'}",
        "qualified": sum(rating.qualified for rating in board.ratings),
        "columns": columns,
        "rows": [
            {
                "rank": rating.rank,
                "name": rating.subject.subject_name or rating.subject.subject_id,
                "team": "" if board.role == common.ROLE_SHOOTING_TEAM else rating.subject.team_id,
                "cells": [[str(rating.plays), ""], *cells(rating)],
            }
            for rating in sorted(board.ratings, key=lambda rating: not rating.qualified)[:ROWS]
        ],
    }


def _columns(role: common.Role.ValueType) -> tuple[list[str], Any]:
    if role == common.ROLE_FACEOFF_TAKER:
        return ["Taken", "Won", "Above expected"], _faceoff_cells
    if role == common.ROLE_GOALIE:
        return ["Shots", "Goals against", "Saves a shot on goal", "Saved above expected"], _goalie_cells
    return ["Shots", "Goals", "Goals a shot on goal", "Above expected"], _shooter_cells


def _shooter_cells(rating: aggregator.Rating) -> list[list[str]]:
    shots = rating.shots
    percentage = _share(shots, "shooting_percentage", "expected_shooting_percentage")
    return [[str(shots.goals), f"({shots.expected_goals:.2f})"], percentage, _above(shots)]


def _goalie_cells(rating: aggregator.Rating) -> list[list[str]]:
    shots = rating.shots
    percentage = _share(shots, "save_percentage", "expected_save_percentage")
    return [[str(shots.goals), f"({shots.expected_goals:.2f})"], percentage, _above(shots)]


def _share(shots: aggregator.ShotRating, name: str, expected: str) -> list[str]:
    if not shots.HasField(name):  # type: ignore[arg-type]
        return ["-", ""]
    return [f"{100 * getattr(shots, name):.1f}%", f"({100 * getattr(shots, expected):.1f}%)"]


def _above(shots: aggregator.ShotRating) -> list[str]:
    low, high = shots.goals_above_expected_low, shots.goals_above_expected_high
    return [f"{shots.goals_above_expected:+.2f}", f"{low:+.2f} to {high:+.2f}"]


def _faceoff_cells(rating: aggregator.Rating) -> list[list[str]]:
    faceoffs = rating.faceoffs
    low, high = faceoffs.wins_above_expected_low, faceoffs.wins_above_expected_high
    return [
        [str(faceoffs.wins), f"({faceoffs.expected_wins:.2f})"],
        [f"{faceoffs.wins_above_expected:+.2f}", f"{low:+.2f} to {high:+.2f}"],
    ]
