"""What all layouts say of a play in their own words, read the same way: place, direction, outcome."""

from __future__ import annotations

import re

from playscore.game import AttackingDirection
from playscore.passing import PassOutcome, PassResult

_DIRECTIONS = {"right": AttackingDirection.POSITIVE_X, "left": AttackingDirection.NEGATIVE_X}


def pass_outcome(result: PassResult, yards: float | None) -> PassOutcome:
    """The outcome; incompletions and interceptions gain nothing, whatever penalties or returns the yards hold."""
    if result in (PassResult.INCOMPLETE, PassResult.INTERCEPTED):
        yards = 0.0
    return PassOutcome(result, yards)


def yards_to_end_zone(offense: str, half: str, side: str | None, number: float | None) -> float | None:
    """Yards from the line of scrimmage, the `number`-yard line of the team `half`, to the goal the offense attacks.

    `side` is how the source writes `half`: at midfield it leaves that open, or side and number.
    """
    if side is None and number in (None, 50):
        return 50.0
    if number is None or not half or not offense:
        return None
    return 100.0 - number if half == offense else float(number)


def down(number: int | None) -> int | None:
    """1 to 4; sources write 0 where there is none."""
    return number or None


def attacking_direction(word: str | None) -> AttackingDirection | None:
    """The way of "right" and "left"."""
    return _DIRECTIONS.get(word or "")


def positive(yards: float | None) -> float | None:
    """Yards to go; sources write 0 where there are none."""
    return float(yards) if yards else None


def season_of(game_id: str) -> int | None:
    """The year in which the season began, of games that are called by their date: 2018011401 is of 2017."""
    if re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])\d{2,6}", game_id) is None:
        return None
    year, month = int(game_id[:4]), int(game_id[4:6])
    return year if month > 3 else year - 1
