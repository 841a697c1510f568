"""Answers about ratings, from the snapshot: what the service's reading calls ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, Generic, TypeVar

import numpy as np

from aggregator.core.fields import SCHEMAS
from aggregator.core.filter import Filter, parse_filter
from aggregator.core.ratings import qualifying_plays, rank, rate
from aggregator.core.records import ModelVersion, Role, Score, Subject, check_id, check_league, check_released
from aggregator.core.snapshot import PlayPlace, Selection, Snapshot, Table
from aggregator.core.tokens import Json, page_token, page_token_invalid, read_page_token
from playscore.errors import FieldViolation, PlayscoreError, Reason
from playscore.release import ReferencePopulation

_T = TypeVar("_T")

DEFAULT_PAGE, LARGEST_PAGE = 50, 1000
STANDINGS_KEPT = 32
"""Splits whose ratings are kept until something changes, so that paging and many readers cost one reading."""
DEFAULT_ORDER = "rating desc"
ORDERS = ("rating", "plays", "mean_play_score", "yards_per_play", "subject_name")
Order = tuple[tuple[str, bool], ...]
"""Out of ORDERS, each with whether it is descending."""


@dataclass(frozen=True, slots=True)
class Split:
    """Whose plays are looked at, and which. `model_version` 0 is the board's own, `min_plays` 0 is for the rule."""

    league: str
    role: Role
    filter: str = ""
    model_version: int = 0
    min_plays: int = 0


@dataclass(frozen=True, slots=True)
class Rating:
    """A subject's rating in a split, as the contract's message has it."""

    subject: Subject
    model: ModelVersion
    plays: int
    rating: float
    rating_low: float
    rating_high: float
    mean_play_score: float | None
    """None without plays, as the next two."""
    yards_per_play: float | None
    expected_yards_per_play: float | None
    qualified: bool
    rank: int
    qualified_peers: int


@dataclass(frozen=True, slots=True)
class Page(Generic[_T]):
    """Some of a list, and how it goes on."""

    items: Sequence[_T]
    next_page_token: str
    total_size: int


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of a list is asked for; the size 0 is the default."""

    size: int = 0
    token: str = ""

    @property
    def limit(self) -> int:
        """Items of a page. FIELD_INVALID for a size that no page has."""
        if not 0 <= self.size <= LARGEST_PAGE:
            raise _invalid(
                "page_size", f"page_size is {self.size}; 1 to {LARGEST_PAGE} may be, or 0 for {DEFAULT_PAGE}"
            )
        return self.size or DEFAULT_PAGE


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many plays were scored, and for what reasons the others were not, most first."""

    scored: int
    unscored: Sequence[tuple[int, int]]
    """Reasons by their numbers, and plays."""


