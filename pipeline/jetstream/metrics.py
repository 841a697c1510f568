"""Metrics of a worker of the live feed."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge

GAMES_HELD: Final = Gauge("playscore_work_games_held", "Games that this worker holds.")
GAMES_WAITING: Final = Gauge(
    "playscore_work_games_waiting", "Games in the broker's queue that no worker holds; every worker says the same."
)
MESSAGES_BEHIND: Final = Gauge(
    "playscore_work_messages_behind", "Messages in the broker that the games held have not read."
)
GAMES_LIVE: Final = Gauge("playscore_work_games_live", "Games held whose end was not told yet.")
SILENCE: Final = Gauge(
    "playscore_work_feed_silence_seconds",
    "The longest time, seconds, since a live game's last message: of the games with a play that waits for film (play), "
    "and of the others (break); 0 where there is none.",
    ("during",),
)
BROKER_CONNECTED: Final = Gauge("playscore_work_broker_connected", "Whether the worker has its broker: 1, or 0.")
MESSAGES: Final = Counter("playscore_work_messages_total", "Feed messages taken, those of repeated runs included.")
UNREADABLE: Final = Counter("playscore_work_unreadable_messages_total", "Messages that are not of the feed's form.")
REDELIVERIES: Final = Counter(
    "playscore_work_redeliveries_total", "Games taken that another worker held before and did not finish."
)
RUNS: Final = Counter(
    "playscore_work_runs_total",
    "Runs of games by how they ended: settled, quiet, handed_over, failed, set_aside.",
    ("ending",),
)

for _ending in ("settled", "quiet", "handed_over", "failed", "set_aside"):
    RUNS.labels(_ending)
