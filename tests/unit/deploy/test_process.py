"""A server as a child process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local import tied
from deploy.local.ports import reserve
from deploy.local.process import ServerError, ServerProcess
from tests.processes import command_line, is_alive, until

SECONDS = 30.0


async def answers() -> bool:
    return True


def server(tmp_path: Path, *command: str, ports: tuple[int, ...] = ()) -> ServerProcess:
    return ServerProcess("echo", command, {"SAID": "hello"}, tmp_path / "logs" / "echo.log", answers, ports)


def python(program: str) -> tuple[str, str, str]:
    return sys.executable, "-c", program


def listening_on(port: int) -> tuple[str, ...]:
    return sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)


@contextlib.asynccontextmanager
async def running(process: ServerProcess) -> AsyncIterator[ServerProcess]:
    await process.start()
    try:
        yield process
    finally:
        await process.kill()


async def test_a_server_starts_again_on_its_port_after_it_was_stopped_and_killed(tmp_path: Path) -> None:
    with reserve(0) as (port,):
        process = server(tmp_path, *listening_on(port), ports=(port,))
        await process.start()
        await process.wait_ready(SECONDS)
        first = process.pid
        assert await process.kill() == -signal.SIGKILL
        assert not process.running
        async with running(process):
            await process.wait_ready(SECONDS)
            assert process.pid != first
            assert await process.stop() == -signal.SIGTERM


async def test_an_answer_counts_only_from_a_server_that_listens_itself(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        async with running(server(tmp_path, *python("import time; time.sleep(60)"), ports=(port,))) as process:
            with pytest.raises(ServerError, match=f"not ready after 0 s; port {port} is held by pid {os.getpid()} "):
                await process.wait_ready(0.2)


async def test_a_server_that_cannot_have_its_port_is_told_with_who_has_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        async with running(server(tmp_path, *listening_on(port), ports=(port,))) as process:
            with pytest.raises(ServerError) as refused:
                await process.wait_ready(SECONDS)
    assert f"echo ended with exit code 1; port {port} is held by pid {os.getpid()} " in str(refused.value)
    assert "Address already in use" in str(refused.value)


async def test_an_end_that_nobody_asked_for_is_a_crash_and_others_are_none(tmp_path: Path) -> None:
    process = server(tmp_path, *python("import time; time.sleep(60)"))
    async with running(process):
        os.kill(process.pid, signal.SIGSEGV)
        assert (await process.crash()).how == "was killed by SIGSEGV"
    async with running(process):
        await process.stop()
    async with running(process):
        process.kill_at_once()
    async with running(server(tmp_path, *python("raise SystemExit(7)"))) as ending:
        assert (await ending.crash()).how == "ended with exit code 7"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(process.crash(), 0.1)


async def test_last_words_are_those_since_the_last_start(tmp_path: Path) -> None:
    process = server(tmp_path, *python("import os; print(os.environ['SAID'], os.getpid())"))
    for _ in range(2):
        await process.start()
        await process.crash()
        assert process.last_words() == f"; its log is {process.log}\n    hello {process.pid}"
    assert len(process.log.read_text().splitlines()) == 2


async def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    process = server(tmp_path, *python("import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"))
    await process.start()
    await process.crash()
    left = int(process.log.read_text())
    await until(lambda: not is_alive(left))


async def test_a_program_that_is_not_there_is_a_crash_with_its_name(tmp_path: Path) -> None:
    async with running(server(tmp_path, "/no/such/server")) as process:
        await process.crash()
        assert "/no/such/server: No such file or directory" in process.last_words()


async def test_a_tied_process_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, subprocess, sys, time; "
        f"tied = [sys.executable, '-I', '-S', {tied.__file__!r}, str(os.getpid()), 'sleep', '60']; "
        "child = subprocess.Popen(tied, start_new_session=True); print(child.pid, flush=True); time.sleep(60)"
    )
    async with running(server(tmp_path, *python(program))) as parent:
        await until(lambda: "\n" in parent.log.read_text())
        child = int(parent.log.read_text())
        await until(lambda: command_line(child)[:1] == ["sleep"])
        os.kill(parent.pid, signal.SIGKILL)
        await until(lambda: not is_alive(child))


def test_a_tied_process_does_not_begin_without_its_parent() -> None:
    command = [sys.executable, "-I", "-S", tied.__file__, "1", "echo", "begun"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert "its parent is gone" in done.stderr
