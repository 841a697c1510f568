"""What of scoring Prometheus sees."""

from __future__ import annotations

import time
from collections.abc import Sequence

from playscore.release import Release
from scorer.core.inference import Batch, Inference, Outputs
from servicekit.metrics import latency_histogram

INFERENCE_SECONDS = latency_histogram(
    "playscore_scorer_inference_seconds",
    "From a batch leaving for inference to its answer, seconds; failures too.",
    ("model", "version"),
)


class TimedInference:
    """An inference port that times the batches of another one."""

    def __init__(self, inference: Inference, releases: Sequence[Release]) -> None:
        self._inference = inference
        self._seconds = {
            release.version: INFERENCE_SECONDS.labels(release.model, str(release.version)) for release in releases
        }

    async def open(self) -> None:
        """Opens the port behind."""
        await self._inference.open()

    async def ready(self, version: int) -> bool:
        """Whether the port behind is."""
        return await self._inference.ready(version)

    async def infer(self, version: int, batch: Batch, deadline: float) -> Outputs:
        """Runs and times one batch."""
        begin = time.perf_counter()
        try:
            return await self._inference.infer(version, batch, deadline)
        finally:
            self._seconds[version].observe(time.perf_counter() - begin)

    async def close(self) -> None:
        """Closes the port behind."""
        await self._inference.close()
