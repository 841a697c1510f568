"""What the plays of a split come to, by group: tallied a segment at a time, kept, and moved on as rows go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.core.arrays import Mask, Rows
from aggregator.core.batches import NAME, TEAM
from aggregator.core.columns import EVERY_ROW
from aggregator.core.filter import EVERYTHING, Filter
from aggregator.core.records import Value
from aggregator.core.segment import SEASON, SUBJECT_ID, Segment
from playscore.errors import FieldViolation, PlayscoreError, Reason

GroupValues: TypeAlias = tuple[Value | None, ...]
"""One value for each field that is grouped by; None is unknown."""
Sums: TypeAlias = Mapping[str, NDArray[np.int64]]
"""By name, (G,) sums in units of 2^-30."""

_Key: TypeAlias = tuple[Segment, Filter, tuple[str, ...]]

BY_SUBJECT: Final = (SUBJECT_ID,)
NO_ROW: Final = -1
MAX_GROUPS: Final = 20_000
"""Of a split, where it is not grouped by subject and season alone."""
MANY_ROWS: Final = 1 << 19
"""Rows that are worth more than one thread."""
_POOL: Final = ThreadPoolExecutor(thread_name_prefix="tallies")
_MAX_CELLS: Final = 1 << 20
"""Combinations of values that are counted in one array; more are sorted."""
_MAX_STEPS_BACK: Final = 32


@dataclass(slots=True, eq=False)
class Tally:
    """What selected rows of a segment come to in G groups, some of which may have none of them."""

    groups: Sequence[GroupValues]
    """(G) what each has in common; none where the groups are the segment's subjects, in their order."""
    plays: NDArray[np.intp]
    """(G,)"""
    sums: Sums
    runs: NDArray[np.intp]
    """By run of the segment, how many of the rows are in it."""
    latest: Mapping[str, Rows]
    """Of NAME and TEAM, (G,) the last row by season, week, game and play in which it is known; NO_ROW where in none.
    Empty where rows of several subjects are in one group."""
    gone: int
    """How many of the segment's rows were gone when it was taken, or moved on."""


class Tallies:
    """Takes tallies of segments by a split and fields, and keeps those that were asked for last.

    Args:
        most: groups that all of them may have.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._groups = 0
        self._tallies: dict[_Key, Tally] = {}

    def of(self, segments: Sequence[Segment], split: Filter, fields: tuple[str, ...]) -> list[Tally]:
        """The tallies of segments as they are now. They are not to be changed, nor kept beyond the next change."""
        known = {segment: tally for segment in segments if (tally := self._kept(segment, split, fields)) is not None}
        missing = [segment for segment in segments if segment not in known]
        known |= zip(missing, _taken_together(missing, split, fields), strict=True)
        for segment in segments:
            self._tallies[segment, split, fields] = known[segment]
            self._groups += len(known[segment].plays)
        while self._groups > self._most and len(self._tallies) > len(segments):
            self._forget(next(iter(self._tallies)))
        return [known[segment] for segment in segments]

    def _kept(self, segment: Segment, split: Filter, fields: tuple[str, ...]) -> Tally | None:
        """A tally taken before, moved on to the present, and taken out to be put last; None where it is to be taken."""
        key = (segment, split, fields)
        tally = self._forget(key) if key in self._tallies else None
        return tally if tally is not None and _moved_on(tally, segment, split, fields) else None

    def drop(self, segments: Sequence[Segment]) -> None:
        """Forget the tallies of segments that are no more."""
        for key in [key for key in self._tallies if key[0] in segments]:
            self._forget(key)

    def _forget(self, key: _Key) -> Tally:
        tally = self._tallies.pop(key)
        self._groups -= len(tally.plays)
        return tally


def _taken_together(segments: Sequence[Segment], split: Filter, fields: tuple[str, ...]) -> list[Tally]:
    """The tallies of segments: of the first in this thread, of the others in further ones if there are many rows."""
    take = partial(taken, split=split, fields=fields)
    if sum(map(len, segments)) <= MANY_ROWS:
        return list(map(take, segments))
    others = _POOL.map(take, segments[1:])
    return [take(segments[0]), *others]


def taken(segment: Segment, split: Filter, fields: tuple[str, ...]) -> Tally:
    """The tally of a segment's rows that are left and in a split."""
    if set(fields) <= {SUBJECT_ID, SEASON}:
        return _of_runs(segment, split, fields)
    rows = np.flatnonzero(segment.selected(split))
    codes, groups = _grouped(segment, fields, rows)
    size = len(groups)
    latest: dict[str, Rows] = {}
    if SUBJECT_ID in fields:
        for name in (NAME, TEAM):
            column = segment.columns[name].coded()
            known = EVERY_ROW if column.all_known else np.flatnonzero(column.known(rows))
            last = np.full(size, NO_ROW, dtype=np.intp)
            # Rows of one subject are in the order of time, and of equal places the last assignment stays.
            last[codes[known]] = rows[known]
            latest[name] = last
    return Tally(
        groups=groups,
        plays=np.bincount(codes, minlength=size),
        sums={name: column.by_code(rows, codes, size) for name, column in segment.addends.items()},
        runs=_in_runs(segment, rows)[1],
        latest=latest,
        gone=len(segment.gone),
    )


