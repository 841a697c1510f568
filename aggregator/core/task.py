"""What a task has to provide so that its scores are kept, split, rated and ranked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aggregator.core.arrays import Numbers
from aggregator.core.fields import Schema
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.rating_differences import Difference
from playscore.release import ModelVersion
from playscore.subjects import Role


@dataclass(frozen=True, slots=True, eq=False)
class Totals:
    """What the plays of G groups come to."""

    plays: NDArray[np.intp]
    """(G,) how many there are."""
    sums: Mapping[str, Numbers]
    """(G,) of each measure of the schema, and of each number derived from them, over the plays."""


@dataclass(frozen=True, slots=True, eq=False)
class ComparedPlays:
    """One of two sides that are compared. Both have plays."""

    model: ModelVersion
    own: Totals
    """(1,) of plays that the other side has not."""
    shared: Totals
    """(1,) of plays that both sides have, as this one's scores tell them."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a split is of what was played. Graded plays of one role and model version count, and their games."""

    plays: int
    """In the split."""
    season_plays: int
    """In the seasons that the split touches."""
    team_games: int
    """The most games of any one team in these seasons."""


def share_of_season(plays: int, season_games: int, extent: Extent) -> int:
    """How many plays qualify in a split where `plays` do in a full season of `season_games` games a team; at least 1.

    Where no team has played so many games in the seasons that the split touches, it takes as much less; and a split
    takes the share that its plays are of all plays in these seasons.
    """
    if not extent.season_plays:
        return 1
    share = plays * min(extent.team_games, season_games) * extent.plays
    return max(1, -(-share // (season_games * extent.season_plays)))


class Task(Protocol):
    """One thing that is graded, as far as its ratings go."""

    @property
    def number(self) -> int:
        """Its number in the contract's Task."""

    @property
    def roles(self) -> Sequence[Role]:
        """For what subjects are rated."""

    @property
    def models(self) -> Collection[ModelVersion]:
        """Models by whose scores subjects can be rated."""

    @property
    def default_model(self) -> ModelVersion:
        """The one that is rated by where a question names none."""

    @property
    def schema(self) -> Schema:
        """Measures and split fields."""

    @property
    def ranked_by(self) -> str:
        """The value by which subjects are ranked, greater before smaller."""

    @property
    def orders(self) -> Sequence[str]:
        """Values that ratings can be sorted by."""

    @property
    def compared_by(self) -> str:
        """What differs between two ratings."""

    def rate(self, role: Role, model: ModelVersion, totals: Totals) -> Mapping[str, Numbers]:
        """The values of G ratings by name, each (G,), NaN where a group has none."""

    def difference(self, role: Role, first: ComparedPlays, second: ComparedPlays, *, one_subject: bool) -> Difference:
        """How much better the first is than the second; `playscore.rating_differences` has what it takes.

        Of two subjects, shared plays are those that both are graded for.
        """

    def qualifying_plays(self, role: Role, model: ModelVersion, extent: Extent) -> int:
        """How many plays of a split qualify for its ranking in a role where a question does not say."""


class Tasks:
    """The tasks of a service, by the roles that they rate."""

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._tasks = {role: task for task in tasks for role in task.roles}
        self._roles = {role.number: role for role in self._tasks}

    @property
    def roles(self) -> Collection[Role]:
        """All roles that are rated."""
        return self._tasks.keys()

    @property
    def all(self) -> Sequence[Task]:
        """Each once."""
        return list({task.number: task for task in self._tasks.values()}.values())

    @property
    def player_fields(self) -> frozenset[str]:
        """Split fields that name players."""
        return frozenset(field.name for task in self.all for field in task.schema.attributes if field.names_player)

    def role(self, number: int) -> Role | None:
        """The role of a number of the contract; None for one that is not rated."""
        return self._roles.get(number)

    def __getitem__(self, role: Role) -> Task:
        """The task that rates a role. Raises ROLE_UNSUPPORTED where none does."""
        try:
            return self._tasks[role]
        except KeyError:
            detail = (
                f"role {role.name} is not rated by this release; rated: {', '.join(each.name for each in self.roles)}"
            )
            raise PlayscoreError(
                Reason.ROLE_UNSUPPORTED, detail, fields=(FieldViolation("split.role", detail),)
            ) from None

    def get(self, role: Role) -> Task | None:
        """The task that rates a role, if one does."""
        return self._tasks.get(role)


def check_released(task: Task, model: ModelVersion) -> None:
    """Refuse a model that a task does not rate by: MODEL_NOT_FOUND."""
    if model not in task.models:
        raise PlayscoreError(
            Reason.MODEL_NOT_FOUND,
            f"{model} is not a released model of {' and '.join(role.name for role in task.roles)}; released: "
            f"{', '.join(map(str, sorted(task.models)))}",
        )
