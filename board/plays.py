"""Plays as rows of a table: when, in what situation, how they ended, and what was expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import ListedPlay
from playscore.client.words import PENDING, chance, clock, enum_word, gained, joined, result, situation
from playscore.common.v1 import common_pb2 as common
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey

DRAWN_YARDS: Final = (-10, 50)
"""First and last whole yard that a distribution is drawn for; what lies beyond counts for these."""
HEIGHT: Final = 99

_WITHOUT_GAIN: Final = (football.PASS_RESULT_INCOMPLETE, football.PASS_RESULT_INTERCEPTED)
MEASURES: Final[Mapping[common.Role.ValueType, str]] = {
    common.ROLE_PASSER: "Play score",
    common.ROLE_SHOOTER: "Goal probability",
    common.ROLE_GOALIE: "Goal probability",
    common.ROLE_SHOOTING_TEAM: "Goal probability",
    common.ROLE_FACEOFF_TAKER: "Win probability",
}
"""Heading of the number that plays can be sorted by."""


def chart_of(role: common.Role.ValueType, rows: Iterable[Mapping[str, Any]]) -> str:
    """The chart for plays: "field" or "rink"; empty if no row has a place."""
    if role == common.ROLE_PASSER:
        return "field"
    return "rink" if any(row.get("ice") for row in rows) else ""


def play_rows(plays: Iterable[ListedPlay], names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Plays as `plays.js` shows them, in their order. `names` are those of players who are not the subject.

    A play without an official result has PENDING as its `result`, and no `value` if that depends on the result.
    """
    return [_row(place, play, names or {}) for place, play in enumerate(plays)]


def _row(place: int, play: ListedPlay, names: Mapping[str, str]) -> dict[str, Any]:
    record = play.record
    match record.WhichOneof("attributes"):
        case "pass_attributes":
            own = _pass(play)
        case "shot_attributes":
            own = _shot(record, names)
        case _:
            own = _faceoff(record)
    return {
        "place": place,
        "game": record.key.game_id,
        "play": record.key.play_id,
        "subject": record.subject.subject_name or record.subject.subject_id,
        "when": _when(record),
        "situation": situation(record),
        "result": result(record) or PENDING,
        **own,
    }


def _when(record: aggregator.ScoreRecord) -> str:
    attributes = record.WhichOneof("attributes")
    known = getattr(record, attributes) if attributes else None
    season = f"{known.season}" if known is not None and known.HasField("season") else ""
    week = record.pass_attributes.week if record.pass_attributes.HasField("week") else None
    return joined((season, "" if week is None else f"week {week}", clock(record)))


def _pass(play: ListedPlay) -> dict[str, Any]:
    record, at = play.record, play.record.pass_attributes
    measure = record.pass_measure
    own: dict[str, Any] = {
        "value": None,
        "text": "",
        "drawn": _yards(play),
        "field": {
            "lateral": round(at.passer_lateral_yards, 1) if at.HasField("passer_lateral_yards") else None,
            "behind": round(at.passer_depth_yards, 1) if at.HasField("passer_depth_yards") else None,
            "air": round(at.air_yards, 1) if at.HasField("air_yards") else None,
            "depth": enum_word(at, "depth"),
        },
    }
    if record.HasField("pass_measure"):
        own |= {"value": round(measure.play_score, 4), "text": f"{measure.play_score:.2f}"}
        if measure.result not in _WITHOUT_GAIN:
            own["result"] = gained(measure.yards_gained)
    return own


def _yards(play: ListedPlay) -> dict[str, Any] | None:
    """The chance of each whole yard, as heights up to HEIGHT by their square roots. None where none was recorded."""
    if play.support is None:
        return None
    first, last = DRAWN_YARDS
    distribution = play.distribution()
    ceiling = float(distribution.ceiling)
    last = int(min(last, ceiling)) if np.isfinite(ceiling) else last
    below = np.asarray(distribution.cdf(np.arange(first, last + 2) - 0.5), dtype=float)
    below[0], below[-1] = 0.0, 1.0
    heights = np.sqrt(np.clip(np.diff(below), 0.0, None))
    measure = play.record.pass_measure
    yards = min(max(round(measure.yards_gained), first), last) if play.record.WhichOneof("measure") else None
    return {"first": first, "heights": np.rint(HEIGHT * heights / heights.max()).astype(int).tolist(), "came": yards}


def _shot(record: aggregator.ScoreRecord, names: Mapping[str, str]) -> dict[str, Any]:
    at, measure = record.shot_attributes, record.shot_measure
    is_graded = record.HasField("shot_measure")
    probability = measure.goal_probability if is_graded else record.distribution.bernoulli.probability
    shooter = names.get(at.shooter_id, "") if record.subject.role != common.ROLE_SHOOTER else ""
    return {
        "situation": joined((shooter, situation(record))),
        **_chance(probability, came=measure.result == hockey.SHOT_RESULT_GOAL),
        "ice": {"x": round(at.x_feet, 1), "y": round(at.y_feet, 1), "level": enum_word(at, "level")}
        if at.HasField("x_feet") and at.HasField("y_feet")
        else None,
    }


def _faceoff(record: aggregator.ScoreRecord) -> dict[str, Any]:
    measure = record.faceoff_measure
    is_graded = record.HasField("faceoff_measure")
    probability = measure.win_probability if is_graded else record.distribution.bernoulli.probability
    return _chance(probability, came=measure.result == hockey.FACEOFF_RESULT_WON)


def _chance(probability: float, *, came: bool) -> dict[str, Any]:
    """The probability of an event, and whether it came about."""
    shown = round(probability, 4)
    return {"value": shown, "text": chance(probability), "drawn": {"probability": shown, "came": came}}
