"""All calls that a report needs, of one state of the ratings."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from board.filters import both
from board.report.question import Question
from board.report.scope import Scope
from board.report.splits import SPLITS, Splits
from board.report.trend import Trend
from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient, ListedPlay
from playscore.client.roles import lacks, roles_with_plays
from playscore.client.words import ROLES, field_value
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

CALLS_AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Answers:
    """The aggregator's answers, all of one state."""

    overall: Sequence[aggregator.Rating]
    """The scope's own ratings; for a player with their rank in the league."""
    ranking: aggregator.Ranking
    """The ranking of the league for a player, else that of the standings."""
    splits: Sequence[tuple[Splits, Sequence[Sequence[aggregator.Rating]]]]
    """The scope's ratings with plays in each filter."""
    trend: Trend
    standings: Sequence[aggregator.Rating]
    """Ratings of the subjects in the scope, best first; empty for a player."""
    subjects: int
    """How many there are in all."""
    plays: Sequence[ListedPlay]
    """The latest of them, in their order."""
    total_plays: int
    names: Mapping[str, str]
    """Names of shooters by identifier; empty where plays are the subject's own."""
    coverage: aggregator.GetCoverageResponse
    """The coverage of the game, or of the league."""
    revision: common.RevisionToken


async def gather(ratings: AggregatorClient, question: Question, scope: Scope) -> Answers:
    """All answers. Raises as the client does, and SUBJECT_NOT_FOUND where the scope has no plays."""
    return await _Gathering(ratings, question, scope).all()


class _Gathering:
    """The calls of one report. The first determines the state of all others."""

    def __init__(self, ratings: AggregatorClient, question: Question, scope: Scope) -> None:
        self._ratings = ratings
        self._question = question
        self._scope = scope
        self._filter = both(question.filter, scope.filter)
        self._state: common.RevisionToken | None = None
        self._slots = asyncio.Semaphore(CALLS_AT_ONCE)

    async def all(self) -> Answers:
        question, scope = self._question, self._scope
        coverage = await self._ratings.get_coverage(
            question.league, role=question.role, game_id=scope.game_id, as_of=question.as_of
        )
        self._state = coverage.revision
        overall, ranking = await self._overall()
        if not overall or not overall[0].plays:
            raise PlayscoreError(Reason.SUBJECT_NOT_FOUND, await self._nothing())
        trend = await self._trend()
        splits, (standings, subjects), (plays, total), names = await asyncio.gather(
            self._splits(), self._standings(), self._plays(trend), self._names()
        )
        return Answers(
            overall=overall,
            ranking=ranking,
            splits=splits,
            trend=trend,
            standings=standings,
            subjects=subjects,
            plays=plays,
            total_plays=total,
            names=names,
            coverage=coverage,
            revision=coverage.revision,
        )

    async def _nothing(self) -> str:
        """Why there are no plays, and where there are some."""
        question, scope = self._question, self._scope
        others = await roles_with_plays(self._ratings, question.league, self._state)
        if question.role not in others:
            return lacks(question.league, question.role, others)
        where = f" where {question.filter}" if question.filter else ""
        detail = f"{question.league} has no {ROLES[question.role].plays} {scope.phrase}{where}"
        if scope.alternatives:
            found, _ = await self._list(question.filter, scope.group_by)
            names = sorted(rating.subject.team_id or field_value(rating.group[0]) for rating in found)
            detail += f"; {scope.alternatives}: {', '.join(names)}" if names else ""
        return detail

    async def _list(
        self, text: str, group_by: Sequence[str], limit: int | None = None
    ) -> tuple[list[aggregator.Rating], aggregator.ListRatingsResponse]:
        """Ratings, best first, at most `limit`; and the first page of them."""
        async with self._slots:
            listed = self._ratings.list_ratings(
                self._question.league, role=self._question.role, split=text, group_by=group_by, as_of=self._state
            )
            found: list[aggregator.Rating] = []
            async for rating in listed:
                if limit is not None and len(found) == limit:
                    break
                found.append(rating)
            return found, await listed.first_page()

    async def _overall(self) -> tuple[list[aggregator.Rating], aggregator.Ranking]:
        if self._scope.subject_id:
            one = await self._ratings.get_rating(
                self._question.league,
                self._scope.subject_id,
                role=self._question.role,
                split=self._question.filter,
                as_of=self._state,
            )
            return [one.rating], one.ranking
        found, page = await self._list(self._filter, self._scope.group_by)
        return sorted(found, key=lambda rating: rating.subject.team_id), page.ranking

    async def _splits(self) -> list[tuple[Splits, list[list[aggregator.Rating]]]]:
        asked = SPLITS[self._question.role]
        filters = [both(self._filter, text) for each in asked for _, text in each.filters]
        answers = iter(await asyncio.gather(*(self._list(text, self._scope.group_by) for text in filters)))
        return [(each, [next(answers)[0] for _ in each.filters]) for each in asked]

    async def _trend(self) -> Trend:
        if self._question.role == common.ROLE_PASSER:
            by_week, _ = await self._list(self._filter, ("season", "week"))
            if any(rating.group[-1].WhichOneof("value") for rating in by_week):
                return Trend("week", by_week)
        by_game, _ = await self._list(self._filter, ("season", "game_id"))
        return Trend("game_id", by_game)

    async def _standings(self) -> tuple[list[aggregator.Rating], int]:
        if self._scope.subject_id:
            return [], 0
        found, page = await self._list(self._filter, (), self._question.max_standings)
        return found, page.total_size

    async def _plays(self, trend: Trend) -> tuple[list[ListedPlay], int]:
        """The latest plays, and how many there are."""
        most = self._question.max_plays
        plays, total = await self._read_plays(self._filter, most)
        if most and total > most:
            latest = trend.latest(most)
            plays, _ = await self._read_plays(both(self._filter, latest), None)
        return plays[-most:] if most else [], total

    async def _read_plays(self, text: str, limit: int | None) -> tuple[list[ListedPlay], int]:
        """All plays of a filter, and how many there are; none where there are more than `limit`."""
        async with self._slots:
            listed = self._ratings.list_plays(
                self._question.league,
                role=self._question.role,
                split=text,
                include_distributions=True,
                as_of=self._state,
            )
            total = (await listed.first_page()).total_size
            return ([] if limit is not None and total > limit else [play async for play in listed]), total

    async def _names(self) -> dict[str, str]:
        if self._question.role not in (common.ROLE_GOALIE, common.ROLE_SHOOTING_TEAM):
            return {}
        async with self._slots:
            shooters = self._ratings.list_subjects(self._question.league, role=common.ROLE_SHOOTER, as_of=self._state)
            return {each.subject.subject_id: each.subject.subject_name async for each in shooters}
