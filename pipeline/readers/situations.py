"""What all layouts say of a play in their own words, read the same way: clock, place, official statistics."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from playscore.game import AttackingDirection
from playscore.passing import PassOutcome, PassResult

# Identifiers of the league's official statistics. Attempts at two points have their own.
COMPLETE, INCOMPLETE, INTERCEPTED, SACKED = (15, 16), (14,), (19,), (20,)
TWO_POINTS_COMPLETE, TWO_POINTS_FAILED = (77,), (78,)
AIR_YARDS = (111, 112)
TARGETED = (115, 104, 105)

_RESULTS = {
    **dict.fromkeys((*COMPLETE, *TWO_POINTS_COMPLETE), PassResult.COMPLETE),
    **dict.fromkeys((*INCOMPLETE, *TWO_POINTS_FAILED), PassResult.INCOMPLETE),
    **dict.fromkeys(INTERCEPTED, PassResult.INTERCEPTED),
    **dict.fromkeys(SACKED, PassResult.SACK),
}
_DIRECTIONS = {"right": AttackingDirection.POSITIVE_X, "left": AttackingDirection.NEGATIVE_X}


@dataclass(frozen=True, slots=True)
class Statistic:
    """A line of the official statistics of a play."""

    player_id: str
    statistic: int
    yards: float


@dataclass(frozen=True, slots=True)
class OfficialPass:
    """What the official statistics say of a pass play."""

    passer_id: str
    target_id: str
    air_yards: float | None
    outcome: PassOutcome


def official_pass(statistics: Iterable[Statistic], yards_to_end_zone: float | None) -> OfficialPass | None:
    """The pass in a play's statistics; None if nobody passed, wanted to, or was sacked.

    An attempt at two points is credited with no yards: a complete one has gained those to the goal line.
    """
    lines = tuple(statistics)
    passing = next((line for line in lines if line.statistic in _RESULTS), None)
    if passing is None:
        return None
    result = _RESULTS[passing.statistic]
    yards = passing.yards if passing.statistic not in TWO_POINTS_COMPLETE else yards_to_end_zone
    return OfficialPass(
        passer_id=passing.player_id,
        target_id=next((line.player_id for line in lines if line.statistic in TARGETED), ""),
        air_yards=next((line.yards for line in lines if line.statistic in AIR_YARDS), None),
        outcome=pass_outcome(result, yards),
    )


def pass_outcome(result: PassResult, yards: float | None) -> PassOutcome:
    """The outcome; incompletions and interceptions gain nothing, whatever penalties or returns the yards hold."""
    if result in (PassResult.INCOMPLETE, PassResult.INTERCEPTED):
        yards = 0.0
    return PassOutcome(result, yards)


def clock_seconds(clock: str | None) -> float | None:
    """Seconds left of "12:34", ":34" or "12:34:00" (the last two digits are no seconds but always 00)."""
    if clock is None:
        return None
    minutes, seconds = clock.split(":")[:2]
    return 60.0 * int(minutes or 0) + int(seconds)


def yards_to_end_zone(offense: str, sides: tuple[str, str], side: str | None, number: float | None) -> float | None:
    """Yards from the line of scrimmage, the `number`-yard line of `side`'s half, to the goal the offense attacks.

    Sources leave the side, or side and number, open at midfield.
    """
    if side is None and number in (None, 50):
        return 50.0
    if number is None or side not in sides:
        return None
    return 100.0 - number if side == offense else float(number)


def down(number: int | None) -> int | None:
    """1 to 4; sources write 0 where there is none."""
    return number or None


def attacking_direction(word: str | None) -> AttackingDirection | None:
    """The way of "right" and "left"."""
    return _DIRECTIONS.get(word or "")


def positive(yards: float | None) -> float | None:
    """Yards to go; sources write 0 where there are none."""
    return float(yards) if yards else None


def season_of(game_id: str) -> int:
    """The year in which the season began, of game identifiers that start with the date: 2018011401 is of 2017."""
    year, month = int(game_id[:4]), int(game_id[4:6])
    return year if month > 3 else year - 1
