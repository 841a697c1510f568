"""Two ratings side by side: what both are made of, and how far they are truly apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aggregator.core.arrays import Rows
from aggregator.core.filter import Filter
from aggregator.core.segment import Segment
from aggregator.core.standings import Rating, Standings
from aggregator.core.table import Table, TableRows
from aggregator.core.tallies import BY_SUBJECT
from aggregator.core.task import ComparedPlays
from playscore.rating_differences import Difference
from playscore.release import ModelVersion


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRows:
    """A subject's rows of a split."""

    league: str
    subject_id: str
    subject: int
    """The subject's code."""
    table: Table
    split: Filter
    rows: TableRows

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return any(len(rows) for _, rows in self.rows)

    def rating(self) -> Rating:
        """The rating, not ranked."""
        rating = Standings(self.table, self.split, BY_SUBJECT, min_plays=0).rating(self.subject)
        return replace(rating, qualified=False, rank=0, percentile=None)

    def parts(self, other: ComparedRows) -> tuple[TableRows, TableRows]:
        """Rows of plays that are not the other's, and of those that are the other's, too."""
        own: list[tuple[Segment, Rows]] = []
        shared: list[tuple[Segment, Rows]] = []
        plays = [segment.play_keys(rows) for segment, rows in other.rows] if self.league == other.league else []
        theirs = np.concatenate([np.zeros(0, np.int64), *plays])
        for segment, rows in self.rows:
            both = np.isin(segment.play_keys(rows), theirs)
            own.append((segment, rows[~both]))
            shared.append((segment, rows[both]))
        return own, shared


@dataclass(frozen=True, slots=True)
class RatingDifference:
    """The first rating less the second."""

    measure: str
    """What differs."""
    difference: Difference
    shared_plays: int
    """Plays that are in both sides."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two ratings, each by its model; no difference where one of them has no plays."""

    first: Rating
    second: Rating
    first_model: ModelVersion
    second_model: ModelVersion
    difference: RatingDifference | None


def compare(first: ComparedRows, second: ComparedRows) -> Comparison:
    """Two sides of one role."""
    task = first.table.task
    difference: RatingDifference | None = None
    if first.any and second.any:
        own, shared = first.parts(second)
        others, shared_by_other = second.parts(first)
        difference = RatingDifference(
            task.compared_by,
            task.difference(
                first.table.role,
                ComparedPlays(first.table.model, first.table.totals(own), first.table.totals(shared)),
                ComparedPlays(second.table.model, second.table.totals(others), second.table.totals(shared_by_other)),
                one_subject=(first.league, first.subject_id) == (second.league, second.subject_id),
            ),
            sum(len(rows) for _, rows in shared),
        )
    return Comparison(first.rating(), second.rating(), first.table.model, second.table.model, difference)
