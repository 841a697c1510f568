"""Answers about ratings, from the snapshot: what the service's reading calls ask."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aggregator.core.comparison import ComparedRows, Comparison, compare
from aggregator.core.fields import Field
from aggregator.core.filter import FIELD, Filter, demanded, parse_filter, patterns
from aggregator.core.nearest import nearest
from aggregator.core.operations import Operation
from aggregator.core.paging import FIRST_PAGE, MAX_PAGE, Page, Paging
from aggregator.core.revision import Revision
from aggregator.core.snapshot import League, ScoreTables, Snapshot
from aggregator.core.standings import Ranking, Rating, Standings, read_groups, read_order
from aggregator.core.table import PlayPlace, Table, sorting_key
from aggregator.core.tallies import BY_SUBJECT
from aggregator.core.task import Task, check_released
from aggregator.core.tokens import Arguments, Json, page_token_invalid
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import ModelVersion
from playscore.subjects import Role, Subject

STANDINGS_KEPT: Final = 32
"""Splits whose ratings are kept until something changes, so that paging and many readers cost one reading."""


@dataclass(frozen=True, slots=True)
class Split:
    """Which plays are looked at. `model` None is the one that the role's task rates by."""

    league: str
    role: Role
    filter: str = ""
    model: ModelVersion | None = None


@dataclass(frozen=True, slots=True)
class ComparedSubject:
    """One side of a comparison."""

    split: Split
    subject_id: str


@dataclass(frozen=True, slots=True)
class RatingPage(Page[Rating]):
    """Some of a split's ratings."""

    ranking: Ranking


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """Somebody who has graded plays, and how many."""

    subject: Subject
    plays: int


@dataclass(frozen=True, slots=True)
class ListedLeague:
    """A league, and the graded plays of each role that has some, by the model that it is rated by."""

    name: str
    graded: Sequence[tuple[Role, int]]


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model, and how many plays it has scored in a role."""

    model: ModelVersion
    graded: int
    ungraded: int
    is_default: bool
    """The league is rated by it where a question names none."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many plays count in ratings, wait for their official result, or were not scored."""

    graded: int
    ungraded: int
    unscored: Sequence[tuple[int, int]]
    """Reasons by their numbers, and plays; most first."""


