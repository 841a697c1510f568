"""Triton's Python backend over onnxruntime: runs the release's graph, many requests as one batch.

Triton imports this file in its own environment; playscore is not installed there.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # onnxruntime, when imported, reports to its makers otherwise

import numpy as np
import onnxruntime
import triton_python_backend_utils as pb_utils  # provided by Triton


class TritonPythonModel:
    """What Triton's Python backend calls."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the graph of this version. Raises ValueError if it is not the one that the configuration states."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        configuration = json.loads(args["model_config"])
        self.inputs = [taken["name"] for taken in configuration["input"]]
        self.outputs = [output["name"] for output in configuration["output"]]
        graph = (Path(args["model_repository"]) / args["model_version"] / "model.onnx").read_bytes()
        stated = configuration["parameters"][f"graph_sha256.{args['model_version']}"]["string_value"]
        if (found := hashlib.sha256(graph).hexdigest()) != stated:
            raise ValueError(f"version {args['model_version']} has graph {found}; its configuration states {stated}")
        on_gpu = args["model_instance_kind"] == "GPU"
        providers = ["CUDAExecutionProvider"] if on_gpu else ["CPUExecutionProvider"]
        self.session = onnxruntime.InferenceSession(graph, options, providers=providers)

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
