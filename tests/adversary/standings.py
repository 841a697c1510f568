"""What a league's games came to: every play, and every rating; and whether that is what another league's came to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.message import Message

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

ROLES: Final[Mapping[str, tuple[common.Role.ValueType, ...]]] = {
    "SIM": (common.ROLE_PASSER,),
    "SIH": (common.ROLE_SHOOTER, common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM, common.ROLE_FACEOFF_TAKER),
}
"""By how the name of a league begins."""
MAX_DIFFERENCE: Final = 1e-6
"""Between two numbers that are to be the same, relative to them where they are above 1."""

_Record = tuple[str, str, int, str]
"""Game, play, role and subject."""


@dataclass(frozen=True)
class Standings:
    """Of one league."""

    records: dict[_Record, aggregator.ScoreRecord] = field(default_factory=dict)
    doubled: list[_Record] = field(default_factory=list)
    """Records that are listed twice."""
    ratings: dict[tuple[int, str], aggregator.Rating] = field(default_factory=dict)
    coverage: dict[int, aggregator.GetCoverageResponse] = field(default_factory=dict)

    @property
    def plays(self) -> int:
        """Scored or not, of all tasks: a face-off is of one role, a shot of several."""
        counted = [self.coverage[role].plays for role in self.coverage if role not in _SAME_TASK]
        return sum(counted)


_SAME_TASK: Final = {common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM}
"""Roles of the shots whose plays ROLE_SHOOTER counts."""


async def read_standings(ratings: AggregatorClient, league: str) -> Standings:
    """All that is recorded of a league; nothing where there is none."""
    found = Standings()
    for role in ROLES[league[:3]]:
        try:
            coverage = await ratings.get_coverage(league, role=role)
            found.coverage[role] = coverage
            state = coverage.revision
            plays = ratings.list_plays(
                league, role=role, include_distributions=True, include_ungraded=True, at_least_as_fresh=state
            )
            async for play in plays:
                record = play.record
                key = record.key.game_id, record.key.play_id, role, record.subject.subject_id
                if key in found.records:
                    found.doubled.append(key)
                found.records[key] = record
            async for rating in ratings.list_ratings(league, role=role, min_plays=1, at_least_as_fresh=state):
                found.ratings[role, rating.subject.subject_id] = rating
        except PlayscoreError as error:
            if error.reason is not Reason.LEAGUE_NOT_FOUND:
                raise
    return found


def differences(expected: Standings, found: Standings) -> Iterator[str]:
    """Every play that is lost, doubled or another, and every rating that differs."""
    for key in found.doubled:
        yield f"{key} is recorded twice"
    for what, wanted, there in (
        ("record", expected.records, found.records),
        ("rating", expected.ratings, found.ratings),
        ("coverage", expected.coverage, found.coverage),
    ):
        keys: Any = wanted
        for key in keys.keys() - there.keys():
            yield f"{what} of {key} is lost"
        for key in there.keys() - keys.keys():
            yield f"{what} of {key} is one too many"
        for key in keys.keys() & there.keys():
            for path, one, other in _differing(wanted[key], there[key]):
                yield f"{what} of {key}: {path} is {other!r}, not {one!r}"


_ITS_OWN: Final = {"league", "revision_token", "playscore.aggregator.v1.GetCoverageResponse.revision"}
"""Fields in which two leagues differ by what they are."""


def _differing(one: Message, other: Message, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    for descriptor in one.DESCRIPTOR.fields:
        if descriptor.name in _ITS_OWN or descriptor.full_name in _ITS_OWN:
            continue
        where = f"{path}{descriptor.name}"
        first: Any = getattr(one, descriptor.name)
        second: Any = getattr(other, descriptor.name)
        if descriptor.is_repeated:
            if len(first) != len(second):
                yield where, f"{len(first)} items", f"{len(second)} items"
                continue
            pairs = list(zip(first, second, strict=True))
        else:
            if descriptor.has_presence and one.HasField(descriptor.name) != other.HasField(descriptor.name):
                yield where, one.HasField(descriptor.name), other.HasField(descriptor.name)
                continue
            pairs = [(first, second)]
        for mine, theirs in pairs:
            if isinstance(mine, Message):
                yield from _differing(mine, theirs, f"{where}.")
            elif isinstance(mine, float):
                if not math.isclose(mine, theirs, rel_tol=MAX_DIFFERENCE, abs_tol=MAX_DIFFERENCE):
                    yield where, mine, theirs
            elif mine != theirs:
                yield where, mine, theirs
