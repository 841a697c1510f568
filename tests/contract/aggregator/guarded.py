"""An aggregator over TLS that knows its callers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aggregator.__main__ import AggregatorSettings, build
from servicekit import serving
from tests.authority import Authority, dns


@asynccontextmanager
async def guarded(folder: Path, authority: Authority, callers: str, *, mutual: bool) -> AsyncIterator[str]:
    """Its address inside the block. `mutual`: callers must have a certificate of the authority."""
    certificate, key = authority.sign(dns("localhost"))
    (folder / "callers.yaml").write_text(callers)
    settings = AggregatorSettings(
        store=f"sqlite:///{folder}/scores.sqlite",
        listen="localhost:0",
        metrics_listen="127.0.0.1:0",
        tls_certificate=certificate,
        tls_key=key,
        tls_client_authority=authority.certificate if mutual else None,
        callers=folder / "callers.yaml",
    )
    async with serving(build(settings), settings) as running:
        await running.until_serving()
        yield str(running.address)
