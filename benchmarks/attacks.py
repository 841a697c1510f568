"""What hostile requests do to everybody else: `python -m benchmarks.attacks`.

python -m benchmarks.attacks [--memory] [--only TEXT]

Each service runs in a process of its own. While an attack is sent to it, another process asks its health 50 times a
second. With `--memory`, what the requests leave behind is measured instead. Prints a table; attacks are in
`tests/hostile.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import click
import grpc
import grpc.aio
import psutil
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests import hostile
from tests.hostile import Attack

ASKED_EVERY_SECONDS: Final = 0.02
CALL_SECONDS: Final = 90.0
REST_SECONDS: Final = 2.0
ROOM: Final = [("grpc.max_send_message_length", 64 << 20), ("grpc.max_receive_message_length", 64 << 20)]
SETTINGS: Final = {
    "featurizer": {},
    "scorer": {"INFERENCE": "onnxruntime"},
    "aggregator": {},
}

FREEZING: Final = [
    Attack("nothing", hostile.FEATURIZE, list),
    *(
        Attack(
            f"a play of {count:,} one-frame batches, {count:,} players",
            hostile.FEATURIZE,
            partial(hostile.play_of_one_frame_batches, count),
        )
        for count in (480, 1_600)
    ),
    Attack(
        "the same over 150 frames",
        hostile.FEATURIZE,
        lambda: hostile.play_of_one_frame_batches(1_600, frames=149),
    ),
    Attack(
        "a stream of 1,900 such batches",
        hostile.STREAM_PLAYS,
        lambda: hostile.stream_frame_by_frame(1_900),
        stream=True,
    ),
    Attack("16 MiB of frame numbers", hostile.FEATURIZE, lambda: hostile.frame_numbers(hostile.FILL_BYTES)),
    Attack(
        "16 MiB of frame numbers, 200 plays", hostile.FEATURIZE, lambda: hostile.frame_numbers(hostile.FILL_BYTES, 200)
    ),
    Attack("16 MiB of empty names", hostile.FEATURIZE, lambda: hostile.player_names(hostile.FILL_BYTES)),
    Attack("16 MiB of empty plays", hostile.FEATURIZE, lambda: hostile.empty_items(3, hostile.FILL_BYTES)),
    Attack("16 MiB of empty headers", hostile.FEATURIZE, lambda: hostile.empty_items(1, hostile.FILL_BYTES)),
    Attack("50,000 plays in one call", hostile.FEATURIZE, lambda: hostile.many_plays(50_000)),
    Attack("50,000 plays on one stream", hostile.STREAM_PLAYS, lambda: hostile.game_of_plays(50_000), stream=True),
    Attack("nothing", hostile.GRADE, list),
    Attack("480 distributions of 4,096 edges", hostile.GRADE, lambda: hostile.grades(480, 4_096)),
    Attack("1,024 distributions of 200 edges", hostile.GRADE, lambda: hostile.grades(1_024, 200)),
    Attack("256 tensors of 30,000 rows", hostile.SCORE, lambda: hostile.tensors(256, 30_000)),
    Attack("32 MiB of empty passes", hostile.GRADE, lambda: hostile.empty_items(1, 2 * hostile.FILL_BYTES)),
    Attack("nothing", hostile.RATINGS, list),
    Attack("10,000 unscored plays", hostile.RECORD, lambda: hostile.unscored(10_000)),
    Attack("10,000 scores", hostile.RECORD, lambda: hostile.scores(10_000, request="more", league="MORE")),
    Attack("10,000 leagues", hostile.RECORD, lambda: hostile.scores(10_000, leagues=10_000, request="l", league="L")),
    Attack("16 MiB of empty records", hostile.RECORD, lambda: hostile.empty_items(2, hostile.FILL_BYTES)),
    *(Attack(name, hostile.RATINGS, partial(hostile.ratings, text)) for name, text in hostile.FILTERS.items()),
    Attack("60 wildcards, plays", hostile.PLAYS, lambda: hostile.plays(hostile.FILTERS["60 wildcards"])),
    *(
        Attack(name, hostile.PLAYS, partial(hostile.plays, "", page_token=token))
        for name, token in hostile.PAGE_TOKENS.items()
    ),
]


@dataclass
class Served:
    """A service of its own process."""

    name: str
    folder: Path
    address: str = ""
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Until it serves."""
        self.address = f"127.0.0.1:{_free_port()}"
        told = {"LISTEN": self.address, "METRICS_LISTEN": f"127.0.0.1:{_free_port()}", **SETTINGS[self.name]}
        if self.name == "aggregator":
            told["STORE"] = f"sqlite:///{self.folder / 'plays.sqlite'}"
        environment = {f"PLAYSCORE_{self.name.upper()}_{key}": value for key, value in told.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", self.name, "--log-level", "error"],
            env={**os.environ, **environment},
            stdout=subprocess.DEVNULL,
        )
        with self.channel() as channel:
            health = health_pb2_grpc.HealthStub(channel)
            while not _serves(health):
                time.sleep(0.05)

    def channel(self) -> grpc.Channel:
        """To it."""
        return grpc.insecure_channel(self.address, options=ROOM)

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attack came to."""

    answer: str
    seconds: float
    health: Sequence[float]
    """Seconds that each answer took."""
    before_mib: float
    peak_mib: float
    after_mib: float


def send(channel: grpc.Channel, attack: Attack, messages: Sequence[bytes]) -> str:
    """Sends it; what the service answers."""
    try:
        if attack.stream:
            for _ in channel.stream_stream(attack.method, None, None)(iter(messages), timeout=CALL_SECONDS):
                pass
        else:
            for message in messages:
                channel.unary_unary(attack.method, None, None)(message, timeout=CALL_SECONDS)
    except grpc.RpcError as error:
        return f"{error.code().name}: {(error.details() or '')[:60]}"
    return "OK"


def ask(address: str, pipe: Connection) -> None:
    """Asks for health until told to end, without waiting for answers; in a process of its own."""

    async def once(stub: health_pb2_grpc.HealthStub) -> float:
        begin = time.perf_counter()
        with contextlib.suppress(grpc.RpcError):
            await stub.Check(health_pb2.HealthCheckRequest(), timeout=2 * CALL_SECONDS)
        return time.perf_counter() - begin

    async def on() -> list[float]:
        async with grpc.aio.insecure_channel(address) as channel:
            stub = health_pb2_grpc.HealthStub(channel)
            await once(stub)
            pipe.send(None)
            asked = []
            while not pipe.poll():
                asked.append(asyncio.create_task(once(stub)))
                await asyncio.sleep(ASKED_EVERY_SECONDS)
            return await asyncio.gather(*asked)

    pipe.send(asyncio.run(on()))


@contextmanager
def resident(pid: int) -> Iterator[list[float]]:
    """What a process holds, MiB, fifty times a second."""
    process, found, over = (
        psutil.Process(pid),
        [float(psutil.Process(pid).memory_info().rss) / 2**20],
        threading.Event(),
    )

    def look() -> None:
        while not over.wait(0.02):
            with contextlib.suppress(psutil.Error):
                found.append(process.memory_info().rss / 2**20)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()


def attacked(served: Served, attack: Attack, times: int = 1, at_once: int = 1) -> Outcome:
    """Sends an attack while health is asked for."""
    messages = attack.messages()
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    asking = spawn.Process(target=ask, args=(served.address, theirs))
    asking.start()
    ours.recv()
    with served.channel() as channel, resident(served.process.pid) as held, ThreadPoolExecutor(at_once) as callers:
        before = held[-1]
        begin = time.perf_counter()
        answers = list(callers.map(lambda _: send(channel, attack, messages), range(times)))
        seconds = time.perf_counter() - begin
        if not messages:
            time.sleep(REST_SECONDS)
        ours.send(None)
        health = ours.recv()
        time.sleep(REST_SECONDS)
        outcome = Outcome(answers[-1], seconds, health, before, max(held), held[-1])
    asking.join()
    return outcome


def row(service: str, name: str, outcome: Outcome) -> str:
    """A line of the table."""
    health = sorted(outcome.health)
    p99 = health[min(len(health) - 1, int(0.99 * len(health)))]
    memory = f"{outcome.before_mib:.0f} → {outcome.peak_mib:.0f} → {outcome.after_mib:.0f}"
    return (
        f"| {service} | {name} | {outcome.answer} | {outcome.seconds:.2f} s | {1e3 * p99:.0f} ms |"
        f" {1e3 * health[-1]:.0f} ms | {memory} |"
    )


@click.command(help=__doc__)
@click.option("--memory", is_flag=True)
@click.option("--only", default="", help="a part of the names of services or attacks")
def main(memory: bool, only: str) -> None:
    click.echo("| service | attack | answer | call | health p99 | health max | memory, MiB: before → peak → after |")
    click.echo("|---|---|---|---|---|---|---|")
    attacks = REMAINING if memory else [(attack, 1, 1) for attack in FREEZING]
    chosen = [each for each in attacks if only in f"{each[0].service} {each[0].name}"]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        services: dict[str, Served] = {}
        for attack, times, at_once in chosen:
            name = attack.service
            if memory and name in services:
                services.pop(name).stop()
                for left in Path(folder).iterdir():
                    left.unlink()
            if name not in services:
                served = services[name] = Served(name, Path(folder))
                stack.callback(served.stop)
                if name == "aggregator" and not memory:
                    prepare(served)
            click.echo(row(name, attack.name, attacked(services[name], attack, times, at_once)))
            if memory and name == "aggregator":
                services[name].stop()
                services[name].start()
                with resident(services[name].process.pid) as held:
                    time.sleep(REST_SECONDS)
                    click.echo(f"| {name} | the same after a restart | | | | | {held[-1]:.0f} |")


def prepare(served: Served) -> None:
    """Gives an aggregator 40,000 plays, in 400 games, to be asked about."""
    with served.channel() as channel:
        for part in range(4):
            messages = hostile.scores(10_000, games=100, request=f"part {part}", prefix=f"{part}-")
            assert send(channel, Attack("", hostile.RECORD, list), messages) == "OK"


def _serves(health: health_pb2_grpc.HealthStub) -> bool:
    try:
        answer = health.Check(health_pb2.HealthCheckRequest(), timeout=5)
    except grpc.RpcError:
        return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


REMAINING: Final = [
    (
        Attack(
            "32 MiB of empty passes, 8 times", hostile.GRADE, lambda: hostile.empty_items(1, 2 * hostile.FILL_BYTES)
        ),
        8,
        1,
    ),
    (
        Attack("16 MiB of empty records, 8 times", hostile.RECORD, lambda: hostile.empty_items(2, hostile.FILL_BYTES)),
        8,
        1,
    ),
    (Attack("10,000 leagues", hostile.RECORD, lambda: hostile.scores(10_000, leagues=10_000, request="l")), 1, 1),
    (Attack("480 distributions of 4,096 edges, 64 at once", hostile.GRADE, lambda: hostile.grades(480, 4_096)), 64, 64),
]


if __name__ == "__main__":
    main()
