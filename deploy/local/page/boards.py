"""The hockey leaderboards of the page: who is rated, by what, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from board.ratings import COLUMNS, row
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client.words import ROLES, counted
from playscore.common.v1 import common_pb2 as common

ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class Board:
    """Ratings of one role, best first. `min_plays` are needed to be ranked."""

    role: common.Role.ValueType
    min_plays: int
    ratings: tuple[aggregator.Rating, ...]


def board_data(board: Board) -> dict[str, Any]:
    """A leaderboard as `hockey.js` reads it."""
    words = ROLES[board.role]
    rows = [row(rating) for rating in sorted(board.ratings, key=lambda rating: not rating.qualified)[:ROWS]]
    return {
        "name": words.subjects.capitalize(),
        "subjects": words.subject.capitalize(),
        "description": words.description,
        "min_plays": counted(board.min_plays, "play"),
        "qualified": sum(rating.qualified for rating in board.ratings),
        "columns": [words.plays.capitalize(), *COLUMNS[board.role], words.measure.capitalize()],
        "rows": [
            {
                "rank": each["rank"],
                "name": each["name"],
                "team": each["team"],
                "cells": [[str(each["plays"]), ""], *each["cells"], [each["text"], each["interval"]]],
            }
            for each in rows
        ],
    }
