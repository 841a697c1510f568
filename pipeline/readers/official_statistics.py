"""The league's official statistics of a play: who passed, to whom, how far, how it ended."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.readers.situations import pass_outcome
from playscore.passing import PassOutcome, PassResult

# Identifiers of the league's official statistics. A try for two points has its own and counts as no attempt.
COMPLETE, INCOMPLETE, INTERCEPTED, SACKED = (15, 16), (14,), (19,), (20,)
AIR_YARDS = (111, 112)
TARGETED = (115, 104, 105)

_RESULTS = {
    **dict.fromkeys(COMPLETE, PassResult.COMPLETE),
    **dict.fromkeys(INCOMPLETE, PassResult.INCOMPLETE),
    **dict.fromkeys(INTERCEPTED, PassResult.INTERCEPTED),
    **dict.fromkeys(SACKED, PassResult.SACK),
}
CONVERSION_TRIES = (77, 78)


@dataclass(frozen=True, slots=True)
class Statistic:
    """A line of the official statistics of a play."""

    player_id: str
    statistic: int
    yards: float | None
    player_name: str = ""


@dataclass(frozen=True, slots=True)
class OfficialPass:
    """What the official statistics say of a pass play."""

    passer_id: str
    target_id: str
    air_yards: float | None
    outcome: PassOutcome


def official_pass(statistics: Iterable[Statistic]) -> OfficialPass | None:
    """The pass in a play's statistics; None if nobody passed, wanted to, or was sacked."""
    lines = tuple(statistics)
    passing = next((line for line in lines if line.statistic in _RESULTS), None)
    if passing is None:
        return None
    return OfficialPass(
        passer_id=passing.player_id,
        target_id=next((line.player_id for line in lines if line.statistic in TARGETED), ""),
        air_yards=next((line.yards for line in lines if line.statistic in AIR_YARDS), None),
        outcome=pass_outcome(_RESULTS[passing.statistic], passing.yards),
    )


def statistics_of(text: str | None, name: str) -> tuple[Statistic, ...] | None:
    """The lines of a play's statistics in JSON; None for what is no such JSON.

    Sources write a list of lines with the player in the field `name`, or lists of lines by player. A line without an
    identifier of its statistic is left out.
    """
    try:
        told = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return None
    if isinstance(told, Mapping):
        by_player = [(str(player), lines) for player, lines in told.items()]
    elif isinstance(told, list):
        by_player = [(_text(line.get(name)), [line]) for line in told if isinstance(line, Mapping)]
    else:
        return None
    lines = [(player, line) for player, lines in by_player if isinstance(lines, list) for line in lines]
    return tuple(
        Statistic(player, int(float(line["statId"])), _number(line.get("yards")), _text(line.get("playerName")))
        for player, line in lines
        if isinstance(line, Mapping) and _number(line.get("statId")) is not None
    )


def _text(value: Any) -> str:
    """A value as text; empty for what is none, or cannot be printed."""
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else "" if value is None else str(value)
    return text if text.isprintable() else ""


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < 1e6 else None
