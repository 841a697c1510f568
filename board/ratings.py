"""Ratings as rows of a table, alike on every page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from board import words
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common


@dataclass(frozen=True, slots=True)
class RoleWords:
    """How a role's ratings are told."""

    subjects: str
    subject: str
    measure: str
    description: str
    plays: str
    columns: tuple[str, ...]
    """Headings of `cells`, between the plays and the measure."""
    domain: tuple[float, float] | None = None
    """Least and greatest value; None where there are none."""


ROLES: Final[Mapping[common.Role.ValueType, RoleWords]] = {
    common.ROLE_PASSER: RoleWords(
        "Passers",
        "Passer",
        "Rating",
        "How the yards gained rank against what was to be expected; 50 to 99.",
        "Passes",
        ("Yards a pass", "Play score"),
        domain=(50.0, 99.0),
    ),
    common.ROLE_SHOOTER: RoleWords(
        "Shooters",
        "Shooter",
        "Above expected",
        "Goals above what the chances were worth.",
        "Shots",
        ("Goals", "Goals a shot on goal"),
    ),
    common.ROLE_GOALIE: RoleWords(
        "Goalies",
        "Goalie",
        "Saved above expected",
        "Goals saved: what the chances were worth, less the goals.",
        "Shots",
        ("Goals against", "Saves a shot on goal"),
    ),
    common.ROLE_SHOOTING_TEAM: RoleWords(
        "Teams",
        "Team",
        "Above expected",
        "Goals above what the chances were worth.",
        "Shots",
        ("Goals", "Goals a shot on goal"),
    ),
    common.ROLE_FACEOFF_TAKER: RoleWords(
        "Face-offs",
        "Taker",
        "Above expected",
        "Face-offs won above what was to be expected.",
        "Taken",
        ("Won",),
    ),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What a rating comes to, with the ends of its 90% interval."""

    value: float
    low: float
    high: float


def measured(rating: aggregator.Rating) -> Measured:
    """The measure that its role is ranked by."""
    match rating.WhichOneof("value"):
        case "passing":
            passing = rating.passing
            return Measured(passing.rating, passing.rating_low, passing.rating_high)
        case "shots":
            shots = rating.shots
            return Measured(shots.goals_above_expected, shots.goals_above_expected_low, shots.goals_above_expected_high)
        case _:
            faceoffs = rating.faceoffs
            return Measured(
                faceoffs.wins_above_expected, faceoffs.wins_above_expected_low, faceoffs.wins_above_expected_high
            )


def measure_text(role: common.Role.ValueType, value: float) -> str:
    """A value of the measure: "87" for passers, "+1.25" for the others."""
    return f"{value:.0f}" if ROLES[role].domain else f"{value:+.2f}"


def cells(rating: aggregator.Rating) -> list[list[str]]:
    """The role's other columns: what came about, and what was to be expected."""
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
    """Tells a rating from all others of an answer or a watch."""
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
        "group": {each.field: words.field_value(each, (values or {}).get(each.field, ())) for each in rating.group},
        "plays": rating.plays,
        "qualified": rating.qualified,
        "value": round(measure.value, 3),
        "low": round(measure.low, 3),
        "high": round(measure.high, 3),
        "text": measure_text(role, measure.value),
        "interval": f"{measure_text(role, measure.low)} to {measure_text(role, measure.high)}",
        "cells": cells(rating),
    }


def table(role: common.Role.ValueType, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Rows with their headings, as `ratings.js` shows them."""
    told = ROLES[role]
    return {
        "role": words.role_name(role),
        "subject": told.subject,
        "plays": told.plays,
        "measure": told.measure,
        "columns": list(told.columns),
        "domain": list(told.domain) if told.domain else None,
        "rows": list(rows),
    }
