"""Opens a store by the release before, writes batches of records to it, and answers all that then stands.

Batches come as a pickle on standard input, and what stands goes as one to standard output: the classes of records have
the same names and fields in both releases.
"""

from __future__ import annotations

import asyncio
import pickle
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from aggregator.core.recording import Write
from aggregator.sqlite import SqliteStore
from playscore.passing import PASSER
from playscore.shots import GOALIE


async def main() -> None:
    batches, supports = pickle.load(sys.stdin.buffer)
    store = SqliteStore(Path(sys.argv[1]), [PASSER, GOALIE])
    await store.open()
    counts = []
    for number, records in enumerate(batches):
        request = f"{sys.argv[2]} {number}"
        written = await store.record(Write(request, b"", dict(enumerate(records)), supports=supports))
        counts.append((written.inserted, written.replaced, written.unchanged, len(written.stale)))
    scores, plays = {}, {}
    async for changes in store.follow(0):
        for item in changes.withdrawn:
            scores.pop(item, None)
        scores.update(changes.scores)
        plays.update({play.key: play for play in changes.unscored})
        if changes.last:
            break
    reading = await store.read(scores)
    await store.close()
    pickle.dump((counts, changes.seq, list(reading.scored.values()), list(plays.values())), sys.stdout.buffer)


asyncio.run(main())
