"""Scores of a table that lie together: sorted by subject and time, encoded, and never changed.

A score that goes, because it was corrected or withdrawn, is marked as gone; the next merge leaves it out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from aggregator.core.arrays import Mask, Rows
from aggregator.core.batches import NAME, TEAM, Batch
from aggregator.core.columns import (
    EVERY_ROW,
    Addends,
    Coded,
    Column,
    Dictionary,
    Selection,
    encode_numbers,
    encode_texts,
    joined,
    natural,
    permuted,
)
from aggregator.core.fields import IDENTITY, FieldType, Schema
from aggregator.core.filter import And, Comparison, Filter, Or, Presence
from aggregator.core.played import MAX_SEASON, Integers

SEASON, WEEK, TEAM_ID, SUBJECT_ID = "season", "week", "team_id", "subject_id"
SEASON_SHIFT: Final = 40
_GAME_BITS: Final = 32
_CHRONOLOGY = ((SEASON, SEASON_SHIFT, MAX_SEASON), (WEEK, _GAME_BITS, 0xFF))
"""Fields that say when a game was: their place in a row's order, above the bits of the game, and their bounds."""
_FEW: Final = 16
"""Of so many rows one is left: then the rows are asked one by one, not all of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A league's identifiers and their codes, which its tables share."""

    league: str
    games: Dictionary = field(default_factory=Dictionary)
    plays: Dictionary = field(default_factory=Dictionary)
    subjects: Dictionary = field(default_factory=Dictionary)

    def learn(self, columns: Mapping[str, Column]) -> None:
        """Give codes to the identifiers of scores that are new. Not to be called from two threads at once."""
        for name, dictionary in (("game_id", self.games), ("play_id", self.plays), (SUBJECT_ID, self.subjects)):
            dictionary.codes(columns[name].coded().values)


Codes = TypeVar("Codes", int, NDArray[np.int64])


def play_key(games: Codes, plays: Codes) -> Codes:
    """Games and plays of a league, by their codes, in one number each."""
    return games << _GAME_BITS | plays


def game_of(keys: Codes) -> Codes:
    """The games of what `play_key` made."""
    return keys >> _GAME_BITS


