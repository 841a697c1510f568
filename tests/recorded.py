"""What an aggregator holds, to be compared: records, coverage and ratings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict

from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common

ROLES = {
    "SIM": (common.ROLE_PASSER,),
    "SIH": (common.ROLE_SHOOTER, common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM, common.ROLE_FACEOFF_TAKER),
}
Told = dict[str, Any]
"""What a store holds: values under the paths of their fields."""


async def held(address: str, league: str, model: common.ModelVersion | None = None) -> Told:
    """Every record, why other plays have none, and every rating, of the aggregator at an address."""
    told: Told = {}
    async with AggregatorClient(address) as ratings:
        for role in ROLES[league]:
            plays = ratings.list_plays(
                league, role=role, model=model, include_distributions=True, include_ungraded=True
            )
            async for play in plays:
                key = f"{role} {play.record.key.game_id} {play.record.key.play_id} {play.record.subject.subject_id}"
                told |= dict(flat(key, MessageToDict(play.record)))
            coverage = await ratings.get_coverage(league, role=role, model=model)
            coverage.ClearField("revision")
            told |= dict(flat(f"{role} coverage", MessageToDict(coverage)))
            async for rating in ratings.list_ratings(league, role=role, model=model, min_plays=1):
                told |= dict(flat(f"{role} {rating.subject.subject_id}", MessageToDict(rating)))
    assert told
    return told


def flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The values of nested messages."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(f"{path}.{name}", inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from flat(f"{path}[{place}]", inner)
    else:
        yield path, value


def of_kind(part: str, told: Told) -> Told:
    """What has this part in its path."""
    return {path: value for path, value in told.items() if part in path}


def same(told: Told) -> Told:
    """Equal but for the last digits of an inference, which depend on the batch that a play was in."""
    return {
        path: pytest.approx(value, rel=1e-5, abs=1e-5) if isinstance(value, float) else value
        for path, value in told.items()
    }
