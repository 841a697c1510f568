"""Ratings as they change: a table that is kept up to date, through breaks of the connection too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, Self, TypeAlias

import grpc
import grpc.aio

from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.client.connection import failure_of
from playscore.client.retries import backoff, is_retryable, pause_after
from playscore.errors import PlayscoreError, Reason

SILENCE_SECONDS: Final = 30.0
"""After which a connection counts as broken: without changes a service sends a checkpoint every 10 seconds."""

Value: TypeAlias = str | int | float | bool | None
Key: TypeAlias = tuple[str, tuple[tuple[str, Value], ...]]
"""Tells a rating from all others of a watch: the subject's identifier, and fields with their values."""
Call: TypeAlias = grpc.aio.UnaryStreamCall[messages.WatchRatingsRequest, messages.WatchRatingsResponse]


def rating_key(rating: messages.Rating | messages.RatingKey) -> Key:
    """The key of a rating. Where ratings are grouped by subject alone it is `(subject_id, ())`."""
    return rating.subject.subject_id, tuple((each.field, _value(each)) for each in rating.group)


@dataclass(frozen=True, slots=True)
class RatingsUpdate:
    """What a watch was told between two checkpoints. Nothing changed where it has neither `changed` nor `left`."""

    restarted: bool
    """The table began anew: `changed` is all of it. The first update of a watch that is not resumed is such a one."""
    changed: Sequence[messages.Rating]
    """As they are now."""
    left: Sequence[messages.RatingKey]
    """No longer in the watch. None of them is in `changed`."""
    coalesced_ticks: int
    """Ticks with changes that came together with a later one, because they were not read in time."""
    checkpoint: messages.WatchCheckpoint
    """The state that the table is of."""


class RatingsWatch:
    """The ratings of a split, followed: `async with` opens the watch, `async for` reads its updates.

    After every update `ratings` is the whole table of one state of the service. Who reads slowly gets fewer updates. A
    break is mended by resuming after the last checkpoint; an update is never told in part, nor twice.

    Reading raises `PlayscoreError` where the service says what is wrong with the watch, and what `Connection` raises
    where nobody answers for `reconnect_seconds`. After it, reading again tries again.
    """

    def __init__(
        self,
        address: str,
        open_call: Callable[[messages.WatchRatingsRequest], Call],
        request: messages.WatchRatingsRequest,
        reconnect_seconds: float,
    ) -> None:
        self.ratings: dict[Key, messages.Rating] = {}
        """By their keys (`rating_key`). A watch that was resumed from a token has those that were told since."""
        self.checkpoint: messages.WatchCheckpoint | None = None
        """The last one: the revision, what the ratings are ranked by, and the token that resumes the watch after it."""
        self._address = address
        self._open = open_call
        self._request = request
        self._reconnect_seconds = reconnect_seconds
        self._call: Call | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> RatingsUpdate:
        """The next update. Waits for it, reconnecting as often as it takes."""
        now = asyncio.get_running_loop().time
        broken_at: float | None = None
        for pause in backoff():  # no budget: a watch that is broken asks no more often than this
            try:
                return await self._next()
            except grpc.aio.AioRpcError as error:
                failure = failure_of(error, self._address)
                if _is_of_another_release(failure) and self.checkpoint is not None:
                    self.checkpoint = None
                    self._request.ClearField("resume_token")
                elif not is_retryable(error.code(), failure):
                    raise failure from error
            except TimeoutError:
                failure = ConnectionError(f"{self._address}: nothing came for {SILENCE_SECONDS:g} seconds")
            except EOFError:
                failure = ConnectionError(f"{self._address}: the service has ended the watch")
            if broken_at is None:
                broken_at = now()
            wait = pause_after(failure, pause)
            if now() + wait > broken_at + self._reconnect_seconds:
                raise failure
            await asyncio.sleep(wait)
        raise AssertionError("backoff never ends")

    def ranked(self) -> list[messages.Rating]:
        """The table in order: by rank, and then those who do not qualify by their plays, most first."""
        return sorted(
            self.ratings.values(),
            key=lambda rating: (not rating.qualified, rating.rank, -rating.plays, rating.subject.subject_id),
        )

    async def _next(self) -> RatingsUpdate:
        told = _Told()
        try:
            if self._call is None:
                self._call = self._open(self._request)
            while not told.whole:
                async with asyncio.timeout(SILENCE_SECONDS):
                    told.add(await _read(self._call))
        except BaseException:  # whoever gave up waiting included: what was read of the update is told again
            self._hang_up()
            raise
        return self._apply(told)

    def _apply(self, told: _Told) -> RatingsUpdate:
        if told.restarted:
            self.ratings.clear()
        for key in told.left:
            self.ratings.pop(key, None)
        self.ratings.update(told.changed)
        self.checkpoint = told.checkpoint
        self._request.resume_token.CopyFrom(told.checkpoint.resume_token)
        self._request.ClearField("consistency")
        return RatingsUpdate(
            told.restarted,
            tuple(told.changed.values()),
            tuple(told.left.values()),
            told.coalesced_ticks,
            told.checkpoint,
        )

    def _hang_up(self) -> None:
        if self._call is not None:
            self._call.cancel()
            self._call = None


@dataclass(slots=True)
class _Told:
    """What has been read of an update."""

    restarted: bool = False
    changed: dict[Key, messages.Rating] = field(default_factory=dict)
    left: dict[Key, messages.RatingKey] = field(default_factory=dict)
    coalesced_ticks: int = 0
    checkpoint: messages.WatchCheckpoint = field(default_factory=messages.WatchCheckpoint)
    whole: bool = False

    def add(self, response: messages.WatchRatingsResponse) -> None:
        """Read on."""
        if response.restarted:
            self.restarted = True
            self.changed.clear()
            self.left.clear()
        self.changed.update(_by_key(response.ratings))
        self.left.update((rating_key(each), each) for each in response.left)
        self.coalesced_ticks += response.coalesced_ticks
        if response.HasField("checkpoint"):
            self.checkpoint = response.checkpoint
            self.whole = True


async def _read(call: Call) -> messages.WatchRatingsResponse:
    response = await call.read()
    if isinstance(response, messages.WatchRatingsResponse):
        return response
    raise EOFError


def _by_key(ratings: Iterable[messages.Rating]) -> Iterable[tuple[Key, messages.Rating]]:
    return ((rating_key(rating), rating) for rating in ratings)


def _value(value: messages.FieldValue) -> Value:
    kind = value.WhichOneof("value")
    found: Value = None if kind is None else getattr(value, kind)
    return found


def _is_of_another_release(failure: Exception) -> bool:
    """Whether a service does not know its predecessor's token: the arguments are the same."""
    return isinstance(failure, PlayscoreError) and failure.reason is Reason.RESUME_TOKEN_INVALID