class RatingQueries:
    """Reads a snapshot of the scores of tasks. Every call is answered from one state of it.

    Unless said otherwise, every call may raise ROLE_UNSUPPORTED, MODEL_NOT_FOUND, LEAGUE_NOT_FOUND and, where it takes
    them, FILTER_INVALID, FILTER_FIELD_UNKNOWN, FILTER_TYPE_MISMATCH, GAME_NOT_FOUND and PAGE_TOKEN_INVALID.

    A game that nothing is recorded of is GAME_NOT_FOUND where no play could be in the split without it: in a filter
    that is `game_id = "…"`, or an AND of that and more. In an OR, and in a NOT, an unknown game is no mistake: plays of
    other games answer the question.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._tasks = snapshot.tasks
        self._standings_at = lru_cache(maxsize=STANDINGS_KEPT)(self._make_standings)

    @property
    def revision(self) -> Revision:
        """The state that answers are of."""
        return self._snapshot.revision

    def rating(self, split: Split, subject_id: str, *, min_plays: int | None = None) -> tuple[Rating, Ranking]:
        """One subject's rating. SUBJECT_NOT_FOUND where nothing is recorded of them in the league at all."""
        asked = self._asked(split)
        code = _subject(asked.league, subject_id)
        standings = self._standings(asked.scores.graded, split, BY_SUBJECT, min_plays)
        return standings.rating(code), standings.ranking

    def compare(self, first: ComparedSubject, second: ComparedSubject) -> Comparison:
        """Two ratings of one role, and how far they are apart. Errors are as of `rating`, with the side at fault.

        FIELD_INVALID where the roles differ.
        """
        role, their_role = first.split.role, second.split.role
        if their_role != role:
            wrong = FieldViolation(
                "second.split.role", f"must be {role.name}, that of the first side; not {their_role.name}"
            )
            raise PlayscoreError(Reason.FIELD_INVALID, f"{wrong.field} {wrong.description}", fields=(wrong,))
        with _within("first"):
            one = self._compared(first)
        with _within("second"):
            other = self._compared(second)
        return compare(one, other)

    def ratings(
        self,
        split: Split,
        paging: Paging = FIRST_PAGE,
        *,
        group_by: Sequence[str] = (),
        order_by: str = "",
        min_plays: int | None = None,
        qualified_only: bool = False,
    ) -> RatingPage:
        """Every rating that has plays in the split, in the order asked for. FIELD_INVALID for an order or group that is
        not one.
        """
        task = self._tasks[split.role]
        order, groups = read_order(order_by, task), read_groups(group_by, task)
        asked = self._asked(split)
        arguments: Arguments = ("ratings", *asked.identity, [*groups], min_plays, order_by, qualified_only)
        after = paging.after(arguments)
        standings = self._standings(asked.scores.graded, split, groups, min_plays)
        places = standings.sorted(order, qualified_only=qualified_only)
        start = 0 if after is None else standings.passed(places, after, order)
        page = places[start : start + paging.limit()]
        more = start + len(page) < len(places)
        token = paging.next(arguments, standings.place(page[-1], order)) if more else ""
        return RatingPage([standings.rating(place) for place in page], token, len(places), standings.ranking)

    def watched(self, split: Split, *, group_by: Sequence[str] = (), min_plays: int | None = None) -> Standings:
        """Every rating of a split to be watched, of the present state however long reading them takes.

        A league or game that nothing is recorded of is no mistake here: there are no ratings yet.
        """
        self.check(split)
        task = self._tasks[split.role]
        league = self._snapshot.league(split.league) or League(split.league)
        graded = league.scores(task, split.role, self.model(split)).graded
        return self._standings(graded, split, read_groups(group_by, task), min_plays)

    def check(self, split: Split) -> None:
        """Refuse a split that is wrong whatever is recorded."""
        task = self._tasks[split.role]
        check_released(task, self.model(split))
        parse_filter(split.filter, task.schema)

    def preparing(self, split: Split) -> list[Iterator[None]]:
        """What of a question about a split may take long, to be done beforehand: in steps, which may be in a thread.

        Errors are left to the question.
        """
        task = self._tasks[split.role]
        try:
            wild = list(patterns(parse_filter(split.filter, task.schema)))
        except PlayscoreError:
            return []
        league = self._snapshot.league(split.league)
        if league is None or not wild:
            return []
        scores = league.scores(task, split.role, self.model(split))
        segments = [*scores.graded.segments(), *scores.ungraded.segments()]
        columns = [(segment.columns[each.field.name].coded(), each.pattern) for segment in segments for each in wild]
        return [column.match(pattern) for column, pattern in columns if pattern is not None]

    def model(self, split: Split) -> ModelVersion:
        """The model that a split is rated by at present."""
        return split.model or self._snapshot.model(split.league, self._tasks[split.role])

    def plays(
        self,
        split: Split,
        paging: Paging = FIRST_PAGE,
        *,
        subject_id: str = "",
        include_ungraded: bool = False,
    ) -> Page[int]:
        """The split's plays, one subject's or everybody's, by season, week, game and play: the store's numbers for
        them.
        """
        asked = self._asked(split)
        arguments: Arguments = ("plays", *asked.identity, subject_id, include_ungraded)
        token = paging.after(arguments)
        after = None if token is None else _play_place(token)
        limit, total = paging.limit(), 0
        found: list[tuple[PlayPlace, int]] = []
        for table in (asked.scores.graded, asked.scores.ungraded)[: 1 + include_ungraded]:
            selection = table.select(asked.filter, subject_id)
            total += sum(len(rows) for _, rows in selection)
            found += table.page(selection, limit + 1, after)
        found.sort(key=lambda each: sorting_key(each[0]))
        page = found[:limit]
        more = paging.next(arguments, [*page[-1][0]]) if len(found) > len(page) else ""
        return Page([number for _, number in page], more, total)

    def coverage(self, league: str, role: Role, model: ModelVersion | None = None, *, game_id: str = "") -> Coverage:
        """What became of the plays of a game, or of all of a league."""
        asked = self._asked(Split(league, role, model=model))
        if game_id:
            _check_game(asked.league, game_id, "game_id")
        covered = asked.league.coverage(asked.task, asked.scores, game_id)
        reasons = Counter(play.reason for play in covered.unscored)
        ordered = sorted(reasons.items(), key=lambda each: (-each[1], each[0]))
        return Coverage(covered.graded, covered.ungraded, ordered)

    def subjects(
        self,
        league: str,
        role: Role,
        model: ModelVersion | None = None,
        paging: Paging = FIRST_PAGE,
        *,
        name_contains: str = "",
    ) -> Page[ListedSubject]:
        """Who has graded plays, by name and identifier: those with that part in their name, whatever its case and
        accents.
        """
        split = Split(league, role, model=model)
        asked = self._asked(split)
        arguments: Arguments = ("subjects", *asked.identity, name_contains)
        after = paging.after(arguments)
        wanted = _folded(name_contains)
        standings = self._standings(asked.scores.graded, split, BY_SUBJECT, None)
        everybody = standings.sorted((("subject_name", False),), qualified_only=False)
        listed = [ListedSubject(standings.subject(place), standings.plays(place)) for place in everybody]
        listed = [each for each in listed if wanted in _folded(each.subject.subject_name)]
        rest = listed
        if after is not None:
            passed = _read_name_place(after)
            rest = [each for each in listed if _name_place(each) > passed]
        page = rest[: paging.limit()]
        token = paging.next(arguments, [*_name_place(page[-1])]) if len(page) < len(rest) else ""
        return Page(page, token, len(listed))

    def leagues(self, paging: Paging = FIRST_PAGE) -> Page[ListedLeague]:
        """The leagues of which something is recorded, by name. Raises PAGE_TOKEN_INVALID only."""
        names = sorted(self._snapshot.leagues)
        arguments: Arguments = ("leagues",)
        match paging.after(arguments):
            case None:
                rest = names
            case [str(last)]:
                rest = [name for name in names if name > last]
            case _:
                raise page_token_invalid()
        page = rest[: paging.limit()]
        token = paging.next(arguments, [page[-1]]) if len(page) < len(rest) else ""
        return Page([self._listed(name) for name in page], token, len(names))

    def _listed(self, name: str) -> ListedLeague:
        league = self._snapshot.league(name)
        assert league is not None
        graded = (
            (role, len(tables.graded))
            for role in sorted(self._tasks.roles, key=lambda role: role.number)
            if (tables := league.tables.get((role, self._snapshot.model(name, self._tasks[role]))))
        )
        return ListedLeague(name, [(role, plays) for role, plays in graded if plays])

    def models(self, league: str, role: Role, paging: Paging = FIRST_PAGE) -> Page[ListedModel]:
        """The models that a league can be rated by, by name and version, and what each has scored."""
        asked = self._asked(Split(league, role))
        default = self._snapshot.model(league, asked.task)
        listed = [
            ListedModel(model, len(scores.graded), len(scores.ungraded), model == default)
            for model in sorted(asked.task.models)
            for scores in (asked.league.scores(asked.task, role, model),)
        ]
        arguments: Arguments = ("models", league, role.number)
        match paging.after(arguments):
            case None:
                rest = listed
            case [str(name), int(version)]:
                rest = [each for each in listed if each.model > ModelVersion(name, version)]
            case _:
                raise page_token_invalid()
        page = rest[: paging.limit()]
        more = paging.next(arguments, [page[-1].model.name, page[-1].model.version]) if len(page) < len(rest) else ""
        return Page(page, more, len(listed))

    def fields(self, role: Role, paging: Paging = FIRST_PAGE) -> Page[Field]:
        """The fields of filters, by name. Raises ROLE_UNSUPPORTED and PAGE_TOKEN_INVALID only."""
        fields = list(self._tasks[role].schema.fields.values())
        arguments: Arguments = ("fields", role.number)
        match paging.after(arguments):
            case None:
                rest = fields
            case [str(last)]:
                rest = [field for field in fields if field.name > last]
            case _:
                raise page_token_invalid()
        page = rest[: paging.limit(MAX_PAGE)]
        token = paging.next(arguments, [page[-1].name]) if len(page) < len(rest) else ""
        return Page(page, token, len(fields))

    def _asked(self, split: Split) -> _Asked:
        """What a split is of. Refuses what is wrong with it."""
        task = self._tasks[split.role]
        model = self.model(split)
        check_released(task, model)
        parsed = parse_filter(split.filter, task.schema)
        league = self._snapshot.league(split.league)
        if league is None:
            raise _not_found(Reason.LEAGUE_NOT_FOUND, "league", split.league, self._snapshot.leagues)
        for game_id in demanded(parsed, "game_id"):
            _check_game(league, game_id, FIELD)
        identity = (split.league, split.role.number, split.filter, model.name, model.version)
        return _Asked(task, league, league.scores(task, split.role, model), parsed, identity)

    def _compared(self, side: ComparedSubject) -> ComparedRows:
        asked = self._asked(side.split)
        code, table = _subject(asked.league, side.subject_id), asked.scores.graded
        rows = table.select(asked.filter, side.subject_id)
        return ComparedRows(side.split.league, side.subject_id, code, table, asked.filter, rows)

    def _standings(self, table: Table, split: Split, groups: tuple[str, ...], min_plays: int | None) -> Standings:
        return self._standings_at(self._snapshot.revision, table, split, groups, min_plays)

    def _make_standings(
        self, _at: Revision, table: Table, split: Split, groups: tuple[str, ...], min_plays: int | None
    ) -> Standings:
        task = self._tasks[split.role]
        return Standings(table, parse_filter(split.filter, task.schema), groups, min_plays)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What a question is about."""

    task: Task
    league: League
    scores: ScoreTables
    filter: Filter
    identity: Arguments
    """Tells it from other questions, in page tokens."""


@contextmanager
def _within(side: str) -> Iterator[None]:
    """Errors of one side of a comparison name it."""
    try:
        yield
    except PlayscoreError as error:
        fields = tuple(FieldViolation(f"{side}.{wrong.field}", wrong.description) for wrong in error.fields)
        raise PlayscoreError(error.reason, f"{side} side: {error.detail}", fields=fields) from None


def _subject(league: League, subject_id: str) -> int:
    """A subject's code in a league's tables."""
    code = league.subject(subject_id)
    if code is None:
        raise PlayscoreError(Reason.SUBJECT_NOT_FOUND, f"no score of {subject_id!r} is recorded in {league.name}")
    return code


def operations_page(operations: Sequence[Operation], league: str, paging: Paging) -> Page[Operation]:
    """Some of what operators did, the latest first; in one league, or in all if empty. Raises PAGE_TOKEN_INVALID."""
    listed = [each for each in operations if league in ("", each.league)]
    arguments: Arguments = ("operations", league)
    match paging.after(arguments):
        case None:
            passed = 0
        case [int(before)]:
            # Counted from the first that was done, so that what is done meanwhile moves no page.
            passed = max(0, len(listed) - before)
        case _:
            raise page_token_invalid()
    page = listed[passed : passed + paging.limit()]
    left = len(listed) - passed - len(page)
    return Page(page, paging.next(arguments, [left]) if left > 0 else "", len(listed))


def _check_game(league: League, game_id: str, field: str) -> None:
    if not league.has_game(game_id):
        raise _not_found(Reason.GAME_NOT_FOUND, "game", game_id, league.games, of=f" of {league.name}")


def _not_found(reason: Reason, what: str, wanted: str, there_are: Sequence[str], of: str = "") -> PlayscoreError:
    if not there_are:
        return PlayscoreError(reason, f"nothing is recorded of {what} {wanted!r}: there are no {what}s{of} yet")
    named = nearest(wanted, there_are)
    others = f", and {len(there_are) - len(named)} more" if len(named) < len(there_are) else ""
    return PlayscoreError(
        reason, f"nothing is recorded of {what} {wanted!r}{of}; there are: {', '.join(named)}{others}"
    )


def _folded(name: str) -> str:
    """A name without case and accents."""
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(character for character in decomposed if not unicodedata.combining(character)).casefold()


def _name_place(listed: ListedSubject) -> tuple[str, str]:
    return listed.subject.subject_name, listed.subject.subject_id


def _read_name_place(place: list[Json]) -> tuple[str, str]:
    match place:
        case [str(name), str(subject_id)]:
            return name, subject_id
    raise page_token_invalid()


def _play_place(place: list[Json]) -> PlayPlace:
    match place:
        case [int(season_and_week), str(game_id), str(play_id), str(subject_id)]:
            return season_and_week, game_id, play_id, subject_id
    raise page_token_invalid()
