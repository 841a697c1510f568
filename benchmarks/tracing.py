"""What traces cost: a call, and a play on its way through the stages, without them and with them.

python -m benchmarks.tracing [--calls 2000]

A service answers an empty call in this process: without traces, with traces of which none is recorded, of which one
in a hundred is, and of which all are, in turns, `ROUNDS` times. Stated are medians of the CPU time of both sides of a
call, and of its ratio to that without. Then what the spans of a play cost its stages, and what reading a hostile
`traceparent` does.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
import timeit
from collections.abc import Callable, Mapping

import grpc.aio
import structlog

from servicekit import serving, spans
from servicekit.tracing import tracing
from tests.contract.servicekit.echo import Echo, EchoSettings, EchoStub
from tests.otlp import collector

ROUNDS = 7
RATIOS: Mapping[str, float | None] = {"off": None, "on, none recorded": 0.0, "on, 1 in 100": 0.01, "on, all": 1.0}
TRACEPARENTS: Mapping[str, str] = {
    "one that is right": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "128 characters, wrong at the end": f"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-{'x' * 71}\n",
    "a million characters": "0" * 1_000_000,
}


async def call_seconds(url: str | None, ratio: float, calls: int) -> float:
    """CPU time of both sides of a call, seconds."""
    settings = EchoSettings(otlp_endpoint=url, trace_ratio=ratio)
    async with serving(Echo(), settings) as running, grpc.aio.insecure_channel(str(running.address)) as channel:
        await running.until_serving()
        stub = EchoStub(channel)
        for _ in range(100):
            await stub.call("Unary", "0")
        begin = time.process_time()
        for _ in range(calls):
            await stub.call("Unary", "0")
        return (time.process_time() - begin) / calls


def spans_of_a_play() -> None:
    """Every span of a play, of all stages together, as the stages begin and end them."""
    play = spans.begin_trace("play", spans.read(TRACEPARENTS["one that is right"]))
    for _ in range(3):  # featurize, score, record
        stage = play.child("stage")
        part = spans.begin("part", stage.traceparent)
        part.child("inner").end()
        part.end()
        stage.end()
    play.end()


def microseconds(act: Callable[[], object], times: int = 20_000) -> float:
    """Median CPU time of an act."""
    return statistics.median(timeit.repeat(act, number=times, repeat=5, timer=time.process_time)) / times * 1e6


async def measure(calls: int) -> None:
    """Prints the tables."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    with collector() as told:
        rounds = [
            {
                name: await call_seconds(None if ratio is None else told.url, ratio or 0.0, calls)
                for name, ratio in RATIOS.items()
            }
            for _ in range(ROUNDS)
        ]
        print(f"{'traces':20} {'CPU µs a call':>14} {'to off':>7}")
        for name in RATIOS:
            took = statistics.median(each[name] for each in rounds)
            share = statistics.median(each[name] / each["off"] for each in rounds)
            print(f"{name:20} {took * 1e6:14.0f} {share:7.2f}")
        print(f"\n{'spans of a play':32} {'µs':>8}")
        print(f"{'off':32} {microseconds(spans_of_a_play):8.2f}")
        async with tracing("benchmark", told.url, 1.0):
            print(f"{'on, recorded':32} {microseconds(spans_of_a_play, 200):8.2f}")
    print(f"\n{'reading a traceparent':32} {'µs':>8}")
    for name, traceparent in TRACEPARENTS.items():
        print(f"{name:32} {microseconds(lambda: spans.read(traceparent)):8.2f}")  # noqa: B023


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=2000, help="calls of a round")
    asyncio.run(measure(parser.parse_args().calls))


if __name__ == "__main__":
    main()
