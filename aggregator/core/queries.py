"""Answers about ratings, from the snapshot: what the service's reading calls ask."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from aggregator.core.columns import Selection
from aggregator.core.fields import Field
from aggregator.core.filter import FIELD, demanded, parse_filter
from aggregator.core.nearest import nearest
from aggregator.core.paging import FIRST_PAGE, MAX_PAGE, Page, Paging
from aggregator.core.records import Score
from aggregator.core.snapshot import League, ScoreTables, Snapshot
from aggregator.core.standings import BY_SUBJECT, Ranking, Rating, Standings, read_groups, read_order
from aggregator.core.table import PlayPlace, Table
from aggregator.core.task import Task, Tasks, check_released
from aggregator.core.tokens import Json, page_token, page_token_invalid, read_page_token
from playscore.errors import PlayscoreError, Reason
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
class RatingPage(Page[Rating]):
    """Some of a split's ratings."""

    ranking: Ranking


@dataclass(frozen=True, slots=True)
class ListedPlay:
    """A score, and the store's number for it."""

    item: int
    score: Score


@dataclass(frozen=True, slots=True)
class ListedSubject:
    """Somebody who has graded plays, and how many."""

    subject: Subject
    plays: int


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

    def __init__(self, snapshot: Snapshot, tasks: Tasks) -> None:
        self._snapshot = snapshot
        self._tasks = tasks
        self._standings_at = lru_cache(maxsize=STANDINGS_KEPT)(self._make_standings)

    def rating(self, split: Split, subject_id: str, *, min_plays: int | None = None) -> tuple[Rating, Ranking]:
        """One subject's rating. SUBJECT_NOT_FOUND where nothing is recorded of them in the league at all."""
        asked = self._asked(split)
        code = asked.league.subject(subject_id)
        if code is None:
            raise PlayscoreError(Reason.SUBJECT_NOT_FOUND, f"no score of {subject_id!r} is recorded in {split.league}")
        standings = self._standings(asked.scores.graded, split, BY_SUBJECT, min_plays)
        return standings.rating(code), standings.ranking

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
        arguments: tuple[Json, ...] = (*asked.identity, [*groups], min_plays, order_by, qualified_only)
        after = read_page_token(paging.token, arguments)
        standings = self._standings(asked.scores.graded, split, groups, min_plays)
        places = standings.sorted(order, qualified_only=qualified_only)
        start = 0 if after is None else standings.passed(places, after, order)
        page = places[start : start + paging.limit()]
        more = start + len(page) < len(places)
        token = page_token(arguments, standings.place(page[-1], order)) if more else ""
        return RatingPage([standings.rating(place) for place in page], token, len(places), standings.ranking)

    def plays(
        self,
        split: Split,
        paging: Paging = FIRST_PAGE,
        *,
        subject_id: str = "",
        include_ungraded: bool = False,
    ) -> Page[ListedPlay]:
        """The split's plays, one subject's or everybody's, by season, week, game and play."""
        asked = self._asked(split)
        arguments: tuple[Json, ...] = (*asked.identity, subject_id, include_ungraded)
        token = read_page_token(paging.token, arguments)
        after = None if token is None else _play_place(token)
        limit, total = paging.limit(), 0
        found = []
        for table in (asked.scores.graded, asked.scores.ungraded)[: 1 + include_ungraded]:
            selection = self._selection(table, split)
            if subject_id:
                selection = table.of_subject(selection, subject_id)
            total += table.size(selection)
            found += [(key, table, row) for key, row in table.page(selection, limit + 1, after)]
        found.sort(key=lambda each: each[0])
        page = [(table, row) for _, table, row in found[:limit]]
        more = ""
        if len(found) > len(page):
            table, row = page[-1]
            more = page_token(arguments, [*table.place(row)])
        return Page([ListedPlay(table.item(row), table.score(row)) for table, row in page], more, total)

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
        arguments: tuple[Json, ...] = (*asked.identity, name_contains)
        after = read_page_token(paging.token, arguments)
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
        token = page_token(arguments, [*_name_place(page[-1])]) if len(page) < len(rest) else ""
        return Page(page, token, len(listed))

    def fields(self, role: Role, paging: Paging = FIRST_PAGE) -> Page[Field]:
        """The fields of filters, by name. Raises ROLE_UNSUPPORTED and PAGE_TOKEN_INVALID only."""
        fields = list(self._tasks[role].schema.fields.values())
        match read_page_token(paging.token, (role.number,)):
            case None:
                rest = fields
            case [str(last)]:
                rest = [field for field in fields if field.name > last]
            case _:
                raise page_token_invalid()
        page = rest[: paging.limit(MAX_PAGE)]
        token = page_token((role.number,), [page[-1].name]) if len(page) < len(rest) else ""
        return Page(page, token, len(fields))

    def _asked(self, split: Split) -> _Asked:
        """What a split is of. Refuses what is wrong with it."""
        task = self._tasks[split.role]
        model = split.model or task.default_model
        check_released(task, model)
        parsed = parse_filter(split.filter, task.schema)
        league = self._snapshot.league(split.league)
        if league is None:
            raise _not_found(Reason.LEAGUE_NOT_FOUND, "league", split.league, self._snapshot.leagues)
        for game_id in demanded(parsed, "game_id"):
            _check_game(league, game_id, FIELD)
        identity = (split.league, split.role.number, split.filter, model.name, model.version)
        return _Asked(task, league, league.scores(task, split.role, model), identity)

    def _selection(self, table: Table, split: Split) -> Selection:
        return table.select(parse_filter(split.filter, self._tasks[split.role].schema))

    def _standings(self, table: Table, split: Split, groups: tuple[str, ...], min_plays: int | None) -> Standings:
        return self._standings_at(self._snapshot.seq, table, split, groups, min_plays)

    def _make_standings(
        self, _seq: int, table: Table, split: Split, groups: tuple[str, ...], min_plays: int | None
    ) -> Standings:
        return Standings(table, self._selection(table, split), self._tasks[split.role], groups, min_plays)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What a question is about."""

    task: Task
    league: League
    scores: ScoreTables
    identity: tuple[Json, ...]
    """Tells it from other questions, in page tokens."""


def _check_game(league: League, game_id: str, field: str) -> None:
    if not league.has_game(game_id):
        raise _not_found(Reason.GAME_NOT_FOUND, "game", game_id, league.games, of=f" of {league.name}")


def _not_found(reason: Reason, what: str, wanted: str, there_are: Sequence[str], of: str = "") -> PlayscoreError:
    if not there_are:
        return PlayscoreError(reason, f"nothing is recorded of {what} {wanted!r}, nor of any other")
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
