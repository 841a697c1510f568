"""How many of the plays are in ratings, and why others are not."""

from __future__ import annotations

from typing import Any

from playscore.aggregator.v1 import aggregator_pb2 as aggregator
from playscore.client.words import counted, reason_meaning


def coverage_data(coverage: aggregator.GetCoverageResponse) -> dict[str, Any]:
    """A coverage as `game.js` and `report.js` show it: a sentence with the counts, and the plays of each reason."""
    share = f" ({100 * coverage.graded / coverage.plays:.0f}%)" if coverage.plays else ""
    summary = f"{coverage.graded:,} of {counted(coverage.plays, 'play')}{share} are in ratings"
    if coverage.ungraded:
        waiting = "waits for its" if coverage.ungraded == 1 else "wait for their"
        summary += f"; {coverage.ungraded:,} more {waiting} official result"
    return {
        "summary": f"{summary}.",
        "reasons": [[reason_meaning(count.reason), count.plays] for count in coverage.unscored],
    }
