"""One stream of scores: requests in, answers out in order of completion."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.wire.distributions import support_to_message
from playscore.wire.validation import check, invalid
from scorer import metrics
from scorer.core.catalog import Catalog
from scorer.messages import (
    Supports,
    TaskMessages,
    check_play,
    check_specification,
    model_from_message,
    rejection_of,
    span_of,
)
from scorer.tasks import FACEOFFS, PASSES, SHOTS
from servicekit import spans
from servicekit.errors import defect
from servicekit.spans import NO_SPAN, Span

MAX_WAITING: Final = 256
"""Requests that may wait for their answers at once. The stream reads no more until an answer has left."""
MAX_TOGETHER: Final = 32
"""Requests taken, or answers made, before other calls have their turn: a few milliseconds of work."""
SECONDS_A_REQUEST: Final = 10.0
"""How long inference for a play may take; a stream has no deadline."""


@dataclass(frozen=True, slots=True)
class _Arm:
    """How a kind of request is answered: by the messages of a task, in a field of the answer."""

    edge: TaskMessages
    answer: str


_SCORING: Final[Mapping[str, _Arm]] = {
    "score_pass": _Arm(PASSES, "pass_score"),
    "score_shot": _Arm(SHOTS, "shot_score"),
    "score_faceoff": _Arm(FACEOFFS, "faceoff_score"),
}
_GRADING: Final[Mapping[str, _Arm]] = {
    "grade_pass": _Arm(PASSES, "graded_pass"),
    "grade_shot": _Arm(SHOTS, "graded_shot"),
    "grade_faceoff": _Arm(FACEOFFS, "graded_faceoff"),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """A request. Its kind is the name of the field that is set; "" if none is."""

    id: int
    kind: str
    message: Any
    span: Span = NO_SPAN


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A request and its result."""

    request: _Request
    result: Any
    """A score, a grade, or the PlayscoreError that it is rejected with."""
    release: Release | None = None
    """Of the model that scored it."""


