"""All ratings of a split: computed once, then sorted, paged and looked up."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.core.arrays import Numbers
from aggregator.core.filter import Filter
from aggregator.core.records import Value
from aggregator.core.segment import SUBJECT_ID, TEAM_ID
from aggregator.core.table import Table
from aggregator.core.tallies import BY_SUBJECT
from aggregator.core.task import Task
from aggregator.core.tokens import Json, page_token_invalid
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import ModelVersion
from playscore.subjects import Subject

_PLAYS, _NAME = "plays", "subject_name"

Order: TypeAlias = tuple[tuple[str, bool], ...]
"""Names to sort by, each with whether it is descending."""


@dataclass(frozen=True, slots=True)
class Rating:
    """The rating of one group of plays."""

    subject: Subject
    """Where ratings are not grouped by subject, only the role is known, and the team where they are grouped by team."""
    group: Sequence[tuple[str, Value | None]]
    """The fields and values that the plays have in common; empty where the subject is all."""
    plays: int
    value: Mapping[str, float | None]
    """The task's values by name; None where there is none."""
    qualified: bool
    rank: int
    """Among the qualified, from 1, equal ones sharing a place; 0 if not qualified."""
    percentile: float | None
    """Share of the others who qualify that are lower, equal ones counted half, 0 to 100; None without any others."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What all ratings of an answer are ranked by."""

    model: ModelVersion
    min_plays: int
    """Plays that qualify."""
    qualified: int
    """How many qualify."""


class Standings:
    """Ratings of the plays of a table that are in a split, by the fields that they are grouped by.

    `min_plays` None is for the task's own rule.
    """

    def __init__(self, table: Table, split: Filter, group_by: tuple[str, ...], min_plays: int | None) -> None:
        task = table.task
        self._role = table.role
        self._group_by = group_by
        grouped = table.grouped(split, group_by)
        self._groups = grouped.groups
        self._names, self._teams = grouped.names, grouped.teams
        self._plays = grouped.totals.plays
        self._values = task.rate(table.role, table.model, grouped.totals)
        if min_plays is None:
            min_plays = task.qualifying_plays(table.role, table.model, grouped.extent)
        self._qualified = (self._plays >= min_plays) & (self._plays > 0)
        self._rank = rank(self._values[task.ranked_by], self._qualified)
        self._percentile = percentile(self._values[task.ranked_by], self._qualified)
        self.ranking = Ranking(table.model, min_plays, int(np.count_nonzero(self._qualified)))

    def sorted(self, order: Order, *, qualified_only: bool) -> list[int]:
        """The groups that have plays, in order; ties by what the groups have in common."""
        groups: list[int] = np.flatnonzero(self._qualified if qualified_only else self._plays > 0).tolist()
        groups.sort(key=lambda group: [_comparable(value) for value in self._groups[group]])
        for name, descending in reversed(order):
            groups.sort(key=partial(self._ordered_by, name=name), reverse=descending)
        return groups

    def place(self, group: int, order: Order) -> list[Json]:
        """Where a group stands in an order, whatever the others do."""
        return [*(self._value(group, name) for name, _ in order), *self._groups[group]]

    def passed(self, groups: Sequence[int], place: Sequence[Json], order: Order) -> int:
        """How many of the sorted groups stand at or before a place. PAGE_TOKEN_INVALID for none of this order."""
        descending = [*(down for _, down in order), *(False for _ in self._group_by)]
        for count, group in enumerate(groups):
            theirs = self.place(group, order)
            if not _alike(theirs, place):
                raise page_token_invalid()
            for value, last, down in zip(theirs, place, descending, strict=True):
                if value != last:
                    if (_comparable(value) > _comparable(last)) is not down:
                        return count
                    break
        return len(groups)

    def rating(self, group: int) -> Rating:
        """The rating of a group; of one without plays, what the task makes of none."""
        by_subject_alone = self._group_by == BY_SUBJECT
        return Rating(
            subject=self.subject(group),
            group=() if by_subject_alone else tuple(zip(self._group_by, self._groups[group], strict=True)),
            plays=self.plays(group),
            value={name: _known(values[group]) for name, values in self._values.items()},
            qualified=bool(self._qualified[group]),
            rank=int(self._rank[group]),
            percentile=_known(self._percentile[group]),
        )

    def plays(self, group: int) -> int:
        """How many plays a group has."""
        return int(self._plays[group])

    def subject(self, group: int) -> Subject:
        """Whose plays they are, as far as they have that in common."""
        common = dict(zip(self._group_by, self._groups[group], strict=True))
        team = self._teams[group] if SUBJECT_ID in common else common.get(TEAM_ID)
        return Subject(self._role, _text(common.get(SUBJECT_ID)), self._names[group], _text(team))

    def _ordered_by(self, group: int, name: str) -> tuple[bool, Any]:
        return _comparable(self._value(group, name))

    def _value(self, group: int, name: str) -> Json:
        """What of a group an order goes by. Groups that are not of a subject have no name."""
        match name:
            case "plays":
                return int(self._plays[group])
            case "subject_name":
                return self._names[group]
            case _:
                return _known(self._values[name][group])


