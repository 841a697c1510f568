"""The inference port over a Triton server."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

from tritonclient.grpc import InferInput
from tritonclient.grpc.aio import InferenceServerClient
from tritonclient.utils import InferenceServerException

from playscore.client.retries import RetryBudget
from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats
from playscore.release import ModelVersion
from scorer.core.inference import Batch, Outputs

MAX_ATTEMPTS = 3
"""How often a batch is sent at most."""
RETRY_PAUSE_SECONDS = 0.05
"""Mean pause before the second attempt; it doubles."""
READY_TIMEOUT_SECONDS = 0.5
"""Timeout of a question about readiness."""
QUEUE_FULL_RETRY_SECONDS = 0.1
"""When a caller may come back after a full queue."""
_QUEUE_FULL = ("exceeds maximum queue size", "request timeout expired")
"""What Triton's batcher says, with UNAVAILABLE, when its queue is full or a request waited too long in it."""
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A restarted Triton is found within a second; gRPC's own backoff grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Retries are decided here, where a full queue can be told from a dead server.
    ("grpc.enable_retries", 0),
    # A Triton that vanished without closing its connections is noticed.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 2_000),
]


class TritonInference:
    """Sends batches to one Triton, over one channel, with model and version pinned in each request."""

    def __init__(self, url: str, attempt_seconds: float) -> None:
        """Talks to `url` (host:port). No attempt takes longer than `attempt_seconds`, whatever the deadline."""
        self._url = url
        self._attempt_seconds = attempt_seconds
        self._budget = RetryBudget()
        self._client: Any = None

    async def open(self) -> None:
        """Makes the channel, which connects when it is first used."""
        self._client = InferenceServerClient(self._url, channel_args=_CHANNEL)

    async def ready(self, model: ModelVersion) -> bool:
        """Whether the server is live and has that version loaded."""
        try:
            if not await self._client.is_server_live(client_timeout=READY_TIMEOUT_SECONDS):
                return False
            loaded = await self._client.is_model_ready(
                model.name, str(model.version), client_timeout=READY_TIMEOUT_SECONDS
            )
        except InferenceServerException:
            return False
        return bool(loaded)

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        """Runs one batch; see `Inference.infer`. A batch is sent again only if the server could not be reached."""
        inputs = [_input(name, values) for name, values in batch.inputs.items()]
        self._budget.called()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return await self._attempt(model, inputs, deadline)
            except _UnreachableError:
                pause = RETRY_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
                if attempt == MAX_ATTEMPTS or time.monotonic() + pause >= deadline or not self._budget.take():
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Closes the channel."""
        if self._client is not None:
            await self._client.close()

    async def _attempt(self, model: ModelVersion, inputs: list[InferInput], deadline: float) -> Outputs:
        remaining = deadline - time.monotonic()
        if remaining <= 0.0:
            raise TimeoutError("the deadline passed before Triton was asked")
        try:
            answer = await self._client.infer(
                model.name,
                inputs,
                model_version=str(model.version),
                client_timeout=min(remaining, self._attempt_seconds),
            )
        except InferenceServerException as error:
            raise self._meaning(error, model, deadline) from error
        return {output.name: answer.as_numpy(output.name) for output in answer.get_response().outputs}

    def _meaning(self, error: InferenceServerException, model: ModelVersion, deadline: float) -> Exception:
        """The error to raise for one of Triton's."""
        said = f"Triton at {self._url}: {error.message()}"
        status = str(error.status()).removeprefix("StatusCode.")
        if status == "DEADLINE_EXCEEDED":
            if time.monotonic() >= deadline:
                return TimeoutError("the deadline passed before Triton answered")
            return PlayscoreError(
                Reason.INFERENCE_UNAVAILABLE, f"Triton at {self._url} did not answer within {self._attempt_seconds:g} s"
            )
        if status == "UNAVAILABLE" and any(words in said.lower() for words in _QUEUE_FULL):
            return PlayscoreError(Reason.OVERLOADED, said, retry_after_seconds=QUEUE_FULL_RETRY_SECONDS)
        if status == "UNAVAILABLE":
            return _UnreachableError(Reason.INFERENCE_UNAVAILABLE, said)
        if status == "NOT_FOUND":
            return PlayscoreError(
                Reason.INFERENCE_UNAVAILABLE,
                f"Triton at {self._url} does not serve {model}: {error.message()}",
            )
        return PlayscoreError(Reason.INTERNAL, f"{said} ({status})")


class _UnreachableError(PlayscoreError):
    """The server cannot be reached; the batch may be sent again."""


def _input(name: str, values: Floats) -> InferInput:
    declared = InferInput(name, list(values.shape), "FP32")
    declared.set_data_from_numpy(values)
    return declared
