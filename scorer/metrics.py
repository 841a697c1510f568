"""Metrics of scoring."""

from __future__ import annotations

import time
from collections.abc import Iterable

from prometheus_client import Gauge

from playscore.errors import PlayscoreError
from playscore.release import ModelVersion
from scorer.core.inference import Batch, Inference, Outputs
from servicekit.metrics import PLAYS, latency_histogram
from servicekit.spans import ids_of

INFERENCE_SECONDS = latency_histogram(
    "playscore_scorer_inference_seconds",
    "From a batch leaving for inference to its answer, seconds; failures too.",
    ("model", "version"),
)
WAITING_PLAYS = Gauge("playscore_scorer_waiting_plays", "Plays that wait for a batch to take them to inference.")
MODEL_READY = Gauge(
    "playscore_scorer_model_ready",
    "Whether a model could be used when last asked: 1, or 0. Default models are asked about once a second.",
    ("model", "version"),
)
SCORED = PLAYS.labels("scored", "")
GRADED = PLAYS.labels("graded", "")


def count_rejection(error: PlayscoreError) -> None:
    """Counts a play that was rejected."""
    PLAYS.labels("rejected", error.reason.name).inc()


class TimedInference:
    """Times the batches of an inference port."""

    def __init__(self, inference: Inference, models: Iterable[ModelVersion]) -> None:
        self._inference = inference
        self._seconds = {model: INFERENCE_SECONDS.labels(model.name, str(model.version)) for model in models}

    async def open(self) -> None:
        """Opens the port."""
        await self._inference.open()

    async def ready(self, model: ModelVersion) -> bool:
        """Whether the model can be used now."""
        ready = False
        try:
            ready = await self._inference.ready(model)
        finally:
            MODEL_READY.labels(model.name, str(model.version)).set(ready)
        return ready

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        """Runs and times one batch."""
        begin = time.perf_counter()
        try:
            return await self._inference.infer(model, batch, deadline)
        finally:
            self._seconds[model].observe(time.perf_counter() - begin, ids_of(batch.traceparent))

    async def close(self) -> None:
        """Closes the port."""
        await self._inference.close()
