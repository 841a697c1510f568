"""Plays as `playscore replay --json` writes them: what all have in common, and what each kind adds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pipeline.results import Ending, PlayResult
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import Reason
from playscore.football.v1 import football_pb2 as football
from playscore.hockey.v1 import hockey_pb2 as hockey

_OUTCOMES: Final = {Reason.NO_RELEASE: "no_release"} | dict.fromkeys(
    (Reason.NOT_A_PASS, Reason.SPIKE, Reason.KNEEL, Reason.CONVERSION_TRY, Reason.SPECIAL_TEAMS), "not_a_pass"
)
"""Outcomes that are not errors get their own names."""
_KINDS: Final = {
    "pass_attributes": "pass",
    "shot_attributes": "shot",
    "faceoff_attributes": "faceoff",
    "pass_outcome": "pass",
    "shot_outcome": "shot",
    "faceoff_outcome": "faceoff",
}
_KINDS_OF_TASKS: Final = {common.TASK_PASSING: "pass", common.TASK_SHOTS: "shot", common.TASK_FACEOFFS: "faceoff"}


def outcome_of(result: PlayResult) -> str:
    """What became of a play: "scored", "superseded", "rejected", "no_release" or "not_a_pass".

    "superseded": a later revision stands, named in the play's `detail`; ratings do not count this one.
    """
    if result.ending is Ending.SCORED:
        return "scored"
    if result.ending is Ending.SUPERSEDED:
        return "superseded"
    return _OUTCOMES.get(result.reason, "rejected") if result.reason else "rejected"


def kind_of(result: PlayResult) -> str:
    """What a play is: "pass", "shot" or "faceoff"; "unknown" where nothing says."""
    told = [
        None if result.tensor is None else result.tensor.WhichOneof("attributes"),
        None if result.scored is None else result.scored.records[0].score.WhichOneof("attributes"),
        None if result.result is None else result.result.WhichOneof("outcome"),
    ]
    for each in told:
        if each is not None:
            return _KINDS[each]
    return _KINDS_OF_TASKS.get(common.Task.ValueType(result.task), "unknown")


def play_as_json(result: PlayResult, *, distributions: bool) -> dict[str, Any]:
    """One play. What is not known, or does not apply, is null."""
    kind = kind_of(result)
    row: dict[str, Any] = {
        "game_id": result.game_id,
        "play_id": result.play_id,
        "kind": kind,
        "outcome": outcome_of(result),
        "reason": result.reason.name if result.reason else None,
        "detail": result.detail,
        "revision": result.revision,
        "recorded": result.recorded,
    }
    match kind:
        case "shot":
            return row | _shot(result)
        case "faceoff":
            return row | _faceoff(result)
    row |= _pass(result)
    if distributions:
        row["distribution"] = (
            distribution_as_json(result.scored.records[0].score.distribution, result.scored.supports)
            if result.scored is not None
            else None
        )
    return row


def _pass(result: PlayResult) -> dict[str, Any]:
    passer = _subject(result, common.ROLE_PASSER)
    score = result.scored.score if result.scored is not None else None
    outcome = result.result.pass_outcome if result.result is not None else football.PassOutcome()
    row: dict[str, Any] = {
        "passer_id": passer.subject_id,
        "passer_name": passer.subject_name,
        "team_id": passer.team_id,
        "yards": outcome.yards_gained if outcome.HasField("yards_gained") else None,
        "score": None,
        "expected_yards": None,
        "first_down_probability": None,
        "touchdown_probability": None,
        "quantiles": None,
        "attributes": None,
    }
    if score is not None:
        row |= {
            "score": score.grade.play_score if score.HasField("grade") else None,
            "expected_yards": score.expected_yards,
            "first_down_probability": _optional(score, "first_down_probability"),
            "touchdown_probability": _optional(score, "touchdown_probability"),
            "quantiles": {f"{point.probability:g}": point.yards for point in score.quantiles},
        }
    elif result.scored is not None:  # scored before: what was expected comes from the store
        record = result.scored.records[0].score
        row |= {
            "score": _optional(record.pass_measure, "play_score"),
            "expected_yards": _optional(record.pass_measure, "expected_yards"),
            "attributes": _attributes(record.pass_attributes),
        }
    if result.tensor is not None:
        row["attributes"] = _attributes(result.tensor.pass_attributes)
    return row


def _shot(result: PlayResult) -> dict[str, Any]:
    shooter, goalie = _subject(result, common.ROLE_SHOOTER), _subject(result, common.ROLE_GOALIE)
    ended = result.result.shot_outcome.result if result.result is not None else hockey.SHOT_RESULT_UNSPECIFIED
    row: dict[str, Any] = {
        "shooter_id": shooter.subject_id,
        "shooter_name": shooter.subject_name,
        "goalie_id": goalie.subject_id,
        "goalie_name": goalie.subject_name,
        "team_id": shooter.team_id or _subject(result, common.ROLE_SHOOTING_TEAM).team_id,
        "result": _enum(hockey.ShotResult.DESCRIPTOR, ended, "SHOT_RESULT_"),
        "goal": None if ended == hockey.SHOT_RESULT_UNSPECIFIED else ended == hockey.SHOT_RESULT_GOAL,
        "probability": None,
        "chance": None,
        "goals_above_expected": None,
        "intercept": None,
        "factors": None,
        "attributes": None,
    }
    if result.scored is None:
        return row
    record = result.scored.records[0].score
    probability = record.distribution.bernoulli.probability
    row |= {
        "probability": probability,
        "chance": _enum(hockey.OpportunityLevel.DESCRIPTOR, record.shot_attributes.level, "OPPORTUNITY_LEVEL_"),
        "goals_above_expected": float(row["goal"]) - probability if record.HasField("shot_measure") else None,
        "attributes": _attributes(record.shot_attributes),
    }
    if (score := result.scored.score) is not None:
        row |= {
            "intercept": score.intercept_logit,
            "factors": [
                {
                    "name": factor.factor,
                    "text": factor.text,
                    "value": _optional(factor, "value"),
                    "unit": factor.unit,
                    "contribution": factor.logit,
                    "percentile": _optional(factor, "percentile"),
                }
                for factor in score.contributions
            ],
        }
    return row


def _faceoff(result: PlayResult) -> dict[str, Any]:
    takers = [subject for subject in result.subjects if subject.role == common.ROLE_FACEOFF_TAKER]
    taker, opponent = [*takers, common.Subject(), common.Subject()][:2]
    ended = result.result.faceoff_outcome.result if result.result is not None else hockey.FACEOFF_RESULT_UNSPECIFIED
    row: dict[str, Any] = {
        "taker_id": taker.subject_id,
        "taker_name": taker.subject_name,
        "opponent_id": opponent.subject_id,
        "opponent_name": opponent.subject_name,
        "team_id": taker.team_id,
        "won": None if ended == hockey.FACEOFF_RESULT_UNSPECIFIED else ended == hockey.FACEOFF_RESULT_WON,
        "probability": None,
        "wins_above_expected": None,
        "attributes": None,
    }
    if result.scored is None:
        return row
    record = result.scored.records[0].score
    probability = record.distribution.bernoulli.probability
    return row | {
        "probability": probability,
        "wins_above_expected": float(row["won"]) - probability if record.HasField("faceoff_measure") else None,
        "attributes": _attributes(record.faceoff_attributes),
    }


def distribution_as_json(
    predicted: distribution.Distribution, supports: Sequence[distribution.Support]
) -> dict[str, Any]:
    """The parameters of a distribution with its support, by their names in the contract."""
    binned = predicted.spliced_binned_pareto
    support = next(support for support in supports if support.support_id == binned.support_id)
    return {
        "edges_yards": list(support.edges_yards),
        "probabilities": list(binned.probabilities),
        "lower_tail_probability": support.lower_tail_probability,
        "upper_tail_probability": support.upper_tail_probability,
        "lower_shape": binned.lower_shape,
        "lower_scale_yards": binned.lower_scale_yards,
        "upper_shape": binned.upper_shape,
        "upper_scale_yards": binned.upper_scale_yards,
        "ceiling_yards": _optional(binned, "ceiling_yards"),
    }


def _subject(result: PlayResult, role: common.Role.ValueType) -> common.Subject:
    """Who has a role in a play; an empty subject where nobody is known."""
    return next((subject for subject in result.subjects if subject.role == role), common.Subject())


def _attributes(attributes: Any) -> dict[str, Any]:
    """Every split field under its name; enums as filters write them."""
    values: dict[str, Any] = {}
    for field in attributes.DESCRIPTOR.fields:
        value = getattr(attributes, field.name)
        if field.enum_type is not None:
            values[field.name] = field.enum_type.values_by_number[value].name if value else None
        elif field.has_presence:
            values[field.name] = value if attributes.HasField(field.name) else None
        else:
            values[field.name] = value or None
    return values


def _enum(descriptor: Any, number: int, prefix: str) -> str | None:
    """The name of a value, in lower case without the prefix of its enum; None for one that is not stated."""
    return str(descriptor.values_by_number[number].name).removeprefix(prefix).lower() if number else None


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None
