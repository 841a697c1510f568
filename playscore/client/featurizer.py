"""Frames in, tensors out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from types import TracebackType
from typing import Self

import grpc
import grpc.aio

from playscore.client.connection import Connection, Tls, failure_of
from playscore.featurizer.v1 import featurizer_pb2 as messages
from playscore.featurizer.v1.featurizer_pb2_grpc import FeaturizerServiceStub
from playscore.tracking.v1 import tracking_pb2 as tracking


class FeaturizerClient(Connection):
    """Calls a featurizer."""

    def __init__(
        self, address: str = "127.0.0.1:50051", *, tls: Tls | None = None, timeout_seconds: float = 30.0
    ) -> None:
        super().__init__(address, tls=tls, timeout_seconds=timeout_seconds)
        self._stub = FeaturizerServiceStub(self.channel)

    async def describe_features(
        self, sport: tracking.Sport.ValueType = tracking.SPORT_AMERICAN_FOOTBALL
    ) -> messages.FeatureSpecification:
        """What the columns of the tensors mean."""
        request = messages.DescribeFeaturesRequest(sport=sport)
        answer = await self.call(lambda timeout: self._stub.DescribeFeatures(request, timeout=timeout))
        return answer.specification

    async def featurize_plays(
        self, header: tracking.GameHeader, roster: tracking.Roster, plays: Iterable[messages.WholePlay]
    ) -> messages.FeaturizePlaysResponse:
        """Whole plays of one game, at most 200."""
        request = messages.FeaturizePlaysRequest(header=header, roster=roster, plays=plays)
        return await self.call(lambda timeout: self._stub.FeaturizePlays(request, timeout=timeout))

    def stream_plays(self, header: tracking.GameHeader, resume_token: str = "") -> PlayStream:
        """A game as it is played. It is not repeated by itself: open another one with the last checkpoint's token."""
        opening = messages.OpenGame(header=header, resume_token=resume_token)
        return PlayStream(self.address, self._stub.StreamPlays(), opening)  # type: ignore[call-arg]  # we write


class PlayStream:
    """The stream of one game: `async with` opens it, `send` sends, iterating receives, `finish` half-closes.

    Raises as `Connection` does, whichever side of the stream notices first.
    """

    opened: messages.GameOpened
    """The first answer: says after which play to go on."""

    def __init__(
        self,
        address: str,
        call: grpc.aio.StreamStreamCall[messages.StreamPlaysRequest, messages.StreamPlaysResponse],
        opening: messages.OpenGame,
    ) -> None:
        self._address = address
        self._call = call
        self._opening = opening

    async def __aenter__(self) -> Self:
        await self.send(messages.StreamPlaysRequest(open=self._opening))
        answer = await self._receive()
        if answer is None or not answer.HasField("opened"):
            raise ConnectionError(f"{self._address}: the stream did not open")
        self.opened = answer.opened
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call.cancel()

    async def send(self, request: messages.StreamPlaysRequest) -> None:
        """Sends one message; returns when the transport has taken it."""
        if self._call.done():
            raise await self._ended()
        try:
            # What `call.write` does, but that marks a call INTERNAL if the service has just ended it, and the status
            # with which it did is lost to both sides of the stream.
            await self._call._metadata_sent.wait()  # type: ignore[attr-defined]
            await self._call._cython_call.send_serialized_message(request.SerializeToString())  # type: ignore[attr-defined]
        except grpc.aio.InternalError:
            raise await self._ended() from None

    async def finish(self) -> None:
        """Says that nothing more comes; answers still do."""
        try:
            await self._call.done_writing()
        except grpc.aio.InternalError:
            raise await self._ended() from None

    async def __aiter__(self) -> AsyncIterator[messages.StreamPlaysResponse]:
        """The answers, until the service has closed every play and ends the stream."""
        while (answer := await self._receive()) is not None:
            yield answer

    async def _receive(self) -> messages.StreamPlaysResponse | None:
        try:
            answer = await self._call.read()
        except grpc.aio.AioRpcError as error:
            raise failure_of(error, self._address) from error
        return answer if isinstance(answer, messages.StreamPlaysResponse) else None

    async def _ended(self) -> Exception:
        code = await self._call.code()
        if code is grpc.StatusCode.OK:
            return ConnectionError(f"{self._address}: the service has ended the stream")
        error = grpc.aio.AioRpcError(
            code,
            await self._call.initial_metadata(),
            await self._call.trailing_metadata(),
            details=await self._call.details(),
            debug_error_string=None,
        )
        return failure_of(error, self._address)
