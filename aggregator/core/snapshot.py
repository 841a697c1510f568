"""The store's present state in memory: what every read is answered from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aggregator.core.batches import batch_from
from aggregator.core.columns import Addends, Column
from aggregator.core.precedence import time
from aggregator.core.records import NO_TASK, Score, Unscored
from aggregator.core.revision import NOTHING
from aggregator.core.segment import Names, Segment, play_key
from aggregator.core.store import Changes, LeagueModel, ScoreColumns
from aggregator.core.table import MAX_PUT_AT_ONCE, Incoming, Merge, Table
from aggregator.core.task import Task, Tasks
from playscore.release import ModelVersion
from playscore.subjects import Role


class TableKey(NamedTuple):
    """What all scores of a table have in common."""

    league: str
    role: int
    """Its number."""
    model: str
    model_version: int
    graded: bool


class Snapshot:
    """All leagues at `revision`, following a store's changes. Scores for which no task is there are left out."""

    def __init__(self, tasks: Tasks) -> None:
        self.revision = NOTHING
        self.changes = 0
        """How many it has gone through."""
        self.erasures = 0
        """How often something was erased: what was read of the store before is not to be shown any more."""
        self.tasks = tasks
        self._leagues: dict[str, League] = {}
        self._models: dict[tuple[str, int], ModelVersion] = {}

    def incoming(self, changes: Changes) -> list[Incoming]:
        """The tables that get many scores by changes that are about to be applied."""
        found = []
        for task, items in self._by_table(changes.scores):
            _, score = items[0]
            scores = self._league(score.play.league).scores(task, score.subject.role, score.model)
            for table in (scores.graded, scores.ungraded):
                its_own = {number: score for number, score in items if score.graded is table.graded}
                if len(its_own) > MAX_PUT_AT_ONCE:
                    found.append(Incoming(table, its_own))
        return found

    def apply(self, changes: Changes, made: Mapping[Table, Segment] = MappingProxyType({})) -> None:
        """Go on to the state that the changes lead to; `made` are segments of what was `incoming`."""
        if changes.withdrawn:
            for league in self._leagues.values():
                for scores in league.tables.values():
                    scores.remove(changes.withdrawn)
        for name in changes.erased_leagues:
            self._leagues.pop(name, None)
            made = MappingProxyType({})  # which may be of the league that is no more
        for task, items in self._by_table(changes.scores):
            _, score = items[0]
            self._league(score.play.league).scores(task, score.subject.role, score.model).put(items, made)
        self.put_unscored(changes.unscored)
        self.switch(changes.switched)
        if changes.erased_players:
            for league in self._leagues.values():
                league.forget_absent()
        self.erasures += len(changes.erased_leagues) + changes.erased_players
        self.revision = changes.revision
        self.changes += len(changes.scores) + len(changes.withdrawn) + len(changes.unscored)

    def _by_table(self, scores: Iterable[tuple[int, Score]]) -> Iterator[tuple[Task, list[tuple[int, Score]]]]:
        """Scores of one league, role and model together, with their task; those without one are left out."""
        together: defaultdict[tuple[str, int, str, int], list[tuple[int, Score]]] = defaultdict(list)
        for item in scores:
            score = item[1]
            model = score.model
            together[score.play.league, score.subject.role.number, model.name, model.version].append(item)
        for items in together.values():
            task = self.tasks.get(items[0][1].subject.role)
            if task is not None:
                yield task, items

    def load(self, key: TableKey, scores: Sequence[ScoreColumns]) -> None:
        """Add scores of one table that are not there yet, many at a time."""
        table = self._table(key)
        if table is not None:
            table.load(batch_from(table.task.schema, scores, graded=key.graded))

    def adopt(
        self,
        key: TableKey,
        numbers: NDArray[np.int64],
        columns: Mapping[str, Column],
        addends: Mapping[str, Addends],
    ) -> None:
        """Add scores of one table that are not there yet, as columns of a segment."""
        table = self._table(key)
        if table is not None:
            table.adopt(numbers, columns, addends)

    def become(self, other: Snapshot) -> None:
        """Take the place of another, which is not used any more."""
        self.revision, self._leagues, self._models = other.revision, other._leagues, other._models

    def segments(self) -> Iterable[tuple[TableKey, Segment]]:
        """All segments of all tables."""
        for league in self._leagues.values():
            for (role, model), scores in league.tables.items():
                for graded, table in ((True, scores.graded), (False, scores.ungraded)):
                    key = TableKey(league.name, role.number, model.name, model.version, graded)
                    yield from ((key, segment) for segment in table.segments() if segment.rows_left)

    def unscored(self) -> list[Unscored]:
        """Why plays were not scored."""
        return [play for league in self._leagues.values() for play in league.unscored()]

    def switched(self) -> list[LeagueModel]:
        """The models that leagues were switched to."""
        return [LeagueModel(league, task, model) for (league, task), model in self._models.items()]

    def put_unscored(self, plays: Iterable[Unscored]) -> None:
        """Set why plays were not scored."""
        for play in plays:
            self._league(play.play.league).put_unscored(play)

    def switch(self, switches: Iterable[LeagueModel]) -> None:
        """Set the models that leagues are rated by."""
        self._models |= {(switched.league, switched.task): switched.model for switched in switches}

    def model(self, league: str, task: Task) -> ModelVersion:
        """The model that a league is rated by where a question names none."""
        return self._models.get((league, task.number), task.default_model)

    def merge(self) -> Merge | None:
        """A merge of a table that is due, if any."""
        tables = (table for league in self._leagues.values() for table in league.all_tables())
        return next((merge for table in tables if (merge := table.merge()) is not None), None)

    def __len__(self) -> int:
        return sum(len(table) for league in self._leagues.values() for table in league.all_tables())

    @property
    def plays(self) -> int:
        """Scores and plays that were not scored."""
        return len(self) + sum(league.plays_unscored for league in self._leagues.values())

    @property
    def leagues(self) -> list[str]:
        """Leagues of which something is recorded."""
        return list(self._leagues)

    def league(self, name: str) -> League | None:
        """A league; None where nothing is recorded of it."""
        return self._leagues.get(name)

    def _table(self, key: TableKey) -> Table | None:
        """The table of a key; None where no task is there for its role."""
        role = self.tasks.role(key.role)
        task = None if role is None else self.tasks.get(role)
        if role is None or task is None:
            return None
        scores = self._league(key.league).scores(task, role, ModelVersion(key.model, key.model_version))
        return scores.graded if key.graded else scores.ungraded

    def _league(self, name: str) -> League:
        if name not in self._leagues:
            self._leagues[name] = League(name)
        return self._leagues[name]


