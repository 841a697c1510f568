"""An aggregator over a store, in the process of whoever asks it."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import grpc.aio

from aggregator.__main__ import AggregatorSettings, build
from servicekit.calls import Chain
from servicekit.errors import map_errors
from servicekit.settings import parse_settings

CLOSING_SECONDS: Final = 0.1
"""For connections to end in good order before they are cut, which gRPC would report on standard error."""


@asynccontextmanager
async def reading(store: str) -> AsyncIterator[str]:
    """The address of an aggregator that reads the store at a URL, until the block ends; nobody else can reach it.

    It rates as a service does that has the same environment (`PLAYSCORE_AGGREGATOR_RELEASES`, `…_DEFAULT_MODELS`).
    Nothing is written to the store, and no other process is kept from writing to it. Raises STORE_UNAVAILABLE where it
    cannot be read, and SystemExit, as a service does, where the environment has settings that are wrong.
    """
    settings = parse_settings(AggregatorSettings, [f"--store={store}", "--listen=127.0.0.1:0"])
    service = build(settings, read_only=True)
    server = grpc.aio.server(interceptors=[Chain([map_errors])])
    service.register(server)
    with tempfile.TemporaryDirectory(prefix="playscore-") as folder:
        address = f"unix:{folder}/aggregator"
        server.add_insecure_port(address)
        try:
            await service.open()
            await server.start()
            yield address
        finally:
            await server.stop(grace=CLOSING_SECONDS)
            await service.close()
