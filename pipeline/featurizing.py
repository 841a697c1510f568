"""One game's featurizer stream: reconnects when it breaks, and sends again what was not answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

import structlog

from pipeline.retry import GIVE_UP_SECONDS, Absence, is_transient
from pipeline.task import Featurizer, Stream
from playscore.client import backoff, pause_after
from playscore.errors import PlayscoreError, Reason
from playscore.featurizer.v1 import featurizer_pb2 as featurizer
from playscore.tracking.v1 import tracking_pb2 as tracking

MAX_QUEUED = 64
"""Messages that may queue before senders block."""
MAX_TOGETHER = 16
"""Messages that travel in one. More would hardly cost less, and the first answer would come later."""
MAX_TOGETHER_BYTES = 1 << 20
"""Of those, unless one alone has more."""

log = structlog.get_logger()

Request = featurizer.StreamPlaysRequest


class GameStream:
    """One game's stream, over as many connections as it takes.

    Args:
        header: of the game.
        client: the featurizer.
        backlog: what a new connection must be told first: rosters, and every open play with its film so far.
        on_answer: called with each tensor and rejection, repeats included.
        is_current: whether a message that has waited is still to be sent.
        give_up_seconds: how long the featurizer may be unavailable.
    """

    def __init__(
        self,
        header: tracking.GameHeader,
        client: Featurizer,
        *,
        backlog: Callable[[], Iterable[Request]],
        on_answer: Callable[[featurizer.StreamPlaysResponse], None],
        is_current: Callable[[Request], bool],
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        self._header = header
        self._client = client
        self._backlog = backlog
        self._on_answer = on_answer
        self._is_current = is_current
        self._absence = Absence(give_up_seconds)
        self._queue: asyncio.Queue[Request | None] = asyncio.Queue(MAX_QUEUED)
        self._finished = False
        self._reopen = False
        self._ended = False
        self._token: featurizer.ResumeToken | None = None

    async def send(self, request: Request) -> None:
        """Sends one message on this connection; the next one is told by the backlog. Does nothing after `run` ended."""
        if not self._ended:
            await self._queue.put(request)

    async def turn_to(self, header: tracking.GameHeader) -> None:
        """The header was corrected: from now on the stream is one of that header."""
        self._header = header
        self._reopen = True
        await self._queue.put(None)

    async def finish(self) -> None:
        """Nothing more is sent."""
        self._finished = True
        await self._queue.put(None)

    async def run(self) -> None:
        """Until the featurizer has ended the stream after `finish`.

        Raises what is not transient, and ConnectionError where the featurizer stays away.
        """
        try:
            await self._keep_up()
        finally:
            self._ended = True
            while not self._queue.empty():
                self._queue.get_nowait()  # who waits to send goes on

    async def _keep_up(self) -> None:
        pauses = backoff(0.1, 2.0)
        while True:
            self._absence.asked()
            try:
                await self._connect()
            except _HeaderCorrected:
                self._reopen = False
            except (PlayscoreError, ConnectionError, TimeoutError) as failure:
                if isinstance(failure, PlayscoreError) and failure.reason is Reason.RESUME_TOKEN_INVALID:
                    self._token = None
                elif not (is_transient(failure) or _is_of_an_earlier_release(failure)):
                    raise
                if not self._absence.failures:
                    pauses = backoff(0.1, 2.0)
                    log.warning("stream broken, resuming", game_id=self._header.key.game_id, failure=str(failure))
                self._absence.check(failure)
                await asyncio.sleep(pause_after(failure, next(pauses)))
            else:
                return

    async def _connect(self) -> None:
        async with self._client.stream_plays(self._header, self._token) as stream:
            opened_at = time.monotonic()
            if not self._absence.failures:
                self._absence.ended()
            while not self._queue.empty():
                self._queue.get_nowait()  # the backlog tells it
            try:
                async with asyncio.TaskGroup() as both_ways:
                    both_ways.create_task(self._send_all(stream, list(self._backlog())))
                    both_ways.create_task(self._receive_all(stream))
            except ExceptionGroup as failures:
                if time.monotonic() - opened_at >= self._absence.give_up_seconds:
                    self._absence.ended()
                # Both ends of the stream fail together; the one that was told why says more.
                raise min(failures.exceptions, key=by_what_it_says) from None

    async def _send_all(self, stream: Stream, backlog: Iterable[Request]) -> None:
        for together in _batches(backlog):
            await stream.send(*together)
        while not (self._finished and self._queue.empty()):
            queued = [await self._queue.get()]
            while not self._queue.empty():
                queued.append(self._queue.get_nowait())
            if self._reopen:
                raise _HeaderCorrected
            for together in _batches(request for request in queued if request is not None):
                if current := [request for request in together if self._is_current(request)]:
                    await stream.send(*current)
        await stream.finish()

    async def _receive_all(self, stream: Stream) -> None:
        async for answer in stream:
            match answer.WhichOneof("message"):
                case "tensor" | "rejection":
                    self._absence.ended()
                    self._on_answer(answer)
                case "checkpoint":
                    self._absence.ended()
                    self._token = answer.checkpoint.resume_token


def _batches(requests: Iterable[Request]) -> Iterator[Sequence[Request]]:
    """The requests in their order, as many together as make a good message."""
    together: list[Request] = []
    size = 0
    for request in requests:
        added = request.ByteSize()
        if together and (len(together) == MAX_TOGETHER or size + added > MAX_TOGETHER_BYTES):
            yield together
            together, size = [], 0
        together.append(request)
        size += added
    if together:
        yield together


def _is_of_an_earlier_release(failure: BaseException) -> bool:
    """Whether the featurizer lacks the call, as one may that is about to be replaced."""
    return isinstance(failure, PlayscoreError) and failure.reason is Reason.NOT_IMPLEMENTED


class _HeaderCorrected(Exception):  # noqa: N818 (it is no error)
    """The connection is one of a header that was corrected since."""


def decisive(failure: BaseException) -> BaseException:
    """Of a failure that may be a group of groups, the one that says most."""
    if not isinstance(failure, BaseExceptionGroup):
        return failure
    return min((decisive(part) for part in failure.exceptions), key=by_what_it_says)


def by_what_it_says(failure: BaseException) -> int:
    """0 for a defect of ours, which must not hide, then what a service said, then that it went away."""
    if isinstance(failure, PlayscoreError):
        return 1
    return 2 if isinstance(failure, ConnectionError | TimeoutError) else 0
