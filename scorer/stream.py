"""One stream of scores: requests in, answers out in the order in which they are done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from playscore.common.v1 import common_pb2 as common
from playscore.errors import PlayscoreError, Reason
from playscore.release import ModelVersion, Release
from playscore.scorer.v1 import scorer_pb2 as messages
from playscore.wire.common import rejected
from playscore.wire.validation import check, invalid
from scorer import metrics
from scorer.core.catalog import Catalog
from scorer.messages import (
    Supports,
    TaskMessages,
    check_specification,
    model_from_message,
    rejected_tensor,
    support_to_message,
)
from scorer.tasks import PASSES

MAX_WAITING: Final = 256
"""Requests of a stream that may wait for their answers; it reads no more until one has left."""
SECONDS_A_REQUEST: Final = 10.0
"""How long a play may take; a stream has no deadline of its own."""


@dataclass(frozen=True, slots=True)
class _Arm:
    """A kind of request: whose it is, and the field that answers it."""

    task: TaskMessages
    answer: str


_SCORING: Final[Mapping[str, _Arm]] = {"score_pass": _Arm(PASSES, "pass_score")}
_GRADING: Final[Mapping[str, _Arm]] = {"grade_pass": _Arm(PASSES, "graded_pass")}


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """One request: its kind is the name of the field that is set, "" where none is."""

    id: int
    kind: str
    message: Any


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """A request and what came of it."""

    request: _Request
    result: Any
    """What was scored, a grade, or the PlayscoreError that a rejection is made of."""
    release: Release | None = None
    """Of what scored it."""


class ScoreStream:
    """Answers the requests of one stream. Its plays share batches with those of all other calls."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._supports = Supports(catalog.supports)
        self._told: set[str] = set()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._done: asyncio.Queue[_Done | BaseException | None] = asyncio.Queue()
        self._in_flight: set[asyncio.Future[Any]] = set()

    async def answers(
        self, requests: AsyncIterator[messages.StreamScoresRequest]
    ) -> AsyncGenerator[messages.StreamScoresResponse, None]:
        """One answer a request, but for supports, which have none. Ends once the requests have, and all are answered.

        Closing it lets go of what waits.
        """
        reading = asyncio.create_task(self._read(requests))
        try:
            while (done := await self._done.get()) is not None:
                if isinstance(done, BaseException):
                    raise done
                yield self._answer(done)
                self._room.release()
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            for waiting in self._in_flight:
                waiting.cancel()

    async def _read(self, requests: AsyncIterator[messages.StreamScoresRequest]) -> None:
        try:
            await self._room.acquire()
            async for request in requests:
                if self._take(request):
                    await self._room.acquire()
            for _ in range(MAX_WAITING - 1):  # all room is free once all are answered
                await self._room.acquire()
        except Exception as error:
            self._done.put_nowait(error)
        else:
            self._done.put_nowait(None)

    def _take(self, message: messages.StreamScoresRequest) -> bool:
        """Begin to work on a request. Whether it is one that is answered."""
        kind = message.WhichOneof("request") or ""
        if kind == "support":
            self._supports.state(message.support, "support")
            return False
        request = _Request(message.request_id, kind, getattr(message, kind) if kind else None)
        try:
            self._begin(request, message)
        except PlayscoreError as error:
            self._done.put_nowait(_Done(request, error))
        return True

    def _begin(self, request: _Request, message: messages.StreamScoresRequest) -> None:
        if request.kind in _SCORING:
            self._score(request, _SCORING[request.kind].task, model_from_message(message))
        elif request.kind in _GRADING:
            self._grade(request, _GRADING[request.kind].task)
        elif request.kind:
            raise PlayscoreError(Reason.NOT_IMPLEMENTED, f"this release does not answer {request.kind}")
        else:
            raise invalid("request", "must be set to what is to be scored or graded")

    def _score(self, request: _Request, edge: TaskMessages, wanted: ModelVersion | None) -> None:
        model = self._catalog.find(edge.task.name, wanted)
        message, path, release = request.message, request.kind, model.release
        check(message, path)
        check_specification(message.tensor, release, f"{path}.tensor")
        scoring = model.submit(edge.item(message, release, path), time.monotonic() + SECONDS_A_REQUEST)
        self._in_flight.add(scoring)

        def scored(future: asyncio.Future[Any]) -> None:
            self._in_flight.discard(future)
            if not future.cancelled():
                self._done.put_nowait(_outcome(request, release, future))

        scoring.add_done_callback(scored)

    def _grade(self, request: _Request, edge: TaskMessages) -> None:
        check(request.message, request.kind)
        [grade] = edge.task.grade([edge.stored(request.message, self._supports, request.kind)])
        self._done.put_nowait(_Done(request, grade))

    def _answer(self, done: _Done) -> messages.StreamScoresResponse:
        request, result, release = done.request, done.result, done.release
        answer: dict[str, Any] = {"request_id": request.id}
        if isinstance(result, PlayscoreError):
            metrics.count_rejection(result)
            answer["rejection"] = _rejection(result, request.message)
        elif release is not None:
            metrics.SCORED.inc()
            arm = _SCORING[request.kind]
            answer[arm.answer] = arm.task.score(request.message, result, release)
            if release.support is not None and release.support.id not in self._told:
                self._told.add(release.support.id)
                answer["support"] = support_to_message(release.support)
        else:
            metrics.GRADED.inc()
            arm = _GRADING[request.kind]
            answer[arm.answer] = arm.task.graded(request.message, result)
        return messages.StreamScoresResponse(**answer)


def _outcome(request: _Request, release: Release, future: asyncio.Future[Any]) -> _Done | BaseException:
    error = future.exception()
    if error is None:
        return _Done(request, future.result(), release)
    if isinstance(error, PlayscoreError):
        return _Done(request, error)
    if isinstance(error, TimeoutError):
        late = PlayscoreError(Reason.INFERENCE_UNAVAILABLE, f"no answer within {SECONDS_A_REQUEST:g} s: {error}")
        return _Done(request, late)
    return error  # a defect of ours ends the stream


def _rejection(error: PlayscoreError, message: Any) -> common.Rejection:
    if message is None:
        return rejected(error, common.PlayKey(), 0)
    if hasattr(message, "tensor"):
        return rejected_tensor(error, message.tensor)
    return rejected(error, message.key, message.revision)
