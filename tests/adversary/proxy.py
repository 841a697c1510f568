"""A link between two processes that can be made bad: a TCP proxy on loopback."""

from __future__ import annotations

import asyncio
import enum
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_PIECE = 2**14


class Fault(enum.Enum):
    """What is wrong with a link."""

    NONE = "nothing"
    DELAY = "everything comes late"
    STALL = "nothing comes, and nobody says so"
    RESET = "connections are reset, and new ones"
    TRUNCATE = "connections end in the middle of what they say"
    ONE_WAY = "requests arrive, answers do not"


class Link:
    """Hands on what comes at `port` to another port of this machine, as long as nothing is wrong with it."""

    def __init__(self, target: int, delay_seconds: float = 0.3) -> None:
        self.port = 0
        self.broken = 0
        """Connections that a fault has ended."""
        self._target = target
        self._delay_seconds = delay_seconds
        self._fault = Fault.NONE
        self._changed = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def fault(self) -> Fault:
        """What is wrong with it now."""
        return self._fault

    def lead_to(self, target: int) -> None:
        """Hand new connections on to another port. Those that there are stay where they are."""
        self._target = target

    def set(self, fault: Fault) -> None:
        """Make it bad, or good again. Resets end what is connected."""
        self._fault = fault
        self._changed.set()
        self._changed = asyncio.Event()
        if fault is Fault.RESET:
            for connection in list(self._connections):
                self.broken += 1
                connection.cancel()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        there: asyncio.StreamWriter | None = None
        try:
            if self._fault is Fault.RESET:
                return
            answers, there = await asyncio.open_connection("127.0.0.1", self._target)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._hand_on(reader, there, answers=False))
                both.create_task(self._hand_on(answers, writer, answers=True))
        except* (OSError, EOFError):
            pass
        finally:
            self._connections.discard(task)
            for end in filter(None, (writer, there)):
                with suppress(RuntimeError):
                    end.transport.abort()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool) -> None:
        while piece := await reader.read(_PIECE):
            while self._fault is Fault.STALL or (self._fault is Fault.ONE_WAY and answers):
                await self._changed.wait()
            if self._fault is Fault.DELAY:
                await asyncio.sleep(random.uniform(0.5, 1.5) * self._delay_seconds)
            if self._fault is Fault.TRUNCATE:
                writer.write(piece[: len(piece) // 2])
                await writer.drain()
                self.broken += 1
                raise EOFError
            writer.write(piece)
            await writer.drain()
        raise EOFError


@asynccontextmanager
async def link(target: int, delay_seconds: float = 0.3) -> AsyncIterator[Link]:
    """A link to a port of this machine, good at first."""
    made = Link(target, delay_seconds)
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.set(Fault.RESET)
