"""A featurizer that tests play: it notes what it is told, answers what it is to, and breaks when it is to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from pipeline.featurizing import Request
from playscore.common.v1.common_pb2 import ROLE_PASSER, GameKey, PlayKey, Subject
from playscore.errors import Reason
from playscore.featurizer.v1.featurizer_pb2 import (
    Checkpoint,
    FeaturizePlaysResponse,
    PlayTensor,
    ResumeToken,
    StreamPlaysResponse,
    WholePlay,
)
from playscore.football.v1.football_pb2 import PassAttributes
from playscore.tracking.v1.tracking_pb2 import GameHeader, Roster
from playscore.wire.common import rejection as refused

GAME = GameKey(league="NFL", game_id="7")
SECONDS = 30.0

Answer = StreamPlaysResponse | Exception | None
"""What a stream yields: an answer, the failure it breaks with, or None for its end."""


def tensor(play_id: str, revision: int = 1) -> StreamPlaysResponse:
    """A play that closed well."""
    return StreamPlaysResponse(
        tensor=PlayTensor(
            key=key_of(play_id),
            revision=revision,
            subjects=[Subject(role=ROLE_PASSER, subject_id="101")],
            pass_attributes=PassAttributes(),
        )
    )


def rejection(play_id: str, revision: int = 1, reason: Reason = Reason.NO_FRAMES) -> StreamPlaysResponse:
    """A play that closed otherwise."""
    return StreamPlaysResponse(rejection=refused(key_of(play_id), revision, reason.value, "by rule"))


def checkpoint(token: str) -> StreamPlaysResponse:
    """How far the stream has got."""
    return StreamPlaysResponse(checkpoint=Checkpoint(resume_token=ResumeToken(value=token)))


def key_of(play_id: str) -> PlayKey:
    """A play of the game."""
    return PlayKey(league=GAME.league, game_id=GAME.game_id, play_id=play_id)


def gone() -> ConnectionError:
    """What a stream raises whose service went away."""
    return ConnectionError("127.0.0.1:50051: it went away")


class Connection:
    """One stream, as the featurizer sees it."""

    def __init__(self, resume_token: ResumeToken | None) -> None:
        self.resume_token = None if resume_token is None else resume_token.value
        self.received: list[Request] = []
        self.half_closed = False
        self.heard = asyncio.Condition()
        self.answers: asyncio.Queue[Answer] = asyncio.Queue()
        self.takes = asyncio.Event()
        self.takes.set()

    async def send(self, *together: Request) -> None:
        await self.takes.wait()
        async with self.heard:
            self.received += together
            self.heard.notify_all()

    async def finish(self) -> None:
        async with self.heard:
            self.half_closed = True
            self.heard.notify_all()

    async def __aiter__(self) -> AsyncIterator[StreamPlaysResponse]:
        while (answer := await self.answers.get()) is not None:
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def answer(self, *answers: Answer) -> None:
        """Has it yield these."""
        for answer in answers:
            self.answers.put_nowait(answer)

    async def hears(self, *messages: Request) -> None:
        """Returns once it was told these, and nothing else."""
        async with self.heard, asyncio.timeout(SECONDS):
            await self.heard.wait_for(lambda: len(self.received) >= len(messages))
        assert self.received == [*messages]

    async def is_half_closed(self) -> None:
        """Returns once the caller has nothing more to say."""
        async with self.heard, asyncio.timeout(SECONDS):
            await self.heard.wait_for(lambda: self.half_closed)


class Featurizer:
    """Opens a stream unless it is to fail. Plays that come whole become tensors."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.refused = asyncio.Event()
        """A stream was not opened."""
        self.makes = asyncio.Event()
        """Whole plays are answered."""
        self.makes.set()
        self.asked = asyncio.Event()
        """Whole plays are to be made."""
        self.whole_answers: list[StreamPlaysResponse] = []
        """Of the whole plays that come first; of all others tensors."""
        self.tokens: list[str | None] = []
        self.whole: list[WholePlay] = []
        self._opened: asyncio.Queue[Connection] = asyncio.Queue()

    @asynccontextmanager
    async def stream_plays(
        self, header: GameHeader, resume_token: ResumeToken | None = None
    ) -> AsyncIterator[Connection]:
        connection = Connection(resume_token)
        self.tokens.append(connection.resume_token)
        if self.failures:
            self.refused.set()
            raise self.failures.pop(0)
        self._opened.put_nowait(connection)
        yield connection

    async def featurize_plays(
        self, header: GameHeader, roster: Roster, plays: Iterable[WholePlay]
    ) -> FeaturizePlaysResponse:
        self.asked.set()
        await self.makes.wait()
        asked = list(plays)
        self.whole += asked
        if self.whole_answers:
            return FeaturizePlaysResponse(rejections=[self.whole_answers.pop(0).rejection])
        made = [tensor(play.context.play_id, play.context.revision).tensor for play in asked]
        return FeaturizePlaysResponse(tensors=made)

    async def opened(self) -> Connection:
        """The next stream that opens."""
        async with asyncio.timeout(SECONDS):
            return await self._opened.get()
