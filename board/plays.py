"""Plays as rows of a table: when, in what situation, how they ended, and what was to be expected."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from board import words
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import ListedPlay
from playscore.common.v1 import common_pb2 as common
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey

DRAWN_YARDS: Final = (-10, 50)
"""First and last whole yard that a distribution is drawn for; what lies beyond counts for these."""
HEIGHT: Final = 99

_DOWNS: Final = {1: "1st", 2: "2nd", 3: "3rd", 4: "4th"}
_STRENGTHS: Final = {
    hockey.STRENGTH_EVEN: "even strength",
    hockey.STRENGTH_POWER_PLAY: "power play",
    hockey.STRENGTH_SHORT_HANDED: "short-handed",
}
_RESULTS: Final = {
    hockey.SHOT_RESULT_GOAL: "goal",
    hockey.SHOT_RESULT_SAVED: "saved",
    hockey.SHOT_RESULT_MISSED: "missed",
    hockey.SHOT_RESULT_POST: "off the post",
}
_ZONES: Final = {
    hockey.RINK_ZONE_DEFENSIVE: "own end",
    hockey.RINK_ZONE_NEUTRAL: "neutral zone",
    hockey.RINK_ZONE_OFFENSIVE: "attacking end",
}
LEVELS: Final = {
    hockey.OPPORTUNITY_LEVEL_LOW: "low",
    hockey.OPPORTUNITY_LEVEL_MEDIUM: "medium",
    hockey.OPPORTUNITY_LEVEL_HIGH: "high",
}
_ENDED: Final = {
    football.PASS_RESULT_INCOMPLETE: "incomplete",
    football.PASS_RESULT_INTERCEPTED: "intercepted",
}
MEASURES: Final[Mapping[common.Role.ValueType, str]] = {
    common.ROLE_PASSER: "Play score",
    common.ROLE_SHOOTER: "Goal probability",
    common.ROLE_GOALIE: "Goal probability",
    common.ROLE_SHOOTING_TEAM: "Goal probability",
    common.ROLE_FACEOFF_TAKER: "Win probability",
}
"""Heading of the number that a play is sorted by."""


def chart_of(role: common.Role.ValueType, rows: Iterable[Mapping[str, Any]]) -> str:
    """What plays can be drawn on: "field" or "rink"; empty where nothing says where they were."""
    if role == common.ROLE_PASSER:
        return "field"
    return "rink" if any(row.get("ice") for row in rows) else ""


def play_rows(plays: Iterable[ListedPlay], names: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Plays as `plays.js` shows them, in their order. `names` are those of players who are not the subject.

    A play whose official result is not known yet has a `result` that says so, and no `value` where that depends on it.
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
        **own,
    }


def _pass(play: ListedPlay) -> dict[str, Any]:
    record, at = play.record, play.record.pass_attributes
    measure = record.pass_measure
    is_graded = record.WhichOneof("measure") is not None
    return {
        "when": _joined(
            [
                f"{at.season}" if at.HasField("season") else "",
                f"week {at.week}" if at.HasField("week") else "",
                _clock("Q", at.quarter, at.game_clock_seconds, at.HasField("game_clock_seconds")),
            ]
        ),
        "situation": _joined(
            [
                f"{_DOWNS.get(at.down, at.down)} and {at.yards_to_go:.0f}"
                if at.HasField("down") and at.HasField("yards_to_go")
                else "",
                f"{at.yards_to_end_zone:.0f} yd to the end zone" if at.HasField("yards_to_end_zone") else "",
                "under pressure" if at.under_pressure else "",
                f"{at.time_to_throw_seconds:.1f} s" if at.HasField("time_to_throw_seconds") else "",
            ]
        ),
        "result": _gained(measure) if is_graded else "result to come",
        "value": round(measure.play_score, 4) if is_graded else None,
        "text": f"{measure.play_score:.2f}" if is_graded else "",
        "drawn": _yards(play),
        "field": {
            "lateral": round(at.passer_lateral_yards, 1) if at.HasField("passer_lateral_yards") else None,
            "behind": round(at.passer_depth_yards, 1) if at.HasField("passer_depth_yards") else None,
            "air": round(at.air_yards, 1) if at.HasField("air_yards") else None,
            "depth": words.message_enum_value(football.PassDepth.Name(at.depth), "PASS_DEPTH_") if at.depth else "",
        },
    }


def _gained(measure: aggregator.PassMeasure) -> str:
    if measure.result in _ENDED:
        return _ENDED[measure.result]
    yards = measure.yards_gained
    return f"loss of {words.counted(-yards, 'yard')}" if yards < 0 else words.counted(yards, "yard")


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
    gained = min(max(round(measure.yards_gained), first), last) if play.record.WhichOneof("measure") else None
    return {"first": first, "heights": np.rint(HEIGHT * heights / heights.max()).astype(int).tolist(), "came": gained}


def _shot(record: aggregator.ScoreRecord, names: Mapping[str, str]) -> dict[str, Any]:
    at, measure = record.shot_attributes, record.shot_measure
    is_graded = record.WhichOneof("measure") is not None
    probability = measure.goal_probability if is_graded else record.distribution.bernoulli.probability
    shooter = names.get(at.shooter_id, "") if record.subject.role != common.ROLE_SHOOTER else ""
    return {
        "when": _joined(
            [
                f"{at.season}" if at.HasField("season") else "",
                _clock("P", at.period, at.game_clock_seconds, at.HasField("game_clock_seconds")),
            ]
        ),
        "situation": _joined(
            [
                shooter,
                words.message_enum_value(hockey.IceZone.Name(at.zone), "ICE_ZONE_") if at.zone else "",
                words.message_enum_value(hockey.ShotType.Name(at.shot_type), "SHOT_TYPE_") if at.shot_type else "",
                f"{at.distance_feet:.0f} ft" if at.HasField("distance_feet") else "",
                _STRENGTHS.get(at.strength, "") if at.strength != hockey.STRENGTH_EVEN else "",
                *(name for name, is_set in (("rebound", at.rebound), ("rush", at.rush)) if is_set),
                "empty net" if at.net_state == hockey.NET_STATE_EMPTY else "",
            ]
        ),
        "result": _RESULTS.get(measure.result, "result to come") if is_graded else "result to come",
        "value": round(probability, 4),
        "text": words.chance(probability),
        "drawn": {"probability": round(probability, 4), "came": measure.result == hockey.SHOT_RESULT_GOAL},
        "ice": {"x": round(at.x_feet, 1), "y": round(at.y_feet, 1), "level": LEVELS.get(at.level, "")}
        if at.HasField("x_feet") and at.HasField("y_feet")
        else None,
    }


def _faceoff(record: aggregator.ScoreRecord) -> dict[str, Any]:
    at, measure = record.faceoff_attributes, record.faceoff_measure
    is_graded = record.WhichOneof("measure") is not None
    probability = measure.win_probability if is_graded else record.distribution.bernoulli.probability
    won = measure.result == hockey.FACEOFF_RESULT_WON
    return {
        "when": _joined(
            [
                f"{at.season}" if at.HasField("season") else "",
                _clock("P", at.period, at.game_clock_seconds, at.HasField("game_clock_seconds")),
            ]
        ),
        "situation": _joined([_ZONES.get(at.zone, ""), _STRENGTHS.get(at.strength, "")]),
        "result": ("won" if won else "lost") if is_graded else "result to come",
        "value": round(probability, 4),
        "text": words.chance(probability),
        "drawn": {"probability": round(probability, 4), "came": won},
    }


def _clock(period: str, number: int, seconds: float, is_known: bool) -> str:
    if not number:
        return ""
    return f"{period}{number} {int(seconds) // 60}:{int(seconds) % 60:02d}" if is_known else f"{period}{number}"


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)
