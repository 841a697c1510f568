"""Proof that an inference server serves the graphs that were released.

A server names what it serves after folders, and a folder can hold another version's graph. So a version is used only
once two things hold: the server's configuration states the digest of the released graph, and known inputs come out as
that graph answers them in this process. Both are asked again every few seconds, at once when an answer fails or has a
number that is not finite, and whenever the connection was lost: whoever answers then may be another server. What was
asked of the server before is asked again of that one, once it has proven itself, so that servers can be replaced while
plays come. A backend whose process died is found in the same way, though its server calls it ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import structlog

from playscore.errors import PlayscoreError, Reason
from playscore.game import Floats
from playscore.release import ModelVersion, Release
from scorer.core.batching import pad
from scorer.core.inference import Batch, Inference, Outputs
from scorer.core.tensors import Tensor
from scorer.onnx import OnnxInference

PROVE_EVERY_SECONDS: Final = 5.0
"""Between two proofs of a version that holds."""
TRY_EVERY_SECONDS: Final = 0.25
"""Between two proofs of a version that does not hold."""
TOLERANCE: Final = 1e-3
"""How far an answer may be from the released graph's: absolutely, and relative to it.

Graphs of different training are farther apart by orders of magnitude (tests/unit/scorer/test_proof.py measures the
released ones); a processor of another kind, in single precision, is nearer.
"""
HANDOVER_SECONDS: Final = 3.0
"""How long calls wait for a version that held until the connection was lost: for the server that comes next."""
LOOK_EVERY_SECONDS: Final = 0.01
"""How often they look."""
MAX_SERVERS: Final = 3
"""How many servers a batch is sent to, one after another."""
PLAYS: Final = 16
"""In a proof."""
_SEED: Final = 20_260_101
_log = structlog.get_logger()


class Server(Inference, Protocol):
    """An inference port whose answers come from another process, which can become another one."""

    @property
    def losses(self) -> int:
        """How often the connection was lost."""
        ...

    async def loss(self) -> None:
        """Returns when the connection is lost the next time."""

    async def stated_digest(self, model: ModelVersion) -> str | None:
        """The SHA-256 of the graph of a version, as the server states it; None if it states none.

        Raises:
            PlayscoreError: INFERENCE_UNAVAILABLE.
        """


class DisprovedError(Exception):
    """The server serves something else than was released: what differs."""


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """Known plays, and what the released graph answers to them."""

    digest: str
    """SHA-256 of the graph."""
    batch: Batch
    expected: Outputs

    def check_digest(self, stated: str | None) -> None:
        """Raises DisprovedError if the server states another graph, or none."""
        if stated is None:
            raise DisprovedError(
                "the model repository states no digest of the graph: make it with `playscore triton build`"
            )
        if stated != self.digest:
            raise DisprovedError(f"the model repository states graph {stated}; released was {self.digest}")

    def check_answer(self, answer: Outputs) -> None:
        """Raises DisprovedError unless it is the released graph's."""
        for name, expected in self.expected.items():
            found = answer.get(name)
            if found is None or found.shape != expected.shape:
                shape = None if found is None else list(found.shape)
                raise DisprovedError(f"{name} has shape {shape}, not {list(expected.shape)}")
            if not np.allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE):
                farthest = float(np.abs(found - expected).max())
                raise DisprovedError(f"{name} of known plays is {farthest:g} from the released graph's")


