"""The inference port over a Triton server.

What Triton says is kept in the log. Callers are told in words of our own: a server's texts hold paths and addresses.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from contextlib import suppress
from typing import Any, Final

import grpc
import grpc.aio
import numpy as np
import structlog
from tritonclient.grpc import service_pb2 as wire
from tritonclient.grpc import service_pb2_grpc

from playscore.client.retries import RetryBudget
from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats
from playscore.release import GRAPH_DIGEST, ModelVersion
from scorer.core.inference import Batch, Outputs

MAX_ATTEMPTS = 3
"""How often a batch is sent at most."""
RETRY_PAUSE_SECONDS = 0.05
"""Mean pause before the second attempt; it doubles."""
READY_TIMEOUT_SECONDS = 0.5
"""Timeout of a question about readiness."""
QUEUE_FULL_RETRY_SECONDS = 0.1
"""When a caller may come back after a full queue."""
MAX_ANSWER_BYTES: Final = 64 * 2**20
"""Largest message taken from Triton."""
_DATATYPE: Final = "FP32"
_QUEUE_FULL = ("exceeds maximum queue size", "request timeout expired")
"""What Triton's batcher says, with UNAVAILABLE, when its queue is full or a request waited too long in it."""
_ENDING = "server exiting"
"""What Triton says, with UNAVAILABLE, when it is asked whether it is live after it was told to end."""
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    # A restarted Triton is found within a second; gRPC's own backoff grows to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Retries are decided here, where a full queue can be told from a dead server.
    ("grpc.enable_retries", 0),
    # The next connection goes to the servers that there are then, and is never one that another channel has.
    ("grpc.dns_min_time_between_resolutions_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),
    # A Triton that vanished without closing its connections is noticed.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 2_000),
]
_log = structlog.get_logger()


