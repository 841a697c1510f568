"""`playscore watch`: through breaks and drains on a scripted service, and for real."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from fcntl import ioctl
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from aggregator.commands.reconnecting import Interrupted, follow
from playscore.aggregator.v1 import aggregator_pb2 as messages
from playscore.aggregator.v1 import aggregator_pb2_grpc
from playscore.client import AggregatorClient
from playscore.errors import PlayscoreError, Reason
from servicekit.calls import Chain
from servicekit.errors import map_errors
from tests.clients.services import ROOT, running
from tests.contract.aggregator.test_commands import SUPPORT, passed
from tests.unit.aggregator.test_commands_leaderboard import checkpoint, rating

Script = Callable[[messages.WatchRatingsRequest], AsyncIterator[messages.WatchRatingsResponse]]


def response(
    *ratings: messages.Rating, restarted: bool = False, at: messages.WatchCheckpoint | None = None
) -> messages.WatchRatingsResponse:
    return messages.WatchRatingsResponse(restarted=restarted, ratings=ratings, checkpoint=at)


def says(*responses: messages.WatchRatingsResponse, then: PlayscoreError | None = None, silent: bool = False) -> Script:
    """A watch that answers, and then ends, fails, or is silent."""

    async def script(_request: messages.WatchRatingsRequest) -> AsyncIterator[messages.WatchRatingsResponse]:
        for each in responses:
            yield each
        if then is not None:
            raise then
        if silent:
            await asyncio.get_running_loop().create_future()

    return script


class Scripted(aggregator_pb2_grpc.AggregatorServiceServicer):
    """Watches one after the other, as written."""

    def __init__(self, scripts: Sequence[Script]) -> None:
        self._scripts = iter(scripts)
        self.asked: list[messages.WatchRatingsRequest] = []

    async def WatchRatings(self, request: Any, context: Any) -> AsyncIterator[messages.WatchRatingsResponse]:
        self.asked.append(request)
        async for each in next(self._scripts)(request):
            yield each


@asynccontextmanager
async def scripted(folder: Path, *scripts: Script) -> AsyncIterator[tuple[Scripted, str]]:
    """A service that follows scripts, and its address."""
    service = Scripted(scripts)  # type: ignore[abstract]
    server = grpc.aio.server(interceptors=[Chain([map_errors])])
    aggregator_pb2_grpc.add_AggregatorServiceServicer_to_server(service, server)
    address = f"unix:{folder}/socket"
    server.add_insecure_port(address)
    await server.start()
    try:
        yield service, address
    finally:
        await server.stop(None)


async def followed(address: str, count: int) -> list[str]:
    """The first things that following a watch yields: who changed, or why it broke off."""
    found: list[str] = []
    async with (
        asyncio.timeout(60),
        AggregatorClient(address) as client,
        client.watch_ratings("NFL", split="down = 2", reconnect_seconds=0.0) as watch,
    ):
        async for update in follow(watch):
            if isinstance(update, Interrupted):
                found.append(update.why)
            else:
                found.append(" ".join(each.subject.subject_id for each in update.changed))
            if len(found) == count:
                break
    return found


FIRST = response(rating("a", rank=1), restarted=True, at=checkpoint(1))
SECOND = response(rating("b", rank=2), at=checkpoint(2))
DRAINING = PlayscoreError(Reason.NOT_SERVING, "the service is draining")


async def test_a_watch_goes_on_after_its_last_checkpoint_when_the_service_drains(tmp_path: Path) -> None:
    unfinished = response(rating("x"))
    async with scripted(tmp_path, says(FIRST, unfinished, then=DRAINING), says(SECOND, silent=True)) as (service, at):
        assert await followed(at, 3) == ["a", "the service is draining", "b"]
    assert [each.resume_token.value for each in service.asked] == ["", "after 1"]
    assert {each.split.filter for each in service.asked} == {"down = 2"}


async def test_a_watch_that_simply_ends_is_taken_up_again(tmp_path: Path) -> None:
    async with scripted(tmp_path, says(FIRST), says(SECOND, silent=True)) as (_, at):
        first, why, second = await followed(at, 3)
    assert (first, second) == ("a", "b")
    assert "the service has ended the watch" in why


async def test_a_token_that_another_store_does_not_know_is_dropped(tmp_path: Path) -> None:
    unknown = PlayscoreError(Reason.RESUME_TOKEN_INVALID, "not a token of this watch")
    scripts = (says(FIRST, then=DRAINING), says(then=unknown), says(FIRST, silent=True))
    async with scripted(tmp_path, *scripts) as (service, at):
        assert await followed(at, 4) == ["a", "the service is draining", "not a token of this watch", "a"]
    assert [each.HasField("resume_token") for each in service.asked] == [False, True, False]


async def test_a_watch_that_the_service_refuses_is_not_repeated(tmp_path: Path) -> None:
    refusal = PlayscoreError(Reason.FILTER_INVALID, "the filter does not parse")
    async with scripted(tmp_path, says(then=refusal)) as (service, at):
        with pytest.raises(PlayscoreError, match="does not parse"):
            await followed(at, 1)
    assert len(service.asked) == 1


async def test_a_watch_of_an_unreachable_service_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        await followed(f"unix:{tmp_path}/nobody", 1)


# --- As a process ---


async def started(*arguments: str, stdout: int) -> asyncio.subprocess.Process:
    command = [sys.executable, "-c", "from aggregator.commands import watch; watch()", *arguments]
    return await asyncio.create_subprocess_exec(
        *command,
        cwd=ROOT,
        stdout=stdout,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"},
    )


async def ended(process: asyncio.subprocess.Process) -> str:
    """Ends it as Ctrl-C does; what it said on standard error."""
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    said = (await process.stderr.read()).decode()
    assert await process.wait() == 0, said
    return said


async def test_a_line_of_json_comes_for_each_change_of_a_real_service(tmp_path: Path) -> None:
    def serve() -> Any:
        return running("aggregator", "--store", f"sqlite:///{tmp_path / 'scores.sqlite'}")

    with serve() as address:
        process = await started(
            "--json", "--split", "down = 2", "--aggregator", address, stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        lines = process.stdout

        async def next_line() -> Any:
            async with asyncio.timeout(60):
                return json.loads(await lines.readline())

        empty = await next_line()
        assert (empty["restarted"], empty["ratings"]) == (True, [])
        async with AggregatorClient(address) as client:
            await client.record_scores([passed("p1", 1, week=1)], [SUPPORT])
            one = await next_line()
            await client.record_scores([passed("p2", 1, week=1), passed("p2", 2, week=1)], [SUPPORT])
            two = await next_line()
            listed = [each async for each in client.list_ratings("NFL", split="down = 2", min_plays=one["min_plays"])]
        assert [each["subject_name"] for each in one["ratings"]] == ["Jordan Swift"]
        told = {each["subject_id"]: each for tick in (one, two) for each in tick["ratings"]}
        for each in listed:
            assert told[each.subject.subject_id]["rating"] == each.passing.rating
        assert await ended(process) == ""


async def read_until(terminal: int, wanted: str, seen: str = "") -> str:
    """What a terminal was sent, up to a text."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(60):
        while wanted not in seen:
            seen += (await loop.run_in_executor(None, os.read, terminal, 65536)).decode(errors="replace")
    return seen


