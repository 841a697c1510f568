"""Scores of one role by one model version, as columns in memory. Rows are dense and in no particular order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aggregator.core.columns import (
    Codes,
    Column,
    Dictionary,
    Mask,
    NumberColumn,
    Rows,
    Selection,
    TextColumn,
    column_for,
    grown,
    natural,
)
from aggregator.core.filter import EVERYTHING, And, Comparison, Filter, Or, Presence
from aggregator.core.grouping import Groups, group
from aggregator.core.played import MAX_SEASON, Integers, Played, cells
from aggregator.core.records import PlayKey, Score
from aggregator.core.task import Extent, Task, Totals
from playscore.release import ModelVersion
from playscore.subjects import Role, Subject

PlayPlace: TypeAlias = tuple[int, str, str, str]
"""Where a score stands among all: season and week, game, play, subject."""
SortingKey: TypeAlias = tuple[int, object, object, str]

_SEASON, _WEEK, _TEAM = "season", "week", "team_id"
_SEASON_SHIFT: Final = 40
_CHRONOLOGY = ((_SEASON, _SEASON_SHIFT, MAX_SEASON), (_WEEK, 32, 0xFF))
"""Fields that say when a game was: their place in a row's order, above the 32 bits of the game, and their bounds."""

_GRID = 1.5 * 2.0**22
"""Added and taken away again, it rounds a measure to a multiple of 2^-30. Of those float64 adds up without error what
stays below 2^23 in all, so that a sum does not depend on the order of the rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """A league's identifiers and their codes, which its tables share."""

    league: str
    games: Dictionary = field(default_factory=Dictionary)
    plays: Dictionary = field(default_factory=Dictionary)
    subjects: Dictionary = field(default_factory=Dictionary)


