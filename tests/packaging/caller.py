"""What somebody with the base install writes: prints each passer that an aggregator rates, and the rating."""

from __future__ import annotations

import asyncio
import sys

from playscore.client import AggregatorClient


async def main(address: str) -> None:
    async with AggregatorClient(address) as aggregator:
        async for rating in aggregator.list_ratings("SIM", min_plays=1):
            print(f"{rating.subject.subject_name}\t{rating.passing.rating:.1f}")


asyncio.run(main(sys.argv[1]))
