"""Scores of one role by one model version, in memory.

The latest few are kept as they came. The others lie in segments, a handful whatever their number: what comes in is
sorted into a small segment, and segments of like size are merged, so that a score is moved a few times in all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.core.arrays import Rows
from aggregator.core.batches import NAME, TEAM, Batch, batch_of
from aggregator.core.columns import Addends, Column, Dictionary, Selection, added_up, natural
from aggregator.core.filter import Filter
from aggregator.core.played import MAX_SEASON, Integers, Played, cells
from aggregator.core.records import Score
from aggregator.core.segment import (
    SEASON,
    SUBJECT_ID,
    TEAM_ID,
    Names,
    Segment,
    columns_of,
    game_of,
    merged,
    segment_of,
    sorted_segment,
)
from aggregator.core.tallies import BY_SUBJECT, NO_ROW, GroupValues, Tallies, Tally, taken
from aggregator.core.task import Extent, Task, Totals
from playscore.release import ModelVersion
from playscore.subjects import Role

PlayPlace: TypeAlias = tuple[int, str, str, str]
"""Where a score stands among all: season and week, game, play, subject."""
TableRows: TypeAlias = Sequence[tuple[Segment, Rows]]
"""Rows of a table, by segment, each in their order."""
SortingKey: TypeAlias = tuple[int, object, object, str]

MAX_RECENT: Final = 128
"""Scores that are kept as they came. They are made a segment of when they are read, each time that they changed."""
MAX_PUT_AT_ONCE: Final = 500
"""Scores that are put into a table as they come; more are made a segment of first."""
MAX_SEGMENT: Final = 1 << 19
"""Rows that segments are merged up to."""
MAX_MERGED_AT_ONCE: Final = 1 << 11
"""Rows that are merged where they are written; more are left to `Table.merge`."""
MAX_TALLIED: Final = 1 << 20
"""Groups of all tallies that are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """What the plays of a split come to, in G groups, some of which may have none."""

    groups: Sequence[GroupValues]
    """(G) what the plays of each have in common."""
    totals: Totals
    """Measures and what is derived from them to 2^-30 a play, the same to the last bit whatever came first."""
    names: Sequence[str]
    """(G) the subject's name in the last of the group's plays, by season, week, game and play, in which it is known.
    Empty where it is known in none, or where they are of several subjects."""
    teams: Sequence[str]
    """(G) likewise the subject's team."""
    extent: Extent
    """How much the plays are of what was played; an unknown season is one of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Merge:
    """Segments that are to be one. `run` may go on in a thread while the table is read and written."""

    table: Table
    segments: Sequence[Segment]
    gone: Sequence[int]
    """How many of each one's rows were gone at the beginning."""
    kept: Sequence[Selection]

    def run(self) -> Segment | None:
        """The rows of all of them that were left; None where there were none."""
        if not any(segment.rows_left for segment in self.segments):
            return None
        return merged(self.table.names, self.table.task.schema, self.segments, self.kept)

    def finish(self, segment: Segment | None) -> None:
        """Put the result of `run` in their place."""
        self.table.replace(self, segment)


@dataclass(frozen=True, slots=True, eq=False)
class Incoming:
    """So many scores of a table that they are made a segment of before they are put in: in a thread, but for `learn`.

    Nothing else may be put into tables of the league meanwhile.
    """

    table: Table
    scores: Mapping[int, Score]
    """By their numbers."""

    def encode(self) -> tuple[Batch, Mapping[str, Column]]:
        """The scores as columns."""
        schema = self.table.task.schema
        batch = batch_of(schema, list(self.scores.items()), graded=self.table.graded)
        return batch, columns_of(schema, batch)

    def learn(self, columns: Mapping[str, Column]) -> None:
        """Let the league know of the identifiers in them."""
        self.table.names.learn(columns)

    def sort(self, batch: Batch, columns: Mapping[str, Column]) -> Segment:
        """The segment, whose identifiers the league knows."""
        return sorted_segment(self.table.names, batch, columns)


