"""Sentences and labels of the page, from numbers and enums."""

from __future__ import annotations

from board.words import REASONS, chance, counted
from pipeline.results import Ending
from playscore.errors import Reason
from playscore.passing import PassResult

ENDINGS = {
    Ending.SCORED: "Scored",
    Ending.UNGRADED: "Scored, result not known yet",
    Ending.SUPERSEDED: "Superseded by a later revision",
    Ending.REJECTED: "Rejected",
}
STAGES = {
    "featurize": "closing frame sent to tensor received",
    "score": "tensor to play score",
    "grade": "official yards to play score",
    "record": "play score to stored",
    "read": "stored to rating read back",
    "play": "all of it: closing frame sent to rating readable",
}
INCOMPLETIONS = {PassResult.INCOMPLETE: "incomplete", PassResult.INTERCEPTED: "intercepted"}
DOWNS = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th"}


def ending(how: Ending, reason: Reason | None) -> str:
    """What became of a play, and why if it was rejected."""
    if how is not Ending.REJECTED or reason is None:
        return ENDINGS[how]
    return REASONS.get(reason) or f"{ENDINGS[how]}: {reason.name.replace('_', ' ').lower()}"


def result(how: PassResult | None, yards: float) -> str:
    """How a pass ended: "19 yards", "loss of 5 yards", "incomplete"."""
    if how in INCOMPLETIONS:
        return INCOMPLETIONS[how]
    return f"loss of {counted(-yards, 'yard')}" if yards < 0 else counted(yards, "yard")


def situation(quarter: int | None, down: int | None, yards_to_go: float | None) -> str:
    """The place of a play in its game: "quarter 3, 2nd and 8"; what is unknown is left out."""
    parts = []
    if quarter:
        parts.append(f"quarter {quarter}")
    if down and yards_to_go:
        parts.append(f"{DOWNS[down]} and {yards_to_go:.0f}")
    return ", ".join(parts)


def verdict(passer: str, yards: float, expected_yards: float, fewer: float, same: float) -> str:
    """What a play's gain is compared with. `fewer`, `same`: the chance of fewer yards, and of exactly these."""
    gained = f"lost {counted(-yards, 'yard')}" if yards < 0 else f"gained {counted(yards, 'yard')}"
    return (
        f"{passer} {gained}. In the same situation a league-average passer would gain fewer {chance(fewer)} of the"
        f" time, the same {chance(same)}, and more {chance(1 - fewer - same)}; on average {expected_yards:.1f}."
    )


def prospects(first_down: float | None, touchdown: float | None) -> str:
    """The chances of a first down and of a touchdown; what is unknown is left out."""
    known = [("a first down", first_down), ("a touchdown", touchdown)]
    chances = [f"of {name} was {chance(probability)}" for name, probability in known if probability is not None]
    return f"When the ball was thrown, the chance {' and '.join(chances)}." if chances else ""
