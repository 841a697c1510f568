"""What a page asks for, read from its address."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from board.filters import both, equals
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client.words import ROLES, role_name
from playscore.common.v1 import common_pb2 as common
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.wire.validation import check

_PARAMETERS = ("league", "role", "filter", "group_by", "min_plays", "qualified", "game")


@dataclass(frozen=True, slots=True)
class Question:
    """A leaderboard; with a `game_id` one of that game, with its plays and its coverage."""

    league: str
    role: common.Role.ValueType
    filter: str = ""
    group_by: tuple[str, ...] = ()
    min_plays: int | None = None
    qualified_only: bool = False
    game_id: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Reads the query of an address. Raises FIELD_INVALID with the parameter at fault."""
        if unknown := sorted(set(query) - set(_PARAMETERS)):
            raise _invalid(unknown[0], f"is not one of {', '.join(_PARAMETERS)}")
        min_plays = query.get("min_plays", "")
        if min_plays and not (min_plays.isascii() and min_plays.isdigit() and len(min_plays) <= 9):
            raise _invalid("min_plays", f"must be a whole number, not {min_plays!r}")
        question = cls(
            league=query.get("league", ""),
            role=read_role(query.get("role", "")),
            filter=query.get("filter", "").strip(),
            group_by=tuple(part for each in query.get("group_by", "").split(",") if (part := each.strip())),
            min_plays=int(min_plays) if min_plays else None,
            qualified_only=query.get("qualified", "") == "1",
            game_id=query.get("game", ""),
        )
        check(question.request())
        return question

    def request(self) -> aggregator.WatchRatingsRequest:
        """The watch that answers it."""
        return aggregator.WatchRatingsRequest(
            split=aggregator.Split(league=self.league, role=self.role, filter=self.whole_filter),
            group_by=self.group_by,
            min_plays=self.min_plays,
            qualified_only=self.qualified_only,
        )

    @property
    def whole_filter(self) -> str:
        """The filter, of the game's plays if there is one."""
        return both(self.filter, equals("game_id", self.game_id)) if self.game_id else self.filter


def read_role(name: str, roles: Iterable[common.Role.ValueType] = ROLES) -> common.Role.ValueType:
    """A role by its name; the first where none is named. Raises FIELD_INVALID."""
    names = {role_name(role): role for role in roles}
    if name and name not in names:
        raise _invalid("role", f"is not one of {', '.join(names)}")
    return names[name] if name else next(iter(names.values()))


def _invalid(parameter: str, description: str) -> PlayscoreError:
    return PlayscoreError(
        Reason.FIELD_INVALID, f"{parameter}: {description}", fields=(FieldViolation(parameter, description),)
    )
