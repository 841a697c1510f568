"""Ratings as rows of a table, alike on every page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client.words import ROLES, Interval, field_value, role_name
from playscore.common.v1 import common_pb2 as common

_SHOT_COLUMNS: Final = ("Goals", "Goals a shot on goal")
COLUMNS: Final[Mapping[common.Role.ValueType, tuple[str, ...]]] = {
    common.ROLE_PASSER: ("Yards a pass", "Play score"),
    common.ROLE_SHOOTER: _SHOT_COLUMNS,
    common.ROLE_GOALIE: ("Goals against", "Saves a shot on goal"),
    common.ROLE_SHOOTING_TEAM: _SHOT_COLUMNS,
    common.ROLE_FACEOFF_TAKER: ("Won",),
}
"""Headings of `cells`, between the plays and the measure."""


def measured(rating: aggregator.Rating) -> Interval:
    """What its role is ranked by."""
    return ROLES[rating.subject.role].interval(rating)


def measure_text(role: common.Role.ValueType, value: float) -> str:
    """A value of the measure: "87" for passers, "+1.25" for the others."""
    return format(value, _form(role))


def interval_text(role: common.Role.ValueType, interval: Interval) -> str:
    """The ends of an interval: "82 to 91"."""
    return ROLES[role].interval_text(interval, _form(role))


def _form(role: common.Role.ValueType) -> str:
    return "+z.2f" if ROLES[role].scale is None else ".0f"


def cells(rating: aggregator.Rating) -> list[list[str]]:
    """The role's other columns: each a value, and in parentheses what was expected."""
    match rating.WhichOneof("value"):
        case "passing":
            passing = rating.passing
            if not passing.HasField("yards_per_play"):
                return [["-", ""], ["-", ""]]
            return [
                [f"{passing.yards_per_play:.1f}", f"({passing.expected_yards_per_play:.1f})"],
                [f"{passing.mean_play_score:.2f}", ""],
            ]
        case "shots":
            shots = rating.shots
            share = "save_percentage" if rating.subject.role == common.ROLE_GOALIE else "shooting_percentage"
            return [[str(shots.goals), f"({shots.expected_goals:.2f})"], _share(shots, share)]
        case _:
            return [[str(rating.faceoffs.wins), f"({rating.faceoffs.expected_wins:.2f})"]]


def _share(shots: aggregator.ShotRating, name: str) -> list[str]:
    if not shots.HasField(name):  # type: ignore[arg-type]
        return ["-", ""]
    return [f"{100 * getattr(shots, name):.1f}%", f"({100 * getattr(shots, f'expected_{name}'):.1f}%)"]


def key_of(rating: aggregator.Rating | aggregator.RatingKey) -> str:
    """Identifies a rating within an answer or a watch."""
    group = [
        [each.field, *([getattr(each, kind)] if (kind := each.WhichOneof("value")) else [])] for each in rating.group
    ]
    return json.dumps([rating.subject.subject_id, *group], separators=(",", ":"))


def row(rating: aggregator.Rating, values: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """A rating as `ratings.js` shows it. `values` are those of the enum fields that ratings are grouped by."""
    subject, role = rating.subject, rating.subject.role
    measure = measured(rating)
    return {
        "key": key_of(rating),
        "rank": rating.rank,
        "id": subject.subject_id,
        "name": subject.subject_name or subject.subject_id,
        "team": "" if role == common.ROLE_SHOOTING_TEAM else subject.team_id,
        "group": {each.field: field_value(each, (values or {}).get(each.field, ())) for each in rating.group},
        "plays": rating.plays,
        "qualified": rating.qualified,
        "value": round(measure.value, 3),
        "low": round(measure.low, 3),
        "high": round(measure.high, 3),
        "text": measure_text(role, measure.value),
        "interval": interval_text(role, measure),
        "cells": cells(rating),
    }


def table(role: common.Role.ValueType, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Rows with their headings, as `ratings.js` shows them."""
    words = ROLES[role]
    return {
        "role": role_name(role),
        "subject": words.subject.capitalize(),
        "plays": words.plays.capitalize(),
        "measure": words.measure.capitalize(),
        "description": words.description,
        "columns": list(COLUMNS[role]),
        "domain": list(words.scale) if words.scale else None,
        "rows": list(rows),
    }
