"""A store brought to this release without serving it."""

from __future__ import annotations

import asyncio

from aggregator.stores import make_store


def migrate(url: str) -> None:
    """Opens the store that a URL names once, which migrates it. Raises STORE_UNAVAILABLE where that cannot be done."""

    async def run() -> None:
        store = make_store(url, ())
        await store.open()
        await store.close()

    asyncio.run(run())