class ScoreStream:
    """Answers the requests of one stream. Its plays share batches with those of other calls."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._supports = Supports(catalog.supports)
        self._told: set[str] = set()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._done: asyncio.Queue[_Done | None] = asyncio.Queue()
        self._in_flight: set[asyncio.Future[Any]] = set()

    async def answers(
        self, requests: AsyncIterator[messages.StreamScoresRequest]
    ) -> AsyncGenerator[messages.StreamScoresResponse, None]:
        """One answer for each request; supports are answered only if they are rejected.

        Ends when the requests have ended and all of them are answered. Raises what `requests` raises. When closed, it
        cancels the plays that are still waiting.
        """
        async with self._taking((request,) async for request in requests):
            while done := await self._done_together(1):
                yield self._answer(done[0])
                self._room.release()

    async def batches(
        self, batches: AsyncIterator[messages.StreamScoreBatchesRequest]
    ) -> AsyncGenerator[messages.StreamScoreBatchesResponse, None]:
        """`answers` to the requests of several batches: those that are done at the same time come together.

        Raises:
            PlayscoreError: FIELD_INVALID for a batch of more requests than it may hold.
        """
        async with self._taking(_requests_of(batch) async for batch in batches):
            while done := await self._done_together(MAX_TOGETHER):
                yield messages.StreamScoreBatchesResponse(answers=map(self._answer, done))
                for _ in done:
                    self._room.release()

    @asynccontextmanager
    async def _taking(self, requests: AsyncIterator[Iterable[messages.StreamScoresRequest]]) -> AsyncGenerator[None]:
        """Reads requests meanwhile. At the end of the block all were read, or their error is raised."""
        reading = asyncio.create_task(self._read(requests))
        try:
            yield
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            for waiting in self._in_flight:
                waiting.cancel()

    async def _done_together(self, most: int) -> list[_Done]:
        """What is done, at least one; nothing once the requests have ended and all are answered."""
        done = []
        following = await self._done.get()
        while following is not None:
            done.append(following)
            if len(done) == most or self._done.empty():
                return done
            following = self._done.get_nowait()
        if done:
            self._done.put_nowait(None)
        return done

    async def _read(self, requests: AsyncIterator[Iterable[messages.StreamScoresRequest]]) -> None:
        try:
            await self._room.acquire()
            async for together in requests:
                for place, request in enumerate(together, start=1):
                    if self._take(request):
                        await self._room.acquire()
                    if place % MAX_TOGETHER == 0:
                        await asyncio.sleep(0)
            for _ in range(MAX_WAITING - 1):  # all room is free once all are answered
                await self._room.acquire()
        finally:
            self._done.put_nowait(None)

    def _take(self, message: messages.StreamScoresRequest) -> bool:
        """Start work on a request. Returns whether it will be answered."""
        kind = message.WhichOneof("request") or ""
        asked = getattr(message, kind) if kind else None
        span = _span_of(kind, asked) if spans.are_on() else NO_SPAN
        request = _Request(message.request_id, kind, asked, span)
        try:
            return self._begin(request, message)
        except Exception as error:
            self._done.put_nowait(_Done(request, _refusal(error)))
            return True

    def _begin(self, request: _Request, message: messages.StreamScoresRequest) -> bool:
        kind = request.kind
        if kind == "support":
            self._supports.state(request.message, kind)
            return False
        if kind in _SCORING:
            self._score(request, _SCORING[kind].edge, model_from_message(message))
        elif kind in _GRADING:
            self._grade(request, _GRADING[kind].edge)
        elif kind:
            raise PlayscoreError(Reason.NOT_IMPLEMENTED, f"this release does not answer {kind}")
        else:
            raise invalid("request", "must be set to what is to be scored or graded")
        return True

    def _score(self, request: _Request, edge: TaskMessages, wanted: ModelVersion | None) -> None:
        model = self._catalog.find(edge.task.name, wanted)
        message, path, release = request.message, request.kind, model.release
        check_play(message, path)
        check_specification(message.tensor, release, f"{path}.tensor")
        scoring = model.submit(edge.item(message, release, path), time.monotonic() + SECONDS_A_REQUEST, request.span)
        self._in_flight.add(scoring)

        def scored(future: asyncio.Future[Any]) -> None:
            self._in_flight.discard(future)
            if not future.cancelled():
                error = future.exception()
                result = future.result() if error is None else _refusal(error)
                self._done.put_nowait(_Done(request, result, release))

        scoring.add_done_callback(scored)

    def _grade(self, request: _Request, edge: TaskMessages) -> None:
        check_play(request.message, request.kind)
        [grade] = edge.task.grade([edge.stored(request.message, self._supports, request.kind)])
        self._done.put_nowait(_Done(request, grade))

    def _answer(self, done: _Done) -> messages.StreamScoresResponse:
        request, refused = done.request, done.result
        if not isinstance(refused, PlayscoreError):
            try:
                return self._graded(done) if done.release is None else self._scored(done, done.release)
            except Exception as error:
                refused = _refusal(error)
        metrics.count_rejection(refused)
        request.span.end(refused.reason.name)
        return messages.StreamScoresResponse(request_id=request.id, rejection=_rejection(refused, request))

    def _scored(self, done: _Done, release: Release) -> messages.StreamScoresResponse:
        request, arm = done.request, _SCORING[done.request.kind]
        answer: dict[str, Any] = {arm.answer: arm.edge.score(request.message, done.result, release)}
        if release.support is not None and release.support.id not in self._told:
            answer["support"] = support_to_message(release.support)
            self._told.add(release.support.id)
        metrics.SCORED.inc()
        request.span.end()
        return messages.StreamScoresResponse(request_id=request.id, **answer)

    def _graded(self, done: _Done) -> messages.StreamScoresResponse:
        request, arm = done.request, _GRADING[done.request.kind]
        answer: dict[str, Any] = {arm.answer: arm.edge.graded(request.message, done.result)}
        metrics.GRADED.inc()
        request.span.end()
        return messages.StreamScoresResponse(request_id=request.id, **answer)


def _requests_of(batch: messages.StreamScoreBatchesRequest) -> Iterable[messages.StreamScoresRequest]:
    check(batch, leaving=("requests",))
    return batch.requests


def _span_of(kind: str, asked: Any) -> Span:
    """The span of what is asked for."""
    if kind in _SCORING:
        return span_of("score play", asked.tensor)
    return span_of("grade play", asked) if kind in _GRADING else NO_SPAN


def _refusal(error: BaseException) -> PlayscoreError:
    """The error that a request is rejected with. Defects are logged."""
    if isinstance(error, PlayscoreError):
        return error
    if isinstance(error, TimeoutError):
        return PlayscoreError(Reason.INFERENCE_UNAVAILABLE, f"no answer within {SECONDS_A_REQUEST:g} s: {error}")
    return defect(error, uuid.uuid4().hex)


def _rejection(error: PlayscoreError, request: _Request) -> common.Rejection:
    arm = _SCORING.get(request.kind) or _GRADING.get(request.kind)
    if arm is None:
        return rejection_of(error, request.message)
    return rejection_of(error, request.message, arm.edge.task.name)
