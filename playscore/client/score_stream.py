"""The stream of a caller that scores play by play."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

import grpc.aio

from playscore.client.streams import Stream
from playscore.common.v1 import common_pb2 as common
from playscore.distribution.v1 import distribution_pb2 as distribution
from playscore.scorer.v1 import scorer_pb2 as messages

MAX_TOGETHER: Final = 32
"""Requests of a message. More would hardly cost less, and the scorer would answer the first of them later."""


class ScoreStream:
    """Scores and grades on one stream: `async with` opens it, and any number of tasks may ask at once.

    What tasks ask at the same time travels in one message, and so does what is answered at the same time.

    Every request is answered, or fails within the client's `timeout_seconds`. What the scorer refuses is answered with
    a `Rejection`, and the stream goes on. A stream that breaks fails what waits on it, as `Connection` does, and is not
    opened again by itself; asking again is safe.
    """

    def __init__(
        self,
        address: str,
        method: grpc.aio.StreamStreamMultiCallable[
            messages.StreamScoreBatchesRequest, messages.StreamScoreBatchesResponse
        ],
        model: common.ModelVersion | None,
        timeout_seconds: float,
    ) -> None:
        self.supports: dict[str, distribution.Support] = {}
        """The supports of all distributions answered so far, by their identifiers."""
        self._address = address
        self._stream = Stream(address, method)
        self._model = model
        self._timeout_seconds = timeout_seconds
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[messages.StreamScoresResponse | Exception]] = {}
        self._asked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._sent_supports: set[str] = set()
        self._failure: Exception | None = None

    async def __aenter__(self) -> Self:
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._write()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        self._stream.cancel()

    async def score_pass(self, play: messages.PassToScore) -> messages.PassScore | common.Rejection:
        """The distribution of the yards gained, and the play score where the yards are known."""
        answer = await self._ask(score_pass=play, model=self._model)
        return answer.pass_score if answer.HasField("pass_score") else answer.rejection

    async def grade_pass(
        self, play: messages.PassToGrade, supports: Iterable[distribution.Support] = ()
    ) -> messages.GradedPass | common.Rejection:
        """The play score of official yards in a distribution from before.

        The support it names may be left out where its model is being served, or where it was given before.
        """
        for support in supports:
            if support.support_id not in self._sent_supports:
                self._sent_supports.add(support.support_id)
                self._send(support=support)
        answer = await self._ask(grade_pass=play)
        return answer.graded_pass if answer.HasField("graded_pass") else answer.rejection

    async def score_shot(self, shot: messages.ShotToScore) -> messages.ShotScore | common.Rejection:
        """The chance of a goal, with what made it so, and the grade where the result is known."""
        answer = await self._ask(score_shot=shot, model=self._model)
        return answer.shot_score if answer.HasField("shot_score") else answer.rejection

    async def grade_shot(self, shot: messages.ShotToGrade) -> messages.GradedShot | common.Rejection:
        """Goals above expected, of the result and a chance from before."""
        answer = await self._ask(grade_shot=shot)
        return answer.graded_shot if answer.HasField("graded_shot") else answer.rejection

    async def score_faceoff(self, faceoff: messages.FaceoffToScore) -> messages.FaceoffScore | common.Rejection:
        """The chance that the taker wins, and the grade where the result is known."""
        answer = await self._ask(score_faceoff=faceoff, model=self._model)
        return answer.faceoff_score if answer.HasField("faceoff_score") else answer.rejection

    async def grade_faceoff(self, faceoff: messages.FaceoffToGrade) -> messages.GradedFaceoff | common.Rejection:
        """Wins above expected, of the result and a chance from before."""
        answer = await self._ask(grade_faceoff=faceoff)
        return answer.graded_faceoff if answer.HasField("graded_faceoff") else answer.rejection

    async def _ask(self, **request: Any) -> messages.StreamScoresResponse:
        number = next(self._numbers)
        answered: asyncio.Future[messages.StreamScoresResponse | Exception] = asyncio.Future()
        self._waiting[number] = answered
        try:
            self._send(request_id=number, **request)
            async with asyncio.timeout(self._timeout_seconds):
                answer = await answered
        except TimeoutError:
            raise TimeoutError(f"{self._address}: no answer within {self._timeout_seconds:g} seconds") from None
        finally:
            del self._waiting[number]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _send(self, **request: Any) -> None:
        if self._failure is not None:
            raise self._failure
        self._asked.put_nowait(request)

    async def _write(self) -> None:
        """Send what is asked, until the stream ends."""
        try:
            while True:
                batch = messages.StreamScoreBatchesRequest()
                batch.requests.add(**await self._asked.get())
                while len(batch.requests) < MAX_TOGETHER and not self._asked.empty():
                    batch.requests.add(**self._asked.get_nowait())
                await self._stream.send(batch)
        except Exception as error:
            self._fail(error)

    async def _read(self) -> None:
        """Hand every answer to whoever waits for it, until the stream ends."""
        failure: Exception = ConnectionError(f"{self._address}: the stream was closed")
        try:
            while (batch := await self._stream.receive()) is not None:
                for answer in batch.answers:
                    if answer.HasField("support"):
                        self.supports[answer.support.support_id] = answer.support
                    self._tell(answer.request_id, answer)
            failure = ConnectionError(f"{self._address}: the service has ended the stream")
        except Exception as error:
            failure = error
        finally:
            self._fail(failure)

    def _fail(self, failure: Exception) -> None:
        """Fail those who wait, and those who will ask."""
        self._failure = failure
        for number in self._waiting:
            self._tell(number, failure)

    def _tell(self, number: int, answer: messages.StreamScoresResponse | Exception) -> None:
        waiting = self._waiting.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)