class Table:
    """Scores that are all graded, or all ungraded."""

    def __init__(self, names: Names, task: Task, role: Role, model: ModelVersion, *, graded: bool = True) -> None:
        self.names = names
        self.task = task
        self.role = role
        self.model = model
        self.graded = graded
        self._segments: list[Segment] = []
        self._recent: dict[int, Score] = {}
        self._recent_segment: Segment | None = None
        self._merging = False
        self._to_scrub: list[Segment] = []
        self._scrub_merged = False
        """What is being merged now is to be scrubbed, too."""
        self._teams = Dictionary()
        self._played = Played()
        self._tallies = Tallies(MAX_TALLIED)

    def __len__(self) -> int:
        return sum(segment.rows_left for segment in self._segments) + len(self._recent)

    @property
    def nbytes(self) -> int:
        """What its rows take in memory."""
        return sum(segment.nbytes for segment in self.segments())

    def put(self, scores: Iterable[tuple[int, Score]]) -> None:
        """Set scores, each under its number."""
        latest = dict(scores)
        self.remove(latest)
        self._played.add(self._cells(latest.values()))
        self.names.subjects.codes([score.subject.subject_id for score in latest.values()])
        self._recent |= latest
        self._recent_segment = None
        if len(self._recent) > MAX_RECENT:
            segment = self._segment_of_recent()
            self._recent = {}
            self._add(segment)

    def put_segment(self, segment: Segment) -> None:
        """Set scores that are a segment already."""
        self.remove(segment.numbers.tolist())
        self._played.add(cells(*segment.cells(slice(None), self._teams)))
        self._add(segment)

    def load(self, batch: Batch) -> None:
        """Add scores that are not there, many at a time."""
        segment = segment_of(self.names, self.task.schema, batch)
        self._played.add(cells(*segment.cells(slice(None), self._teams)))
        self._add(segment)

    def adopt(self, numbers: NDArray[np.int64], columns: Mapping[str, Column], addends: Mapping[str, Addends]) -> None:
        """Add scores that are not there, as columns."""
        self.names.learn(columns)
        segment = Segment(self.names, numbers, columns, addends)
        self._played.add(cells(*segment.cells(slice(None), self._teams)))
        self._add(segment)

    def remove(self, numbers: Iterable[int]) -> None:
        """Take scores out by their numbers. Other tables' numbers are passed over."""
        every = np.fromiter(numbers, dtype=np.int64)
        for segment in self._segments:
            rows = segment.find(every)
            if len(rows):
                segment.forget(rows)
                self._played.remove(cells(*segment.cells(rows, self._teams)))
        if self._recent:
            went = [self._recent.pop(number) for number in every.tolist() if number in self._recent]
            if went:
                self._recent_segment = None
                self._played.remove(self._cells(went))

    def segments(self) -> Sequence[Segment]:
        """All of its rows."""
        if self._recent and self._recent_segment is None:
            self._recent_segment = self._segment_of_recent()
        return self._segments if self._recent_segment is None else [*self._segments, self._recent_segment]

    def grouped(self, split: Filter, fields: tuple[str, ...] = BY_SUBJECT) -> Grouped:
        """The plays of a split by what fields say."""
        segments = self.segments()
        tallies = self._tallies.of(self._segments, split, fields)
        tallies += [taken(segment, split, fields) for segment in segments[len(tallies) :]]
        if fields == BY_SUBJECT:
            groups: Sequence[GroupValues] = [(text or None,) for text in self.names.subjects.texts]
            places = [segment.subjects for segment in segments]
        else:
            index: dict[GroupValues, int] = {}
            places = [
                np.array([index.setdefault(values, len(index)) for values in tally.groups], dtype=np.int64)
                for tally in tallies
            ]
            groups = list(index)
        plays = np.zeros(len(groups), dtype=np.intp)
        sums = {name: np.zeros(len(groups), dtype=np.int64) for name in self._addends()}
        for tally, theirs in zip(tallies, places, strict=True):
            plays[theirs] += tally.plays
            for name, each in sums.items():
                each[theirs] += tally.sums[name]
        names = teams = [""] * len(groups)
        if SUBJECT_ID in fields:
            names = _latest(segments, tallies, places, NAME, len(groups))
            teams = _latest(segments, tallies, places, TEAM, len(groups))
        totals = Totals(plays, {name: added_up(each) for name, each in sums.items()})
        return Grouped(groups, totals, names, teams, self._extent(segments, tallies, int(plays.sum())))

    def totals(self, selection: TableRows) -> Totals:
        """What selected rows come to, as one group."""
        plays = sum(len(rows) for _, rows in selection)
        sums = {
            name: np.array([sum(int(segment.addends[name].at(rows).sum()) for segment, rows in selection)])
            for name in self._addends()
        }
        return Totals(np.array([plays]), {name: added_up(each) for name, each in sums.items()})

    def select(self, split: Filter, subject_id: str = "") -> TableRows:
        """The rows of a split, by segment; one subject's, or everybody's if empty."""
        if not subject_id:
            return [(segment, np.flatnonzero(segment.selected(split))) for segment in self.segments()]
        code = self.names.subjects.find(subject_id)
        if code is None:
            return []
        return [(segment, segment.rows_of(code, segment.selected(split))) for segment in self.segments()]

    def page(self, selection: TableRows, size: int, after: PlayPlace | None) -> list[tuple[PlayPlace, int]]:
        """Places and numbers of the first `size` scores after a place, all after it if fewer.

        They are sorted by season, week, game, play and subject.
        """
        found: list[tuple[SortingKey, PlayPlace, int]] = []
        for segment, rows in selection:
            wanted, reached = size, 0
            if after is not None:
                season_and_week, game_id, _, _ = after
                reached = season_and_week << 32 | self.names.games.rank_of(game_id)
                wanted += int(np.count_nonzero(segment.chronology(rows) == reached))
            for row in segment.first(rows, wanted, reached).tolist():
                place = self._place(segment, row)
                found.append((sorting_key(place), place, int(segment.numbers[row])))
        found.sort(key=lambda each: each[0])
        if after is not None:
            passed = sorting_key(after)
            found = [each for each in found if each[0] > passed]
        return [(place, number) for _, place, number in found[:size]]

    def subjects(self) -> set[int]:
        """Of whom a score stands, by their codes in the league."""
        return {code for segment in self.segments() for code in segment.subjects_left().tolist()}

    def has_subject(self, code: int) -> bool:
        """Whether a score of a subject, by their code in the league, stands."""
        return any(segment.has_subject(code) for segment in self.segments())

    def play_keys(self, game_id: str) -> NDArray[np.int64]:
        """Game and play of every row in one number; of one game, or of all if empty."""
        keys = np.concatenate(
            [np.zeros(0, np.int64), *(segment.play_keys(segment.left()) for segment in self.segments())]
        )
        return keys if not game_id else keys[game_of(keys) == (self.names.games.find(game_id) or -1)]

    def scrub(self) -> None:
        """Make anew, by the merges that follow, every segment that has lost rows: gone rows are still in memory."""
        self._to_scrub = [segment for segment in self._segments if segment.gone]
        self._scrub_merged = self._merging

    def merge(self) -> Merge | None:
        """The next merge that is due, if any; one at a time."""
        if self._merging:
            return None
        due = self._due()
        if due is None:
            return None
        self._merging = True
        return self._prepared(due)

    def replace(self, merge: Merge, segment: Segment | None) -> None:
        """Put a merged segment in the place of those that it was made of."""
        self._merging = False
        if segment is not None:
            for each, gone in zip(merge.segments, merge.gone, strict=True):
                segment.forget(segment.find(each.numbers[each.gone[gone:]].astype(np.int64)))
        replaced = set(map(id, merge.segments))
        self._tallies.drop(merge.segments)
        self._segments = [each for each in self._segments if id(each) not in replaced]
        self._to_scrub = [each for each in self._to_scrub if id(each) not in replaced]
        if segment is not None:
            self._segments.append(segment)
            self._segments.sort(key=len, reverse=True)
            if self._scrub_merged and segment.gone:
                self._to_scrub.append(segment)
        self._scrub_merged = False

    def _add(self, segment: Segment) -> None:
        self._segments.append(segment)
        self._segments.sort(key=len, reverse=True)
        while not self._merging and (due := self._due()):
            if sum(map(len, due)) > MAX_MERGED_AT_ONCE:
                break
            merge = self._prepared(due)
            merge.finish(merge.run())

    def _due(self) -> Sequence[Segment] | None:
        """Segments to merge: one to scrub, the smallest two that are of like size, or one that is mostly gone."""
        if self._to_scrub:
            return [self._to_scrub.pop()]
        for smaller, larger in zip(self._segments[:0:-1], self._segments[-2::-1], strict=True):
            if len(larger) <= 2 * len(smaller) and len(larger) + len(smaller) <= MAX_SEGMENT:
                return (larger, smaller)
        return next(([segment] for segment in self._segments if segment.rows_left < len(segment) // 2), None)

    def _prepared(self, segments: Sequence[Segment]) -> Merge:
        return Merge(self, segments, [len(each.gone) for each in segments], [segment.left() for segment in segments])

    def _place(self, segment: Segment, row: int) -> PlayPlace:
        season_and_week = int(segment.chronology(np.array([row]))[0] >> 32)
        game, play, subject = (str(segment.columns[name].get(row)) for name in ("game_id", "play_id", SUBJECT_ID))
        return season_and_week, game, play, subject

    def _segment_of_recent(self) -> Segment:
        schema = self.task.schema
        return segment_of(self.names, schema, batch_of(schema, list(self._recent.items()), graded=self.graded))

    def _cells(self, scores: Collection[Score]) -> Integers:
        """Season, team and game of scores."""
        games = self.names.games.codes([score.play.game_id for score in scores])
        teams = self._teams.codes([score.attributes.get(TEAM_ID) or "" for score in scores])
        seasons = [int(score.attributes.get(SEASON) or 0) for score in scores]
        return cells(np.array(seasons, dtype=np.int64).clip(0, MAX_SEASON), teams, games)

    def _addends(self) -> Sequence[str]:
        schema = self.task.schema
        return (*schema.measures, *schema.derived) if self.graded else ()

    def _extent(self, segments: Sequence[Segment], tallies: Sequence[Tally], plays: int) -> Extent:
        seasons: set[int] = set()
        for segment, tally in zip(segments, tallies, strict=True):
            seasons.update(segment.runs.seasons[tally.runs > 0].tolist())
        return Extent(plays, self._played.plays(seasons), self._played.team_games(seasons))


def sorting_key(place: PlayPlace) -> SortingKey:
    """Sorts places, of whatever table of a league."""
    season_and_week, game_id, play_id, subject_id = place
    return season_and_week, natural(game_id), natural(play_id), subject_id


def _latest(
    segments: Sequence[Segment], tallies: Sequence[Tally], places: Sequence[NDArray[np.int64]], name: str, size: int
) -> list[str]:
    """By group, what a column says in the last row in which it is known, of all segments."""
    when = np.full(size, -1, dtype=np.int64)
    segment_of_group = np.full(size, NO_ROW, dtype=np.intp)
    row_of_group = np.full(size, NO_ROW, dtype=np.intp)
    for number, (segment, tally, theirs) in enumerate(zip(segments, tallies, places, strict=True)):
        last = tally.latest[name]
        known = np.flatnonzero(last != NO_ROW)
        rows, groups = last[known], theirs[known]
        order = segment.chronology(rows)
        later = order > when[groups]
        for place in np.flatnonzero(order == when[groups]).tolist():
            group, row = int(groups[place]), int(rows[place])
            before = segments[segment_of_group[group]]
            later[place] = _play(segment, row) > _play(before, int(row_of_group[group]))
        groups = groups[later]
        when[groups], segment_of_group[groups], row_of_group[groups] = order[later], number, rows[later]
    return [
        "" if number == NO_ROW else str(segments[number].columns[name].get(row))
        for number, row in zip(segment_of_group.tolist(), row_of_group.tolist(), strict=True)
    ]


def _play(segment: Segment, row: int) -> tuple[list[str | int], str]:
    """Sorts rows of one game."""
    return natural(str(segment.columns["play_id"].get(row)))
