"""How soon watchers hear of a play, and what a thousand of them cost.

One aggregator with so many plays, in a process of its own; watchers of different splits in others; plays that arrive
one by one through RecordScores. What is measured is every pair of a play and a watcher whose split has it: from the
answer to the write, which comes once the play is durable, to the checkpoint that has it.

python -m benchmarks.watching --plays 100000 --watchers 1000 --splits 50 --rate 100
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import tempfile
import time
import urllib.request
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import click
import grpc.aio
import numpy as np
import uvloop

from aggregator.core.recording import Write
from aggregator.core.records import Score, Scored
from aggregator.sqlite import SqliteStore
from aggregator.tasks import make_tasks
from benchmarks.aggregator import LEAGUE, batch, scores
from playscore.aggregator.v1 import aggregator_pb2 as pb
from playscore.aggregator.v1.aggregator_pb2_grpc import AggregatorServiceStub
from playscore.common.v1 import common_pb2 as common
from playscore.passing import PASSER
from playscore.release import ModelVersion, list_releases
from playscore.shipped import RELEASES

CHANNELS = 10
"""Connections of each process of watchers."""
READS_A_SECOND = 20


@dataclass(frozen=True)
class WatchedSplit:
    """A filter of made-up plays: from a season on, of a down or under pressure, by the time to throw."""

    text: str
    has: Callable[[Mapping[str, Any]], bool]


def splits() -> list[WatchedSplit]:
    """Splits of made-up plays, no two alike: from all plays to about one in forty."""

    def since(season: int) -> WatchedSplit:
        return WatchedSplit(f"season >= {season}", lambda play: bool(play["season"] >= season))

    def quick(down: int, most: float) -> WatchedSplit:
        text = f"down = {down} AND time_to_throw_seconds < {most}"
        return WatchedSplit(text, lambda play: play["down"] == down and bool(play["time_to_throw_seconds"] < most))

    def pressed(least: float) -> WatchedSplit:
        text = f"under_pressure AND time_to_throw_seconds >= {least}"
        return WatchedSplit(text, lambda play: play["under_pressure"] and bool(play["time_to_throw_seconds"] >= least))

    return [
        *(since(season) for season in range(2004, 2014)),
        *(quick(down, tenths / 10) for down in range(1, 5) for tenths in range(15, 45, 5)),
        *(pressed(tenths / 10) for tenths in range(11, 49)),
    ]


def newest() -> ModelVersion:
    (passing,) = [each for each in make_tasks(list_releases(RELEASES), ()) if each.measure == "pass_measure"]
    return passing.task.default_model


def made_up(start: int, stop: int, model: ModelVersion) -> list[Score]:
    """Plays of twenty seasons, each as likely as the others."""
    return [
        replace(play, model=model, attributes={**play.attributes, "season": 2004 + number % 20})
        for number, play in enumerate(scores(batch(start, stop, stop)), start)
    ]


async def fill(path: Path, count: int, model: ModelVersion) -> None:
    """Write plays into a store before it is served."""
    store = SqliteStore(path, [PASSER])
    await store.open()
    for start in range(0, count, 10_000):
        scores = made_up(start, min(start + 10_000, count), model)
        await store.record(Write(f"{start}", b"", dict(enumerate(map(Scored, scores)))))
    await store.close()


def order(revision: common.RevisionToken) -> int:
    """Where a state stands among others of its store."""
    token = revision.value
    return int(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))[1])


@dataclass
class Heard:
    """What a watcher heard."""

    split: int
    states: list[int]
    """The order of each checkpoint."""
    times: list[float]
    """When each came, by the monotonic clock, which all processes share."""
    coalesced: int = 0
    bytes_read: int = 0


async def watch(stub: Any, split: int, text: str, ready: asyncio.Semaphore, heard: Heard) -> None:
    request = pb.WatchRatingsRequest(split=pb.Split(league=LEAGUE, role=common.ROLE_PASSER, filter=text), min_plays=1)
    async for response in stub.WatchRatings(request):
        heard.coalesced += response.coalesced_ticks
        heard.bytes_read += response.ByteSize()
        if response.HasField("checkpoint"):
            if not heard.states:
                ready.release()
            heard.states.append(order(response.checkpoint.revision))
            heard.times.append(time.monotonic())


def watchers(address: str, chosen: Sequence[int], texts: Sequence[str], pipe: Connection) -> None:
    """A process of watchers: says when all watch, goes on until it is told to stop, and says what they heard."""

    async def run() -> list[Heard]:
        channels = [
            grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) for _ in range(CHANNELS)
        ]
        stubs = [AggregatorServiceStub(channel) for channel in channels]
        ready = asyncio.Semaphore(0)
        heard = [Heard(split, [], []) for split in chosen]
        tasks = [
            asyncio.create_task(watch(stubs[place % CHANNELS], each.split, texts[each.split], ready, each))
            for place, each in enumerate(heard)
        ]
        for _ in heard:
            await ready.acquire()
        pipe.send("watching")
        await asyncio.to_thread(pipe.recv)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for channel in channels:
            await channel.close(None)
        return heard

    pipe.send(uvloop.run(run()))


@dataclass(frozen=True)
class Recorded:
    """A play that was written."""

    score: Score
    state: int
    sent: float
    answered: float


async def record(address: str, scores: Sequence[Score], rate: float) -> tuple[list[Recorded], list[float]]:
    """Write plays at a rate, one a call, and read a rating now and then. Returns writes, and seconds of each read."""
    messages = next(each for each in make_tasks(list_releases(RELEASES), ()) if each.measure == "pass_measure")
    recorded: list[Recorded] = []
    reads: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = AggregatorServiceStub(channel)

        async def write(number: int, score: Score) -> None:
            play = pb.PlayRecord(score=messages.score_to_message(score))
            sent = time.monotonic()
            answer = await stub.RecordScores(
                pb.RecordScoresRequest(request_id=f"live {number}", records=[play]), timeout=30
            )
            assert answer.inserted == 1, answer
            recorded.append(Recorded(score, order(answer.revision), sent, time.monotonic()))

        async def read() -> None:
            request = pb.GetRatingRequest(
                split=pb.Split(league=LEAGUE, role=common.ROLE_PASSER, filter="season = 2010"), subject_id="passer-7"
            )
            while True:
                begin = time.monotonic()
                await stub.GetRating(request, timeout=30)
                reads.append(time.monotonic() - begin)
                await asyncio.sleep(1 / READS_A_SECOND)

        reading = asyncio.create_task(read())
        begin = time.monotonic()
        writing = []
        for number, score in enumerate(scores):
            await asyncio.sleep(max(0.0, begin + number / rate - time.monotonic()))
            writing.append(asyncio.create_task(write(number, score)))
        await asyncio.gather(*writing)
        await asyncio.sleep(2)
        reading.cancel()
        with suppress(asyncio.CancelledError):
            await reading
    return recorded, reads


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


def latencies(
    recorded: Sequence[Recorded], heard: Sequence[Heard], chosen: Sequence[WatchedSplit]
) -> np.ndarray[Any, Any]:
    """Seconds from the answer to each write to each watcher whose split has it; infinite where it never came."""
    seconds = []
    for split, watched in enumerate(chosen):
        concerned = [each for each in recorded if watched.has(each.score.attributes)]
        for watcher in heard:
            if watcher.split == split:
                for each in concerned:
                    place = bisect_left(watcher.states, each.state)
                    seconds.append(watcher.times[place] - each.answered if place < len(watcher.times) else np.inf)
    return np.array(seconds)


def quantiles(seconds: Sequence[float] | np.ndarray[Any, Any]) -> str:
    low, high, worst = 1000 * np.quantile(seconds, [0.5, 0.99, 1.0])
    return f"p50 {low:.1f} ms, p99 {high:.1f} ms, worst {worst:.1f} ms"


def handled_within(counted: Mapping[str, float], method: str, quantile: float) -> float:
    """Seconds within which the service handled a share of its calls, as its histogram has it."""
    bounds = {}
    for name, calls in counted.items():
        if name.startswith("grpc_server_handling_seconds_bucket") and f'grpc_method="{method}"' in name:
            bounds[float(name.split('le="')[1].split('"')[0])] = calls
    return next(bound for bound, calls in sorted(bounds.items()) if calls >= quantile * max(bounds.values()))


def metrics(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


async def serve(path: Path, most: int) -> tuple[asyncio.subprocess.Process, str, str]:
    """An aggregator that serves a store; where it listens, and where it shows its metrics."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "aggregator", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0"),
        *("--store", f"sqlite:///{path}", "--max-concurrent-watches", f"{most}"),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said: dict[str, Any] = {}
    async for line in process.stderr:
        entry = json.loads(line) if line.startswith(b"{") else {}
        if entry.get("event") == "listening":
            said = entry
        if entry.get("event") == "serving":
            break
    else:
        raise RuntimeError("the aggregator did not start")
    drained = asyncio.create_task(process.stderr.read())  # so that it never waits to be read
    drained.add_done_callback(lambda _: None)
    return process, said["address"], said["metrics_address"]