async def with_board(address: str, watch: Callable[[int], Awaitable[None]]) -> str:
    """Runs the board in a terminal of 80 columns and 24 lines while something watches it."""
    terminal, slave = pty.openpty()
    ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    try:
        process = await started("--aggregator", address, stdout=slave)
        await watch(terminal)
        return await ended(process)
    finally:
        os.close(slave)
        os.close(terminal)


async def test_the_board_shows_what_moved_through_a_drain_and_ends_at_ctrl_c(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def until_seen(_request: messages.WatchRatingsRequest) -> AsyncIterator[messages.WatchRatingsResponse]:
        yield response(
            rating("a", 80, 1, name="Ana Ace"), rating("b", 70, 2, name="Bo Best"), restarted=True, at=checkpoint()
        )
        await go_on.wait()
        raise DRAINING

    moved = response(rating("b", 90, 1, name="Bo Best"), rating("a", 80, 2, name="Ana Ace"), at=checkpoint(2))

    async def watch(terminal: int) -> None:
        seen = await read_until(terminal, "Bo Best")
        assert "live" in seen
        go_on.set()
        seen = await read_until(terminal, "reconnecting", seen)
        seen = await read_until(terminal, "▲1", seen)
        await read_until(terminal, "▼1", seen)

    async with scripted(tmp_path, until_seen, says(moved, silent=True)) as (_, address):
        assert await with_board(address, watch) == ""
