"""Frames in, tensors out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc.aio

from playscore.client.connection import Connection, Tls
from playscore.client.streams import Stream
from playscore.common.v1 import common_pb2 as common
from playscore.featurizer.v1 import featurizer_pb2 as messages
from playscore.featurizer.v1.featurizer_pb2_grpc import FeaturizerServiceStub
from playscore.tracking.v1 import tracking_pb2 as tracking

if TYPE_CHECKING:
    from playscore.featurizer.v1.featurizer_pb2_grpc import FeaturizerServiceAsyncStub


class FeaturizerClient(Connection):
    """Calls a featurizer."""

    def __init__(
        self, address: str = "127.0.0.1:50051", *, tls: Tls | None = None, timeout_seconds: float = 30.0
    ) -> None:
        super().__init__(address, tls=tls, timeout_seconds=timeout_seconds)

    @property
    def _stub(self) -> FeaturizerServiceAsyncStub:
        return self.stub_of(FeaturizerServiceStub)

    async def describe_features(
        self, task: common.Task.ValueType = common.TASK_PASSING
    ) -> messages.FeatureSpecification:
        """What the columns of a task's tensors mean."""
        request = messages.DescribeFeaturesRequest(task=task)
        answer = await self.call(lambda timeout: self._stub.DescribeFeatures(request, timeout=timeout))
        return answer.specification

    async def featurize_plays(
        self, header: tracking.GameHeader, roster: tracking.Roster, plays: Iterable[messages.WholePlay]
    ) -> messages.FeaturizePlaysResponse:
        """Featurize whole plays of one game, at most 200. Every play is answered with a tensor or a rejection."""
        request = messages.FeaturizePlaysRequest(header=header, roster=roster, plays=plays)
        return await self.call(lambda timeout: self._stub.FeaturizePlays(request, timeout=timeout))

    def stream_plays(self, header: tracking.GameHeader, resume_token: messages.ResumeToken | None = None) -> PlayStream:
        """Featurize a game as it is played.

        A stream that breaks is not opened again by itself: open another one with the last checkpoint's token, and send
        the rosters and every play that was not answered.
        """
        opening = messages.OpenGame(header=header, resume_token=resume_token)
        return PlayStream(self.address, self._stub.StreamPlayBatches, opening, self.timeout_seconds)


class PlayStream:
    """The stream of one game: `async with` opens it, `send` sends, iterating receives, `finish` half-closes.

    Opening takes at most the client's `timeout_seconds`; an open stream lasts as long as the game. Raises as
    `Connection` does, whichever side of the stream notices first.
    """

    opened: messages.GameOpened
    """The first answer: how many plays earlier streams of the game finished."""

    def __init__(
        self,
        address: str,
        method: grpc.aio.StreamStreamMultiCallable[
            messages.StreamPlayBatchesRequest, messages.StreamPlayBatchesResponse
        ],
        opening: messages.OpenGame,
        timeout_seconds: float,
    ) -> None:
        self._address = address
        self._stream = Stream(address, method)
        self._opening = opening
        self._timeout_seconds = timeout_seconds

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self.send(messages.StreamPlaysRequest(open=self._opening))
                answer = await self._stream.receive()
        except TimeoutError:
            self._stream.cancel()
            raise TimeoutError(
                f"{self._address}: the stream did not open within {self._timeout_seconds:g} seconds"
            ) from None
        if answer is None or not answer.answers or not answer.answers[0].HasField("opened"):
            self._stream.cancel()
            raise ConnectionError(f"{self._address}: the stream did not open")
        self.opened = answer.answers[0].opened
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.cancel()

    async def send(self, *together: messages.StreamPlaysRequest) -> None:
        """Send messages, as one where there are several; returns when the transport has taken them.

        Together they may have as many bytes as one message.
        """
        await self._stream.send(messages.StreamPlayBatchesRequest(messages=together))

    async def finish(self) -> None:
        """Say that no more messages follow; answers still come."""
        await self._stream.finish()

    async def __aiter__(self) -> AsyncIterator[messages.StreamPlaysResponse]:
        """The answers, until the service has closed every play and ends the stream."""
        while (batch := await self._stream.receive()) is not None:
            for answer in batch.answers:
                yield answer
