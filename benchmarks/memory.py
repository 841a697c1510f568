"""What a service takes at its limits: `python -m benchmarks.memory`.

Sixty-four callers, each on a connection of their own, send the largest requests there are at once, twice. Prints the
most memory that the service's process had resident, before and after.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import grpc.aio
import uvloop
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from benchmarks.overload import SERVICES, Asked
from benchmarks.scorer import Plays
from deploy.local.ports import reserve
from deploy.local.stack import service_process
from playscore.aggregator.v1 import aggregator_pb2
from playscore.featurizer.v1 import featurizer_pb2
from playscore.field_limits import FIELD_LIMITS
from playscore.release import list_releases
from playscore.scorer.v1 import scorer_pb2
from playscore.shipped import RELEASES
from playscore.wire.feed import context_to_message
from playscore.wire.tracking import frames_to_message, header_to_message, roster_to_message, track_to_message
from simulator.games import simulate_game
from tests.scored_plays import SUPPORT, a_pass

CALLERS: Final = 64
ROUNDS: Final = 2
SECONDS: Final = 60.0
NUMBERS: Final = (FieldDescriptor.CPPTYPE_INT32, FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)
ROOM: Final = (("grpc.max_send_message_length", 64 << 20), ("grpc.use_local_subchannel_pool", 1))


def scored() -> bytes:
    """256 passes."""
    plays = Plays(list_releases(RELEASES, "passing")[-1], 256)
    return scorer_pb2.ScorePassesRequest(passes=plays.passes).SerializeToString()


def recorded(caller: int) -> bytes:
    """10,000 records."""
    records = [a_pass(play, 0.5, game=f"g{caller}") for play in range(10_000)]
    request = aggregator_pb2.RecordScoresRequest(request_id=f"r{caller}", records=records, supports=[SUPPORT])
    return request.SerializeToString()


def featurized() -> bytes:
    """The plays of a game, as many as a request may hold."""
    game, request = simulate_game(0, 0, 200).game, featurizer_pb2.FeaturizePlaysRequest()
    request.header.CopyFrom(header_to_message(game.header))
    request.roster.CopyFrom(roster_to_message(game.roster))
    left = FIELD_LIMITS["playscore.featurizer.v1.FeaturizePlaysRequest.plays"].max_numbers
    for play in game.plays:
        frames = frames_to_message("1", play.frames)
        tracks = [track_to_message("1", track) for track in play.tracks]
        left -= sum(map(numbers, (frames, *tracks)))
        if left < 0:
            break
        request.plays.add(context=context_to_message(play.context), frames=[frames], tracks=tracks)
    return request.SerializeToString()


def numbers(message: Message) -> int:
    """The numbers in its lists."""
    return sum(len(value) for field, value in message.ListFields() if field.is_repeated and field.cpp_type in NUMBERS)


def peak_bytes(pid: int) -> int:
    """The most memory that a process had resident."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return 1024 * int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))


def child(service: str) -> int:
    """The process of a service that this one has started."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text(encoding="utf-8").split()
    return next(int(pid) for pid in children if service.encode() in Path(f"/proc/{pid}/cmdline").read_bytes())


async def sent(asked: Asked, port: int, bodies: list[bytes]) -> Counter[str]:
    """What became of requests that were sent at once, each on a connection of its own."""

    async def one(body: bytes) -> str:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=ROOM) as channel:
            try:
                await channel.unary_unary(asked.method, bytes, bytes)(body, timeout=SECONDS)
            except grpc.aio.AioRpcError as error:
                return error.code().name
            return "OK"

    return Counter(await asyncio.gather(*map(one, bodies)))


FEATURIZE: Final = "/playscore.featurizer.v1.FeaturizerService/FeaturizePlays"
ASKED: Final[dict[str, Callable[[Path], Asked]]] = {
    **SERVICES,
    "featurizer": lambda _: Asked("featurizer", {}, FEATURIZE, iter(())),
}
LARGEST: Final[dict[str, Callable[[], list[bytes]]]] = {
    "featurizer": lambda: [featurized()] * CALLERS,
    "scorer": lambda: [scored()] * CALLERS,
    "aggregator": lambda: [recorded(caller) for caller in range(8)] * 8,
}


async def measure(service: str) -> None:
    """Prints what was measured."""
    with tempfile.TemporaryDirectory() as folder, reserve(0, 0) as ports:
        asked = ASKED[service](Path(folder))
        bodies = LARGEST[service]()
        process = service_process(service, ports[0], ports[1], asked.settings, Path(folder) / "log")
        await process.start()
        try:
            await process.wait_ready(60)
            pid = child(service)
            print(f"{service}: {peak_bytes(pid) / 2**20:.0f} MiB once it serves")
            for _ in range(ROUNDS):
                ended = await sent(asked, ports[0], bodies)
                print(
                    f"  {len(bodies)} requests of {len(bodies[0]) / 2**20:.1f} MiB at once: "
                    f"{peak_bytes(pid) / 2**20:.0f} MiB at most; {dict(ended)}",
                    flush=True,
                )
        finally:
            await process.stop()


@click.command()
@click.option("--service", "services", type=click.Choice(list(ASKED)), multiple=True, default=list(ASKED))
def main(services: tuple[str, ...]) -> None:
    """Prints the most memory that was resident."""
    for service in services:
        uvloop.run(measure(service))


if __name__ == "__main__":
    main()
