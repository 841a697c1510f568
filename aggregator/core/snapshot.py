"""The store's present state as columns in memory: what every read is answered from.

A league has one table for each role and model version. Its rows are dense and in no particular order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from aggregator.core.columns import Column, Dictionary, Mask, NumberColumn, Rows, TextColumn, column_for, grown, natural
from aggregator.core.fields import SCHEMAS, Schema
from aggregator.core.filter import EVERYTHING, And, Comparison, Filter, Or, Presence
from aggregator.core.records import ModelVersion, PlayKey, Role, Score, Subject, Unscored
from aggregator.core.store import Changes

Selection = slice | Rows
"""Rows of a table: a slice for all of them, so that nothing is copied."""

PlayPlace = tuple[int, str, str, str]
"""Where a score stands among all: season and week, game, play, subject."""

_CHRONOLOGY = (("season", 40, 0xFFFF), ("week", 32, 0xFF))
"""Fields that say when a game was: their place in a row's order, above the 32 bits of the game, and their bounds."""

_GRID = 1.5 * 2.0**22
"""Added and taken away again, it rounds a measure to a multiple of 2^-30. Of those float64 adds up without error what
stays below 2^23 in all, so that a sum does not depend on the order of the rows."""


class Snapshot:
    """All leagues at `seq`, following a store's changes."""

    def __init__(self) -> None:
        self.seq = 0
        self._leagues: dict[str, League] = {}

    def apply(self, changes: Changes) -> None:
        """Go on to the state that the changes lead to."""
        for league in self._leagues.values():
            for table in league.tables.values():
                table.remove(changes.withdrawn)
        tables: defaultdict[Table, list[tuple[int, Score]]] = defaultdict(list)
        for item in changes.scores:
            score = item[1]
            tables[self._league(score.play.league).table(score.subject.role, score.model)].append(item)
        for table, items in tables.items():
            table.put(items)
        for unscored in changes.unscored:
            self._league(unscored.play.league).put_unscored(unscored)
        self.seq = changes.seq

    def league(self, name: str) -> League:
        """A league; an empty one where nothing is recorded."""
        return self._leagues.get(name) or League(name)

    def _league(self, name: str) -> League:
        if name not in self._leagues:
            self._leagues[name] = League(name)
        return self._leagues[name]


class League:
    """A league's tables, and its plays that were opened and not scored."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.games = Dictionary()
        self.plays = Dictionary()
        self.subjects = Dictionary()
        self.tables: dict[tuple[Role, ModelVersion], Table] = {}
        self._unscored: dict[int, Unscored] = {}

    def table(self, role: Role, model: ModelVersion) -> Table:
        """The table of a role and model version, made if need be."""
        if (role, model) not in self.tables:
            self.tables[role, model] = Table(self, SCHEMAS[role], model)
        return self.tables[role, model]

    def subject(self, subject_id: str) -> int | None:
        """A subject's code in every table; None for one of whom no score stands."""
        code = self.subjects.find(subject_id)
        return code if code is not None and any(table.has_subject(code) for table in self.tables.values()) else None

    def put_unscored(self, unscored: Unscored) -> None:
        """Set why a play was not scored."""
        key = self.games.code(unscored.play.game_id) << 32 | self.plays.code(unscored.play.play_id)
        self._unscored[key] = unscored

    def coverage(self, table: Table, game_id: str) -> tuple[int, list[Unscored]]:
        """Plays with a score in the table, and the unscored ones without; of one game, or of all if empty."""
        scored = np.sort(table.play_keys(game_id))
        opened = np.array(
            [key for key, unscored in self._unscored.items() if game_id in ("", unscored.play.game_id)], dtype=np.int64
        )
        without = opened[np.searchsorted(scored, opened, "left") == np.searchsorted(scored, opened, "right")]
        plays = int(np.count_nonzero(np.diff(scored, prepend=-1)))
        return plays, [self._unscored[key] for key in without.tolist()]