@dataclass(frozen=True, slots=True, eq=False)
class ScoreTables:
    """Scores of one role by one model version."""

    graded: Table
    ungraded: Table

    def put(self, items: Sequence[tuple[int, Score]], made: Mapping[Table, Segment] = MappingProxyType({})) -> None:
        """Set scores, each under its number; `made` may have a segment of them."""
        ungraded = [item for item in items if not item[1].graded]
        graded = [item for item in items if item[1].graded] if ungraded else items
        if graded:
            if len(self.ungraded):
                self.ungraded.remove(number for number, _ in graded)
            _put(self.graded, graded, made)
        if ungraded:
            if len(self.graded):
                self.graded.remove(number for number, _ in ungraded)
            _put(self.ungraded, ungraded, made)

    def remove(self, items: Iterable[int]) -> None:
        """Take scores out by their numbers. Other tables' numbers are passed over."""
        numbers = list(items)
        self.graded.remove(numbers)
        self.ungraded.remove(numbers)


def _put(table: Table, items: Sequence[tuple[int, Score]], made: Mapping[Table, Segment]) -> None:
    if table in made:
        table.put_segment(made[table])
    else:
        table.put(items)


@dataclass(frozen=True, slots=True)
class Covered:
    """Plays of a game or a league, each once."""

    graded: int
    ungraded: int
    unscored: list[Unscored]


