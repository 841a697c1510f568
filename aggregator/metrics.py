"""What of the aggregator Prometheus sees."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from servicekit.metrics import latency_histogram

COMMIT_SECONDS = latency_histogram(
    "playscore_aggregator_commit_seconds",
    "From a request's scores handed to the store to their being durable, seconds; failures too.",
)

WRITES_TAKEN = Gauge("playscore_aggregator_writes_taken", "Whether the store takes writes: 1, or 0 while they fail.")
STORE_FREE_BYTES = Gauge(
    "playscore_aggregator_store_free_bytes",
    "Bytes that are free where the SQLite file is; -1 for a store whose disk is not this machine's.",
)
STORE_FREE_BYTES.set(-1)

WATCHES = Gauge("playscore_aggregator_watches", "Watches of ratings that are open.")
WATCHED_SPLITS = Gauge("playscore_aggregator_watched_splits", "Different splits that are watched.")
WATCH_READING_SECONDS = latency_histogram(
    "playscore_aggregator_watch_reading_seconds", "Reading all watched splits once, after something changed, seconds."
)
WATCH_SECONDS = latency_histogram(
    "playscore_aggregator_watch_seconds",
    "From a change that reaches this replica until a watcher who keeps up is sent it, seconds.",
)
COALESCED_TICKS = Counter(
    "playscore_aggregator_coalesced_ticks_total", "Ticks that watchers were told together with a later one."
)