class Board:
    """Reads a snapshot. Every call is answered from one state of it.

    Rates by the released model versions of `populations`, by `model_version` where a question names none.
    """

    def __init__(
        self, snapshot: Snapshot, populations: Mapping[ModelVersion, ReferencePopulation], model_version: int
    ) -> None:
        self._snapshot = snapshot
        self._populations = populations
        self._model_version = model_version
        self._standings_at = lru_cache(maxsize=STANDINGS_KEPT)(self._make_standings)

    def rating(self, split: Split, subject_id: str) -> Rating:
        """One subject's rating. SUBJECT_NOT_FOUND where nothing is recorded of him in the league at all."""
        check_id("subject_id", subject_id)
        table = self._table(split)
        code = self._snapshot.league(split.league).subject(subject_id)
        if code is None:
            raise PlayscoreError(Reason.SUBJECT_NOT_FOUND, f"no score of {subject_id!r} is recorded in {split.league}")
        return self._standings(table, split).rating(code)

    def ratings(self, split: Split, order_by: str, paging: Paging, *, qualified_only: bool = False) -> Page[Rating]:
        """Everybody's rating who has plays in the split, in the order asked for."""
        order, limit = read_order(order_by), paging.limit
        table = self._table(split)
        arguments: tuple[Json, ...] = (*_identity(split, table.model), split.min_plays, order_by, qualified_only)
        after = read_page_token(paging.token, arguments)
        standings = self._standings(table, split)
        codes = standings.sorted(order, qualified_only=qualified_only)
        start = 0 if after is None else standings.passed(codes, after, order)
        page = codes[start : start + limit]
        more = start + len(page) < len(codes)
        token = page_token(arguments, standings.place(page[-1], order)) if more else ""
        return Page([standings.rating(code) for code in page], token, len(codes))

    def min_plays(self, split: Split) -> int:
        """How many plays qualify for the split's ranking."""
        return self._standings(self._table(split), split).min_plays

    def plays(self, split: Split, subject_id: str, paging: Paging) -> Page[Score]:
        """The split's plays, one subject's or everybody's, by season, week, game and play."""
        if subject_id:
            check_id("subject_id", subject_id)
        limit = paging.limit
        table = self._table(split)
        arguments: tuple[Json, ...] = (*_identity(split, table.model), subject_id)
        after = read_page_token(paging.token, arguments)
        selection = table.select(_parsed(split))
        if subject_id:
            selection = table.of_subject(selection, subject_id)
        rows = table.page(selection, limit + 1, None if after is None else _play_place(after))
        page = rows[:limit]
        token = page_token(arguments, [*table.place(page[-1])]) if len(rows) > len(page) else ""
        return Page([table.score(row) for row in page], token, table.size(selection))

    def coverage(self, league: str, role: Role, game_id: str, model_version: int) -> Coverage:
        """How much of a game, or of all of a league, was scored for a role."""
        check_league(league)
        if game_id:
            check_id("game_id", game_id)
        known = self._snapshot.league(league)
        scored, unscored = known.coverage(known.table(role, self._model(role, model_version)), game_id)
        reasons = Counter(play.reason for play in unscored)
        return Coverage(scored, sorted(reasons.items(), key=lambda each: (-each[1], each[0])))

    def _table(self, split: Split) -> Table:
        """The table that a split is of. Refuses what is wrong with the split."""
        check_league(split.league)
        if split.min_plays < 0:
            raise _invalid("min_plays", f"min_plays is {split.min_plays}; 0 is for the release's own rule")
        model = self._model(split.role, split.model_version)
        _parsed(split)
        return self._snapshot.league(split.league).table(split.role, model)

    def _model(self, role: Role, version: int) -> ModelVersion:
        if version < 0:
            raise _invalid("model_version", f"model_version is {version}; 0 is for the one that this service rates by")
        model = ModelVersion(SCHEMAS[role].model, version or self._model_version)
        check_released(model, self._populations)
        return model

    def _standings(self, table: Table, split: Split) -> _Standings:
        return self._standings_at(self._snapshot.seq, table, split)

    def _make_standings(self, _seq: int, table: Table, split: Split) -> _Standings:
        return _Standings(table, table.select(_parsed(split)), self._populations[table.model], split.min_plays)