class TritonInference:
    """Sends batches to one Triton, over one connection, with model and version pinned in each request.

    A Triton that was told to end keeps its connections for seconds and refuses what comes on them. It is left at once,
    for another that its name stands for.
    """

    def __init__(self, url: str, attempt_seconds: float) -> None:
        """Talks to `url` (host:port). No attempt takes longer than `attempt_seconds`, whatever the deadline."""
        self._url = url
        self._attempt_seconds = attempt_seconds
        self._budget = RetryBudget()
        self._failures: dict[ModelVersion, tuple[str, str]] = {}
        """The last failure of each version since it answered: what stays the same is logged once."""
        self._losses = 0
        self._lost = asyncio.Event()
        self._channel: grpc.aio.Channel | None = None
        self._stub: Any = None
        self._following: asyncio.Task[None] | None = None
        self._leaving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Makes the channel, which connects when it is first used."""
        self._connect()

    @property
    def losses(self) -> int:
        """How often the connection was lost. What answers after a loss may be another server."""
        return self._losses

    async def loss(self) -> None:
        """Returns when the connection is lost the next time."""
        await self._lost.wait()

    async def ready(self, model: ModelVersion) -> bool:
        """Whether the server is live and says that it has that version loaded."""
        try:
            if await self._left(READY_TIMEOUT_SECONDS):
                return False
            asked = wire.ModelReadyRequest(name=model.name, version=str(model.version))
            return bool((await self._stub.ModelReady(asked, timeout=READY_TIMEOUT_SECONDS)).ready)
        except grpc.aio.AioRpcError:
            return False

    async def stated_digest(self, model: ModelVersion) -> str | None:
        """The SHA-256 that the server's configuration states for the graph of that version; None if it states none.

        Raises:
            PlayscoreError: INFERENCE_UNAVAILABLE.
        """
        asked = wire.ModelConfigRequest(name=model.name, version=str(model.version))
        try:
            answer = await self._stub.ModelConfig(asked, timeout=self._attempt_seconds)
        except grpc.aio.AioRpcError as error:
            await self._left(self._attempt_seconds)
            raise self._meaning(error, model, math.inf) from None
        parameter = answer.config.parameters.get(GRAPH_DIGEST.format(version=model.version))
        return None if parameter is None else str(parameter.string_value)

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        """Runs one batch; see `Inference.infer`. A batch is sent again only if the server could not be reached."""
        request = _request(model, batch)
        self._budget.called()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                return await self._attempt(model, request, deadline, batch.traceparent)
            except _UnreachableError:
                if await self._left(self._attempt_seconds):
                    raise
                pause = RETRY_PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)
                if attempt == MAX_ATTEMPTS or time.monotonic() + pause >= deadline or not self._budget.take():
                    raise
                await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    async def close(self) -> None:
        """Closes the channel."""
        if self._channel is not None:
            await self._disconnect(self._channel, self._following, None)
        await asyncio.gather(*self._leaving)

    def _connect(self) -> None:
        self._channel = grpc.aio.insecure_channel(self._url, options=_CHANNEL)
        self._stub = service_pb2_grpc.GRPCInferenceServiceStub(self._channel)
        self._following = asyncio.create_task(self._follow(self._channel))

    async def _disconnect(
        self, channel: grpc.aio.Channel, following: asyncio.Task[None] | None, grace: float | None
    ) -> None:
        """Ends a channel once what was asked on it is answered, or `grace` (s) has passed."""
        if following is not None:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following
        await channel.close(grace)

    async def _left(self, seconds: float) -> bool:
        """Connects anew if the server is ending, and says whether it was; an answer may take `seconds`.

        Until it has ended, Triton answers what comes on its connections: with errors.
        """
        channel = self._channel
        try:
            ending = not (await self._stub.ServerLive(wire.ServerLiveRequest(), timeout=seconds)).live
        except grpc.aio.AioRpcError as error:
            ending = _ENDING in (error.details() or "").lower()
        if ending and channel is not None and channel is self._channel:
            _log.info("triton is ending: connecting anew", url=self._url)
            leaving = asyncio.create_task(self._disconnect(channel, self._following, self._attempt_seconds))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            self._connect()
            self._lose()
        return ending

    def _lose(self) -> None:
        self._losses += 1
        self._lost.set()
        self._lost = asyncio.Event()

    async def _follow(self, channel: grpc.aio.Channel) -> None:
        state = channel.get_state()
        while True:
            await channel.wait_for_state_change(state)
            if state is grpc.ChannelConnectivity.READY:
                self._lose()
            state = channel.get_state()

    async def _attempt(self, model: ModelVersion, request: Any, deadline: float, traceparent: str) -> Outputs:
        remaining = deadline - time.monotonic()
        if remaining <= 0.0:
            raise TimeoutError("the deadline passed before the inference server was asked")
        try:
            answer = await self._stub.ModelInfer(
                request,
                timeout=min(remaining, self._attempt_seconds),
                metadata=(("traceparent", traceparent),) if traceparent else None,
            )
        except grpc.aio.AioRpcError as error:
            raise self._meaning(error, model, deadline) from None
        try:
            outputs = _outputs(answer, model)
        except ValueError as wrong:
            _log.error("triton answered out of contract", model=str(model), wrong=str(wrong))
            raise _unavailable(model, "answers out of contract") from None
        self._failures.pop(model, None)
        return outputs

    def _note(self, model: ModelVersion, error: grpc.aio.AioRpcError) -> None:
        failure = (error.code().name, error.details() or "")
        if self._failures.get(model) != failure:
            self._failures[model] = failure
            _log.warning("triton failed", model=str(model), code=failure[0], said=failure[1])

    def _meaning(self, error: grpc.aio.AioRpcError, model: ModelVersion, deadline: float) -> Exception:
        """The error to raise for one of Triton's. Whatever it refuses, it is not the caller's fault."""
        code, said = error.code(), error.details() or ""
        if code is grpc.StatusCode.DEADLINE_EXCEEDED and time.monotonic() >= deadline:
            return TimeoutError("the deadline passed before the inference server answered")
        self._note(model, error)
        if code is grpc.StatusCode.DEADLINE_EXCEEDED:
            return _unavailable(model, f"did not answer within {self._attempt_seconds:g} s")
        if code is grpc.StatusCode.UNAVAILABLE and any(words in said.lower() for words in _QUEUE_FULL):
            return PlayscoreError(
                Reason.OVERLOADED,
                "the queue of the inference server is full",
                retry_after_seconds=QUEUE_FULL_RETRY_SECONDS,
            )
        if code is grpc.StatusCode.UNAVAILABLE:
            return _UnreachableError(Reason.INFERENCE_UNAVAILABLE, "the inference server cannot be reached")
        if code is grpc.StatusCode.NOT_FOUND:
            return _unavailable(model, "does not have it")
        return _unavailable(model, f"failed ({code.name})")


class _UnreachableError(PlayscoreError):
    """The server cannot be reached; the batch may be sent again."""


def _unavailable(model: ModelVersion, why: str) -> PlayscoreError:
    return PlayscoreError(Reason.INFERENCE_UNAVAILABLE, f"{model} is not available: the inference server {why}")


def _request(model: ModelVersion, batch: Batch) -> Any:
    request = wire.ModelInferRequest(model_name=model.name, model_version=str(model.version))
    for name, values in batch.inputs.items():
        request.inputs.add(name=name, datatype=_DATATYPE, shape=values.shape)
        request.raw_input_contents.append(values.tobytes())
    return request


def _outputs(answer: Any, model: ModelVersion) -> dict[str, Floats]:
    """The tensors of an answer, read without copying. Raises ValueError if it is none to a request of that version."""
    if (answer.model_name, answer.model_version) != (model.name, str(model.version)):
        raise ValueError(f"it is from {answer.model_name}:{answer.model_version}")
    if len(answer.outputs) != len(answer.raw_output_contents):
        raise ValueError(f"{len(answer.outputs)} tensors have {len(answer.raw_output_contents)} contents")
    outputs = {}
    for described, content in zip(answer.outputs, answer.raw_output_contents, strict=True):
        shape = tuple(described.shape)
        if described.datatype != _DATATYPE or min(shape, default=0) < 0 or len(content) != 4 * math.prod(shape):
            raise ValueError(
                f"{described.name} is {described.datatype} {list(shape)} in {len(content)} bytes, not {_DATATYPE}"
            )
        outputs[described.name] = np.frombuffer(content, "<f4").reshape(shape)
    return outputs
