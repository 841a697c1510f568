"""What of the aggregator Prometheus sees."""

from __future__ import annotations

from servicekit.metrics import latency_histogram

COMMIT_SECONDS = latency_histogram(
    "playscore_aggregator_commit_seconds",
    "From a request's scores handed to the store to their being durable, seconds; failures too.",
)