class Segment:
    """N rows, a score each. `names` have learned its identifiers; one that was forgotten since has code 0."""

    def __init__(
        self,
        names: Names,
        numbers: NDArray[np.int64],
        columns: Mapping[str, Column],
        addends: Mapping[str, Addends],
    ) -> None:
        self._names = names
        self._times = _Times(names, columns)
        order = self._times.sorted(columns)
        self.columns = {name: permuted(column, order) for name, column in columns.items()}
        self._when = self._times.codes[order]
        self._plays = _known(columns["play_id"], names.plays)
        self.addends = {name: Addends(column.at(order)) for name, column in addends.items()}
        self.numbers = numbers[order].astype(np.min_scalar_type(int(numbers.max(initial=0))))
        self._by_number = np.argsort(self.numbers, kind="stable").astype(np.uint32)
        self.runs = Runs(self.columns)
        self.run_plays = np.diff(self.runs.starts, append=len(self))
        """By run, how many of its rows are left."""
        self.run_sums = {name: column.runs(EVERY_ROW, self.runs.starts) for name, column in self.addends.items()}
        """By run, sums of its rows that are left, in units of 2^-30."""
        self.subjects = _known(self.columns[SUBJECT_ID], names.subjects)[1:]
        """By subject, their code in the league."""
        self.gone: list[int] = []
        """Rows that are no more, in the order in which they went."""
        self._left: Mask | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def rows_left(self) -> int:
        """How many rows are not gone."""
        return len(self) - len(self.gone)

    @property
    def nbytes(self) -> int:
        """What its rows take in memory."""
        columns: Sequence[Any] = (*self.columns.values(), *(each.data for each in self.addends.values()))
        own = self.numbers.nbytes + self._by_number.nbytes + self._when.nbytes
        return own + sum(int(column.nbytes) for column in columns)

    def find(self, numbers: NDArray[np.int64]) -> Rows:
        """The rows, of those that are left, of scores by their numbers; others' numbers are passed over."""
        if not len(numbers) or not len(self):
            return np.zeros(0, dtype=np.intp)
        places = np.searchsorted(self.numbers, numbers, sorter=self._by_number).clip(0, len(self) - 1)
        rows = self._by_number[places].astype(np.intp)
        found: Rows = rows[self.numbers[rows] == numbers]
        return found if self._left is None else found[self._left[found]]

    def forget(self, rows: Rows) -> None:
        """Mark rows that are left as gone."""
        if not len(rows):
            return
        if self._left is None:
            self._left = np.ones(len(self), dtype=np.bool_)
        self._left[rows] = False
        self.gone.extend(rows.tolist())
        runs = self.runs.of(rows)
        np.subtract.at(self.run_plays, runs, 1)
        for name, column in self.addends.items():
            np.subtract.at(self.run_sums[name], runs, column.at(rows))

    def mask(self, split: Filter, rows: Selection = EVERY_ROW) -> Mask:
        """Which of the rows are in a split, gone or not."""
        match split:
            case Comparison():
                return self.columns[split.field.name].compare(split.operator, split.value, rows)
            case Presence():
                known = self.columns[split.field.name].known(rows)
                return known if split.known else ~known
            case And(()):
                return np.ones(len(self) if isinstance(rows, slice) else len(rows), dtype=np.bool_)
            case And():
                return self._all_of(split, rows)
            case Or():
                mask = self.mask(split.operands[0], rows)
                for operand in split.operands[1:]:
                    mask |= self.mask(operand, rows)
                return mask

    def _all_of(self, split: And, rows: Selection) -> Mask:
        """Cheap comparisons first; what is dear is asked of the few rows that they leave."""
        cheap_first = sorted(split.operands, key=self._is_dear)
        mask = self.mask(cheap_first[0], rows)
        for place, operand in enumerate(cheap_first[1:], 1):
            if np.count_nonzero(mask) < len(mask) // _FEW:
                places = np.flatnonzero(mask)
                few = places if isinstance(rows, slice) else rows[places]
                mask[places] = self.mask(And(tuple(cheap_first[place:])), few)
                break
            mask &= self.mask(operand, rows)
        return mask

    def _is_dear(self, split: Filter) -> bool:
        return not (isinstance(split, Comparison | Presence) and isinstance(self.columns[split.field.name], Coded))

    def selected(self, split: Filter) -> Mask:
        """Which rows are in a split and left."""
        mask = self.mask(split)
        return mask if self._left is None else mask & self._left

    def rows_of(self, subject: int, mask: Mask) -> Rows:
        """Those of the masked rows that are of a subject, by their code in the league."""
        codes = self._coded(SUBJECT_ID).codes
        for found in np.flatnonzero(self.subjects == subject).tolist():
            start, end = np.searchsorted(codes, [found + 1, found + 2]).tolist()
            theirs: Rows = np.flatnonzero(mask[start:end]) + start
            return theirs
        return np.zeros(0, dtype=np.intp)

    def subjects_left(self) -> NDArray[np.int64]:
        """Of whom a row is left, by their codes in the league."""
        return self.subjects[self.runs.subjects[self.run_plays > 0]]

    def has_subject(self, subject: int) -> bool:
        """Whether a row that is left is of a subject, by their code in the league."""
        return bool((self.subjects_left() == subject).any())

    def left(self) -> Selection:
        """The rows that are not gone."""
        return EVERY_ROW if self._left is None else np.flatnonzero(self._left)

    def chronology(self, rows: Selection = EVERY_ROW) -> NDArray[np.int64]:
        """By row, one number that grows with season, week and game."""
        order: NDArray[np.int64] = self._times.order()[self._when[rows]]
        return order

    def first(self, rows: Rows, size: int, after: int) -> Rows:
        """Those of the rows that are not before a number of their chronology, and of these at least the first `size`.

        Rows of one number come together: among themselves they are in no order.
        """
        order = self._times.order()
        times = np.argsort(order)
        times = times[order[times] >= after]
        counts = np.cumsum(np.bincount(self._when[rows], minlength=len(order))[times])
        wanted = np.zeros(len(order), dtype=np.bool_)
        wanted[times[: np.searchsorted(counts, size) + 1]] = True
        first: Rows = rows[wanted[self._when[rows]]]
        return first

    def play_keys(self, rows: Selection) -> NDArray[np.int64]:
        """Game and play of each of the rows in one number, that is the same in every table of the league."""
        games, plays = self._times.games[self._when[rows]], self._plays[self._coded("play_id").codes[rows]]
        return play_key(games, plays)

    def cells(self, rows: Selection, teams: Dictionary) -> tuple[Integers, Integers, Integers]:
        """Season, team and game of rows, the latter two by their codes; 0 where unknown."""
        when = self._when[rows]
        team = np.zeros(len(when), dtype=np.int64)
        if TEAM_ID in self.columns:
            column = self._coded(TEAM_ID)
            team = _with_unknown(teams.codes(column.values))[column.codes[rows]]
        return self._times.seasons[when], team, self._times.games[when]

    def _coded(self, name: str) -> Coded:
        column = self.columns[name]
        return column if isinstance(column, Coded) else column.coded()