def _of_runs(segment: Segment, split: Filter, fields: tuple[str, ...]) -> Tally:
    """By subject or season or both, whose rows lie together. Where most rows are selected, the others are summed."""
    mask = segment.selected(split)
    runs = segment.runs
    others = np.count_nonzero(mask) > segment.rows_left // 2
    if others:
        rows = np.flatnonzero(~mask if not segment.gone else ~mask & segment.selected(EVERYTHING))
    else:
        rows = np.flatnonzero(mask)
    starts, counts = _in_runs(segment, rows)
    some = counts > 0
    plays = segment.run_plays - counts if others else counts
    places, groups, size = _groups_of_runs(segment, fields)
    sums: dict[str, NDArray[np.int64]] = {}
    for name, addends in segment.addends.items():
        in_runs = np.zeros(len(plays), dtype=np.int64)
        in_runs[some] = addends.runs(rows, starts[some])
        sums[name] = np.zeros(size, dtype=np.int64)
        np.add.at(sums[name], places, segment.run_sums[name] - in_runs if others else in_runs)
    latest: dict[str, Rows] = {}
    if SUBJECT_ID in fields:
        firsts = runs.starts[np.searchsorted(places, np.arange(size))]
        last = _last_masked(firsts, mask) if others else _last_of(rows, firsts, len(segment))
        for name in (NAME, TEAM):
            column = segment.columns[name].coded()
            latest[name] = last if column.all_known else _last_masked(firsts, mask & column.known())
    return Tally(groups, np.bincount(places, plays, size).astype(np.intp), sums, plays, latest, len(segment.gone))


def _in_runs(segment: Segment, rows: Rows) -> tuple[Rows, NDArray[np.intp]]:
    """By run, where the first of its rows is among the given ones, and how many there are."""
    starts = np.searchsorted(rows, segment.runs.starts)
    return starts, np.diff(starts, append=len(rows))


def _groups_of_runs(segment: Segment, fields: tuple[str, ...]) -> tuple[Rows, Sequence[GroupValues], int]:
    """The group of each run, what groups have in common, and how many there are; subjects alone are not named."""
    runs = segment.runs
    if fields == BY_SUBJECT:
        return runs.subjects, (), len(segment.subjects)
    columns = [segment.columns[name] for name in fields]
    values = [tuple(column.get(row) for column in columns) for row in runs.starts.tolist()]
    index: dict[GroupValues, int] = {}
    places = np.array([index.setdefault(each, len(index)) for each in values], dtype=np.intp)
    return places, list(index), len(index)


def _last_masked(starts: Rows, mask: Mask) -> Rows:
    """By group, whose rows begin at `starts`, the last masked row; NO_ROW where there is none."""
    last: Rows = np.append(starts[1:], len(mask)) - 1
    for _ in range(_MAX_STEPS_BACK):
        searching = np.flatnonzero((last != NO_ROW) & ~mask[last])
        if not len(searching):
            return last
        back = last[searching] - 1
        last[searching] = np.where(back >= starts[searching], back, NO_ROW)
    return _last_of(np.flatnonzero(mask), starts, len(mask))


def _last_of(rows: Rows, starts: Rows, end: int) -> Rows:
    """By group, whose rows begin at `starts`, the last of the given rows; NO_ROW where there is none."""
    if not len(rows):
        return np.full(len(starts), NO_ROW, dtype=np.intp)
    firsts = np.searchsorted(rows, np.append(starts, end))
    return np.where(firsts[1:] > firsts[:-1], rows[firsts[1:] - 1], NO_ROW)


def _grouped(segment: Segment, fields: tuple[str, ...], rows: Rows) -> tuple[NDArray[np.intp], Sequence[GroupValues]]:
    """(R,) the group of each row, and what the groups have in common."""
    codes, groups = np.zeros(len(rows), dtype=np.intp), np.zeros((len(fields), 1), dtype=np.intp)
    columns = [segment.columns[name].coded() for name in fields]
    for place, column in enumerate(columns):
        # Groups are numbered anew with every field, so that their numbers stay small however many values there are.
        size = len(column.values) + 1
        present, codes = _present(codes * size + column.codes[rows], groups.shape[1] * size)
        if len(present) > MAX_GROUPS:
            detail = f"these fields put the plays into more than {MAX_GROUPS:,} groups; filter more, or group by fewer"
            raise PlayscoreError(Reason.FIELD_INVALID, detail, fields=(FieldViolation("group_by", detail),))
        before, values = np.divmod(present, size)
        groups = groups[:, before]
        groups[place] = values
    common = [list(map(column.value, part)) for column, part in zip(columns, groups.tolist(), strict=True)]
    return codes, list(zip(*common, strict=True))


def _present(cells: NDArray[np.intp], size: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The different ones among cells below `size`, in their order, and the place that each cell has among them."""
    if size > _MAX_CELLS:
        return np.unique(cells, return_inverse=True)
    present = np.flatnonzero(np.bincount(cells, minlength=size))
    places = np.zeros(size, dtype=np.intp)
    places[present] = np.arange(len(present))
    return present, places[cells]


def _moved_on(tally: Tally, segment: Segment, split: Filter, fields: tuple[str, ...]) -> bool:
    """Take out of a tally the rows that went since. False where it is quicker to take it anew."""
    rows = np.array(segment.gone[tally.gone :], dtype=np.intp)
    if not len(rows):
        return True
    rows = rows[segment.mask(split, rows)]
    if any(np.isin(rows, last).any() for last in tally.latest.values()):
        return False
    runs = segment.runs.of(rows)
    if fields == BY_SUBJECT:
        groups = segment.runs.subjects[runs]
    else:
        places = {values: place for place, values in enumerate(tally.groups)}
        columns = [segment.columns[name].coded() for name in fields]
        groups = np.array(
            [places[tuple(column.get(row) for column in columns)] for row in rows.tolist()], dtype=np.intp
        )
    np.subtract.at(tally.plays, groups, 1)
    for name, column in segment.addends.items():
        np.subtract.at(tally.sums[name], groups, column.at(rows))
    np.subtract.at(tally.runs, runs, 1)
    tally.gone = len(segment.gone)
    return True