class _Standings:
    """All ratings of a split, by subject's code."""

    def __init__(self, table: Table, selection: Selection, population: ReferencePopulation, min_plays: int) -> None:
        self._table = table
        self._plays, self._sums = table.totals(selection)
        self._ratings = rate(self._plays, self._sums["play_score"], population)
        self.min_plays = min_plays or qualifying_plays(
            population, int(self._plays.sum()), table.plays_in_seasons_of(selection)
        )
        self._qualified = self._plays >= self.min_plays
        self._rank = rank(self._ratings.rating, self._qualified)
        self._peers = int(np.count_nonzero(self._qualified))
        self._names, self._teams = table.latest(selection, [table.subject_name, table.subject_team])

    def sorted(self, order: Order, *, qualified_only: bool) -> list[int]:
        """Codes of those who have plays, in order."""
        codes: list[int] = np.flatnonzero(self._qualified if qualified_only else self._plays > 0).tolist()
        codes.sort(key=self._subject_id)
        for name, descending in reversed(order):
            codes.sort(key=partial(self._value, name=name), reverse=descending)
        return codes

    def place(self, code: int, order: Order) -> list[Json]:
        """Where a subject stands in an order, whatever the others do."""
        return [*(self._value(code, name) for name, _ in order), self._subject_id(code)]

    def passed(self, codes: list[int], place: list[Json], order: Order) -> int:
        """How many of the sorted codes stand at or before a place. PAGE_TOKEN_INVALID for none of this order."""
        descending = [*(down for _, down in order), False]
        for count, code in enumerate(codes):
            mine = self.place(code, order)
            if [type(value) for value in mine] != [type(value) for value in place]:
                raise page_token_invalid()
            for value, other, down in zip(mine, place, descending, strict=True):
                if value != other:
                    if (value > other) is not down:  # type: ignore[operator]
                        return count
                    break
        return len(codes)

    def rating(self, code: int) -> Rating:
        """The rating of a subject; without plays, it is what the reference population says of anybody."""
        return Rating(
            subject=Subject(self._table.schema.role, self._subject_id(code), self._names[code], self._teams[code]),
            model=self._table.model,
            plays=int(self._plays[code]),
            rating=float(self._ratings.rating[code]),
            rating_low=float(self._ratings.low[code]),
            rating_high=float(self._ratings.high[code]),
            mean_play_score=self._mean(code, "play_score"),
            yards_per_play=self._mean(code, "yards_gained"),
            expected_yards_per_play=self._mean(code, "expected_yards"),
            qualified=bool(self._qualified[code]),
            rank=int(self._rank[code]),
            qualified_peers=self._peers,
        )

    def _subject_id(self, code: int) -> str:
        return self._table.subject.dictionary.texts[code]

    def _mean(self, code: int, measure: str) -> float | None:
        plays = self._plays[code]
        return float(self._sums[measure][code] / plays) if plays else None

    def _value(self, code: int, name: str) -> Any:
        """What of a subject with plays an order goes by."""
        match name:
            case "rating":
                return float(self._ratings.rating[code])
            case "plays":
                return int(self._plays[code])
            case "mean_play_score":
                return self._mean(code, "play_score")
            case "yards_per_play":
                return self._mean(code, "yards_gained")
            case _:
                return self._names[code]


def read_order(order_by: str) -> Order:
    """The order that `order_by` says. FIELD_INVALID for what it does not know."""
    order: list[tuple[str, bool]] = []
    for part in (order_by or DEFAULT_ORDER).split(","):
        match part.split():
            case [name] if name in ORDERS:
                order.append((name, False))
            case [name, "desc"] if name in ORDERS:
                order.append((name, True))
            case _:
                raise _invalid(
                    "order_by", f"{part.strip()!r} is not one of {', '.join(ORDERS)}, with ' desc' after it or nothing"
                )
        if len({name for name, _ in order}) < len(order):
            raise _invalid("order_by", f"order_by names {order[-1][0]} twice")
    return tuple(order)


def _play_place(place: list[Json]) -> PlayPlace:
    match place:
        case [int(season_and_week), str(game_id), str(play_id), str(subject_id)]:
            return season_and_week, game_id, play_id, subject_id
    raise page_token_invalid()


def _parsed(split: Split) -> Filter:
    return parse_filter(split.filter, SCHEMAS[split.role])


def _identity(split: Split, model: ModelVersion) -> tuple[Json, ...]:
    return (split.league, split.role.value, split.filter, model.version)


def _invalid(field: str, detail: str) -> PlayscoreError:
    return PlayscoreError(Reason.FIELD_INVALID, detail, fields=(FieldViolation(field, detail),))