class Table:
    """Scores of one role by one model version, as columns."""

    def __init__(self, league: League, schema: Schema, model: ModelVersion) -> None:
        self.schema = schema
        self.model = model
        self.subject = TextColumn(league.subjects)
        self.subject_name = TextColumn(Dictionary())
        self.subject_team = TextColumn(Dictionary())
        self.measures = {name: NumberColumn() for name in schema.measures}
        self.attributes = {field.name: column_for(field) for field in schema.attributes}
        self._league = league
        self._game = TextColumn(league.games)
        self._play = TextColumn(league.plays)
        self._revision = NumberColumn(whole=True)
        self._outcome_revision = NumberColumn(whole=True)
        self._item = NumberColumn(whole=True)
        self._fields: dict[str, Column] = {
            "game_id": self._game,
            "play_id": self._play,
            "subject_id": self.subject,
            **self.attributes,
        }
        self._columns: tuple[Column, ...] = (
            self._item,
            self._revision,
            self._outcome_revision,
            self.subject_name,
            self.subject_team,
            *self.measures.values(),
            *self._fields.values(),
        )
        self._row_of: dict[int, int] = {}
        self._order: NDArray[np.int64] | None = None
        self._order_games = 0

    def __len__(self) -> int:
        return len(self._row_of)

    def put(self, items: Sequence[tuple[int, Score]]) -> None:
        """Set scores, each under its number."""
        rows = np.array([self._row_of.setdefault(item, len(self._row_of)) for item, _ in items], dtype=np.intp)
        scores = [score for _, score in items]
        self._item.put(rows, [item for item, _ in items])
        self._revision.put(rows, [score.revision for score in scores])
        self._outcome_revision.put(rows, [score.outcome_revision for score in scores])
        self._game.put(rows, [score.play.game_id for score in scores])
        self._play.put(rows, [score.play.play_id for score in scores])
        self.subject.put(rows, [score.subject.subject_id for score in scores])
        self.subject_name.put(rows, [score.subject.name for score in scores])
        self.subject_team.put(rows, [score.subject.team_id for score in scores])
        for name, measure in self.measures.items():
            measure.put(rows, [score.measures[name] for score in scores])
        for name, attribute in self.attributes.items():
            attribute.put(rows, [score.attributes.get(name) for score in scores])
        if self._order is not None and self._order_games == len(self._league.games):
            self._order = grown(self._order, rows)
            self._order[rows] = self._order_of(rows)
        else:
            self._order = None

    def remove(self, items: Iterable[int]) -> None:
        """Take scores out by their numbers; the last row moves into each gap. Other tables' numbers are passed over."""
        for item in items:
            row = self._row_of.pop(item, None)
            if row is None:
                continue
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

    def score(self, row: int) -> Score:
        """A row as it was recorded."""
        attributes = {name: column.get(row) for name, column in self.attributes.items()}
        return Score(
            play=PlayKey(self._league.name, str(self._game.get(row)), str(self._play.get(row))),
            subject=Subject(
                role=self.schema.role,
                subject_id=str(self.subject.get(row)),
                name=str(self.subject_name.get(row) or ""),
                team_id=str(self.subject_team.get(row) or ""),
            ),
            model=self.model,
            revision=int(self._revision.data[row]),
            outcome_revision=int(self._outcome_revision.data[row]),
            measures={name: float(column.data[row]) for name, column in self.measures.items()},
            attributes={name: value for name, value in attributes.items() if value is not None},
        )

    def of_subject(self, selection: Selection, subject_id: str) -> Rows:
        """Those of the rows that are a subject's."""
        rows = self._rows(selection)
        code = self.subject.dictionary.find(subject_id)
        his: Rows = rows[self.subject.codes[rows] == (-1 if code is None else code)]
        return his

    def size(self, selection: Selection) -> int:
        """How many rows are selected."""
        return len(self) if isinstance(selection, slice) else len(selection)

    def has_subject(self, code: int) -> bool:
        """Whether a row is the subject's."""
        return bool((self.subject.codes[: len(self)] == code).any())

    def totals(self, selection: Selection) -> tuple[NDArray[np.intp], dict[str, NDArray[np.float64]]]:
        """By subject's code, how many of the rows are his, and the sum of each measure, to 2^-30 a row, over them."""
        subjects, size = self.subject.codes[selection].astype(np.intp), len(self.subject.dictionary)
        sums = {
            name: np.bincount(subjects, measure.data[selection] + _GRID - _GRID, size).astype(np.float64, copy=False)
            for name, measure in self.measures.items()
        }
        return np.bincount(subjects, minlength=size), sums

    def plays_in_seasons_of(self, selection: Selection) -> int:
        """Rows of the whole table in those seasons that the rows touch; an unknown season is one of its own."""
        if isinstance(selection, slice):
            return len(self)
        seasons = self._chronology() >> 40
        touched = np.bincount(seasons[selection]) > 0
        return int(np.bincount(seasons, minlength=len(touched))[: len(touched)][touched].sum())

    def latest(self, selection: Selection, columns: Sequence[TextColumn]) -> list[list[str]]:
        """By subject's code, each column's known value in the last of the rows that are his; empty where there is none.

        The last is the last by season, week, game and play.
        """
        last_games = self._last_games(selection)
        return [
            [column.dictionary.texts[code] for code in self._latest(selection, last_games, column).tolist()]
            for column in columns
        ]

    def page(self, selection: Selection, size: int, after: PlayPlace | None) -> list[int]:
        """The first `size` rows after a place, by season, week, game, play and subject; all after it if fewer."""
        rows = self._rows(selection)
        order = self._chronology()[rows]
        wanted = size
        if after is not None:
            season_and_week, game_id, _, _ = after
            reached = season_and_week << 32 | self._league.games.rank_of(game_id)
            wanted += int(np.count_nonzero(order == reached))
            rows, order = rows[order >= reached], order[order >= reached]
        if len(rows) > wanted:
            # A game is taken whole, because within it the order is not known yet.
            rows = rows[order <= np.partition(order, wanted - 1)[wanted - 1]]
        placed = sorted((_sorting_key(self.place(row)), row) for row in rows.tolist())
        if after is not None:
            passed = _sorting_key(after)
            placed = [(key, row) for key, row in placed if key > passed]
        return [row for _, row in placed[:size]]

    def place(self, row: int) -> PlayPlace:
        """Where a row stands among all."""
        season_and_week = int(self._chronology()[row] >> 32)
        return season_and_week, str(self._game.get(row)), str(self._play.get(row)), str(self.subject.get(row))

    def play_keys(self, game_id: str) -> NDArray[np.int64]:
        """Game and play of every row in one number; of one game, or of all if empty."""
        games, plays = self._game.codes[: len(self)].astype(np.int64), self._play.codes[: len(self)]
        keys = games << 32 | plays
        return keys if not game_id else keys[games == (self._league.games.find(game_id) or -1)]

    def _last_games(self, selection: Selection) -> Rows:
        """Those of the rows that are of their subject's last game."""
        subjects, order = self.subject.codes[selection], self._chronology()[selection]
        last = np.full(len(self.subject.dictionary), -1, dtype=np.int64)
        np.maximum.at(last, subjects, order)
        return self._rows(selection)[np.flatnonzero(order == last.take(subjects))]

    def _latest(self, selection: Selection, last_games: Rows, column: TextColumn) -> NDArray[np.int32]:
        subjects, values = self.subject.codes[last_games], column.codes[last_games]
        found = np.zeros(len(self.subject.dictionary), dtype=np.int32)
        found[subjects] = values
        several = np.isin(subjects, subjects[values != found[subjects]])
        for row in sorted(last_games[several].tolist(), key=lambda row: natural(str(self._play.get(row)))):
            found[self.subject.codes[row]] = column.codes[row] or found[self.subject.codes[row]]
        if not found[subjects].all():
            rows = self._rows(selection)
            known = rows[(column.codes[rows] != 0) & (found[self.subject.codes[rows]] == 0)]
            if len(known):
                found = np.where(found == 0, self._latest(known, self._last_games(known), column), found)
        return found

    def _rows(self, selection: Selection) -> Rows:
        return np.arange(len(self)) if isinstance(selection, slice) else selection

    def _chronology(self) -> NDArray[np.int64]:
        """By row, one number that grows with season, week and game."""
        if self._order is None or self._order_games != len(self._league.games):
            self._order, self._order_games = self._order_of(slice(0, len(self))), len(self._league.games)
        return self._order[: len(self)]

    def _order_of(self, selection: Selection) -> NDArray[np.int64]:
        order = self._league.games.ranks()[self._game.codes[selection]]
        for name, shift, largest in _CHRONOLOGY:
            column = self.attributes.get(name)
            if isinstance(column, NumberColumn):
                known = np.nan_to_num(column.data[selection]).clip(0, largest)
                order |= known.astype(np.int64) << shift
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


def _sorting_key(place: PlayPlace) -> tuple[int, object, object, str]:
    season_and_week, game_id, play_id, subject_id = place
    return season_and_week, natural(game_id), natural(play_id), subject_id