async def measure(count: int, watching: int, different: int, rate: float, seconds: float, processes: int) -> None:
    model, chosen = newest(), splits()[:different]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scores.sqlite"
        await fill(path, count, model)
        service, address, metrics_address = await serve(path, watching)
        before = memory_mib(service.pid)
        context = get_context("spawn")
        pipes = []
        for process in range(processes):
            ours, theirs = context.Pipe()
            of_this = [place % len(chosen) for place in range(process, watching, processes)]
            texts = [each.text for each in chosen]
            context.Process(target=watchers, args=(address, of_this, texts, theirs), daemon=True).start()
            pipes.append(ours)
        begin = time.monotonic()
        for pipe in pipes:
            await asyncio.to_thread(pipe.recv)
        click.echo(
            f"{count:,} plays; {watching:,} watchers of {len(chosen)} splits in {processes} processes were told their "
            f"first table within {time.monotonic() - begin:.1f} s"
        )
        live = made_up(count, count + round(rate * seconds), model)
        cpu, begin = cpu_seconds(service.pid), time.monotonic()
        recorded, reads = await record(address, live, rate)
        cpu, took = cpu_seconds(service.pid) - cpu, time.monotonic() - begin
        after = memory_mib(service.pid)
        counted = metrics(metrics_address)
        heard: list[Heard] = []
        for pipe in pipes:
            pipe.send("stop")
        for pipe in pipes:
            heard += await asyncio.to_thread(pipe.recv)
        service.terminate()
        await service.wait()
    told = latencies(recorded, heard, chosen)
    writes = [each.answered - each.sent for each in recorded]
    ticks = sum(len(each.states) for each in heard)
    name = "playscore_aggregator_watch"
    click.echo(f"{len(recorded):,} plays recorded, {len(recorded) / took:.0f} a second: a write {quantiles(writes)}")
    click.echo(
        f"commit to watcher, {len(told):,} plays and watchers: {quantiles(told)}; never heard {np.isinf(told).sum()}"
    )
    click.echo(f"a rating read meanwhile: {quantiles(reads)}")
    for method in ("RecordScores", "GetRating"):
        within = handled_within(counted, method, 0.99)
        click.echo(f"{method} as the service sees it: 99% within {1000 * within:.0f} ms")
    click.echo(
        f"{ticks / took:,.0f} ticks a second told, {sum(each.bytes_read for each in heard) / took / 2**20:.1f} MiB a "
        f"second; {sum(each.coalesced for each in heard):,} ticks coalesced"
    )
    read = counted[f"{name}_reading_seconds_sum"] / max(1.0, counted[f"{name}_reading_seconds_count"])
    click.echo(
        f"service: {100 * cpu / took:.0f}% of a core, {before:.0f} MiB before and {after:.0f} MiB after; "
        f"all splits read once in {1000 * read:.0f} ms on average"
    )


@click.command()
@click.option("--plays", "count", default=100_000, show_default=True, help="plays in the store")
@click.option("--watchers", default=1_000, show_default=True)
@click.option("--splits", "different", default=50, show_default=True, help="different splits that are watched")
@click.option("--rate", default=100.0, show_default=True, help="plays a second that arrive")
@click.option("--seconds", default=30.0, show_default=True, help="for which they arrive")
@click.option("--processes", default=2, show_default=True, help="of watchers")
def main(count: int, watchers: int, different: int, rate: float, seconds: float, processes: int) -> None:
    """Measure how soon watchers hear."""
    uvloop.run(measure(count, watchers, different, rate, seconds, processes))


if __name__ == "__main__":
    main()
