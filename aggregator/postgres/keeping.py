"""The snapshot that replicas start from, kept in the shared store by one of them for all."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from aggregator.core.keeping import parts_of, pieces, worth_reading
from aggregator.core.revision import Revision
from aggregator.core.store import KeptSnapshot
from aggregator.postgres.schema import ERASING, Connection

KEEP_DAYS: Final = 7
"""How long a snapshot is kept if no aggregator replaces it."""
_KEEPING: Final = 0x6B656570
"""The advisory lock held while a snapshot is written."""
_CHANGED_SINCE: Final = "since >= $1 OR since = ANY ($2::bigint[])"
_ERASED_SINCE: Final = "number >= $1 OR number = ANY ($2::bigint[])"


async def keep(connection: Connection, kept: KeptSnapshot) -> None:
    """Keep a snapshot, unless another replica is doing so, or something was erased since that it may hold."""
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _KEEPING):
        return
    await connection.execute("SELECT pg_advisory_xact_lock_shared($1)", ERASING)
    revision = kept.revision.end, sorted(kept.revision.missing)
    erased = await connection.fetchval(
        f"SELECT (SELECT count(*) FROM erased WHERE {_ERASED_SINCE})"
        f" + (SELECT count(*) FROM erased_leagues WHERE {_ERASED_SINCE})",
        *revision,
    )
    if erased:
        return
    await connection.execute(
        "DELETE FROM kept_snapshots WHERE fingerprint = $1 OR kept < now() - make_interval(days => $2)",
        kept.fingerprint,
        KEEP_DAYS,
    )
    await connection.execute(
        "INSERT INTO kept_snapshots (fingerprint, revision_end, revision_missing, sizes) VALUES ($1, $2, $3, $4)",
        kept.fingerprint,
        *revision,
        json.dumps([len(part) for part in kept.parts]),
    )
    for number, piece in enumerate(await asyncio.to_thread(lambda: list(pieces(kept.parts)))):
        await connection.execute(
            "INSERT INTO kept_pieces (fingerprint, number, content) VALUES ($1, $2, $3)",
            kept.fingerprint,
            number,
            piece,
        )


async def kept(connection: Connection, fingerprint: bytes) -> KeptSnapshot | None:
    """The kept snapshot, if it has that fingerprint and is quicker than reading everything."""
    found = await connection.fetchrow("SELECT * FROM kept_snapshots WHERE fingerprint = $1", fingerprint)
    if found is None:
        return None
    revision = Revision(found["revision_end"], frozenset(found["revision_missing"]))
    changes, scores = await connection.fetchrow(
        f"SELECT (SELECT count(*) FROM scores WHERE {_CHANGED_SINCE}), (SELECT count(*) FROM scores)",
        revision.end,
        sorted(revision.missing),
    )
    if not worth_reading(changes, scores):
        return None
    rows = await connection.fetch("SELECT content FROM kept_pieces WHERE fingerprint = $1 ORDER BY number", fingerprint)
    return KeptSnapshot(fingerprint, revision, parts_of((piece for (piece,) in rows), json.loads(found["sizes"])))


async def forget(connection: Connection) -> None:
    """Delete all kept snapshots."""
    await connection.execute("DELETE FROM kept_snapshots")
