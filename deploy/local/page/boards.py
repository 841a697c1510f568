"""The hockey leaderboards of the page: who is rated, by what, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from board.ratings import ROLES, row
from board.words import counted
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common

ROWS: Final = 25


@dataclass(frozen=True, slots=True)
class Board:
    """Ratings of one role, best first. `min_plays` is what a rank takes."""

    role: common.Role.ValueType
    min_plays: int
    ratings: tuple[aggregator.Rating, ...]


def board_data(board: Board) -> dict[str, Any]:
    """A leaderboard as `hockey.js` reads it."""
    told = ROLES[board.role]
    rows = [row(rating) for rating in sorted(board.ratings, key=lambda rating: not rating.qualified)[:ROWS]]
    return {
        "name": told.subjects,
        "subjects": told.subject,
        "description": told.description,
        "min_plays": counted(board.min_plays, "play"),
        "qualified": sum(rating.qualified for rating in board.ratings),
        "columns": [told.plays, *told.columns, told.measure],
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
