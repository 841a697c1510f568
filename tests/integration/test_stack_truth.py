"""The commands that start servers, as processes: what they say, and what they leave."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.ports import PORTS, PortsTakenError, reserve
from deploy.local.stack import LocalStack, serving
from tests.processes import Command, command_line, is_alive, until

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PLAYSCORE = (sys.executable, "-m", "playscore")
NOISE = ("Traceback", "never retrieved", "Exception ignored", "fork_posix", "absl", "Error")


def base_port() -> int:
    """The first of nine free ports in a row, where the system gives none to those who ask for any."""
    for base in range(20_000 + os.getpid() % 10_000, 32_000, PORTS):
        try:
            with reserve(*range(base, base + PORTS)):
                return base
        except PortsTakenError:
            continue
    pytest.fail("there are no nine free ports in a row")


def stack_command(folder: Path, base: int, *options: str) -> Command:
    return Command(folder, *PLAYSCORE, "stack", "--base-port", str(base), "--inference", "onnxruntime", *options)


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Command]:
    """`playscore stack`, ready, for one test."""
    async with stack_command(tmp_path / "stack", base_port()) as command:
        await command.says("ready")
        yield command


@pytest.fixture(scope="module")
async def lasting(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Command]:
    """`playscore stack`, ready, for all tests that leave it running."""
    async with stack_command(tmp_path_factory.mktemp("lasting") / "stack", base_port()) as command:
        await command.says("ready")
        yield command


def base_of(command: Command) -> int:
    """The base port that a stack was given."""
    found = re.search(r"127\.0\.0\.1:(\d+)", command.stdout)
    assert found is not None
    return int(found[1])


async def assert_nothing_is_left(command: Command) -> None:
    await until(lambda: not command.left())
    assert list(command.temporary.iterdir()) == []


def assert_no_noise(command: Command) -> None:
    for noise in NOISE:
        assert noise not in command.stdout + command.stderr


async def test_a_stack_says_where_everything_is_and_how_to_stop_it(lasting: Command) -> None:
    base = base_of(lasting)
    lines = r"^(\w+) +127\.0\.0\.1:(\d+) +metrics http://127\.0\.0\.1:(\d+)/metrics$"
    assert re.findall(lines, lasting.stdout, re.MULTILINE) == [
        (name, str(base + place), str(base + place + 5))
        for place, name in enumerate(("featurizer", "scorer", "aggregator"))
    ]
    folder = lasting.folder / "out" / f"stack-{base}"
    assert f"store       {folder / 'aggregator.db'}\n" in lasting.stdout
    assert f"logs        {folder / 'logs'}\n" in lasting.stdout
    assert (folder / "aggregator.db").exists()
    assert f"`kill {lasting.pid}` to stop" in lasting.stdout
    for port in range(base, base + 3):
        assert await serving(f"127.0.0.1:{port}")


async def test_a_second_stack_on_the_same_ports_names_the_first_and_starts_nothing(
    lasting: Command, tmp_path: Path
) -> None:
    base = base_of(lasting)
    (scorer,) = lasting.left("-m", "scorer")
    async with stack_command(tmp_path / "second", base) as second:
        assert await second.ended() == 1
        assert f"ports {base + 1}, {base + 6}: held by pid {scorer} (child of pid {lasting.pid}), " in second.stderr
        assert "-m scorer" in second.stderr
        assert "--base-port" in second.stderr
        await assert_nothing_is_left(second)
        assert not (second.folder / "out").exists()
    assert lasting.left("-m", "scorer") == [scorer]


async def test_a_server_that_is_killed_is_missed_and_serves_again_where_it_was(lasting: Command) -> None:
    (before,) = lasting.left("-m", "scorer")
    os.kill(before, signal.SIGKILL)
    await lasting.says("scorer was killed by SIGKILL; it is down, restarting in 0.5 s")
    assert '"event": "listening"' in lasting.stderr  # the end of its log
    await lasting.says("scorer serves again")
    (after,) = lasting.left("-m", "scorer")
    assert after != before
    assert await serving(f"127.0.0.1:{base_of(lasting) + 1}")


@pytest.mark.parametrize("number", SIGNALS)
async def test_a_stack_that_gets_a_signal_leaves_nothing(running: Command, number: signal.Signals) -> None:
    running.signal(number)
    assert await running.ended() == 128 + number
    await assert_nothing_is_left(running)
    assert running.stderr == f"stopping ({number.name}); a second signal kills everything at once\n"


async def test_a_signal_while_a_stack_starts_leaves_nothing(tmp_path: Path) -> None:
    async with stack_command(tmp_path, base_port()) as command:
        await command.until(lambda: bool(command.left("-m", "aggregator")))
        command.signal(signal.SIGTERM)
        assert await command.ended() == 128 + signal.SIGTERM
        await assert_nothing_is_left(command)
        assert_no_noise(command)


async def test_a_second_signal_does_not_wait_for_a_server_that_hangs(running: Command) -> None:
    for hanging in running.left("-m", "featurizer"):
        os.kill(hanging, signal.SIGSTOP)
    running.signal(signal.SIGINT)
    await running.says("stopping")
    await running.until(lambda: not running.left("-m", "scorer"))
    assert is_alive(running.pid)
    running.signal(signal.SIGINT)
    assert await running.ended(seconds=5) == 128 + signal.SIGINT
    await assert_nothing_is_left(running)
    assert_no_noise(running)


async def test_a_terminal_that_closes_ends_its_stack(tmp_path: Path) -> None:
    base = base_port()
    within = f"import pty; pty.spawn({[*PLAYSCORE, 'stack', '--base-port', str(base), '--inference', 'onnxruntime']})"
    async with Command(tmp_path, sys.executable, "-c", within) as terminal:
        await terminal.says("ready")
        assert len(terminal.left()) == 5
        terminal.signal(signal.SIGKILL)
        await terminal.ended()
        await assert_nothing_is_left(terminal)


@pytest.mark.triton
async def test_a_stack_that_is_killed_takes_its_servers_with_it(tmp_path: Path) -> None:
    async with Command(tmp_path, *PLAYSCORE, "stack", "--base-port", str(base_port())) as command:
        await command.says("ready")
        assert len(command.left()) > 5  # the stack, its four servers, and Triton's own children
        command.signal(signal.SIGKILL)
        await command.ended()
        await until(lambda: not command.left())


@pytest.mark.triton
@pytest.mark.parametrize("victim", ["server", "backend"])
async def test_a_triton_that_is_killed_serves_again_and_leaves_no_shared_memory(victim: str) -> None:
    said: list[str] = []
    async with LocalStack(say=said.append) as stack:
        triton = stack.servers["triton"]
        first, first_memory = triton.pid, shared_memory(triton.pid)
        assert first_memory
        os.kill(first if victim == "server" else a_backend_of(first), signal.SIGKILL)
        await until(lambda: "triton serves again" in said)
        assert any("triton was killed by SIGKILL" in line for line in said)
        assert triton.pid != first
        second_memory = shared_memory(triton.pid)
        assert second_memory
        assert not any(region.exists() for region in set(first_memory) - set(second_memory))
        await stack.wait_ready()
    assert not any(region.exists() for region in second_memory)


def a_backend_of(triton: int) -> int:
    """The process id of one that runs a model for a Triton."""
    found = subprocess.run(
        ["pgrep", "-f", "-P", str(triton), "python_backend_stub"], stdout=subprocess.PIPE, check=True
    )
    return int(found.stdout.split()[0])


def shared_memory(triton: int) -> list[Path]:
    """The regions that a Triton shares with its children."""
    (option,) = (word for word in command_line(triton) if "shm-region-prefix-name=" in word)
    return list(Path("/dev/shm").glob(f"{option.rpartition('=')[2]}*"))


async def has_recorded(command: Command, log: Path) -> None:
    """Returns once plays went through the servers of a command."""
    await command.until(lambda: log.exists() and "AggregatorService/RecordScores" in log.read_text())


@pytest.mark.triton
async def test_a_demo_that_gets_a_signal_leaves_nothing(tmp_path: Path) -> None:
    number = signal.SIGINT  # a stack is tested with all of them
    async with Command(tmp_path, *PLAYSCORE, "demo", "--games", "1", "--hockey-games", "0") as demo:
        await has_recorded(demo, tmp_path / "out" / "demo" / "logs" / "aggregator.log")
        demo.signal(number)
        assert await demo.ended() == 128 + number
        await assert_nothing_is_left(demo)
        assert_no_noise(demo)


@pytest.mark.triton
async def test_a_replay_that_gets_a_signal_leaves_nothing(tmp_path: Path, games: Path) -> None:
    number = signal.SIGTERM
    command = (*PLAYSCORE, "replay", "--data", str(games), "--speed", "20", "--store", "replayed.db")
    async with Command(tmp_path, *command) as replay:
        await has_recorded(replay, tmp_path / "replayed.logs" / "aggregator.log")
        replay.signal(number)
        assert await replay.ended() == 128 + number
        await assert_nothing_is_left(replay)
        assert_no_noise(replay)


@pytest.fixture(scope="module")
async def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one simulated game."""
    folder = tmp_path_factory.mktemp("simulated")
    async with Command(folder, *PLAYSCORE, "simulate", "--games", "1", "--out", "games") as simulate:
        assert await simulate.ended() == 0
    return folder / "games"
