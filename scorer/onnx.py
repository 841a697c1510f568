"""The inference port over onnxruntime in this process, for machines where Triton does not run."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime, when imported, reports to its makers otherwise

import onnxruntime

from playscore.release import GRAPH, ModelVersion, Release
from scorer.core.inference import Batch, Outputs

NICE = 5


class OnnxInference:
    """Runs graphs on a thread beside the event loop; onnxruntime releases the interpreter lock while it computes."""

    def __init__(self, root: Path, releases: Sequence[Release]) -> None:
        """Runs `releases`, which lie under `root` as `<model>/<version>/`."""
        self._root = root
        self._releases = {release.key: release for release in releases}
        self._sessions: dict[ModelVersion, onnxruntime.InferenceSession] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="onnxruntime", initializer=_give_way)

    async def open(self) -> None:
        """Loads every graph."""
        loop = asyncio.get_running_loop()
        for key in self._releases:
            graph = self._root / key.name / str(key.version) / GRAPH
            self._sessions[key] = await loop.run_in_executor(self._thread, _load, graph)

    async def ready(self, model: ModelVersion) -> bool:
        """Whether the graph is loaded."""
        return model in self._sessions

    async def infer(self, model: ModelVersion, batch: Batch, deadline: float) -> Outputs:
        """Runs one batch; see `Inference.infer`. A batch whose deadline passes while it queues is not run."""
        loop = asyncio.get_running_loop()
        names = [output.name for output in self._releases[model].outputs]
        return await loop.run_in_executor(self._thread, _run, self._sessions[model], names, batch, deadline)

    async def close(self) -> None:
        """Ends the thread after its current batch."""
        self._thread.shutdown(wait=True)
        self._sessions.clear()


def _give_way() -> None:
    """Lets other threads go first: while one computes, the event loop would wait for its time slice on a busy core."""
    thread = threading.get_native_id()
    if os.getpriority(os.PRIO_PROCESS, thread) < NICE:  # to go back up would take a privilege
        os.setpriority(os.PRIO_PROCESS, thread, NICE)


def _load(graph: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, names: list[str], batch: Batch, deadline: float) -> Outputs:
    if time.monotonic() >= deadline:
        raise TimeoutError("the deadline passed while the batch waited for onnxruntime")
    answers = session.run(names, batch.inputs)
    return dict(zip(names, answers, strict=True))