def read_order(order_by: str, task: Task) -> Order:
    """The order that `order_by` says. FIELD_INVALID for what it does not know."""
    orders = (*task.orders, _PLAYS, _NAME)
    order: list[tuple[str, bool]] = []
    for part in (order_by or f"{task.ranked_by} desc").split(","):
        match part.split():
            case [name] if name in orders:
                order.append((name, False))
            case [name, "desc"] if name in orders:
                order.append((name, True))
            case _:
                raise _invalid(
                    "order_by", f"{part.strip()!r} is not one of {', '.join(orders)}, with ' desc' after it or nothing"
                )
        if len({name for name, _ in order}) < len(order):
            raise _invalid("order_by", f"order_by names {order[-1][0]} twice")
    return tuple(order)


def read_groups(group_by: Sequence[str], task: Task) -> tuple[str, ...]:
    """The fields to group ratings by. FIELD_INVALID for one that ratings cannot be grouped by, or one named twice."""
    possible = [field.name for field in task.schema.fields.values() if field.groups]
    for place, name in enumerate(group_by):
        if name not in possible:
            raise _invalid(f"group_by[{place}]", f"{name!r} is not one of {', '.join(possible)}")
        if name in group_by[:place]:
            raise _invalid(f"group_by[{place}]", f"group_by names {name} twice")
    return tuple(group_by) or BY_SUBJECT


def rank(values: Numbers, qualified: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Places among the qualified, from 1, equal values sharing one; 0 for the others."""
    peers = np.sort(values[qualified])
    better = len(peers) - np.searchsorted(peers, values, side="right")
    return np.where(qualified, better + 1, 0)


def percentile(values: Numbers, qualified: NDArray[np.bool_]) -> Numbers:
    """Shares of the other qualified values that are lower, equal ones counted half, 0 to 100; NaN without others."""
    peers = np.sort(values[qualified])
    if len(peers) < 2:
        return np.full(len(values), np.nan)
    lower, upper = (np.searchsorted(peers, values, side=side) for side in ("left", "right"))
    return np.where(qualified, 100 * (lower + upper - 1) / (2 * (len(peers) - 1)), np.nan)


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _text(value: Value | None) -> str:
    return "" if value is None else str(value)


def _comparable(value: Json) -> tuple[bool, Any]:
    """Puts what is not known before everything else."""
    return value is not None, value


def _alike(values: Sequence[Json], others: Sequence[Json]) -> bool:
    """Whether values can be compared one by one."""
    return len(values) == len(others) and all(
        value is None or other is None or type(value) is type(other)
        for value, other in zip(values, others, strict=True)
    )


def _invalid(field: str, detail: str) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, detail, fields=(FieldViolation(field, detail),))
