"""Sentences and labels of the page, from numbers and enums."""

from __future__ import annotations

from pipeline.results import Ending
from playscore.client.words import chance, counted, down_and_distance, gained, reason_meaning
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


def ending(how: Ending, reason: Reason | None) -> str:
    """What became of a play, and why if it was rejected."""
    if how is not Ending.REJECTED or reason is None:
        return ENDINGS[how]
    return reason_meaning(reason.value)


def result(how: PassResult | None, yards: float) -> str:
    """How a pass ended: "19 yards", "loss of 5 yards", "incomplete"."""
    return INCOMPLETIONS[how] if how in INCOMPLETIONS else gained(yards)


def situation(quarter: int | None, down: int | None, yards_to_go: float | None) -> str:
    """The place of a play in its game: "quarter 3, 2nd & 8"; what is unknown is left out."""
    parts = []
    if quarter:
        parts.append(f"quarter {quarter}")
    if down and yards_to_go:
        parts.append(down_and_distance(down, yards_to_go))
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
