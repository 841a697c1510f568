"""The inference port over onnxruntime in this process: for machines where Triton does not run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import onnxruntime

from playscore.release import GRAPH, Release
from scorer.core.inference import Batch, Outputs


class OnnxInference:
    """Runs graphs on one thread beside the event loop; onnxruntime lets go of the interpreter while it computes."""

    def __init__(self, releases: Path, versions: Sequence[Release]) -> None:
        self._graphs = {
            release.version: releases / release.model / str(release.version) / GRAPH for release in versions
        }
        self._sessions: dict[int, onnxruntime.InferenceSession] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="onnxruntime")

    async def open(self) -> None:
        """Loads every graph."""
        loop = asyncio.get_running_loop()
        for version, graph in self._graphs.items():
            self._sessions[version] = await loop.run_in_executor(self._thread, _load, graph)

    async def ready(self, version: int) -> bool:
        """Whether the graph is loaded."""
        return version in self._sessions

    async def infer(self, version: int, batch: Batch, deadline: float) -> Outputs:
        """Runs one batch; see `Inference.infer`. A batch whose deadline passes while it queues is not run."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, _run, self._sessions[version], batch, deadline)

    async def close(self) -> None:
        """Ends the thread once what it works on is done."""
        self._thread.shutdown(wait=True)
        self._sessions.clear()


def _load(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, batch: Batch, deadline: float) -> Outputs:
    if time.monotonic() >= deadline:
        raise TimeoutError("the deadline passed while the batch waited for onnxruntime")
    logits, tails = session.run(
        ["logits", "tails"], {"frames": batch.frames, "mask": batch.mask, "static": batch.statics}
    )
    return Outputs(logits, tails)
