"""How much of the plays the ratings cover, in words."""

from __future__ import annotations

from typing import Any

from board import words
from playscore.aggregator.v1 import aggregator_pb2 as aggregator


def coverage_data(coverage: aggregator.GetCoverageResponse) -> dict[str, Any]:
    """A coverage as `coverage.js` shows it: counts, and why the others were not scored."""
    share = f" ({100 * coverage.graded / coverage.plays:.0f}%)" if coverage.plays else ""
    told = f"{coverage.graded:,} of {words.counted(coverage.plays, 'play')}{share} count in ratings"
    if coverage.ungraded:
        told += f"; {coverage.ungraded:,} more are scored and wait for the official result"
    return {
        "told": f"{told}.",
        "reasons": [[words.reason(count.reason), count.plays] for count in coverage.unscored],
    }