class Table:
    """Scores that are all graded, or all ungraded."""

    def __init__(self, names: Names, task: Task, role: Role, model: ModelVersion, *, graded: bool = True) -> None:
        schema = task.schema
        self.model = model
        self.role = role
        self.subject = TextColumn(names.subjects)
        self.subject_name = TextColumn(Dictionary())
        self.subject_team = TextColumn(Dictionary())
        self._task = task.number
        self._graded = graded
        self._measures = {name: NumberColumn() for name in schema.measures} if graded else {}
        self._derive = schema.derived if graded else {}
        self._derived = {name: NumberColumn() for name in self._derive}
        self._outcome = {name: TextColumn(Dictionary()) for name in schema.outcome} if graded else {}
        self._attributes = {field.name: column_for(field) for field in schema.attributes}
        self._names = names
        self._game = TextColumn(names.games)
        self._play = TextColumn(names.plays)
        self._revision = NumberColumn(whole=True)
        self._outcome_revision = NumberColumn(whole=True)
        self._item = NumberColumn(whole=True)
        self._fields: dict[str, Column] = {
            "game_id": self._game,
            "play_id": self._play,
            "subject_id": self.subject,
            **self._attributes,
        }
        self._columns: tuple[Column, ...] = (
            self._item,
            self._revision,
            self._outcome_revision,
            self.subject_name,
            self.subject_team,
            *self._measures.values(),
            *self._derived.values(),
            *self._outcome.values(),
            *self._fields.values(),
        )
        self._row_of: dict[int, int] = {}
        self._played = Played()
        self._order: NDArray[np.int64] | None = None
        self._order_games = 0

    def __len__(self) -> int:
        return len(self._row_of)

    def put(self, items: Iterable[tuple[int, Score]]) -> None:
        """Set scores, each under its number."""
        latest = dict(items)
        before = len(self._row_of)
        rows = np.array([self._row_of.setdefault(item, len(self._row_of)) for item in latest], dtype=np.intp)
        if (overwritten := rows[rows < before]).size:
            self._played.remove(self._cells(overwritten))
        for column in self._columns:
            column.grow(len(self))
        scores = list(latest.values())
        self._item.put(rows, list(latest))
        self._revision.put(rows, [score.revision for score in scores])
        self._outcome_revision.put(rows, [score.outcome_revision for score in scores])
        self._game.put(rows, [score.play.game_id for score in scores])
        self._play.put(rows, [score.play.play_id for score in scores])
        self.subject.put(rows, [score.subject.subject_id for score in scores])
        self.subject_name.put(rows, [score.subject.subject_name for score in scores])
        self.subject_team.put(rows, [score.subject.team_id for score in scores])
        measures = [score.measures or {} for score in scores]
        for name, measure in self._measures.items():
            measure.put(rows, [each[name] for each in measures])
        for name, derive in self._derive.items():
            derived = [derive(known, score.outcome) for known, score in zip(measures, scores, strict=True)]
            self._derived[name].put(rows, derived)
        for name, text in self._outcome.items():
            text.put(rows, [score.outcome.get(name) for score in scores])
        for name, attribute in self._attributes.items():
            attribute.put(rows, [score.attributes.get(name) for score in scores])
        self._played.add(self._cells(rows))
        if self._order is not None and self._order_games == len(self._names.games):
            self._order = grown(self._order, len(self))
            self._order[rows] = self._order_of(rows)
        else:
            self._order = None

    def remove(self, items: Iterable[int]) -> None:
        """Take scores out by their numbers; the last row moves into each gap. Other tables' numbers are passed over."""
        for item in items:
            row = self._row_of.pop(item, None)
            if row is None:
                continue
            self._played.remove(self._cells(np.array([row])))
            last = len(self._row_of)
            if row != last:
                for column in self._columns:
                    column.move(last, row)
                self._row_of[int(self._item.data[row])] = row
            self._order = None

    def select(self, split: Filter) -> Selection:
        """The rows of a split."""
        if split == EVERYTHING:
            return slice(0, len(self))
        return np.flatnonzero(self._mask(split))

    def item(self, row: int) -> int:
        """The number of a row's score."""
        return int(self._item.data[row])

    def score(self, row: int) -> Score:
        """A row as it was recorded."""
        attributes = {name: column.get(row) for name, column in self._attributes.items()}
        measures = {name: float(column.data[row]) for name, column in self._measures.items()}
        outcome = {name: column.get(row) for name, column in self._outcome.items()}
        return Score(
            play=PlayKey(self._names.league, str(self._game.get(row)), str(self._play.get(row))),
            task=self._task,
            subject=Subject(
                role=self.role,
                subject_id=str(self.subject.get(row)),
                subject_name=str(self.subject_name.get(row) or ""),
                team_id=str(self.subject_team.get(row) or ""),
            ),
            model=self.model,
            revision=int(self._revision.data[row]),
            outcome_revision=int(self._outcome_revision.data[row]),
            measures=measures if self._graded else None,
            attributes={name: value for name, value in attributes.items() if value is not None},
            outcome={name: str(value) for name, value in outcome.items() if value is not None},
        )

    def of_subject(self, selection: Selection, subject_id: str) -> Rows:
        """Those of the rows that are a subject's."""
        rows = self._rows(selection)
        code = self.subject.dictionary.find(subject_id)
        theirs: Rows = rows[self.subject.codes[rows] == (-1 if code is None else code)]
        return theirs

    def size(self, selection: Selection) -> int:
        """How many rows are selected."""
        return len(self) if isinstance(selection, slice) else len(selection)

    def has_subject(self, code: int) -> bool:
        """Whether a row is the subject's."""
        return bool((self.subject.codes[: len(self)] == code).any())

    def groups(self, fields: Sequence[str], selection: Selection) -> Groups:
        """The rows by what fields say."""
        return group([self._fields[name] for name in fields], selection)

    def totals(self, selection: Selection, groups: Groups) -> Totals:
        """What the rows of each group come to, measures and what is derived from them to 2^-30 a row."""
        size = len(groups.values)
        sums = {
            name: np.bincount(groups.codes, measure.data[selection] + _GRID - _GRID, size).astype(
                np.float64, copy=False
            )
            for name, measure in (self._measures | self._derived).items()
        }
        return Totals(np.bincount(groups.codes, minlength=size), sums)

    def extent(self, selection: Selection) -> Extent:
        """How much the rows are of what was played; an unknown season is one of its own."""
        seasons = self._played.seasons
        if not isinstance(selection, slice):
            seasons = np.flatnonzero(np.bincount(self._chronology()[selection] >> _SEASON_SHIFT)).tolist()
        return Extent(self.size(selection), self._played.plays(seasons), self._played.team_games(seasons))

    def latest(self, selection: Selection, groups: Groups, columns: Sequence[TextColumn]) -> list[list[str]]:
        """By group, each column's known value in the last of the group's rows; empty where there is none.

        The last is the last by season, week, game and play.
        """
        size = len(groups.values)
        last = self._last_games(selection, groups.codes, size)
        return [
            [
                column.dictionary.texts[code]
                for code in self._latest(selection, groups.codes, size, last, column).tolist()
            ]
            for column in columns
        ]

    def page(self, selection: Selection, size: int, after: PlayPlace | None) -> list[tuple[SortingKey, int]]:
        """The first `size` rows after a place, all after it if fewer, by season, week, game, play and subject.

        Rows of one league's tables sort together by the keys that come with them.
        """
        rows = self._rows(selection)
        order = self._chronology()[rows]
        wanted = size
        if after is not None:
            season_and_week, game_id, _, _ = after
            reached = season_and_week << 32 | self._names.games.rank_of(game_id)
            wanted += int(np.count_nonzero(order == reached))
            rows, order = rows[order >= reached], order[order >= reached]
        if len(rows) > wanted:
            # A game is taken whole, because within it the order is not known yet.
            rows = rows[order <= np.partition(order, wanted - 1)[wanted - 1]]
        placed = sorted((_sorting_key(self.place(row)), row) for row in rows.tolist())
        if after is not None:
            passed = _sorting_key(after)
            placed = [(key, row) for key, row in placed if key > passed]
        return placed[:size]

    def place(self, row: int) -> PlayPlace:
        """Where a row stands among all."""
        season_and_week = int(self._chronology()[row] >> 32)
        return season_and_week, str(self._game.get(row)), str(self._play.get(row)), str(self.subject.get(row))

    def play_keys(self, game_id: str) -> NDArray[np.int64]:
        """Game and play of every row in one number; of one game, or of all if empty."""
        games, plays = self._game.codes[: len(self)].astype(np.int64), self._play.codes[: len(self)]
        keys = games << 32 | plays
        return keys if not game_id else keys[games == (self._names.games.find(game_id) or -1)]

    def _last_games(self, selection: Selection, groups: Codes, size: int) -> Rows:
        """Places, among the selected rows, of those of their group's last game."""
        order = self._chronology()[selection]
        last = np.full(size, -1, dtype=np.int64)
        np.maximum.at(last, groups, order)
        return np.flatnonzero(order == last.take(groups))

    def _latest(
        self, selection: Selection, groups: Codes, size: int, last: Rows, column: TextColumn
    ) -> NDArray[np.int32]:
        rows = last if isinstance(selection, slice) else selection[last]
        touched, values = groups[last], column.codes[rows]
        found = np.zeros(size, dtype=np.int32)
        found[touched] = values
        several = np.flatnonzero(np.isin(touched, touched[values != found[touched]]))
        for place in sorted(several.tolist(), key=lambda place: natural(str(self._play.get(int(rows[place]))))):
            found[touched[place]] = values[place] or found[touched[place]]
        if not found[touched].all():
            known = np.flatnonzero((column.codes[selection] != 0) & (found[groups] == 0))
            if len(known):
                fewer, theirs = self._rows(selection)[known], groups[known]
                earlier = self._latest(fewer, theirs, size, self._last_games(fewer, theirs, size), column)
                found = np.where(found == 0, earlier, found)
        return found

    def _rows(self, selection: Selection) -> Rows:
        return np.arange(len(self)) if isinstance(selection, slice) else selection

    def _cells(self, rows: Rows) -> Integers:
        """Season, team and game of rows."""
        season, team = self._attributes.get(_SEASON), self._attributes.get(_TEAM)
        return cells(
            _bounded(season, rows, MAX_SEASON) if isinstance(season, NumberColumn) else 0,
            team.codes[rows].astype(np.int64) if isinstance(team, TextColumn) else 0,
            self._game.codes[rows].astype(np.int64),
        )

    def _chronology(self) -> NDArray[np.int64]:
        """By row, one number that grows with season, week and game."""
        if self._order is None or self._order_games != len(self._names.games):
            self._order, self._order_games = self._order_of(slice(0, len(self))), len(self._names.games)
        return self._order[: len(self)]

    def _order_of(self, selection: Selection) -> NDArray[np.int64]:
        order = self._names.games.ranks()[self._game.codes[selection]]
        for name, shift, most in _CHRONOLOGY:
            column = self._attributes.get(name)
            if isinstance(column, NumberColumn):
                order |= _bounded(column, selection, most) << shift
        return order

    def _mask(self, node: Filter) -> Mask:
        match node:
            case Comparison():
                return self._fields[node.field.name].compare(node.operator, node.value, len(self))
            case Presence():
                known = self._fields[node.field.name].known(len(self))
                return known if node.known else ~known
            case And():
                mask = self._mask(node.operands[0])
                for operand in node.operands[1:]:
                    mask &= self._mask(operand)
                return mask
            case Or():
                mask = self._mask(node.operands[0])
                for operand in node.operands[1:]:
                    mask |= self._mask(operand)
                return mask


def _bounded(column: NumberColumn, selection: Selection, most: int) -> Integers:
    """Values as whole numbers from 0, the unknown, to `most`."""
    bounded: Integers = np.nan_to_num(column.data[selection]).clip(0, most).astype(np.int64)
    return bounded


def _sorting_key(place: PlayPlace) -> SortingKey:
    season_and_week, game_id, play_id, subject_id = place
    return season_and_week, natural(game_id), natural(play_id), subject_id
