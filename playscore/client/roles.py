"""Which roles a league has, for answers that would otherwise be empty."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from playscore.client.aggregator import AggregatorClient
from playscore.client.words import ROLES, role_name
from playscore.common.v1 import common_pb2 as common


async def roles_with_plays(
    aggregator: AggregatorClient, league: str, as_of: common.RevisionToken | datetime | None = None
) -> Sequence[common.Role.ValueType]:
    """The roles for which plays of a league are recorded. Raises LEAGUE_NOT_FOUND where nothing is."""
    return [role for role in ROLES if (await aggregator.get_coverage(league, role=role, as_of=as_of)).plays]


def lacks(league: str, role: common.Role.ValueType, others: Sequence[common.Role.ValueType]) -> str:
    """What to say of a league that has no plays of a role, but has some of others."""
    return f"{league} has no {ROLES[role].subjects}; roles with plays: {', '.join(map(role_name, others)) or 'none'}"
