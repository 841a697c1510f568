"""What `playscore replay --json` writes."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from google.protobuf.message import Message

from pipeline.replay import Replay, Standings
from pipeline.reported_plays import play_as_json
from pipeline.results import known_reason
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.common.v1 import common_pb2 as common


def report_as_json(replay: Replay, *, distributions: bool) -> dict[str, Any]:
    """The whole report; with the parameters of every predicted distribution of yards if `distributions`."""
    standings = replay.standings
    first = {league: each for (league, _), each in reversed(standings.items())}
    return {
        "plays": [play_as_json(result, distributions=distributions) for result in replay.results],
        "ratings": [rating_as_json(rating, each.ranking) for each in standings.values() for rating in each.ratings],
        "standings": [
            {
                "league": league,
                "role": _role(role),
                "min_plays": each.ranking.min_plays,
                "qualified": each.ranking.qualified,
                "coverage": _coverage_as_json(each),
            }
            for (league, role), each in standings.items()
        ],
        "min_plays": {league: each.ranking.min_plays for league, each in first.items()},
        "coverage": {league: _coverage_as_json(each) for league, each in first.items()},
        "stages": replay.times.as_json(),
        "left_out": [asdict(loss) for loss in replay.losses],
        "shared_faults": {
            game_id: {"plays": fault.plays, "reason": fault.reason.name, "detail": fault.example.detail}
            for game_id, fault in replay.shared_faults.items()
        },
        "refused_messages": replay.refused_messages,
        "failed_games": replay.failed_games,
    }


def rating_as_json(rating: aggregator.Rating, ranking: aggregator.Ranking) -> dict[str, Any]:
    """One rating, with what it is ranked by: the fields of its value by their names in the contract."""
    kind = rating.WhichOneof("value")
    value: dict[str, Any] = {} if kind is None else _fields(getattr(rating, kind))
    return {
        "subject_id": rating.subject.subject_id,
        "subject_name": rating.subject.subject_name,
        "team_id": rating.subject.team_id,
        "role": _role(rating.subject.role),
        "model": {"name": ranking.model.name, "version": ranking.model.version},
        "plays": rating.plays,
        **value,
        "qualified": rating.qualified,
        "rank": rating.rank,
        "qualified_peers": ranking.qualified,
    }


def _fields(value: Message) -> dict[str, Any]:
    return {
        field.name: getattr(value, field.name) if not field.has_presence or value.HasField(field.name) else None
        for field in value.DESCRIPTOR.fields
    }


def _coverage_as_json(standings: Standings) -> dict[str, Any]:
    coverage = standings.coverage
    return {
        "plays": coverage.plays,
        "scored": coverage.graded,
        "ungraded": coverage.ungraded,
        "unscored": {_reason_name(count.reason): count.plays for count in coverage.unscored},
    }


def _role(role: common.Role.ValueType) -> str:
    return common.Role.Name(role).removeprefix("ROLE_").lower()


def _reason_name(number: int) -> str:
    """Its name; its number where only a newer contract names it."""
    reason = known_reason(number)
    return reason.name if reason else str(number)