class League:
    """A league's scores, and its plays that opened and were not scored."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tables: dict[tuple[Role, ModelVersion], ScoreTables] = {}
        self._names = Names(name)
        self._unscored: defaultdict[int, dict[int, Unscored]] = defaultdict(dict)
        """By task, and by game and play."""

    @property
    def games(self) -> list[str]:
        """Games of which something is recorded."""
        return self._names.games.texts[1:]

    @property
    def plays_unscored(self) -> int:
        """How many plays were not scored."""
        return sum(map(len, self._unscored.values()))

    def has_game(self, game_id: str) -> bool:
        """Whether something is recorded of a game."""
        return bool(self._names.games.find(game_id))

    def scores(self, task: Task, role: Role, model: ModelVersion) -> ScoreTables:
        """The scores of a role and model version; none where none are recorded."""
        if (role, model) not in self.tables:
            self.tables[role, model] = ScoreTables(
                Table(self._names, task, role, model),
                Table(self._names, task, role, model, graded=False),
            )
        return self.tables[role, model]

    def all_tables(self) -> Iterator[Table]:
        """Its tables, of every role and model, graded and ungraded."""
        for scores in self.tables.values():
            yield from (scores.graded, scores.ungraded)

    def subject(self, subject_id: str) -> int | None:
        """A subject's code in every table; None for one of whom no score stands."""
        code = self._names.subjects.find(subject_id)
        return code if code is not None and any(table.has_subject(code) for table in self.all_tables()) else None

    def forget_absent(self) -> None:
        """Keep no name of a subject of whom no score stands, and no row that is gone."""
        standing = set[int]().union(*(table.subjects() for table in self.all_tables()))
        for code, subject_id in enumerate(self._names.subjects.texts):
            if code not in standing:
                self._names.subjects.forget(subject_id)
        for table in self.all_tables():
            table.scrub()

    def put_unscored(self, unscored: Unscored) -> None:
        """Set why a play was not scored."""
        key = play_key(self._names.games.code(unscored.play.game_id), self._names.plays.code(unscored.play.play_id))
        self._unscored[unscored.task][key] = unscored

    def unscored(self) -> list[Unscored]:
        """All plays that were not scored."""
        return [play for plays in self._unscored.values() for play in plays.values()]

    def coverage(self, task: Task, scores: ScoreTables, game_id: str) -> Covered:
        """What became of the plays of a task, by the best that is recorded of each; in one game, or in all if empty."""
        graded = np.sort(scores.graded.play_keys(game_id))
        ungraded = np.sort(scores.ungraded.play_keys(game_id))
        if len(ungraded):
            ungraded = ungraded[~_in_sorted(ungraded, graded)]
        known = self._opened(task)
        opened = np.array(
            [key for key, unscored in known.items() if game_id in ("", unscored.play.game_id)], dtype=np.int64
        )
        without = opened[~(_in_sorted(opened, graded) | _in_sorted(opened, ungraded))]
        return Covered(_distinct(graded), _distinct(ungraded), [known[key] for key in without.tolist()])

    def _opened(self, task: Task) -> dict[int, Unscored]:
        """Plays that are unscored by a task or by no task in particular, the later record of each."""
        of_none = self._unscored[NO_TASK]
        opened = dict(self._unscored[task.number]) if of_none else self._unscored[task.number]
        for key, unscored in of_none.items():
            if key not in opened or time(unscored) > time(opened[key]):
                opened[key] = unscored
        return opened


def _distinct(ordered: NDArray[np.int64]) -> int:
    return int(np.count_nonzero(np.diff(ordered, prepend=-1)))


def _in_sorted(keys: NDArray[np.int64], among: NDArray[np.int64]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = np.searchsorted(among, keys, "left") != np.searchsorted(among, keys, "right")
    return found
