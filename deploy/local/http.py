"""A look at a server's HTTP port."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request


async def status(url: str) -> int | None:
    """The HTTP status of `url`, or None where nobody answers."""

    def ask() -> int | None:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                code: int = answer.status
                return code
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return None

    return await asyncio.to_thread(ask)