class Runs:
    """Runs of rows of one subject in one season, in the order of the rows."""

    def __init__(self, columns: Mapping[str, Column]) -> None:
        subject, season = columns[SUBJECT_ID].coded(), columns.get(SEASON)
        changes = np.diff(subject.codes, prepend=0) != 0
        if season is not None:
            changes |= np.diff(season.coded().codes, prepend=0) != 0
        changes[:1] = True
        self.starts = np.flatnonzero(changes)
        self.subjects = subject.codes[self.starts].astype(np.intp) - 1
        """By run, the place of its subject."""
        self.seasons = np.zeros(len(self.starts), dtype=np.int64)
        """By run, its season; 0 where unknown."""
        if season is not None:
            self.seasons = _bounded(season.coded(), MAX_SEASON)[season.coded().codes[self.starts]]

    def of(self, rows: Rows) -> Rows:
        """The run of each row."""
        return np.searchsorted(self.starts, rows, side="right") - 1


class _Times:
    """When games were: a row has a code for its season, week and game, which have a number that grows with them."""

    def __init__(self, names: Names, columns: Mapping[str, Column]) -> None:
        self._names = names
        game = columns["game_id"].coded()
        every = _known(game, names.games)[game.codes]
        for name, shift, most in _CHRONOLOGY:
            if name in columns:
                column = columns[name].coded()
                every |= _bounded(column, most)[column.codes] << shift
        times, codes = np.unique(every, return_inverse=True)
        self.codes: NDArray[Any] = codes.astype(np.min_scalar_type(len(times)))
        """By row, before they are sorted."""
        self._above = times >> _GAME_BITS << _GAME_BITS
        self.games = times & ((1 << _GAME_BITS) - 1)
        """By code, the code of the game."""
        self.seasons = times >> SEASON_SHIFT
        """By code, the season."""
        self._ordered: tuple[int, NDArray[np.int64]] | None = None

    def order(self) -> NDArray[np.int64]:
        """By code, the number. New games may come between old ones: then numbers change, and keep their order."""
        ranks = self._names.games.ranks()
        if self._ordered is None or self._ordered[0] != len(ranks):
            self._ordered = len(ranks), self._above | ranks[self.games]
        return self._ordered[1]

    def sorted(self, columns: Mapping[str, Column]) -> Rows:
        """The order of rows by subject, season, week, game and play."""
        plays = columns["play_id"].coded()
        ranks = np.zeros(len(plays.values) + 1, dtype=np.int64)
        ordered = sorted(range(len(plays.values)), key=lambda place: natural(str(plays.values[place])))
        ranks[np.array(ordered, dtype=np.intp) + 1] = np.arange(1, len(ordered) + 1)
        return np.lexsort((ranks[plays.codes], self.order()[self.codes], columns[SUBJECT_ID].coded().codes))


def segment_of(names: Names, schema: Schema, batch: Batch) -> Segment:
    """The scores of a batch, which are new."""
    columns = columns_of(schema, batch)
    names.learn(columns)
    return sorted_segment(names, batch, columns)


def columns_of(schema: Schema, batch: Batch) -> Mapping[str, Column]:
    """The columns of a batch, in its order."""
    kinds = kinds_of(schema)
    columns: dict[str, Column] = {name: encode_texts(texts) for name, texts in batch.texts.items()}
    columns |= {name: encode_numbers(values, kinds[name]) for name, values in batch.values.items()}
    return columns


def sorted_segment(names: Names, batch: Batch, columns: Mapping[str, Column]) -> Segment:
    """The scores of a batch, whose columns `names` have learned."""
    return Segment(names, batch.numbers, columns, {name: Addends.of(each) for name, each in batch.addends.items()})


def merged(names: Names, schema: Schema, segments: Sequence[Segment], kept: Sequence[Selection]) -> Segment:
    """The kept rows of segments as one."""
    kinds = kinds_of(schema)
    columns = {
        name: joined([segment.columns[name] for segment in segments], kept, kinds[name]) for name in segments[0].columns
    }
    addends = {
        name: Addends(
            np.concatenate([segment.addends[name].at(rows) for segment, rows in zip(segments, kept, strict=True)])
        )
        for name in segments[0].addends
    }
    numbers = [segment.numbers[rows].astype(np.int64) for segment, rows in zip(segments, kept, strict=True)]
    return Segment(names, np.concatenate(numbers), columns, addends)


def kinds_of(schema: Schema) -> Mapping[str, FieldType]:
    """What each column of a segment holds."""
    fields = {each.name: each.type for each in (*IDENTITY, *schema.attributes)}
    return {**fields, NAME: FieldType.STRING, TEAM: FieldType.STRING}


def _bounded(column: Coded, most: int) -> NDArray[np.int64]:
    """By code, the value as a whole number from 0, the unknown, to `most`."""
    values: Sequence[Any] = column.values
    return np.array([0, *(min(max(int(value), 0), most) for value in values)], dtype=np.int64)


def _known(column: Column, dictionary: Dictionary) -> NDArray[np.int64]:
    """By code of a column, the code in a dictionary; 0 for the unknown."""
    return _with_unknown(dictionary.known_codes(column.coded().values))


def _with_unknown(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(1, np.int64), codes])
