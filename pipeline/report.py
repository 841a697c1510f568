"""What `playscore replay --json` writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pipeline.replay import Replay, Standings
from pipeline.results import Ending, PlayResult, known_reason
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.errors import Reason
from playscore.football.v1 import football_pb2 as football

_OUTCOMES = {Reason.NO_RELEASE: "no_release"} | dict.fromkeys(
    (Reason.NOT_A_PASS, Reason.SPIKE, Reason.KNEEL, Reason.CONVERSION_TRY, Reason.SPECIAL_TEAMS), "not_a_pass"
)
"""Outcomes that are not errors get their own names."""


def report_as_json(replay: Replay, *, distributions: bool) -> dict[str, Any]:
    """The whole report; with the parameters of every predicted distribution if `distributions`."""
    standings = replay.standings
    return {
        "plays": [play_as_json(result, distributions=distributions) for result in replay.results],
        "ratings": [rating_as_json(rating, each.ranking) for each in standings.values() for rating in each.ratings],
        "min_plays": {league: each.ranking.min_plays for league, each in standings.items()},
        "coverage": {league: _coverage_as_json(each) for league, each in standings.items()},
        "stages": replay.times.as_json(),
        "left_out": [asdict(loss) for loss in replay.losses],
        "shared_faults": {
            game_id: {"plays": fault.plays, "reason": fault.reason.name, "detail": fault.example.detail}
            for game_id, fault in replay.shared_faults.items()
        },
        "refused_messages": replay.refused_messages,
        "failed_games": replay.failed_games,
    }


def outcome_of(result: PlayResult) -> str:
    """What became of a play: "scored", "superseded", "rejected", "no_release" or "not_a_pass".

    "superseded": a later revision stands, named in the play's `detail`; ratings do not count this one.
    """
    if result.ending is Ending.SCORED:
        return "scored"
    if result.ending is Ending.SUPERSEDED:
        return "superseded"
    return _OUTCOMES.get(result.reason, "rejected") if result.reason else "rejected"


def play_as_json(result: PlayResult, *, distributions: bool) -> dict[str, Any]:
    """One play. What is not known, or does not apply, is null."""
    passer = next((subject for subject in result.subjects if subject.role == common.ROLE_PASSER), common.Subject())
    score = result.scored.score if result.scored is not None else None
    outcome = result.result.pass_outcome if result.result is not None else football.PassOutcome()
    row: dict[str, Any] = {
        "game_id": result.game_id,
        "play_id": result.play_id,
        "outcome": outcome_of(result),
        "reason": result.reason.name if result.reason else None,
        "detail": result.detail,
        "revision": result.revision,
        "recorded": result.recorded,
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
    if distributions:
        row["distribution"] = (
            distribution_as_json(result.scored.records[0].score.distribution, result.scored.supports)
            if result.scored is not None
            else None
        )
    return row


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


def rating_as_json(rating: aggregator.Rating, ranking: aggregator.Ranking) -> dict[str, Any]:
    """One rating, with what it is ranked by."""
    passing = rating.passing
    return {
        "subject_id": rating.subject.subject_id,
        "subject_name": rating.subject.subject_name,
        "team_id": rating.subject.team_id,
        "role": common.Role.Name(rating.subject.role).removeprefix("ROLE_").lower(),
        "model": {"name": ranking.model.name, "version": ranking.model.version},
        "plays": rating.plays,
        "rating": passing.rating,
        "rating_low": passing.rating_low,
        "rating_high": passing.rating_high,
        "mean_play_score": _optional(passing, "mean_play_score"),
        "yards_per_play": _optional(passing, "yards_per_play"),
        "expected_yards_per_play": _optional(passing, "expected_yards_per_play"),
        "qualified": rating.qualified,
        "rank": rating.rank,
        "qualified_peers": ranking.qualified,
    }


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


def _coverage_as_json(standings: Standings) -> dict[str, Any]:
    coverage = standings.coverage
    return {
        "plays": coverage.plays,
        "scored": coverage.graded,
        "ungraded": coverage.ungraded,
        "unscored": {_reason_name(count.reason): count.plays for count in coverage.unscored},
    }


def _reason_name(number: int) -> str:
    """Its name; its number where only a newer contract names it."""
    reason = known_reason(number)
    return reason.name if reason else str(number)


def _optional(message: Any, field: str) -> Any:
    return getattr(message, field) if message.HasField(field) else None
