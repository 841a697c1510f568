"""What the tasks of the worker have in common: answers in the order of a request, and what is stored of a play."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client import AggregatorClient
from playscore.client.aggregator import ListedPlay
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.scorer.v1 import scorer_pb2 as scorer

Item = TypeVar("Item")
Accepted = TypeVar("Accepted")
Made = TypeVar("Made")
Score = TypeVar("Score", scorer.PassScore, scorer.ShotScore, scorer.FaceoffScore)

_NOTHING_STORED = (Reason.LEAGUE_NOT_FOUND, Reason.GAME_NOT_FOUND, Reason.ROLE_UNSUPPORTED)


def answered(
    items: Iterable[Item],
    accepted: Iterable[Accepted],
    rejections: Sequence[common.Rejection],
    make: Callable[[Item, Accepted], Made],
) -> list[Made | common.Rejection]:
    """What `make` makes of each item of a request and its answer, or its rejection, in the order of the request."""
    answers = _in_order(accepted, rejections)
    return [
        answer if isinstance(answer, common.Rejection) else make(item, answer)
        for item, answer in zip(items, answers, strict=True)
    ]


def with_grade(score: Score | None, grade: Any) -> Score | None:
    """A copy of the scorer's answer with this grade; None where there is no answer."""
    if score is None:
        return None
    graded = type(score)()
    graded.CopyFrom(score)
    graded.grade.CopyFrom(grade)
    return graded


def latest_records(listed: Iterable[ListedPlay]) -> list[aggregator.ScoreRecord]:
    """Of what is stored of a play, the records of its latest revision."""
    records = [each.record for each in listed]
    latest = max((record.revision for record in records), default=0)
    return [record for record in records if record.revision == latest]


def _in_order(
    accepted: Iterable[Accepted], rejections: Sequence[common.Rejection]
) -> Iterator[Accepted | common.Rejection]:
    rejected = {rejection.index: rejection for rejection in rejections}
    items = iter(accepted)
    place = 0
    while True:
        if place in rejected:
            yield rejected[place]
        else:
            item = next(items, None)
            if item is None:
                return
            yield item
        place += 1


async def stored_records(
    ratings: AggregatorClient,
    play: common.PlayKey,
    role: common.Role.ValueType,
    model: common.ModelVersion | None,
) -> list[ListedPlay]:
    """What is stored of a play for a role now, whoever wrote it, with what was expected of it.

    Nothing where the role is not rated there. By `model`; None: by the one that the league is rated by.
    """
    split = f"game_id = {_quoted(play.game_id)} AND play_id = {_quoted(play.play_id)}"
    plays = ratings.list_plays(
        play.league,
        role=role,
        split=split,
        model=model,
        include_distributions=True,
        include_ungraded=True,
        at_least_as_fresh="latest",
    )
    try:
        return [listed async for listed in plays]
    except PlayscoreError as unknown:
        if unknown.reason not in _NOTHING_STORED:
            raise
        return []


def _quoted(text: str) -> str:
    """A string literal in a filter."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
