"""What the PostgreSQL store costs, on a server of its own that syncs every commit to disk.

python -m benchmarks.shared_store
"""

from __future__ import annotations

import asyncio
import itertools
import statistics
import time

import uvloop

from aggregator.core.recording import Write
from aggregator.core.records import PlayRecord
from aggregator.core.revision import NOTHING
from aggregator.postgres import PostgresStore
from playscore.passing import PASSER
from tests.postgres import Server
from tests.unit.aggregator.scores import scored

DISTRIBUTION = "7" * 700
WRITES = ((1, 1, 500), (8, 1, 3_000), (64, 1, 8_000), (1, 500, 40), (8, 500, 80), (64, 500, 160))
"""In flight, records each, how many."""
LATENCIES = 500
BYTES = """
SELECT relname, pg_total_relation_size(oid) / greatest((SELECT count(*) FROM playscore.scores), 1) AS each
FROM pg_class WHERE relnamespace = 'playscore'::regnamespace AND relkind = 'r' ORDER BY each DESC LIMIT 6
"""

_numbers = itertools.count()


def play() -> PlayRecord:
    number = next(_numbers)
    return scored(
        number % 200,
        game=f"g{number // 200}",
        subject=f"p{number % 60}",
        distribution=DISTRIBUTION,
        season=2021,
        week=number % 17,
        down=3,
        under_pressure=True,
        time_to_throw_seconds=2.5,
        target_id="00-0033",
    )


async def writes(store: PostgresStore, in_flight: int, records: int, count: int) -> None:
    waiting = iter([Write(f"{next(_numbers)}", b"", {each: play() for each in range(records)}) for _ in range(count)])
    seconds: list[float] = []

    async def caller() -> None:
        for write in waiting:
            began = time.perf_counter()
            await store.record(write)
            seconds.append(time.perf_counter() - began)

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(in_flight)))
    took = time.perf_counter() - began
    median, p99 = statistics.median(seconds) * 1e3, statistics.quantiles(seconds, n=100)[98] * 1e3
    print(
        f"{in_flight:3} in flight of {records:3} records: {count / took:7,.0f} commits/s,"
        f" {count * records / took:8,.0f} records/s, median {median:8.2f} ms, p99 {p99:8.2f} ms"
    )


async def latency(store: PostgresStore, follower: PostgresStore) -> None:
    """From the answer of one aggregator's write to another's having it."""
    came: asyncio.Queue[float] = asyncio.Queue()
    after = (await store.record(Write("from here on", b"", {}))).revision

    async def follow() -> None:
        async for changes in follower.follow(after):
            if changes.scores:
                came.put_nowait(time.perf_counter())

    following = asyncio.create_task(follow())
    seconds = []
    for _ in range(LATENCIES):
        await store.record(Write(f"{next(_numbers)}", b"", {0: play()}))
        answered = time.perf_counter()
        seconds.append(max(0.0, await came.get() - answered))
    following.cancel()
    p99 = statistics.quantiles(seconds, n=100)[98]
    print(f"from commit to follower: median {statistics.median(seconds) * 1e3:.2f} ms, p99 {p99 * 1e3:.2f} ms")


async def reading(store: PostgresStore) -> None:
    for what in ("state", "follow from the beginning"):
        rows, began = 0, time.perf_counter()
        if what == "state":
            async for piece in store.state():
                rows += len(piece.scores.numbers) if piece.scores else 0
        else:
            async for changes in store.follow(NOTHING):
                rows += len(changes.scores)
                if changes.last:
                    break
        print(f"{what}: {rows:,} scores, {(time.perf_counter() - began) / rows * 1e6:.2f} µs each")


async def main(server: Server) -> None:
    stores = [PostgresStore(server.url(), [PASSER]) for _ in range(2)]
    for store in stores:
        await store.open()
    for in_flight, records, count in WRITES:
        await writes(stores[0], in_flight, records, count)
    await latency(*stores)
    await reading(stores[1])
    print("bytes a score:", server.execute(BYTES).replace("\n", ", "))
    for store in stores:
        await store.close()


if __name__ == "__main__":
    started = Server({"fsync": "on", "autovacuum": "on"})
    started.start()
    try:
        uvloop.run(main(started))
    finally:
        started.remove()
