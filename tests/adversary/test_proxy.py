"""A link does to what goes over it what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.adversary import packets
from tests.adversary.proxy import Fault, Link, link

SECONDS = 30.0


@asynccontextmanager
async def linked() -> AsyncIterator[tuple[Link, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A link to an echo, and a connection over it."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(1024):
            writer.write(piece)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, link(server.sockets[0].getsockname()[1]) as made:
        reader, writer = await asyncio.open_connection("127.0.0.1", made.port)
        try:
            yield made, reader, writer
        finally:
            writer.transport.abort()


async def said(reader: asyncio.StreamReader, length: int) -> bytes:
    async with asyncio.timeout(SECONDS):
        return await reader.readexactly(length)


@pytest.mark.parametrize("fault", [Fault.NONE, Fault.DELAY])
async def test_what_is_good_or_only_slow_arrives(fault: Fault) -> None:
    async with linked() as (made, reader, writer):
        made.set(fault)
        writer.write(b"hello")
        assert await said(reader, 5) == b"hello"


@pytest.mark.parametrize("fault", [Fault.STALL, Fault.ONE_WAY])
async def test_what_is_held_back_arrives_once_the_link_is_good_again(fault: Fault) -> None:
    async with linked() as (made, reader, writer):
        writer.write(b"before")
        assert await said(reader, 6) == b"before"
        made.set(fault)
        writer.write(b"after")
        waiting = asyncio.create_task(said(reader, 5))
        await asyncio.sleep(0)
        assert not waiting.done()
        made.set(Fault.NONE)
        assert await waiting == b"after"


async def test_a_connection_that_is_cut_off_ends_in_the_middle() -> None:
    async with linked() as (made, reader, writer):
        made.set(Fault.TRUNCATE)
        writer.write(b"0123456789")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await said(reader, 10)
        assert made.broken


async def test_connections_are_reset_and_come_back_when_the_link_is_good() -> None:
    async with linked() as (made, reader, writer):
        writer.write(b"x")
        assert await said(reader, 1) == b"x"
        made.set(Fault.RESET)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await said(reader, 1)
        again, writer_again = await asyncio.open_connection("127.0.0.1", made.port)
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            writer_again.write(b"y")
            await said(again, 1)
        made.set(Fault.NONE)
        once_more, other = await asyncio.open_connection("127.0.0.1", made.port)
        other.write(b"z")
        assert await said(once_more, 1) == b"z"
        other.transport.abort()


async def test_packets_that_are_dropped_arrive_once_they_are_dropped_no_more() -> None:
    if (why := packets.why_not()) is not None:
        pytest.skip(why)
    async with linked() as (made, reader, writer):
        writer.write(b"before")
        assert await said(reader, 6) == b"before"
        with packets.dropped(made.port):
            writer.write(b"after")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await reader.readexactly(5)
        assert await said(reader, 5) == b"after"
