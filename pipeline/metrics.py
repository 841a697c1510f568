"""What Prometheus learns of plays on their way."""

from servicekit.metrics import latency_histogram

PLAY_SECONDS = latency_histogram(
    "playscore_pipeline_play_seconds", "From a play's closing frame sent until its rating can be read, seconds."
)
