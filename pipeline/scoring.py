"""What the tasks of the worker have in common: answers in the order of a request, and what is stored of a play."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from playscore.client import AggregatorClient
from playscore.client.aggregator import ListedPlay
from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason

Accepted = TypeVar("Accepted")

_NOTHING_STORED = (Reason.LEAGUE_NOT_FOUND, Reason.GAME_NOT_FOUND, Reason.ROLE_UNSUPPORTED)


def in_order(
    accepted: Iterable[Accepted], rejections: Sequence[common.Rejection]
) -> Iterator[Accepted | common.Rejection]:
    """One answer per item of a request, in its order."""
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
    at_least_as_fresh: common.RevisionToken | None,
) -> list[ListedPlay]:
    """What is stored of a play for a role, with what was expected of it; nothing where the role is not rated there."""
    split = f"game_id = {_quoted(play.game_id)} AND play_id = {_quoted(play.play_id)}"
    plays = ratings.list_plays(
        play.league,
        role=role,
        split=split,
        include_distributions=True,
        include_ungraded=True,
        at_least_as_fresh=at_least_as_fresh,
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
