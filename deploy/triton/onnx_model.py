"""Triton's Python backend over onnxruntime: runs the release's graph, many requests as one batch.

Triton imports this file in its own environment; playscore is not installed there.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime, when imported, reports to its makers otherwise

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils  # provided by Triton


class FilledSessions:
    """One session of a graph for each shape, and batches filled up to a few sizes.

    In CUDA a session plans its convolutions again whenever the shape differs from the call before: 120 ms on an H200,
    where the work takes 2 ms.
    """

    def __init__(self, opened: Callable[[], Any], sizes: Sequence[int]) -> None:
        self._opened = opened
        self._sizes = sizes
        self._sessions: dict[tuple[tuple[int, ...], ...], Any] = {}

    def run(self, outputs: Sequence[str], batch: Mapping[str, Any]) -> list[Any]:
        """The outputs, each [B, ...], of inputs that are each [B, ...], B at most the largest size."""
        count = len(batch["static"])
        size = min(each for each in self._sizes if each >= count)
        filled = {
            name: np.concatenate([part, np.zeros((size - count, *part.shape[1:]), part.dtype)])
            for name, part in batch.items()
        }
        shape = tuple(part.shape for part in filled.values())
        if shape not in self._sessions:
            self._sessions[shape] = self._opened()
        return [answer[:count] for answer in self._sessions[shape].run(outputs, filled)]


class TritonPythonModel:
    """What Triton's Python backend calls."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the graph of this version. Raises ValueError if it is not the one that the configuration states."""
        configuration = json.loads(args["model_config"])
        self.inputs = [taken["name"] for taken in configuration["input"]]
        self.outputs = [output["name"] for output in configuration["output"]]
        graph = (Path(args["model_repository"]) / args["model_version"] / "model.onnx").read_bytes()
        stated = configuration["parameters"][f"graph_sha256.{args['model_version']}"]["string_value"]
        if (found := hashlib.sha256(graph).hexdigest()) != stated:
            raise ValueError(f"version {args['model_version']} has graph {found}; its configuration states {stated}")
        gpu = args["model_instance_device_id"] if args["model_instance_kind"] == "GPU" else None
        sizes = configuration["parameters"].get("batch_sizes")
        if sizes is None:
            self.session = opened(graph, gpu)
        else:
            listed = [int(size) for size in sizes["string_value"].split(",")]
            self.session = FilledSessions(lambda: opened(graph, gpu), listed)

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers requests with one run of the graph; Triton's batcher sends only plays of one length together."""
        columns = {
            name: [pb_utils.get_input_tensor_by_name(request, name).as_numpy() for request in requests]
            for name in self.inputs
        }
        batch = {name: parts[0] if len(parts) == 1 else np.concatenate(parts) for name, parts in columns.items()}
        answers = self.session.run(self.outputs, batch)
        sizes = [len(part) for part in columns["static"]]
        ends = np.cumsum(sizes)
        return [
            pb_utils.InferenceResponse(
                [
                    pb_utils.Tensor(name, answer[end - size : end])
                    for name, answer in zip(self.outputs, answers, strict=True)
                ]
            )
            for size, end in zip(sizes, ends, strict=True)
        ]


def opened(graph: bytes, gpu: str | None) -> Any:
    """A session on one core, or on the GPU of that number. Raises ValueError where onnxruntime cannot use the GPU."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    if gpu is None:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    onnxruntime.preload_dlls()  # CUDA and cuDNN, where they came as packages
    cuda = ("CUDAExecutionProvider", {"device_id": gpu, "use_tf32": "0"})  # TF32 is off by a hundredth
    session = onnxruntime.InferenceSession(graph, options, providers=[cuda])
    if cuda[0] not in session.get_providers():  # it would go on with the CPU
        raise ValueError(f"onnxruntime cannot use GPU {gpu}: {', '.join(onnxruntime.get_available_providers())}")
    return session