def known_plays(release: Release) -> Batch:
    """Plays of random numbers of several magnitudes, always the same: nothing about them is likely, all is defined."""
    random = np.random.default_rng(_SEED)
    frames, statics = len(release.features.frame_columns), len(release.features.static_columns)
    longest = release.bucket_lengths[0]

    def numbers(*shape: int) -> Floats:
        return (random.normal(size=shape) * 10.0 ** random.uniform(-1.0, 1.5, size=shape)).astype(np.float32)

    lengths = [max(longest * (play + 1) // PLAYS, min(longest, 1)) for play in range(PLAYS)]
    return pad([Tensor(numbers(length, frames), numbers(statics)) for length in lengths], longest)


async def prove(root: Path, releases: Sequence[Release]) -> Mapping[ModelVersion, Proof]:
    """A proof of each of `releases`, which lie under `root`, by the graph in this process."""
    proofs = {}
    for release in releases:
        released = OnnxInference(root, [release])
        await released.open()
        try:
            batch = known_plays(release)
            expected = await released.infer(release.key, batch, time.monotonic() + 60.0)
        finally:
            await released.close()
        proofs[release.key] = Proof(release.graph_sha256, batch, expected)
    return proofs


@dataclass(slots=True, eq=False)
class _Standing:
    """What is known of one version."""

    proof: Proof
    holds_since_loss: int | None = None
    """`Server.losses` when the proof was begun that held last; None: something else was found since."""
    missed_since: float | None = None
    """When it was first missed after a loss, seconds of `time.monotonic`; None: it has held since."""
    said: str | None = "not proven yet"
    """What the log says of it; None: that it holds."""
    doubted: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: prove it again now."""
    proving: asyncio.Lock = field(default_factory=asyncio.Lock)
    begun: float = -math.inf
    """When the last proof began, seconds of `time.monotonic`."""


class ProvenInference:
    """An inference port over a server that must prove each version before it is used, and go on proving it."""

    def __init__(self, server: Server, root: Path, releases: Sequence[Release], attempt_seconds: float) -> None:
        """Proves by the graphs of `releases` under `root`. A proof may take `attempt_seconds`."""
        self._server = server
        self._root = root
        self._releases = releases
        self._attempt_seconds = attempt_seconds
        self._standings: dict[ModelVersion, _Standing] = {}
        self._keeping: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Makes the proofs and begins to ask for them; a server that does not answer yet is no error."""
        proofs = await prove(self._root, self._releases)
        self._standings = {model: _Standing(proof) for model, proof in proofs.items()}
        await self._server.open()
        self._keeping = [asyncio.create_task(self._keep(*each)) for each in self._standings.items()]
        self._keeping.append(asyncio.create_task(self._doubt_after_losses()))

    async def ready(self, model: ModelVersion) -> bool:
        """Whether the server has proven the version and calls itself ready, or calls wait for the next that does."""
        standing = self._standings[model]
        return (self._holds(standing) and await self._server.ready(model)) or self._is_awaited(standing)

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        """Runs one batch on a version that has been proven; see `Inference.infer`."""
        standing = self._standings[model]
        for _ in range(MAX_SERVERS):
            while not self._holds(standing):
                if not self._is_awaited(standing):
                    raise _unproven(model)
                if time.monotonic() >= deadline:
                    raise TimeoutError("the deadline passed before another inference server had proven itself")
                await asyncio.sleep(LOOK_EVERY_SECONDS)
            losses = self._server.losses
            try:
                outputs = await self._server.infer(model, batch, deadline)
            except PlayscoreError as failure:
                if failure.reason is Reason.INFERENCE_UNAVAILABLE:
                    standing.doubted.set()
                    if self._server.losses != losses:
                        continue
                raise
            if self._server.losses == losses:
                return await self._checked(model, standing, outputs)
        raise _unproven(model)

    async def _checked(self, model: ModelVersion, standing: _Standing, outputs: Outputs) -> Outputs:
        if not all(np.isfinite(values).all() for values in outputs.values()):
            # The released graph may have no number for such plays; if the server fails its proof, it was the server.
            await self._prove(model, standing)
            if not self._holds(standing):
                raise _unproven(model)
        return outputs

    async def close(self) -> None:
        """Closes the server's port."""
        for task in self._keeping:
            task.cancel()
        await asyncio.gather(*self._keeping, return_exceptions=True)
        await self._server.close()

    def _holds(self, standing: _Standing) -> bool:
        return standing.holds_since_loss == self._server.losses

    def _is_awaited(self, standing: _Standing) -> bool:
        """Whether it held until the connection was lost, and may soon hold again."""
        if standing.holds_since_loss in (None, self._server.losses):
            return False
        now = time.monotonic()
        if standing.missed_since is None:
            standing.missed_since = now
        return now < standing.missed_since + HANDOVER_SECONDS

    async def _doubt_after_losses(self) -> None:
        while True:
            await self._server.loss()
            for standing in self._standings.values():
                standing.doubted.set()

    async def _keep(self, model: ModelVersion, standing: _Standing) -> None:
        while True:
            standing.doubted.clear()
            await self._prove(model, standing)
            if self._holds(standing):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(PROVE_EVERY_SECONDS):
                        await standing.doubted.wait()
            else:
                await asyncio.sleep(TRY_EVERY_SECONDS)

    async def _prove(self, model: ModelVersion, standing: _Standing) -> None:
        asked = time.monotonic()
        async with standing.proving:
            if standing.begun >= asked:  # by another batch that had to wait for the same
                return
            standing.begun = begin = time.monotonic()
            losses, wrong, answered = self._server.losses, None, True
            try:
                async with asyncio.timeout(self._attempt_seconds):
                    standing.proof.check_digest(await self._server.stated_digest(model))
                    answer = await self._server.infer(model, standing.proof.batch, begin + self._attempt_seconds)
                standing.proof.check_answer(answer)
            except PlayscoreError as failure:
                if failure.reason is Reason.OVERLOADED:  # which says nothing about what it serves
                    return
                wrong, answered = failure.detail, False
            except DisprovedError as failure:
                wrong = str(failure)
            except TimeoutError:
                wrong, answered = f"no answer to the proof within {self._attempt_seconds:g} s", False
            if wrong is None:
                standing.holds_since_loss, standing.missed_since = losses, None
            elif answered or standing.holds_since_loss == losses == self._server.losses:
                standing.holds_since_loss = None
        if wrong != standing.said:
            standing.said = wrong
            if wrong is None:
                _log.info("the inference server serves what was released", model=str(model))
            else:
                _log.error("the inference server does not prove what it serves", model=str(model), wrong=wrong)


def _unproven(model: ModelVersion) -> PlayscoreError:
    return PlayscoreError(
        Reason.INFERENCE_UNAVAILABLE,
        f"{model} is not available: the inference server has not proven that it serves it",
        retry_after_seconds=TRY_EVERY_SECONDS,
    )
