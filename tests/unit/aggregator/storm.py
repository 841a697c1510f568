"""`python -m tests.unit.aggregator.storm URL` writes what the numbers on stdin stand for, and prints those answered."""

from __future__ import annotations

import asyncio
import sys

from aggregator.core.recording import Write
from aggregator.core.records import PlayRecord
from aggregator.postgres import PostgresStore
from playscore.passing import PASSER
from tests.unit.aggregator.scores import scored, unscored

PLAYS = 4_000
IN_FLIGHT = 64


def stormed(number: int) -> PlayRecord:
    """Of each play, first a score, then another passer's, then the reason why it is none."""
    play, revision = number % PLAYS, number // PLAYS + 1
    if revision == 3:
        return unscored(play, revision=3)
    return scored(play, revision / 10, subject=f"p{revision}", revision=revision, distribution=str(revision))


async def main(url: str) -> None:
    store = PostgresStore(url, [PASSER])
    await store.open()
    numbers = map(int, sys.stdin.read().split())

    async def caller() -> None:
        for number in numbers:
            written = await store.record(Write(f"storm {number}", b"", {0: stormed(number)}))
            assert not written.rejected
            print(number, flush=True)

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    await store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
